"""ROC curves of weighted events."""

import math
from dataclasses import dataclass

import numpy as np

from calovision.metrics.efficiencies import interval, ratio, stacked_sums
from calovision.metrics.events import check_weights, event_labels, event_numbers, scaled_to_one

# background efficiencies of a region and of a curve that differ by less are one, but for rounding
SAME = 1e-12


@dataclass(frozen=True)
class RocCurve:
    """Efficiencies of ``score >= threshold``, from no event (threshold inf) to all events.

    Arrays ``(n_points,)``, thresholds descending. ``background_low`` and ``background_high`` are
    the 68.3 % interval of the background efficiency, ``background_n_eff`` is the effective number
    of background events that pass, ``background_share`` the part of the sum of their absolute
    weights.

    Attributes
    ----------
    thresholds
        Scores from which on events pass, descending.
    signal_efficiency, background_efficiency
        Weighted shares that pass.
    background_low, background_high, background_n_eff, background_share
        See above.
    """

    thresholds: np.ndarray
    signal_efficiency: np.ndarray
    background_efficiency: np.ndarray
    background_low: np.ndarray
    background_high: np.ndarray
    background_n_eff: np.ndarray
    background_share: np.ndarray


def roc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> RocCurve:
    """Weighted ROC curve with one point per distinct score.

    The curve starts at (0, 0), ends at (1, 1) and is monotonic for weights >= 0. With negative
    weights it may leave [0, 1] locally; it is not clipped, so that its area stays unbiased.

    Parameters
    ----------
    scores, labels, weights
        ``(n_events,)``: any finite numbers that grow with the likeness to signal; 1 signal, 0
        background; event weights of any sign.

    Raises
    ------
    InputError
        If the arrays are no columns of numbers, lengths differ, a score or weight is not finite, a
        label is neither 0 nor 1, or a class is empty or has no positive sum of weights.
    """
    scores, is_signal, weights = scored_events(scores, labels, weights)
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    weights = weights[order]
    is_background = ~is_signal[order]
    points = np.concatenate(
        [[0], np.flatnonzero(np.diff(scores)) + 1, [len(scores)]]
    )  # ends of the ties
    signal = _running(np.where(is_background, 0.0, weights))[points]
    passed = _running_sums(weights, is_background)[:, points]
    # Summed from the other end: the difference to the total would cancel digits.
    failed = _running_sums(weights[::-1], is_background[::-1])[:, len(scores) - points]
    low, high = interval(passed, failed)
    return RocCurve(
        thresholds=np.append(np.inf, scores[points[1:] - 1]),
        signal_efficiency=signal / signal[-1],
        background_efficiency=passed[0] / passed[0][-1],
        background_low=low,
        background_high=high,
        background_n_eff=ratio(
            passed[0] ** 2, _running(np.where(is_background, weights**2, 0.0))[points]
        ),
        background_share=passed[2] / passed[2][-1],
    )


def auc(curve: RocCurve) -> float:
    """Area under the signal efficiency as a function of the background efficiency (trapezoids over
    ties).

    Parameters
    ----------
    curve
        As `roc` gives it.
    """
    heights = curve.signal_efficiency[1:] + curve.signal_efficiency[:-1]
    return float(np.sum(np.diff(curve.background_efficiency) * heights) / 2)


