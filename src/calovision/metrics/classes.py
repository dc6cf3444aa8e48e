"""Areas under ROC curves of several classes, pair by pair."""

from itertools import permutations

import numpy as np

from calovision.core.errors import InputError
from calovision.metrics.events import check_weights, event_numbers, event_table, scaled_to_one


def pairwise_aucs(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted area under the ROC curve of the score of a class against each other class.

    Parameters
    ----------
    scores
        A score of each class, larger = more like it: probabilities or their logarithms,
        ``(n, n_classes)``.
    labels
        Number of the class of each row, ``(n,)``.
    weights
        ``(n,)``.

    Returns
    -------
    ``(n_classes, n_classes)``: the area for the rows of class i against those of class j by the
    score of i; NaN where both are one. Ties count half.

    Raises
    ------
    InputError
        If the columns do not fit each other, or a class has no row or no positive sum of weights.
    """
    scores = event_table(scores, "scores")
    labels = event_numbers(labels, "labels", n_events=len(scores), per="score")
    weights = event_numbers(weights, "weights", n_events=len(scores), per="score")
    n_classes = scores.shape[1]
    if not np.isin(labels, np.arange(n_classes)).all():
        raise InputError(f"labels must be those of {n_classes} classes, from 0 to {n_classes - 1}")
    members = [labels == label for label in range(n_classes)]
    for label, mine in enumerate(members):
        check_weights(weights[mine], f"class {label}")
    of_class = [scaled_to_one(weights[mine]) for mine in members]
    areas = np.full((n_classes, n_classes), np.nan)
    for one, other in permutations(range(n_classes), 2):
        areas[one, other] = _area(
            scores[members[one], one], of_class[one], scores[members[other], one], of_class[other]
        )
    return areas


def macro_auc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Mean of `pairwise_aucs` over all ordered pairs of classes (one versus one).

    That of Hand and Till, Machine Learning 45 (2001) 171, eq. 7, with weights. It does not depend
    on how frequent the classes are, and is the mean of each class versus the rest where all classes
    of the rest weigh the same.

    Parameters
    ----------
    scores, labels, weights
        As in `pairwise_aucs`.
    """
    return float(np.nanmean(pairwise_aucs(scores, labels, weights)))


def _area(
    signal: np.ndarray,
    signal_weights: np.ndarray,
    background: np.ndarray,
    background_weights: np.ndarray,
) -> float:
    """Weighted share of the background below a row of the signal, ties half."""
    order = np.argsort(background, kind="stable")
    background = background[order]
    below = np.append(0.0, np.cumsum(background_weights[order]))
    sums = sum(below[np.searchsorted(background, signal, side=side)] for side in ("left", "right"))
    return float(signal_weights @ sums / (2 * below[-1] * signal_weights.sum()))
