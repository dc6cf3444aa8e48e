"""Confusion of classes: sums of the weights by true and predicted class, normalised both ways."""

from collections.abc import Sequence

import numpy as np

from calovision.evaluation.results.tagging import Confusion
from calovision.evaluation.tagging.rows import TaggedRows


def confusion_of(predicted: np.ndarray, rows: TaggedRows) -> np.ndarray:
    """Sums of the weights by true and predicted class, ``(n_classes, n_classes)``; each true class
    adds up to 1.
    """
    n = rows.n_classes
    cells = rows.labels * n + predicted
    return np.bincount(cells, weights=rows.weights, minlength=n * n).reshape(n, n)


def confusion_shares(sums: np.ndarray, classes: Sequence[str]) -> Confusion:
    """Both normalisations of sums by true and predicted class."""
    of_prediction = sums.sum(axis=0)

    def share(true: int, predicted: int) -> float | None:
        total = of_prediction[predicted]
        return float(sums[true, predicted] / total) if total > 0 else None

    numbers = list(enumerate(classes))
    return Confusion(
        {name: {other: float(sums[i, j]) for j, other in numbers} for i, name in numbers},
        {name: {other: share(i, j) for j, other in numbers} for i, name in numbers},
    )