def auc_with_error(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    """Area under the ROC curve and its standard error.

    Each event's share in the area is that of the other class which it is on the right side of, ties
    half; the error is that of the two weighted means of shares (DeLong et al., Biometrics 44 (1988)
    837, with weights), without the correction for few events.

    Raises
    ------
    InputError
        As `roc`.
    """
    value = auc(roc(scores, labels, weights))
    scores, is_signal, weights = scored_events(scores, labels, weights)
    variance = 0.0
    for mine in (is_signal, ~is_signal):
        order = np.argsort(scores[~mine], kind="stable")
        others, sums = scores[~mine][order], np.append(0.0, np.cumsum(weights[~mine][order]))
        sides = [np.searchsorted(others, scores[mine], side=side) for side in ("left", "right")]
        below = (sums[sides[0]] + sums[sides[1]]) / (2 * sums[-1])
        shares = below if mine is is_signal else 1 - below
        own = weights[mine] / weights[mine].sum()
        variance += float(np.sum((own * (shares - value)) ** 2))
    return value, math.sqrt(variance)


def crossing(
    background: np.ndarray,
    target: float,
    *,
    shares: np.ndarray | None = None,
    near: float | None = None,
) -> tuple[int, float]:
    """Place where a curve of background efficiencies has a value: the point before, and part of the
    way to the next.

    Where several points in a row have the value, the last of them counts: all signal above the next
    background event.

    Parameters
    ----------
    background
        Background efficiencies from the tightest to the loosest threshold, ``(n_points,)``.
    target
        Background efficiency.
    shares, near
        With negative weights a curve may pass the value several times. Without these arguments the
        first place counts. With them it is the one where ``shares`` (`RocCurve.background_share`;
        ``background`` itself if it never falls) is nearest to ``near``, that of the selection whose
        background efficiency the target is: among thresholds of the same background, the one that
        lets through as many events.

    Returns
    -------
    Index of the point, and a number in [0, 1). For a target that the curve never has, its highest
    point and 0.
    """
    same = 0.0 if near is None else SAME
    if (
        shares is background or (background[1:] >= background[:-1]).all()
    ):  # without negative weights: one place
        point = int(np.searchsorted(background, target + same, side="right")) - 1
        if point == len(background) - 1 or abs(background[point] - target) <= same:
            return point, 0.0
        return point, float(
            (target - background[point]) / (background[point + 1] - background[point])
        )
    distance = background - target
    distance[np.abs(distance) <= same] = 0.0
    here, after = distance[:-1], distance[1:]
    places = np.flatnonzero(
        ((here == 0) & (after != 0)) | (here < 0) & (after > 0) | (here > 0) & (after < 0)
    )
    if distance[-1] == 0:
        places = np.append(places, len(background) - 1)
    if not len(places):
        return int(np.argmax(background)), 0.0
    following = np.minimum(places + 1, len(background) - 1)
    steps = ratio(-distance[places], background[following] - background[places])
    if near is None:
        return int(places[0]), float(steps[0])
    found = shares[places] + steps * (shares[following] - shares[places])
    best = int(np.argmin(np.abs(found - near)))
    return int(places[best]), float(steps[best])


def between(values: np.ndarray, place: tuple[int, float]) -> float:
    """Value at a place that `crossing` found."""
    point, step = place
    following = min(point + 1, len(values) - 1)
    return (
        float(values[point] + step * (values[following] - values[point]))
        if step
        else float(values[point])
    )


def scored_events(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, labels as booleans, and weights of the scale of one; InputError as `roc`."""
    scores = event_numbers(scores, "scores")
    is_signal = event_labels(labels, n_events=len(scores), per="score")
    weights = event_numbers(weights, "weights", n_events=len(scores), finite=False, per="score")
    for name, members in (
        ("the signal (label 1)", is_signal),
        ("the background (label 0)", ~is_signal),
    ):
        check_weights(weights[members], name)
    # signal and background apart: the scale of one says nothing of that of the other
    largest = [scaled_to_one(weights[members]) for members in (is_signal, ~is_signal)]
    weights = np.empty(len(scores))
    weights[is_signal], weights[~is_signal] = largest
    return scores, is_signal, weights


def _running_sums(weights: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Sums (`stacked_sums`) of the members among the first 0, 1, ... n events, ``(3, n + 1)``."""
    weights = np.where(members, weights, 0.0)
    size = np.abs(weights)
    largest = np.append(0.0, np.maximum.accumulate(size))
    return stacked_sums(
        _running(weights), _running(weights**2), _running(size), _running(members), largest
    )


def _running(values: np.ndarray) -> np.ndarray:
    """Sum of the first 0, 1, ... n values, ``(n + 1,)``."""
    return np.append(0.0, np.cumsum(values))
