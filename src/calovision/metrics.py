"""Weighted efficiencies, ROC curves and working points with their uncertainties.

Scores grow with the likeness to signal; labels are 1 (signal) or 0 (background); weights are event weights of
any scale. All arrays are ``(n_events,)``. Intervals hold 68.3 % (one standard deviation).

An efficiency p of weighted events is as uncertain as that of n unweighted ones, where n makes the binomial
variance equal to the weighted one, ``((1 - p)^2 sum_passed w^2 + p^2 sum_failed w^2) / (sum w)^2``. Where few
events pass, n p becomes the effective number of *passing* events, as in the scaled Poisson distribution of Bohm
and Zech (arXiv:1309.1287): these limit a working point. A sample of a few weights underestimates ``sum w^2``, so
the difference between the largest and the mean squared weight is added (toys: it lifts the coverage from
0.56-0.67 to 0.66-0.75 from 5 passing events on; equal weights and many events do not change).

The interval is Wilson's (J. Am. Stat. Assoc. 22 (1927) 209): it needs no integer counts, is finite at 0 and 1,
and covers 68 % on average, where Clopper-Pearson covers too much (Brown, Cai, DasGupta, Stat. Sci. 16 (2001)
101). No interval knows of the heavy events that might have passed when only light ones did.
"""

from dataclasses import dataclass

import numpy as np

from calovision.errors import InputError

FEWEST_EXPECTED = 1.2  # background events: below, more than 30 % of the samples have none above the true threshold


@dataclass(frozen=True)
class Efficiency:
    """An efficiency with its 68.3 % interval and the effective number of events that limits it.

    ``n_eff`` is that of the events which pass: of the selection in `efficiency`, of the background in
    `signal_efficiency_at`.
    """

    value: float
    low: float
    high: float
    n_eff: float


@dataclass(frozen=True)
class RocCurve:
    """Efficiencies of ``score >= threshold``, from no event (threshold inf) to all events.

    Arrays ``(n_points,)``, thresholds descending. ``background_low`` and ``background_high`` are the 68.3 %
    interval of the background efficiency, ``background_n_eff`` is the effective number of background events
    that pass.
    """

    thresholds: np.ndarray
    signal_efficiency: np.ndarray
    background_efficiency: np.ndarray
    background_low: np.ndarray
    background_high: np.ndarray
    background_n_eff: np.ndarray


def n_effective(weights: np.ndarray) -> float:
    """Effective number of events, ``(sum w)^2 / sum w^2``; 0 for none or if all weights are 0."""
    weights = np.asarray(weights, dtype=np.float64)
    return float(_ratio(weights.sum() ** 2, (weights**2).sum()))


def efficiency(passed: np.ndarray, weights: np.ndarray, *, name: str = "the selection") -> Efficiency:
    """Weighted fraction of the events that pass, with its 68.3 % interval.

    Parameters
    ----------
    passed, weights
        Boolean and float arrays ``(n_events,)``. Negative weights are allowed: the value is clipped to [0, 1],
        and the interval is that of the absolute weights, widened by ``sum |w| / sum w`` and moved to the value.
    name
        Names the events in the messages, such as ``"the signal"``.

    Returns
    -------
    The efficiency; its ``n_eff`` counts the *passing* events.

    Raises
    ------
    InputError
        If there is no event, a weight is not finite, or the weights do not add up to a positive number.
    """
    passed = np.asarray(passed, dtype=bool)
    weights = _checked_weights(weights, len(passed), name=name)
    low, high = _interval(*_split(weights, passed))
    value = np.clip(weights[passed].sum() / weights.sum(), 0.0, 1.0)
    return Efficiency(float(value), float(min(low, value)), float(max(high, value)), n_effective(weights[passed]))


def roc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> RocCurve:
    """Weighted ROC curve with one point per distinct score.

    The curve starts at (0, 0), ends at (1, 1) and is monotonic for weights >= 0. With negative weights it may
    leave [0, 1] locally; it is not clipped, so that its area stays unbiased.

    Raises
    ------
    InputError
        If lengths differ, a score or weight is not finite, a label is neither 0 nor 1, or a class is empty or
        has no positive sum of weights.
    """
    scores, is_signal, weights = _checked(scores, labels, weights)
    order = np.argsort(-scores, kind="stable")
    scores, weights, is_background = scores[order], weights[order], ~is_signal[order]
    points = np.concatenate([[0], np.flatnonzero(np.diff(scores)) + 1, [len(scores)]])  # ends of the ties
    signal = _running(np.where(is_background, 0.0, weights))[points]
    passed = _running_sums(weights, is_background)[:, points]
    # Summed from the other end: the difference to the total would cancel digits.
    failed = _running_sums(weights[::-1], is_background[::-1])[:, len(scores) - points]
    low, high = _interval(passed, failed)
    return RocCurve(
        thresholds=np.append(np.inf, scores[points[1:] - 1]),
        signal_efficiency=signal / signal[-1],
        background_efficiency=passed[0] / passed[0][-1],
        background_low=low,
        background_high=high,
        background_n_eff=_ratio(passed[0] ** 2, _running(np.where(is_background, weights**2, 0.0))[points]),
    )


