"""Reach of a search: significance and limits of cuts and classifiers."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter
from matplotlib.transforms import offset_copy

from calovision.core.titles import shown
from calovision.evaluation.results.numbers import Interval, LimitInterval
from calovision.evaluation.results.reach import ASYMPTOTIC, Reach, SelectionReach
from calovision.plotting.style import (
    CHARACTERS_PER_INCH,
    CLASSIFIER_NAMES,
    COLORS,
    number_axis,
    styled,
)

CUTS_COLOR = "black"
METHOD_STYLES = {  # color, marker, height within the row of a classifier
    "best_cut": (COLORS[1], "o", -0.17),
    "binned": (COLORS[0], "s", 0.17),
}
KINDS = ("significance", "limit")
METHOD_NAMES = {"best_cut": "Best score cut", "binned": "Score in bins"}
BAND_NAME = "Limits that may be observed, 68 %"
BOUND_NAME = "Bound: no background is left"
COUNTED_NAME = "Few events, counted"
ARROW = 20.0  # points


@styled
def plot_reach(reach: Reach, *, names: Mapping[str, str] = CLASSIFIER_NAMES) -> Figure:
    """Expected significance (left) and upper limit on the cross-section (right) of the cuts and of
    each classifier.

    Parameters
    ----------
    reach
        Significance and limits. Error bars are the statistical uncertainty of the simulation, light
        bars the +-1 standard deviation band of the expected limit. What has no number is left out.
        Arrows are at bounds, where no simulated background is left in a bin and an upper limit
        takes its place; marks of numbers that few expected events are counted for are hollow.
    names
        Titles of the classifiers; one that is absent shows its key.
    """
    classifiers = reach.classifiers
    titles = ["Cuts", *(shown(names.get(name, name)) for name in classifiers)]
    # without more width, long names would leave no room for the panels
    width = 8.4 + max(map(len, titles)) / CHARACTERS_PER_INCH
    figure = Figure(figsize=(width, 2.3 + 0.52 * len(titles)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    rows = [(0.0, CUTS_COLOR, "D", reach.cuts)]
    for row, records in enumerate(classifiers.values(), start=1):
        for method, (color, marker, height) in METHOD_STYLES.items():
            rows.append((row + height, color, marker, records[method]))
    for height, color, marker, record in rows:
        for axes, kind in zip(panels, KINDS, strict=True):
            _draw_record(axes, record, kind, height, color, marker)
    for axes, cuts in zip(panels, (reach.cuts.significance, _pb(reach.cuts)), strict=True):
        if cuts.value is not None and not reach.cuts.is_bound:  # a bound is nothing to compare with
            axes.axvline(cuts.value, color="gray", linewidth=1, linestyle="--", zorder=0)
        axes.tick_params(axis="y", which="both", left=False, right=False)
    panels[0].set(xlabel="Expected significance ($\\sigma$)", ylim=(len(classifiers) + 0.6, -0.6))
    panels[0].set_xlim(0, panels[0].get_xlim()[1] * 1.06)
    number_axis(panels[0].xaxis, 5)
    panels[0].set_yticks(range(len(titles)), titles)
    panels[1].axvline(reach.cross_section_pb, color=COLORS[8], linewidth=1.4, zorder=0)
    panels[1].set(xlabel="Expected 95 % CL limit on the cross-section (pb)", xscale="log")
    _dress_limits(panels[1], [_pb(record) for *_, record in rows], reach.cross_section_pb)
    theory = Line2D([], [], color=COLORS[8], linewidth=1.4, label="Theory")
    handles = [*_method_handles(), Patch(facecolor="gray", alpha=0.3, label=BAND_NAME), theory]
    records = [record for *_, record in rows]
    handles += mark_handles(
        any(record.is_bound for record in records),
        any(_is_counted(record, kind) for record in records for kind in KINDS),
    )
    figure.legend(handles=handles, loc="outside upper center", ncols=3, handletextpad=0.4)
    return figure


def _pb(record: SelectionReach) -> LimitInterval:
    """Limit on the cross-section, pb."""
    return record.limit.cross_section_pb


def _is_counted(record: SelectionReach, kind: str) -> bool:
    """Tell whether few events are expected, so that the asymptotic formula was not taken."""
    return getattr(record.method, kind) != ASYMPTOTIC


def draw_arrow(
    axes: Axes, start: tuple[float | None, float], length: tuple[float, float], color: str
) -> None:
    """Arrow from a value into the direction where the true one is; ``length`` in points."""
    if start[0] is not None:
        looks = {"arrowstyle": "->", "color": color, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
        tip = offset_copy(axes.transData, axes.get_figure(), *length, units="points")
        axes.annotate("", xy=start, xycoords=tip, xytext=start, textcoords="data", arrowprops=looks)


def mark_handles(has_bounds: bool, has_counted: bool) -> list[Line2D]:
    """Entries of the legend for what the figure has of both."""
    bound = Line2D(
        [],
        [],
        color="gray",
        marker=r"$\rightarrow$",
        markersize=14,
        linestyle="none",
        label=BOUND_NAME,
    )
    looks = {
        "color": "gray",
        "marker": "o",
        "markersize": 5,
        "markerfacecolor": "white",
        "linestyle": "none",
    }
    return [
        *([bound] if has_bounds else []),
        *([Line2D([], [], label=COUNTED_NAME, **looks)] if has_counted else []),
    ]


def _draw_record(
    axes: Axes, record: SelectionReach, kind: str, height: float, color: str, marker: str
) -> None:
    """Significance or limit of a selection; an arrow from a bound to where the true one is."""
    number = record.significance if kind == "significance" else _pb(record)
    _draw_number(axes, number, height, color, marker, is_counted=_is_counted(record, kind))
    if record.is_bound:
        length = ARROW if kind == "significance" else -ARROW
        draw_arrow(axes, (number.value, height), (length, 0), color)


def _draw_number(
    axes: Axes,
    number: Interval | LimitInterval,
    height: float,
    color: str,
    marker: str,
    *,
    is_counted: bool,
) -> None:
    """A value with its interval, and its band where it has one."""
    if number.value is None:
        return
    if isinstance(number, LimitInterval) and number.band_low is not None:
        width = number.band_high - number.band_low
        axes.barh(height, width, 0.26, left=number.band_low, color=color, alpha=0.22, linewidth=0)
    low, high = (number.value if edge is None else edge for edge in (number.low, number.high))
    errors = [[max(number.value - low, 0.0)], [max(high - number.value, 0.0)]]
    face = "white" if is_counted else color
    axes.errorbar(
        number.value,
        height,
        xerr=errors,
        fmt=marker,
        color=color,
        markersize=5,
        markerfacecolor=face,
    )


def _method_handles() -> list[Line2D]:
    """Entries of the legend for the cuts and the methods."""
    looks = [("Cuts", CUTS_COLOR, "D")]
    looks += [
        (METHOD_NAMES[method], color, marker)
        for method, (color, marker, _) in METHOD_STYLES.items()
    ]
    return [
        Line2D([], [], color=c, marker=m, linestyle="none", label=title) for title, c, m in looks
    ]


def _dress_limits(axes: Axes, limits: Sequence[LimitInterval], theory: float) -> None:
    """Range that shows all limits and theory; numbers between the powers of ten where there are few
    of these.
    """
    drawn = [number for limit in limits for number in vars(limit).values() if number is not None]
    low = min([*drawn, theory]) / 1.15
    high = max([*drawn, theory]) * 1.15
    axes.set_xlim(low, high)
    axes.xaxis.set_minor_formatter(NullFormatter())
    if high / low < 100:  # few powers of ten: twos and fives get a number, others would overlap
        axes.xaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        axes.xaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf)))
