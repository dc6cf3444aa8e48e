"""Boosted trees on the variables of rows, for any number of classes."""

from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.ensemble import HistGradientBoostingClassifier

from calovision.core.errors import InputError

CHOICES = {"learning_rate": (0.05, 0.1), "max_leaf_nodes": (8, 31)}
MOST_TREES = 300  # of each class
STEP = 25  # trees between two looks at the validation loss


class FittedBoosting(NamedTuple):
    """Fitted trees, what was chosen, and the validation loss of it."""

    trees: HistGradientBoostingClassifier
    chosen: dict[str, Any]
    validation_loss: float

    def log_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Of rows with features ``(n, n_features)``, ``(n, n_classes)``."""
        last = self.chosen["n_trees"]
        (raw,) = islice(self.trees.staged_decision_function(features), last - 1, last)
        return _log_probabilities(raw)


def fit_boosting(
    training: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    validation: np.ndarray,
    validation_labels: np.ndarray,
    validation_weights: np.ndarray,
    *,
    seed: int,
) -> FittedBoosting:
    """Fit trees with each of `CHOICES`, and keep those, and as many of them, that have the lowest
    validation loss.

    Parameters
    ----------
    training, validation
        Features, ``(n, n_features)``; NaN where a row has none.
    labels, validation_labels
        Positions of the classes.
    weights, validation_weights
        Of the loss; those of negative weight are left out of it.
    seed
        Of everything random.

    Raises
    ------
    InputError
        If a class has no training row.
    """
    n_classes = int(max(labels.max(), validation_labels.max())) + 1
    missing = sorted(set(range(n_classes)) - set(np.unique(labels[weights > 0]).tolist()))
    if missing:
        raise InputError(
            f"the training split has no row of class number {missing[0]}: give rows of each class"
        )
    weights, seen = (np.maximum(one, 0.0) for one in (weights, validation_weights))
    best: FittedBoosting | None = None
    for values in product(*CHOICES.values()):
        choices = dict(zip(CHOICES, values, strict=True))
        trees = HistGradientBoostingClassifier(
            max_iter=MOST_TREES, early_stopping=False, random_state=seed, **choices
        ).fit(training, labels, sample_weight=weights)
        for n_trees, raw in enumerate(trees.staged_decision_function(validation), start=1):
            if n_trees % STEP:
                continue
            own = _log_probabilities(raw)[np.arange(len(validation)), validation_labels]
            loss = float(-np.average(own, weights=seen))
            if best is None or loss < best.validation_loss:
                best = FittedBoosting(trees, choices | {"n_trees": n_trees}, loss)
    return best


def _log_probabilities(raw: np.ndarray) -> np.ndarray:
    """Of the sums of the trees, ``(n,)`` or ``(n, 1)`` of two classes, else ``(n, n_classes)``."""
    raw = raw.reshape(len(raw), -1)
    if raw.shape[1] == 1:
        return np.hstack([log_expit(-raw), log_expit(raw)])
    return log_softmax(raw, axis=1)


def features_of_rows(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """Columns side by side, float64 ``(n, n_features)``, those of several numbers flattened; NaN
    where one is not finite.
    """
    n = len(columns[names[0]])
    table = np.hstack([np.asarray(columns[name], np.float64).reshape(n, -1) for name in names])
    return np.where(np.isfinite(table), table, np.nan)
