"""ROC curves on a grid of signal efficiencies, their ratios, and titles of working points."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from calovision.evaluation.results.numbers import MARK
from calovision.metrics import Efficiency, RocCurve, is_extrapolated

SIGNAL_GRID = np.linspace(0.02, 1.0, 491)
"""Signal efficiencies at which curves are drawn."""

LOWEST_BACKGROUND = 1e-6
"""Lower end of an axis of background efficiencies."""

EXTRAPOLATED = f"{MARK.strip()}: less than one background event"


def at_grid(curve: RocCurve, values: np.ndarray, grid: np.ndarray = SIGNAL_GRID) -> np.ndarray:
    """Interpolate values along a curve at a grid of signal efficiencies in (0, 1].

    They are nan where no background event passes.
    """
    signal = np.maximum.accumulate(curve.signal_efficiency)
    after = np.searchsorted(signal, grid, side="left")
    before = after - 1
    share = (grid - signal[before]) / (signal[after] - signal[before])
    background, found = (
        v[before] + share * (v[after] - v[before]) for v in (curve.background_efficiency, values)
    )
    return np.where(background > 0, found, np.nan)


def lowest_meaningful(curve: RocCurve) -> float:
    """Smallest background efficiency that at least one effective event and 2 % of the signal
    support.
    """
    supported = (curve.background_n_eff >= 0.999) & (curve.signal_efficiency >= SIGNAL_GRID[0])
    return float(
        np.min(
            curve.background_efficiency[supported & (curve.background_efficiency > 0)], initial=1.0
        )
    )


def limit_ratio(axes: Axes, drawn: np.ndarray) -> None:
    """Set limits of a ratio by the values drawn, at most four decades; words if there is none."""
    drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
    if not len(drawn):
        say_nothing_left(axes)
    axes.set_ylim(
        max(np.min(drawn, initial=0.5) / 1.5, 1e-3), min(np.max(drawn, initial=2.0) * 1.5, 30.0)
    )


def say_nothing_left(axes: Axes) -> None:
    """Say on a panel that perfect classifiers leave nothing to draw."""
    axes.text(
        0.5,
        0.5,
        "no background left to compare",
        transform=axes.transAxes,
        ha="center",
        va="center",
    )


def mark_of_point(efficiencies: Sequence[Efficiency]) -> str:
    """Mark of a working point with less than one effective background event of a classifier."""
    return MARK if any(is_extrapolated(one.n_eff) for one in efficiencies) else ""


def working_point_title(point: str) -> str:
    """``"0.01"`` as a power of ten; a name without underscores."""
    try:
        exponent = np.log10(float(point))
    except ValueError:
        return point.replace("_", " ")
    return f"$10^{{{round(exponent)}}}$" if np.isclose(exponent, round(exponent)) else point
