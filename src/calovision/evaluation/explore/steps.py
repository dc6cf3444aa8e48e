"""Steps of a slider along a ROC curve, and what passes at each of them.

A step is a threshold; events pass with a score of at least it. Steps go from the tightest threshold
to the loosest, which all events pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from calovision.evaluation.explore.question import Question
from calovision.metrics import RocCurve, crossing, roc
from calovision.metrics.events import has_positive_sum


@dataclass(frozen=True)
class Side:
    """Signal or background at each step, ``(n_steps,)``: weighted efficiency, its 68.3 % interval,
    effective number of the events that pass.
    """

    efficiency: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_eff: np.ndarray


@dataclass(frozen=True)
class Steps:
    """Thresholds of one classifier, and what passes.

    Attributes
    ----------
    thresholds
        Descending, ``(n_steps,)``.
    signal, background
        Numbers of both sides.
    passed
        Numbers of events that pass, without weights, ``(n_classes, n_steps)``.
    efficiency
        Weighted parts of each class that pass, ``(n_classes, n_steps)``, not clipped; nan for a
        class whose weights add up to nothing.
    points
        Name of each working point -> its step.
    """

    thresholds: np.ndarray
    signal: Side
    background: Side
    passed: np.ndarray
    efficiency: np.ndarray
    points: dict[str, int]

    def place(self, scores: np.ndarray) -> np.ndarray:
        """First step that each score passes, as `place_of`."""
        return place_of(scores, self.thresholds)


def place_of(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """First of the descending thresholds that each score reaches, ``(n,)``; their number for one
    that reaches none.
    """
    return np.searchsorted(-thresholds, -scores, side="left")


def steps_of(
    scores: np.ndarray,
    question: Question,
    n_steps: int,
    *,
    backgrounds: dict[str, float] | None = None,
    signals: dict[str, float] | None = None,
) -> Steps:
    """Steps of the scores of one classifier.

    Parameters
    ----------
    scores
        ``(n,)``, larger = more like signal.
    question
        Signal and background.
    n_steps
        About how many steps there may be; a curve with fewer points has one for each.
    backgrounds, signals
        Working points by name: background efficiencies, and signal efficiencies. Each has a step:
        the loosest threshold that does not exceed it.

    Raises
    ------
    InputError
        As `calovision.metrics.roc`.
    """
    members = question.members
    labels, weights = question.is_signal[members], question.weights[members]
    curve = roc(scores[members], labels, weights)
    swapped = roc(scores[members], ~labels, weights)  # the interval of the signal
    points = {name: _at(curve.background_efficiency, x) for name, x in (backgrounds or {}).items()}
    points |= {name: _at(curve.signal_efficiency, x) for name, x in (signals or {}).items()}
    chosen = _choose(curve, n_steps, points.values())
    thresholds = curve.thresholds[chosen]
    found = Steps(
        thresholds,
        _side(swapped, chosen),
        _side(curve, chosen),
        *_classes(scores, question, thresholds),
        {name: int(np.searchsorted(chosen, point)) for name, point in points.items()},
    )
    return found


def _at(efficiencies: np.ndarray, target: float) -> int:
    """Point of a curve with the largest efficiency up to a target; not the one of no event."""
    return max(crossing(efficiencies, target)[0], 1)


def _side(curve: RocCurve, chosen: np.ndarray) -> Side:
    return Side(
        curve.background_efficiency[chosen],
        curve.background_low[chosen],
        curve.background_high[chosen],
        curve.background_n_eff[chosen],
    )


def _choose(curve: RocCurve, n_steps: int, wanted: Iterable[int]) -> np.ndarray:
    """Ascending indices of points: half of them equally far apart in the signal efficiency, half in
    the logarithm of the background efficiency, and those that are wanted.
    """
    last = len(curve.thresholds) - 1
    if last <= n_steps:
        return np.arange(1, last + 1)
    signal, background = (
        np.maximum.accumulate(one) for one in (curve.signal_efficiency, curve.background_efficiency)
    )
    half = n_steps // 2
    lowest = background[background > 0].min()
    places = [
        np.searchsorted(signal, np.linspace(0.0, 1.0, half)),
        np.searchsorted(background, np.geomspace(lowest, 1.0, half)),
        [1, last, *wanted],
    ]
    return np.unique(np.clip(np.concatenate(places), 1, last))


def _classes(
    scores: np.ndarray, question: Question, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of events of each class that pass, and their weighted parts."""
    places = place_of(scores, thresholds)
    n = len(thresholds)
    passed = np.zeros((question.n_classes, n), dtype=np.int64)
    efficiency = np.full((question.n_classes, n), np.nan)
    for label in range(question.n_classes):
        mine = question.labels == label
        passed[label] = np.cumsum(np.bincount(places[mine], minlength=n + 1)[:n])
        sums = np.bincount(places[mine], question.class_weights[mine], minlength=n + 1)
        if has_positive_sum(question.class_weights[mine]):
            efficiency[label] = np.cumsum(sums[:n]) / sums.sum()
    return passed, efficiency
