"""Signal efficiencies at a background efficiency: a number, or that of a signal region."""

from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.metrics.efficiencies import (
    Efficiency,
    binomial_trials,
    efficiency,
    interval,
    ratio,
    split_sums,
)
from calovision.metrics.events import (
    check_weights,
    event_flags,
    event_labels,
    event_numbers,
    has_positive_sum,
    scaled_to_one,
)
from calovision.metrics.roc import RocCurve, between, crossing, roc, scored_events

FEWEST_EVENTS = (
    1.0  # effective background events: a number at a working point from fewer is an extrapolation
)
# background events: below, more than 30 % of the samples have none above the true threshold
FEWEST_EXPECTED = 1.2


def is_extrapolated(n_eff: float) -> bool:
    """True if less than one effective background event passes at a working point, which tables and
    figures mark.

    Parameters
    ----------
    n_eff
        Effective number of background events that pass.
    """
    return n_eff < FEWEST_EVENTS * (1 - 1e-9)


@dataclass(frozen=True)
class RegionPoint:
    """Background efficiency of a signal region, at which classifiers are compared with it.

    Attributes
    ----------
    background_efficiency
        That of the region; if no background survives in it (``is_limit``), its 68.3 % upper limit.
        Not clipped: it is above 1 where the weights outside add up to less than
        nothing.
    is_limit
        Whether no background event passes, or negative weights leave nothing of those that do.
    share
        Part of the sum of absolute weights of the background that passes; None for a limit.
    """

    background_efficiency: float
    is_limit: bool
    share: float | None


def region_point(region: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> RegionPoint:
    """Working point of a signal region: booleans, labels and weights ``(n_events,)``.

    Raises
    ------
    InputError
        If the arrays do not fit together, or there is no background of a positive sum of weights.
    """
    region = event_flags(region, "values of the signal region")
    is_signal = event_labels(labels, n_events=len(region))
    weights = event_numbers(weights, "weights", n_events=len(region), finite=False)[~is_signal]
    region = region[~is_signal]
    check_weights(weights, "the background (label 0)")
    scaled = scaled_to_one(weights)
    value = float(scaled[region].sum() / scaled.sum())
    size = np.abs(scaled)
    if not (has_positive_sum(weights[region]) and value > 0):
        return RegionPoint(efficiency(region, weights).high, is_limit=True, share=None)
    return RegionPoint(value, is_limit=False, share=float(size[region].sum() / size.sum()))


def signal_efficiency_at(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    background_efficiency: float | RegionPoint,
) -> Efficiency:
    """Weighted signal efficiency at a given weighted background efficiency, the working point.

    Between two points of the ROC curve the result is linear: a cut that keeps a random part of the
    events tied at the threshold, which makes discrete scores (``n_fat_jets``) comparable with
    continuous ones. With negative weights `calovision.metrics.crossing` says which threshold
    counts.

    The interval adds two parts in quadrature: the binomial one of the signal, and the change of the
    signal efficiency when the background above the true threshold fluctuates by one standard
    deviation. Where that reaches down to no background (about one expected event) nothing bounds
    the true threshold from above, and ``low`` is 0. Below the resolution (no background event above
    the threshold) the value is that of all signal above the hardest background, which is
    optimistic, and ``n_eff`` is below 1.

    Parameters
    ----------
    scores, labels, weights
        ``(n_events,)``.
    background_efficiency
        In (0, 1], or that of a signal region (`region_point`).

    Returns
    -------
    The efficiency; its ``n_eff`` counts the *background* events that pass, those tied at the
    threshold with the part that the random cut keeps.

    Raises
    ------
    InputError
        As `roc`, and if ``background_efficiency`` is not in (0, 1].
    """
    target, near = _target(background_efficiency)
    curve = roc(scores, labels, weights)
    scores, is_signal, weights = scored_events(scores, labels, weights)
    background = weights[~is_signal]
    of_background = scores[~is_signal]
    place = crossing(curve.background_efficiency, target, shares=curve.background_share, near=near)
    tight = curve.thresholds[place[0]]
    loose = curve.thresholds[min(place[0] + 1, len(curve.thresholds) - 1)]
    keeps = np.where(scores >= tight, 1.0, np.where(scores >= loose, place[1], 0.0))

    value = float(np.clip(between(curve.signal_efficiency, place), 0.0, 1.0))
    low, high = interval(*split_sums(weights[is_signal], keeps[is_signal]))
    down, up = _threshold_range(curve, target, near, background, of_background >= loose)
    low = max(value - np.hypot(max(value - down, 0.0), max(value - low, 0.0)), 0.0)
    high = min(value + np.hypot(max(up - value, 0.0), max(high - value, 0.0)), 1.0)
    kept = keeps[~is_signal]
    return Efficiency(
        value, float(low), float(high), float(ratio((background @ kept) ** 2, background**2 @ kept))
    )


def _target(background_efficiency: float | RegionPoint) -> tuple[float, float | None]:
    """Background efficiency, and the share of absolute weights that tells equal ones apart."""
    if isinstance(background_efficiency, RegionPoint):
        return background_efficiency.background_efficiency, background_efficiency.share
    try:
        target = float(background_efficiency)
    except (TypeError, ValueError):
        target = np.nan
    if not 0.0 < target <= 1.0:
        raise InputError(
            f"background efficiency {background_efficiency} is no working point; give one in (0, 1]"
        )
    return target, None


def _threshold_range(
    curve: RocCurve, target: float, near: float | None, weights: np.ndarray, passing: np.ndarray
) -> tuple[float, float]:
    """Signal efficiencies where the background above the true threshold is one deviation low and
    high.

    ``passing`` marks the background down to the looser threshold: its weights say what one event
    counts there.
    """
    deviation, trials = deviation_at(target, weights, passing)

    def signal_at(background: float) -> float:
        place = crossing(
            curve.background_efficiency, background, shares=curve.background_share, near=near
        )
        return float(np.clip(between(curve.signal_efficiency, place), 0.0, 1.0))

    is_bounded = target * trials > FEWEST_EXPECTED and target > deviation
    return signal_at(target - deviation) if is_bounded else 0.0, signal_at(
        max(min(target + deviation, 1.0), target)
    )


def deviation_at(target: float, weights: np.ndarray, passing: np.ndarray) -> tuple[float, float]:
    """Standard deviation of the efficiency at the true threshold of a working point, and the
    unweighted trials behind it.

    Parameters
    ----------
    target
        Efficiency of the working point.
    weights
        Of the class whose efficiency that is, ``(n,)``.
    passing
        Booleans ``(n,)``: the events down to the looser threshold, whose weights say what one event
        counts there.
    """
    size = np.abs(weights)
    probability = min(target, 1.0)
    sums = np.stack([weights, size**2, size])
    trials = binomial_trials(sums @ passing, sums @ ~passing)
    deviation = np.sqrt(probability * (1.0 - probability) / trials) * size.sum() / weights.sum()
    return deviation, trials
