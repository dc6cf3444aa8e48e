"""Fits of the shallow classifiers, each tuned on the validation split alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from calovision.core.errors import InputError
from calovision.evaluation.baselines.features import check_finite, column, features_of
from calovision.evaluation.baselines.shallow import BASELINES
from calovision.metrics.events import event_labels, event_numbers

Events = Mapping[str, np.ndarray]


class FittedShallow(NamedTuple):
    """A fitted classifier: the function from events to scores ``(n,)``, which are logits, and what
    was chosen.
    """

    score: Callable[[Events], np.ndarray]
    chosen: dict[str, Any]
    validation_loss: float


def fit_shallow(
    name: str,
    training: Events,
    training_weights: np.ndarray,
    validation: Events,
    validation_weights: np.ndarray,
    *,
    seed: int,
    further: Sequence[str] = (),
) -> FittedShallow:
    """Fit a classifier on the training split with each of its choices, and keep that of the lowest
    validation loss.

    Parameters
    ----------
    name
        In `BASELINES`.
    training, validation
        Event columns with ``label``.
    training_weights, validation_weights
        Of the loss, ``(n,)``, not negative, both classes of the same sum
        (`calovision.datasets.training_weights`).
    seed
        Of everything random.
    further
        Columns that it sees beside its own.

    Raises
    ------
    InputError
        If the classifier is unknown, a column is missing, arrays do not fit together, a number is
        not finite, a weight is negative, or a class has no event.
    """
    if name not in BASELINES:
        raise InputError(f"unknown classifier '{name}': choose from {', '.join(BASELINES)}")
    baseline = BASELINES[name]
    labels, training_weights = _checked(name, "training", training, training_weights)
    true, validation_weights = _checked(name, "validation", validation, validation_weights)
    features = partial(features_of, columns=tuple(dict.fromkeys((*baseline.features, *further))))
    inputs = check_finite(features(training))
    seen = check_finite(features(validation))
    best: FittedShallow | None = None
    for choices in _each(baseline.choices):
        pipeline = make_pipeline(StandardScaler(), baseline.make(seed, **choices))
        step = pipeline.steps[-1][0]
        pipeline.fit(inputs, labels, **{f"{step}__sample_weight": training_weights})
        loss = log_loss(true, pipeline.predict_proba(seen)[:, 1], sample_weight=validation_weights)
        if best is None or loss < best.validation_loss:
            best = FittedShallow(_scores(pipeline, features), choices, float(loss))
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
    """Argument of the logistic function in the last layer of a fitted network, ``(n,)``;
    scikit-learn keeps it back.
    """
    *hidden, last = zip(network.coefs_, network.intercepts_, strict=True)
    for weights, bias in hidden:
        features = np.maximum(features @ weights + bias, 0.0)  # its default activation
    weights, bias = last
    return (features @ weights + bias)[:, 0]
