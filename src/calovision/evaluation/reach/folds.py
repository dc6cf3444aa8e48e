"""Scores of folds on one scale, so that thresholds of a fold can be chosen on the events of others.

The networks of folds may have scores on different scales. Their signal has not: a score is placed
by the share of signal above it, which the validation events of the fold tell in many steps, while
few of their background events are left where a search cuts. Its own test events choose nothing.
"""

from collections.abc import Mapping

import numpy as np

from calovision.metrics.events import column_of, event_labels, event_numbers


class SignalScale:
    """Scores of a classifier of each fold as places among its signal.

    Parameters
    ----------
    name
        Column of the classifier.
    validation
        Columns ``(n,)``: that of the classifier, label, weight and fold; the validation events of
        the folds are stacked.

    Attributes
    ----------
    n_folds
        Number of folds.
    """

    def __init__(self, name: str, validation: Mapping[str, np.ndarray]) -> None:
        self._name = name
        scores = event_numbers(column_of(validation, name), f"scores of '{name}'")
        is_signal = event_labels(column_of(validation, "label")) == 1
        folds = _folds(validation)
        self.n_folds = int(folds.max()) + 1
        self._signal = [
            np.unique(scores[is_signal & (folds == fold)]) for fold in range(self.n_folds)
        ]

    def to_places(self, fold: int, scores: np.ndarray) -> np.ndarray:
        """Place of scores among the different signal scores of a fold, from 0 for the lowest to 1
        for the highest, linear between two; what lies outside goes on by its distance.
        """
        known = self._signal[fold]
        places = np.linspace(0.0, 1.0, len(known)) if len(known) > 1 else np.array([0.5])
        beyond = np.clip(scores, known[0], known[-1])
        return np.interp(scores, known, places) + (scores - beyond)

    def to_scores(self, fold: int, place: float) -> float:
        """Score of a fold at a place; inverse of `to_places`."""
        known = self._signal[fold]
        places = np.linspace(0.0, 1.0, len(known)) if len(known) > 1 else np.array([0.5])
        inside = float(np.clip(place, places[0], places[-1]))
        return float(np.interp(inside, places, known)) + (place - inside)

    def outside(self, fold: int, test: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Places, labels and weights of the test events of all other folds."""
        folds = _folds(test)
        scores = event_numbers(column_of(test, self._name), f"scores of '{self._name}'")
        places = np.empty(len(scores))
        for one in range(self.n_folds):
            members = folds == one
            places[members] = self.to_places(one, scores[members])
        others = folds != fold
        return [places[others], *(column_of(test, name)[others] for name in ("label", "weight"))]


def _folds(table: Mapping[str, np.ndarray]) -> np.ndarray:
    return event_numbers(column_of(table, "fold"), "folds").astype(int)
