"""Numbers at a working point: the one place that computes them for tables, figures and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.results.numbers import REGION, Performance
from calovision.metrics import (
    Efficiency,
    RegionPoint,
    auc,
    efficiency,
    region_point,
    rejection_at,
    roc,
    signal_efficiency_at,
)
from calovision.metrics.events import column_of, event_flags, event_labels, event_numbers


@dataclass(frozen=True)
class RegionNumbers:
    """Efficiencies of the signal region, and the working point at which classifiers are compared
    with it.
    """

    signal: Efficiency
    background: Efficiency
    point: RegionPoint


def region_numbers(test: Mapping[str, Any], passed: np.ndarray | None = None) -> RegionNumbers:
    """Numbers of a region from the columns ``label`` and ``weight`` of test events.

    ``passed`` are the events in the region, booleans ``(n_events,)``; None for the column
    ``signal_region``.

    Raises
    ------
    InputError
        If a column is missing or no column of numbers, or a class has no positive sum of weights.
    """
    passed = column_of(test, REGION) if passed is None else passed
    region = event_flags(passed, "values of the signal region")
    is_signal = event_labels(column_of(test, "label"), n_events=len(region))
    weights = event_numbers(
        column_of(test, "weight"), "weights", n_events=len(region), finite=False
    )
    signal, background = (
        efficiency(region[members], weights[members], name=name)
        for name, members in (
            ("the signal (label 1)", is_signal),
            ("the background (label 0)", ~is_signal),
        )
    )
    return RegionNumbers(signal, background, region_point(region, is_signal, weights))


def named_points(efficiencies: Sequence[float]) -> dict[str, float]:
    """Working points by name, such as ``"0.01"``; InputError for anything but numbers."""
    try:
        return {f"{float(value):g}": float(value) for value in efficiencies}
    except (TypeError, ValueError) as error:
        raise InputError(f"efficiencies {efficiencies}: give numbers in (0, 1]") from error


def performance(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    points: Mapping[str, float | RegionPoint],
    signal_efficiencies: Sequence[float] = (),
) -> Performance:
    """AUC of scores, their signal efficiency at each working point, and their background rejection
    at each of ``signal_efficiencies``.
    """
    rejections = {
        name: rejection_at(scores, labels, weights, value)
        for name, value in named_points(signal_efficiencies).items()
    }
    return Performance(
        auc(roc(scores, labels, weights)),
        {
            name: signal_efficiency_at(scores, labels, weights, value)
            for name, value in points.items()
        },
        rejections or None,
    )


def mean_efficiency(efficiencies: Sequence[Efficiency]) -> Efficiency:
    """Mean over the networks of a model; the interval adds the mean interval and the spread of a
    network in quadrature.

    The spread is the standard deviation over the networks (dividing by n - 1). A single network
    gives its own result.
    """
    if len(efficiencies) == 1:
        return efficiencies[0]
    values, lows, highs, n_eff = np.array(
        [(one.value, one.low, one.high, one.n_eff) for one in efficiencies]
    ).T
    spread = np.std(values, ddof=1)
    value = np.mean(values)
    low = max(value - np.hypot(np.mean(values - lows), spread), 0.0)
    high = min(value + np.hypot(np.mean(highs - values), spread), 1.0)
    return Efficiency(float(value), float(low), float(high), float(np.mean(n_eff)))