def auc(curve: RocCurve) -> float:
    """Area under the signal efficiency as a function of the background efficiency (trapezoids over ties)."""
    heights = curve.signal_efficiency[1:] + curve.signal_efficiency[:-1]
    return float(np.sum(np.diff(curve.background_efficiency) * heights) / 2)


def signal_efficiency_at(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, background_efficiency: float
) -> Efficiency:
    """Weighted signal efficiency at a given weighted background efficiency, the working point.

    Between two points of the ROC curve the result is linear: a cut that keeps a random part of the events tied at
    the threshold, which makes discrete scores (``n_fat_jets``) comparable with continuous ones.

    The interval adds two parts in quadrature: the binomial one of the signal, and the change of the signal
    efficiency when the background above the true threshold fluctuates by one standard deviation. Where that
    reaches down to no background (about one expected event) nothing bounds the true threshold from above, and
    ``low`` is 0. Below the resolution (no background event above the threshold) the value is that of all signal
    above the hardest background, which is optimistic, and ``n_eff`` is below 1.

    Returns
    -------
    The efficiency; its ``n_eff`` counts the *background* events that pass, those tied at the threshold with the
    part that the random cut keeps.

    Raises
    ------
    InputError
        As `roc`, and if ``background_efficiency`` is not in (0, 1].
    """
    if not 0.0 < background_efficiency <= 1.0:
        raise InputError(f"background efficiency {background_efficiency} is no working point; give one in (0, 1]")
    curve = roc(scores, labels, weights)
    scores, is_signal, weights = _checked(scores, labels, weights)
    value, tight, loose, share = _crossing(curve, background_efficiency)
    keeps = np.where(scores >= tight, 1.0, np.where(scores >= loose, share, 0.0))

    low, high = _interval(*_split(weights[is_signal], keeps[is_signal]))
    down, up = _threshold_range(curve, background_efficiency, weights[~is_signal], scores[~is_signal] >= loose)
    low = max(value - np.hypot(max(value - down, 0.0), max(value - low, 0.0)), 0.0)
    high = min(value + np.hypot(max(up - value, 0.0), max(high - value, 0.0)), 1.0)
    background, kept = weights[~is_signal], keeps[~is_signal]
    n_eff = _ratio((background @ kept) ** 2, background**2 @ kept)
    return Efficiency(value, float(low), float(high), float(n_eff))


def _crossing(curve: RocCurve, target: float) -> tuple[float, float, float, float]:
    """Signal efficiency, tighter and looser threshold, and kept share between them, at a background efficiency."""
    background = np.maximum.accumulate(curve.background_efficiency)  # the first crossing, with negative weights too
    after = int(np.searchsorted(background, target, side="right"))
    if after == len(background):
        return 1.0, float(curve.thresholds[-1]), float(curve.thresholds[-1]), 0.0
    share = float((target - background[after - 1]) / (background[after] - background[after - 1]))
    start, stop = curve.signal_efficiency[after - 1], curve.signal_efficiency[after]
    value = float(np.clip(start + share * (stop - start), 0.0, 1.0))
    return value, float(curve.thresholds[after - 1]), float(curve.thresholds[after]), share


def _threshold_range(curve: RocCurve, target: float, weights: np.ndarray, near: np.ndarray) -> tuple[float, float]:
    """Signal efficiencies where the background above the true threshold is one deviation low and high.

    ``near`` marks the background down to the looser threshold: its weights say what one event counts there.
    """
    size = np.abs(weights)
    sums = np.stack([weights, size**2, size])
    trials = _binomial_trials(sums @ near, sums @ ~near)
    deviation = np.sqrt(target * (1.0 - target) / trials) * size.sum() / weights.sum()
    is_bounded = target * trials > FEWEST_EXPECTED and target > deviation
    down = _crossing(curve, target - deviation)[0] if is_bounded else 0.0
    return down, _crossing(curve, min(target + deviation, 1.0))[0]


