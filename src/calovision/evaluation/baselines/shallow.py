"""Shallow classifiers on the variables of an event, each tuned on the validation split alone.

The first four are those of the code of arXiv:1711.03573 on its 23 jet variables; ``referee`` boosts
trees on those together with small-R jets, shapes and counts.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import AdaBoostClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from calovision.core.errors import InputError
from calovision.evaluation.baselines.features import (
    check_finite,
    column,
    event_features,
    referee_features,
)
from calovision.metrics.events import event_labels, event_numbers

Events = Mapping[str, np.ndarray]


class ShallowClassifier(NamedTuple):
    """Its features, what makes it of a seed and choices, and the choices that are tried."""

    features: Callable[[Events], np.ndarray]
    make: Callable[..., ClassifierMixin]
    choices: Mapping[str, tuple]


class FittedShallow(NamedTuple):
    """A fitted classifier: the function from events to scores ``(n,)``, which are logits, and what
    was chosen.
    """

    score: Callable[[Events], np.ndarray]
    chosen: dict[str, Any]
    validation_loss: float


def _logistic_regression(seed: int, **choices: float) -> LogisticRegression:
    return LogisticRegression(max_iter=1000, random_state=seed, **choices)


def _adaboost(seed: int, depth: int, **choices: float) -> AdaBoostClassifier:
    return AdaBoostClassifier(DecisionTreeClassifier(max_depth=depth), random_state=seed, **choices)


def _gradient_boosting(seed: int, **choices: float) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(early_stopping=False, random_state=seed, **choices)


def _mlp(seed: int, **choices: object) -> MLPClassifier:
    return MLPClassifier(early_stopping=True, max_iter=100, random_state=seed, **choices)


BOOSTING = {"learning_rate": (0.03, 0.1), "max_leaf_nodes": (8, 31), "max_iter": (100, 300)}
SHALLOW_CLASSIFIERS = {
    "logistic_regression": ShallowClassifier(
        event_features, _logistic_regression, {"C": (0.01, 0.1, 1.0, 10.0)}
    ),
    "adaboost": ShallowClassifier(
        event_features,
        _adaboost,
        {"depth": (1, 2), "n_estimators": (50, 200), "learning_rate": (0.5,)},
    ),
    "gradient_boosting": ShallowClassifier(event_features, _gradient_boosting, BOOSTING),
    "mlp": ShallowClassifier(
        event_features, _mlp, {"hidden_layer_sizes": ((64,), (64, 64)), "alpha": (1e-4, 1e-2)}
    ),
    "referee": ShallowClassifier(referee_features, _gradient_boosting, BOOSTING),
}
"""Name in the results -> classifier."""


def fit_shallow(
    name: str,
    training: Events,
    training_weights: np.ndarray,
    validation: Events,
    validation_weights: np.ndarray,
    *,
    seed: int,
) -> FittedShallow:
    """Fit a classifier on the training split with each of its choices, and keep that of the lowest
    validation loss.

    Parameters
    ----------
    name
        In `SHALLOW_CLASSIFIERS`.
    training, validation
        Event columns with ``label``.
    training_weights, validation_weights
        Of the loss, ``(n,)``, not negative, both classes of the same sum
        (`calovision.datasets.training_weights`).
    seed
        Of everything random.

    Raises
    ------
    InputError
        If the classifier is unknown, a column is missing, arrays do not fit together, a number is
        not finite, a weight is negative, or a class has no event.
    """
    if name not in SHALLOW_CLASSIFIERS:
        raise InputError(
            f"unknown classifier '{name}': choose from {', '.join(SHALLOW_CLASSIFIERS)}"
        )
    kind = SHALLOW_CLASSIFIERS[name]
    labels, training_weights = _checked(name, "training", training, training_weights)
    true, validation_weights = _checked(name, "validation", validation, validation_weights)
    features, seen = check_finite(kind.features(training)), check_finite(kind.features(validation))
    best: FittedShallow | None = None
    for choices in _each(kind.choices):
        pipeline = make_pipeline(StandardScaler(), kind.make(seed, **choices))
        step = pipeline.steps[-1][0]
        pipeline.fit(features, labels, **{f"{step}__sample_weight": training_weights})
        loss = log_loss(true, pipeline.predict_proba(seen)[:, 1], sample_weight=validation_weights)
        if best is None or loss < best.validation_loss:
            best = FittedShallow(_scores(pipeline, kind.features), choices, float(loss))
    return best


def _checked(
    name: str, split: str, events: Events, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labels as integers, and the weights of the loss."""
    labels = event_labels(column(events, "label")).astype(int)
    if len(np.unique(labels)) < 2:
        raise InputError(
            f"the {split} split lacks a class: classifier '{name}' needs signal and background"
        )
    weights = event_numbers(weights, "weights", n_events=len(labels))
    if (weights < 0).any() or not weights.any():
        raise InputError(
            f"the {split} split has negative weights, or none above 0; a loss takes neither"
        )
    return labels, weights


def _each(choices: Mapping[str, tuple]) -> Iterator[dict[str, Any]]:
    """All combinations of the choices."""
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def _scores(
    pipeline: Pipeline, features: Callable[[Events], np.ndarray]
) -> Callable[[Events], np.ndarray]:
    """Logit of the probability of signal as a function of events: probabilities next to 0 and 1
    have ties.
    """
    scaler, classifier = (step for _, step in pipeline.steps)
    logits = (
        partial(_mlp_logits, classifier)
        if isinstance(classifier, MLPClassifier)
        else classifier.decision_function
    )
    return lambda events: logits(scaler.transform(check_finite(features(events))))


def _mlp_logits(network: MLPClassifier, features: np.ndarray) -> np.ndarray:
    """What the last layer of a fitted network gives to the logistic function, ``(n,)``;
    scikit-learn keeps it back.
    """
    *hidden, last = zip(network.coefs_, network.intercepts_, strict=True)
    for weights, bias in hidden:
        features = np.maximum(features @ weights + bias, 0.0)  # its default activation
    weights, bias = last
    return (features @ weights + bias)[:, 0]
