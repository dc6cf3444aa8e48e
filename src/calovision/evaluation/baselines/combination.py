"""The output of a network combined with the jet variables, by boosted trees."""

from collections.abc import Mapping

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from calovision.core.errors import InputError
from calovision.evaluation.baselines.features import check_finite, column, event_features
from calovision.metrics.events import event_labels, event_numbers

MOST_TREES = 150
FOLDS = 4  # of the cross-validation that chooses the number of trees
LARGE_SAMPLE = 20_000  # events; from here on 150 shallow trees do not overfit
START_LIMIT = 4.0  # largest |logit| from which the boosting starts


class NetworkStart(ClassifierMixin, BaseEstimator):
    """Logistic regression on the first feature, the network output: where the boosting starts.

    The trees start from at most `START_LIMIT`. From a probability closer to 0 or 1 the Newton step
    of a leaf, the sum of the residuals over that of p (1 - p), is huge as soon as one event of the
    leaf is on the wrong side. `beyond` is what the limit cuts off; added back, it keeps the order
    of the events.
    """

    def fit(
        self, features: np.ndarray, labels: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> "NetworkStart":
        """Fit slope and offset to the first column of ``features``."""
        self.regression_ = LogisticRegression().fit(
            features[:, :1], labels, sample_weight=sample_weight
        )
        self.classes_ = self.regression_.classes_
        return self

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Probability of background and signal, ``(n_events, 2)``, not closer to 0 or 1 than the
        limit.
        """
        logit = np.clip(
            self.regression_.decision_function(features[:, :1]), -START_LIMIT, START_LIMIT
        )
        return expit(np.column_stack([-logit, logit]))

    def beyond(self, features: np.ndarray) -> np.ndarray:
        """Part of the regression's logit beyond the limit, ``(n_events,)``."""
        logit = self.regression_.decision_function(features[:, :1])
        return logit - np.clip(logit, -START_LIMIT, START_LIMIT)


def fit_combination(
    scores: np.ndarray,
    events: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    seed: int,
) -> GradientBoostingClassifier:
    """Boost shallow trees on the jet variables, starting from the network output.

    The events must be new to the network (the validation split): on its training events it looks
    too good, and the trees would learn nothing. The trees add to the logit of the network output
    instead of replacing it: trees alone give one value to all events of a leaf, and so lose the
    order of the events beyond the hardest background, where the working points lie. Their number is
    cross-validated, so that few are used where the jet variables add nothing.

    Parameters
    ----------
    scores
        Network output, ``(n_events,)``: logits.
    events
        Columns as in `features`.
    labels, weights
        1 (signal) or 0, and event weights, ``(n_events,)``. Both classes are scaled to the same sum
        of weights; events of negative weight are left out of the fit.
    seed
        Of the subsampling.

    Returns
    -------
    The fitted estimator, for `combined_score`.

    Raises
    ------
    InputError
        If a class has no event of positive weight, lengths differ, a column is missing, or a number
        is not finite.
    """
    features = _combination_features(scores, events)
    labels = event_labels(labels).astype(int)
    weights = event_numbers(weights, "weights")
    if not len(labels) == len(weights) == len(features):
        raise InputError(
            f"{len(features)} scores, {len(labels)} labels and {len(weights)} weights; give one "
            "each an event"
        )
    weights = _balanced(labels, weights)
    n_trees = (
        MOST_TREES
        if len(labels) > LARGE_SAMPLE
        else _best_n_trees(features, labels, weights, seed=seed)
    )
    return _boosting(n_trees, len(labels), seed=seed).fit(features, labels, sample_weight=weights)


def combined_score(
    estimator: GradientBoostingClassifier, scores: np.ndarray, events: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Logit from the network output and the jet variables, ``(n_events,)``."""
    features = _combination_features(scores, events)
    return estimator.decision_function(features) + estimator.init_.beyond(features)


def _boosting(n_trees: int, n_events: int, *, seed: int) -> GradientBoostingClassifier:
    """Slow boosting of shallow, subsampled trees that starts from the network output."""
    return GradientBoostingClassifier(
        init=NetworkStart(),
        n_estimators=n_trees,
        learning_rate=0.05,
        max_depth=2,
        min_samples_leaf=max(20, n_events // 40),
        subsample=0.5,
        max_features=8,
        random_state=seed,
    )


def _best_n_trees(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, seed: int
) -> int:
    """Number of trees with the smallest cross-validated loss: few where the jet variables add
    nothing.
    """
    members = np.bincount(labels)
    if members.min() < FOLDS:
        return 1
    loss = np.zeros(MOST_TREES)
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(
        features, labels
    ):
        fitted = _boosting(MOST_TREES, len(train), seed=seed).fit(
            features[train], labels[train], weights[train]
        )
        beyond = fitted.init_.beyond(features[test])
        for stage, decision in enumerate(fitted.staged_decision_function(features[test])):
            signed = np.where(labels[test] == 1, -1.0, 1.0) * (decision[:, 0] + beyond)
            loss[stage] += np.sum(weights[test] * np.logaddexp(0.0, signed))
    return int(np.argmin(loss)) + 1


def _combination_features(scores: np.ndarray, events: Mapping[str, np.ndarray]) -> np.ndarray:
    """Network output, ``ht`` and the 23 jet variables, ``(n_events, 25)``."""
    scores = event_numbers(scores, "scores")
    jets = event_features(events)
    if len(scores) != len(jets):
        raise InputError(f"{len(scores)} scores but {len(jets)} events; give one score per event")
    ht = event_numbers(column(events, "ht"), "values of ht", n_events=len(jets), finite=False)
    return check_finite(np.column_stack([scores, ht, jets]))


def _balanced(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights with a mean of 1 and equal sums of both classes; negative ones become 0."""
    weights = np.maximum(weights, 0.0)
    sums = np.array([weights[labels == label].sum() for label in (0, 1)])
    for total, name in zip(sums, ("background (label 0)", "signal (label 1)"), strict=True):
        if not total > 0:
            raise InputError(
                f"no {name} event of positive weight to fit the combination; give events of both "
                "classes"
            )
    return weights * (0.5 * len(labels) / sums)[labels]