def _split(weights: np.ndarray, keeps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums (`_sums`) of the passing and of the failing events when each passes with probability ``keeps``."""
    size, keeps = np.abs(weights), np.asarray(keeps, dtype=np.float64)
    powers = np.stack([weights, weights**2, size, np.ones(len(weights))])
    return (
        _sums(*(powers @ keeps), np.max(size, where=keeps > 0, initial=0.0)),
        _sums(*(powers @ (1.0 - keeps)), np.max(size, where=keeps < 1, initial=0.0)),
    )


def _running_sums(weights: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Sums (`_sums`) of the members among the first 0, 1, ... n events, ``(3, n + 1)``."""
    weights = np.where(members, weights, 0.0)
    size = np.abs(weights)
    largest = np.append(0.0, np.maximum.accumulate(size))
    return _sums(_running(weights), _running(weights**2), _running(size), _running(members), largest)


def _running(values: np.ndarray) -> np.ndarray:
    """Sum of the first 0, 1, ... n values, ``(n + 1,)``."""
    return np.append(0.0, np.cumsum(values))


def _sums(total: np.ndarray, squares: np.ndarray, size: np.ndarray, n: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Sum of w, estimate of the sum of w^2 (module docstring) and sum of |w|, ``(3, ...)``."""
    return np.stack([total, squares + np.maximum(largest**2 - _ratio(size, n) ** 2, 0.0), size])


def _binomial_trials(passed: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Number of unweighted trials with the variance of the weighted efficiency (module docstring)."""
    total = passed[2] + failed[2]
    fraction = passed[2] / total
    variance = ((1.0 - fraction) ** 2 * passed[1] + fraction**2 * failed[1]) / total**2
    everything = total**2 / (passed[1] + failed[1])
    # a fraction that rounds to 0 or 1 counts as such: fraction * (1 - fraction) would make no trial of it
    one_sided = (passed[1] == 0) | (failed[1] == 0) | (fraction == 0) | (fraction == 1)
    return np.where(one_sided, everything, _ratio(fraction * (1.0 - fraction), variance))


def _interval(passed: np.ndarray, failed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 68.3 % interval (z = 1) from the sums of the passing and failing weights."""
    trials = _binomial_trials(passed, failed)
    fraction = passed[2] / (passed[2] + failed[2])
    center = (fraction + 0.5 / trials) / (1.0 + 1.0 / trials)
    half = np.sqrt(fraction * (1.0 - fraction) / trials + 0.25 / trials**2) / (1.0 + 1.0 / trials)
    total = passed[0] + failed[0]
    value, widening = np.clip(passed[0] / total, 0.0, 1.0), (passed[2] + failed[2]) / total
    low = value - widening * np.maximum(fraction - center + half, 0.0)  # rounding must not put the value outside
    high = value + widening * np.maximum(center + half - fraction, 0.0)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, 0 where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator != 0)


def _checked(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores and weights as float64 and labels as booleans, or an InputError."""
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if len(labels) != len(scores):
        raise InputError(f"labels have {len(labels)} entries but scores {len(scores)}; give one label per score")
    if not np.isfinite(scores).all():
        raise InputError(f"{np.sum(~np.isfinite(scores))} of {len(scores)} scores are not finite numbers")
    if not np.isin(labels, (0, 1)).all():
        raise InputError("labels must be 1 for signal and 0 for background")
    weights = np.asarray(weights, dtype=np.float64)
    if len(weights) != len(scores):
        raise InputError(f"weights have {len(weights)} entries but scores {len(scores)}; give one weight per score")
    is_signal = labels.astype(bool)
    for name, members in (("the signal (label 1)", is_signal), ("the background (label 0)", ~is_signal)):
        _checked_weights(weights[members], int(members.sum()), name=name)
    return scores, is_signal, weights


def _checked_weights(weights: np.ndarray, n_events: int, *, name: str) -> np.ndarray:
    """Weights as float64, or an InputError that names the class."""
    weights = np.asarray(weights, dtype=np.float64)
    if len(weights) != n_events:
        raise InputError(f"{name} has {n_events} events but {len(weights)} weights; give one weight per event")
    if n_events == 0:
        raise InputError(f"{name} has no event; an efficiency needs at least one")
    if not np.isfinite(weights).all():
        raise InputError(f"{name} has {np.sum(~np.isfinite(weights))} weights that are not finite numbers")
    if not weights.sum() > 0:
        raise InputError(f"the weights of {name} add up to {weights.sum():g}; their sum must be positive")
    return weights
