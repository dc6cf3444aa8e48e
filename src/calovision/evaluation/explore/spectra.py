"""Histograms of weighted events of each class: of a score, and of a mass at each step of a cut."""

from dataclasses import dataclass

import numpy as np

from calovision.evaluation.explore.steps import Steps

TAIL = 0.0005
"""Part of the events on each side of a score that may lie in its outermost bins."""
N_SCORE_BINS = 50
FARTHEST = 1e300
"""Scores beyond stand for what is no number (`calovision.jets.signed`); no bin reaches so far."""
N_MASS_BINS = 30
MASS_QUANTILE = 0.995  # of all rows; what lies beyond is in the last bin


@dataclass(frozen=True)
class Histogram:
    """Sums of the weights in bins, and their statistical errors, ``(n_classes, n_bins)``.

    ``edges`` are ``(n_bins + 1,)``; what lies beyond the outermost is in the outermost bins.
    """

    edges: np.ndarray
    sums: np.ndarray
    errors: np.ndarray


def histogram(
    values: np.ndarray, labels: np.ndarray, weights: np.ndarray, n_classes: int, edges: np.ndarray
) -> Histogram:
    """Histogram of each class; rows whose value is no number are in none."""
    places = _bins(values, edges)
    cells = labels * len(edges) + places
    sums, squares = (
        np.bincount(cells, one, minlength=n_classes * len(edges)).reshape(n_classes, -1)[:, :-1]
        for one in (weights, weights**2)
    )
    return Histogram(edges, sums, np.sqrt(squares))


def spectra_at_steps(
    values: np.ndarray,
    scores: np.ndarray,
    steps: Steps,
    labels: np.ndarray,
    weights: np.ndarray,
    edges: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the weights, and their errors, of the rows that pass each step.

    Returns
    -------
    Two arrays ``(n_classes, n_steps, n_bins)``.
    """
    n_classes, n_steps = steps.passed.shape
    n_bins = len(edges)  # the last one is of values that are no numbers
    cells = (labels * (n_steps + 1) + steps.place(scores)) * n_bins + _bins(values, edges)
    sums, squares = (
        np.cumsum(
            np.bincount(cells, one, minlength=n_classes * (n_steps + 1) * n_bins).reshape(
                n_classes, n_steps + 1, n_bins
            )[:, :-1, :-1],
            axis=1,
        )
        for one in (weights, weights**2)
    )
    return sums, np.sqrt(squares)


def score_edges(scores: np.ndarray) -> np.ndarray:
    """Edges of the bins of a score: a bin for each value of a few whole numbers, else equal ones
    between the tails.
    """
    scores = scores[np.abs(scores) < FARTHEST]
    values = np.unique(scores) if len(scores) else np.zeros(1)
    is_whole = np.array_equal(values, np.round(values))
    if is_whole and np.ptp(values) < N_SCORE_BINS:
        return np.arange(values[0], values[-1] + 2) - 0.5
    low, high = np.quantile(scores, [TAIL, 1 - TAIL])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, N_SCORE_BINS + 1)


def mass_edges(values: np.ndarray) -> np.ndarray:
    """Edges of equal bins of a mass from 0 (or its lowest value), GeV."""
    values = values[np.isfinite(values)]
    low = min(float(values.min(initial=0.0)), 0.0)
    high = float(np.quantile(values, MASS_QUANTILE)) if len(values) else 0.0
    width = (high - low) / N_MASS_BINS
    if not width > 0:
        return np.linspace(low, low + 1.0, N_MASS_BINS + 1)
    scale = 10.0 ** np.floor(np.log10(width))
    step = scale * next(one for one in (1, 2, 2.5, 5, 10) if one * scale >= width * (1 - 1e-9))
    first = np.floor(low / step) * step
    return first + step * np.arange(int(np.ceil((high - first) / step)) + 1)


def _bins(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each value, ``(n,)``, the number of bins for one that is no number."""
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return np.where(np.isnan(values), len(edges) - 1, places)
