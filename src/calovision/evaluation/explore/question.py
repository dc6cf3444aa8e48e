"""Questions that classifiers are asked: which classes are signal, and which are background."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Question:
    """Signal against background, and the scores of all classifiers for it.

    Attributes
    ----------
    name, title
        Of the question.
    labels
        Class of each row, ``(n,)``.
    n_classes
        Number of classes.
    is_signal
        Booleans ``(n,)``.
    weights
        Of the rows in efficiencies of signal and background, ``(n,)``; of rows that are neither
        they do not count.
    members
        Rows that are signal or background, booleans ``(n,)``.
    class_weights
        Of the rows in numbers of single classes, ``(n,)``: any sign, any scale within a class.
    scores
        Classifier -> scores ``(n,)``.
    """

    name: str
    title: str
    labels: np.ndarray
    n_classes: int
    is_signal: np.ndarray
    weights: np.ndarray
    members: np.ndarray
    class_weights: np.ndarray
    scores: Mapping[str, np.ndarray]

    @property
    def sides(self) -> tuple[list[int], list[int]]:
        """Labels of the classes of the signal, and of the background."""
        signal = self.members & self.is_signal
        background = self.members & ~self.is_signal
        return np.unique(self.labels[signal]).tolist(), np.unique(self.labels[background]).tolist()
