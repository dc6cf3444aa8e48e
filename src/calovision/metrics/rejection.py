"""Background rejections (1/background efficiency) at a signal efficiency."""

from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.metrics.efficiencies import interval, ratio, split_sums
from calovision.metrics.events import has_positive_sum
from calovision.metrics.roc import SAME, between, roc, scored_events
from calovision.metrics.working_point import FEWEST_EXPECTED, deviation_at


@dataclass(frozen=True)
class Rejection:
    """A background rejection with its 68.3 % interval.

    Attributes
    ----------
    value
        Rejection; where no background is left (``is_limit``) the lower end of its interval.
    low, high
        Ends of the interval; ``high`` is None where nothing bounds it.
    n_eff
        Effective number of *background* events that pass.
    is_limit
        Whether no background event passes, or negative weights leave nothing of those that do.
    """

    value: float
    low: float
    high: float | None
    n_eff: float
    is_limit: bool = False


def rejection_at(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, signal_efficiency: float
) -> Rejection:
    """Weighted background rejection at a given weighted signal efficiency, the working point.

    The mirror image of `calovision.metrics.signal_efficiency_at`. Between two points of the ROC
    curve the background efficiency is linear: a cut that keeps a random part of the events tied at
    the threshold. Where several thresholds have the signal efficiency, as between two signal events
    or with negative weights, the tightest counts.

    The interval adds two parts in quadrature, of the background efficiency: the binomial one of the
    background, and its change when the signal above the true threshold fluctuates by one standard
    deviation.

    Parameters
    ----------
    scores, labels, weights
        ``(n_events,)``.
    signal_efficiency
        In (0, 1].

    Raises
    ------
    InputError
        As `calovision.metrics.roc`, and if ``signal_efficiency`` is not in (0, 1].
    """
    target = _target(signal_efficiency)
    curve = roc(scores, labels, weights)
    scores, is_signal, weights = scored_events(scores, labels, weights)
    signal, background = weights[is_signal], weights[~is_signal]
    place = _first_place(curve.signal_efficiency, target)
    tight = curve.thresholds[place[0]]
    loose = curve.thresholds[min(place[0] + 1, len(curve.thresholds) - 1)]
    keeps = np.where(scores >= tight, 1.0, np.where(scores >= loose, place[1], 0.0))
    kept = keeps[~is_signal]

    value = float(np.clip(between(curve.background_efficiency, place), 0.0, 1.0))
    low, high = interval(*split_sums(background, kept))
    deviation, trials = deviation_at(target, signal, scores[is_signal] >= loose)

    def background_at(efficiency: float) -> float:
        found = between(
            curve.background_efficiency, _first_place(curve.signal_efficiency, efficiency)
        )
        return float(np.clip(found, 0.0, 1.0))

    is_bounded = target * trials > FEWEST_EXPECTED and target > deviation
    down = background_at(target - deviation) if is_bounded else 0.0
    up = background_at(min(target + deviation, 1.0))
    low = max(value - np.hypot(max(value - down, 0.0), max(value - low, 0.0)), 0.0)
    high = min(value + np.hypot(max(up - value, 0.0), max(high - value, 0.0)), 1.0)
    n_eff = float(ratio((background @ kept) ** 2, background**2 @ kept))
    if not (value > 0 and has_positive_sum(background * kept)):
        return Rejection(float(1.0 / high), float(1.0 / high), None, n_eff, is_limit=True)
    return Rejection(1.0 / value, float(1.0 / high), float(1.0 / low) if low > 0 else None, n_eff)


def background_at(signal: np.ndarray, background: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Background efficiencies at signal efficiencies, the points of a curve as in `rejection_at`.

    Parameters
    ----------
    signal, background
        Of the curve, from the tightest threshold to the loosest, ``(n_points,)`` each.
    targets
        Signal efficiencies, ``(n,)``.

    Returns
    -------
    ``(n,)``: where several thresholds have the signal efficiency, that of the tightest; linear
    between two points; not clipped.
    """
    reached = np.searchsorted(np.maximum.accumulate(signal), np.asarray(targets) - SAME)
    point = np.minimum(reached, len(signal) - 1)
    before = np.maximum(point - 1, 0)
    is_there = (point == 0) | (np.abs(signal[point] - targets) <= SAME)
    step = (targets - signal[before]) / np.where(is_there, 1.0, signal[point] - signal[before])
    between_points = background[before] + step * (background[point] - background[before])
    return np.where(is_there, background[point], between_points)


def _target(signal_efficiency: float) -> float:
    try:
        target = float(signal_efficiency)
    except (TypeError, ValueError):
        target = np.nan
    if not 0.0 < target <= 1.0:
        raise InputError(
            f"signal efficiency {signal_efficiency} is no working point; give one in (0, 1]"
        )
    return target


def _first_place(signal: np.ndarray, target: float) -> tuple[int, float]:
    """Place where a curve of signal efficiencies first reaches a value, but for rounding: the point
    before, and the part of the way to the next.
    """
    reaches = signal >= target - SAME
    point = int(np.argmax(reaches)) if reaches.any() else int(np.argmax(signal))
    if point == 0 or not reaches.any() or abs(signal[point] - target) <= SAME:
        return point, 0.0
    return point - 1, float((target - signal[point - 1]) / (signal[point] - signal[point - 1]))
