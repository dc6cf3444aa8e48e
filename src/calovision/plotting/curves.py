"""ROC curves: their axis, a grid of signal efficiencies, ratios, and titles of working points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from calovision.evaluation.results.numbers import MARK
from calovision.metrics import Efficiency, RocCurve, is_extrapolated

SIGNAL_GRID = np.linspace(0.02, 1.0, 491)
"""Signal efficiencies at which curves are drawn."""

LOWEST_BACKGROUND = 1e-6
"""Lower end of an axis of background efficiencies."""

EXTRAPOLATED = f"{MARK.strip()}: less than one background event"


FEW_POINTS = 25  # a curve with fewer points belongs to a discrete variable and shows them


@dataclass(frozen=True)
class BackgroundAxis:
    """Vertical axis of ROC curves, logarithmic.

    Attributes
    ----------
    kind
        ``"efficiency"`` of the background, or its ``"rejection"``, 1/efficiency.
    """

    kind: str = "efficiency"

    @property
    def is_rejection(self) -> bool:
        """Larger is better."""
        return self.kind == "rejection"

    @property
    def title(self) -> str:
        """Title of the axis."""
        return f"Background {self.kind}"

    def of(self, efficiencies: np.ndarray) -> np.ndarray:
        """Background efficiencies, or ratios of them, as they are drawn; nan for 1/0."""
        if not self.is_rejection:
            return efficiencies
        values = np.asarray(efficiencies, dtype=np.float64)
        return np.divide(1.0, values, out=np.full(values.shape, np.nan), where=values > 0)

    def limits(self, lowest: float) -> tuple[float, float]:
        """Limits that show background efficiencies from a lowest one on."""
        low, high = max(lowest / 2, LOWEST_BACKGROUND), 1.5
        return (1 / high, 1 / low) if self.is_rejection else (low, high)


EFFICIENCY = BackgroundAxis()


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


def draw_curve(
    axes: Axes,
    curve: RocCurve,
    *,
    color: str,
    line: str,
    label: str,
    background: BackgroundAxis = EFFICIENCY,
    width: float | None = None,
) -> None:
    """One ROC curve, from its first background event on."""
    marker = "o" if len(curve.thresholds) <= FEW_POINTS else ""
    is_shown = curve.background_efficiency > 0
    axes.plot(
        curve.signal_efficiency[is_shown],
        background.of(curve.background_efficiency[is_shown]),
        color=color,
        linestyle=line,
        marker=marker,
        markersize=4,
        linewidth=width,
        label=label,
    )


def draw_band(
    axes: Axes, curve: RocCurve, color: str, background: BackgroundAxis = EFFICIENCY
) -> None:
    """Statistical interval of the background efficiency along a curve."""
    low = at_grid(curve, curve.background_low)
    high = at_grid(curve, curve.background_high)
    low = np.maximum(low, LOWEST_BACKGROUND / 10)
    low, high = background.of(low), background.of(high)
    axes.fill_between(SIGNAL_GRID, low, high, color=color, alpha=0.2, linewidth=0)


def draw_edges(
    axes: Axes,
    edges: tuple[np.ndarray, np.ndarray],
    color: str,
    background: BackgroundAxis = EFFICIENCY,
) -> None:
    """Thin lines at both ends of a bootstrap's band, where they are above 0."""
    for edge in edges:
        values = background.of(np.where(edge > 0, edge, np.nan))
        axes.plot(SIGNAL_GRID, values, color=color, linewidth=0.7)
