"""Events that classifiers are compared on, and the folds whose classifiers score them."""

from typing import NamedTuple

import numpy as np

from calovision.core.splits import SPLITS, Folds
from calovision.storage import ImageCollection


class ScoredEvents(NamedTuple):
    """Rows of scores of classifiers that did not learn from the events.

    Without folds each event of the validation and test splits has one row. With folds an event has
    a row as a test event of its own fold, and one for each other fold that it validates; the rows
    of a fold are together.

    Attributes
    ----------
    indices
        Position of the event in the collection, ``(n_rows,)``.
    is_test
        Whether the row is of a test event, booleans ``(n_rows,)``; others validate.
    fold
        Fold whose classifiers score the row, ``(n_rows,)``; None without folds.
    """

    indices: np.ndarray
    is_test: np.ndarray
    fold: np.ndarray | None = None

    def rows(self, *, of_test: bool) -> np.ndarray:
        """Rows that test, or those that validate: by fold where an event has several, then in the
        order of the collection.
        """
        chosen = np.flatnonzero(self.is_test == of_test)
        if self.fold is None or not of_test:
            return chosen
        return chosen[np.argsort(self.indices[chosen], kind="stable")]

    def members(self) -> list[np.ndarray]:
        """Booleans of the rows of each fold, ``(n_rows,)``; without folds of all."""
        if self.fold is None:
            return [np.full(len(self.indices), True)]
        return [self.fold == fold for fold in np.unique(self.fold)]


def scored_events(collection: ImageCollection, folds: Folds | None = None) -> ScoredEvents:
    """Rows of all events of a collection that are scored: those of the validation and test splits
    or, with folds, of the validation and test splits of every fold.
    """
    if folds is None:
        return _unseen(collection.splits())
    of_folds = [_unseen(collection.splits(folds, fold), fold) for fold in range(folds.number)]
    return ScoredEvents(*map(np.concatenate, zip(*of_folds, strict=True)))


def _unseen(split: np.ndarray, fold: int | None = None) -> ScoredEvents:
    """Rows of the events that do not train, by the split of each event."""
    indices = np.flatnonzero(np.isin(split, [SPLITS.index(one) for one in ("validation", "test")]))
    is_test = split[indices] == SPLITS.index("test")
    return ScoredEvents(
        indices, is_test, None if fold is None else np.full(len(indices), fold, dtype=np.int64)
    )
