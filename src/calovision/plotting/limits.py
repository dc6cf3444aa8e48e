"""Limits of a search against the mass of the signal."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from calovision.core.errors import InputError
from calovision.core.numeric import number_or_nan
from calovision.core.titles import entry
from calovision.evaluation.results.reach import ASYMPTOTIC, MassLimits, MassReach
from calovision.plotting.reach import ARROW, CUTS_COLOR, METHOD_NAMES, draw_arrow, mark_handles
from calovision.plotting.style import CLASSIFIER_NAMES, COLORS, styled


@styled
def plot_limits_against_mass(
    limits: MassReach,
    *,
    classifiers: Sequence[str],
    method: str = "binned",
    names: Mapping[str, str] = CLASSIFIER_NAMES,
) -> Figure:
    """Expected upper limits on the cross-section against the mass of the signal, with theory.

    Arrows and hollow marks as in `plot_reach`.

    Parameters
    ----------
    limits
        Limits and theory.
    classifiers
        Those to draw beside the cuts; the first one has the +-1 standard deviation band.
    method
        ``"best_cut"`` or ``"binned"``.
    names
        Titles of the classifiers; one that is absent shows its key.

    Raises
    ------
    InputError
        If a classifier or the method is unknown.
    """
    if method not in METHOD_NAMES:
        raise InputError(f"method '{method}' is unknown; choose one of {', '.join(METHOD_NAMES)}")
    for name in classifiers:
        if name not in limits.classifiers:
            raise InputError(
                f"classifier '{name}' has no limits; choose one of {', '.join(limits.classifiers)}"
            )
    masses = np.asarray(limits.masses, dtype=np.float64)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(masses, limits.theory_pb, color=COLORS[8], marker=".", label="Theory")
    _draw_curve(axes, masses, limits.cuts, "Cuts", CUTS_COLOR, "--", "D")
    for position, name in enumerate(classifiers):
        record = limits.classifiers[name][method]
        color = COLORS[position % 8]
        title = f"{entry(names.get(name, name))}, {METHOD_NAMES[method].lower()}"
        _draw_curve(axes, masses, record, title, color, "-", "os^vp*"[position % 6])
        if position == 0:
            _draw_limit_band(axes, masses, record, color)
    axes.set(xlabel="Mass (GeV)", ylabel="95 % CL limit on the cross-section (pb)", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    if len(masses) == 1:
        axes.set_xlim(masses[0] - 100, masses[0] + 100)
    handles, _ = axes.get_legend_handles_labels()
    looks = {"color": "gray", "linestyle": ":", "linewidth": 1.2}
    excluded = Line2D([], [], label="Excluded up to here", **looks)
    drawn = [limits.cuts, *(limits.classifiers[name][method] for name in classifiers)]
    marks = mark_handles(
        any(one.background_is_limit for one in drawn),
        any(_counted_masses(one).any() for one in drawn),
    )
    # curves may go anywhere inside
    axes.legend(
        handles=[*handles, excluded, *marks], loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2
    )
    return figure


def _draw_limit_band(axes: Axes, masses: np.ndarray, record: MassLimits, color: str) -> None:
    """Band of +-1 standard deviation of the expected limits; a bar where there is one mass."""
    low = _numbers(record.band_low)
    high = _numbers(record.band_high)
    if len(masses) == 1:
        middle = 0.5 * (low + high)
        axes.errorbar(masses, middle, 0.5 * (high - low), color=color, alpha=0.3, linewidth=8)
    looks = {"color": color, "alpha": 0.2, "linewidth": 0}
    axes.fill_between(masses, low, high, label=r"$\pm 1\sigma$, expected", **looks)


def _draw_curve(
    axes: Axes,
    masses: np.ndarray,
    record: MassLimits,
    title: str,
    color: str,
    line: str,
    marker: str,
) -> None:
    """Limits of one method; a dotted line at the mass that it excludes."""
    values = _numbers(record.value)
    excluded = record.excluded_mass.value
    axes.plot(masses, values, color=color, linestyle=line, marker=marker, label=title)
    counted = _counted_masses(record)
    axes.plot(
        masses[counted],
        values[counted],
        color=color,
        linestyle="none",
        marker=marker,
        markerfacecolor="white",
    )
    for mass, value in zip(masses, values, strict=True):
        if record.background_is_limit and np.isfinite(value):
            draw_arrow(axes, (mass, value), (0, -ARROW), color)
    if excluded is not None:
        axes.axvline(excluded, color=color, linestyle=":", linewidth=1.2, zorder=0)


def _counted_masses(limits: MassLimits) -> np.ndarray:
    """Masses whose limit is counted, booleans."""
    return np.array([method != ASYMPTOTIC for method in limits.method])


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    """Array with nan for None."""
    return np.array([number_or_nan(value) for value in values], dtype=np.float64)
