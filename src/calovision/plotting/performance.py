"""ROC curves and the gain from combining."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import entry, shown, wrapped
from calovision.metrics import Efficiency, RocCurve
from calovision.plotting.curves import (
    EXTRAPOLATED,
    SIGNAL_GRID,
    BackgroundAxis,
    at_grid,
    draw_band,
    draw_curve,
    draw_edges,
    limit_ratio,
    lowest_meaningful,
    mark_of_point,
    working_point_title,
)
from calovision.plotting.regions import (
    Region,
    draw_regions,
    draw_signal_region,
    lowest_of,
    with_errors,
)
from calovision.plotting.style import (
    CLASSIFIER_NAMES,
    classifier_style,
    classifier_styles,
    legend_columns,
    mark_cut_bars,
    styled,
)

MOST_ROWS = 4  # of a legend in a figure of the usual height
ROW_INCHES = 0.22
MOST_LETTERS, FEW_TITLES = 60, 4  # of working points in one line


@styled
def plot_roc(
    curves: Mapping[str, RocCurve],
    *,
    signal_region: Region | None = None,
    regions: Mapping[str, Region] | None = None,
    reference: str | None = None,
    bands: tuple[str, ...] = ("cnn",),
    bootstrap: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    names: Mapping[str, str] = CLASSIFIER_NAMES,
    axis: str = "efficiency",
) -> Figure:
    """Background efficiency (logarithmic) against signal efficiency, and its ratio to a reference.

    Parameters
    ----------
    curves
        ROC curve of each classifier.
    signal_region
        Signal and background efficiency of the search's selection, drawn as a point with error
        bars.
    regions
        The same of further regions, by their titles.
    reference
        Classifier that the lower panel divides by, at equal signal efficiency; by default
        ``mj_sum`` or, where that is not among the curves, the first.
    bands
        Classifiers whose 68.3 % statistical band is drawn.
    bootstrap
        Classifier -> lower and upper background efficiency at each of `SIGNAL_GRID`: the band of a
        bootstrap over events and networks, between thin lines.
    names
        Titles of the classifiers; one that is absent shows its key.
    axis
        ``"efficiency"`` of the background, or its ``"rejection"``, 1/efficiency.

    Raises
    ------
    InputError
        If there is no curve, or ``reference`` is none of the curves.
    """
    if not curves:
        raise InputError("there is no ROC curve to draw: give at least one classifier")
    if reference is None:
        reference = "mj_sum" if "mj_sum" in curves else next(iter(curves))
    if reference not in curves:
        raise InputError(
            f"reference {reference!r} is no classifier; choose one of {', '.join(curves)}"
        )
    figure = Figure(figsize=(6.4, 6.8), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 1.2))
    background = BackgroundAxis(axis)
    divisor = at_grid(curves[reference], curves[reference].background_efficiency)
    styles = classifier_styles(curves)
    for name, curve in curves.items():
        color, line = styles[name]
        label = entry(names.get(name, name))
        draw_curve(top, curve, color=color, line=line, label=label, background=background)
        if name in bands:
            draw_band(top, curve, color, background)
        ratio = at_grid(curve, curve.background_efficiency) / divisor
        bottom.plot(SIGNAL_GRID, background.of(ratio), color=color, linestyle=line)
    for name, edges in ((name, one) for name, one in (bootstrap or {}).items() if name in styles):
        draw_edges(top, edges, styles[name].color, background)
    lowest = min(lowest_meaningful(curve) for curve in curves.values())
    if signal_region is not None:
        lowest = min(lowest, lowest_of([signal_region]))
        draw_signal_region((top, bottom), signal_region, divisor, background)
    if regions:
        lowest = min(lowest, lowest_of(list(regions.values())))
        draw_regions((top, bottom), regions, divisor, background)
    top.set(yscale="log", ylim=background.limits(lowest), xlim=(0, 1.02), ylabel=background.title)
    _legend_above(top, most=3)  # curves may go anywhere inside
    bottom.set(
        yscale="log",
        xlabel="Signal efficiency",
        ylabel=f"Ratio to\n{wrapped(names.get(reference, reference), 18)}",
    )
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in bottom.get_lines()]
    limit_ratio(bottom, np.concatenate(drawn))
    return figure


@styled
def plot_combination_gain(
    efficiencies: Mapping[str, Mapping[str, Efficiency]],
    *,
    combined: str = "cnn+jets",
    reference: str = "cnn",
    names: Mapping[str, str] = CLASSIFIER_NAMES,
) -> Figure:
    """Signal efficiency of each classifier at each working point, and the ratio of combined to
    reference.

    ``efficiencies`` maps classifier and working point (a background efficiency such as ``"0.01"``,
    or a name such as ``"signal_region"``) to the signal efficiency. The error bars of the ratio add
    both uncertainties as if they were independent; both classifiers see the same events, so that
    they are upper bounds.
    """
    for name in (combined, reference):
        if name not in efficiencies:
            raise InputError(
                f"classifier {name!r} has no efficiencies; choose one of {', '.join(efficiencies)}"
            )
    points = list(efficiencies[reference])
    if not points or any(set(points) - set(measured) for measured in efficiencies.values()):
        raise InputError(
            f"each classifier needs an efficiency at every working point of {reference!r}, at "
            "least one"
        )
    figure = Figure(figsize=(6.4, 6.2), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(2.6, 1))
    _draw_efficiencies(top, efficiencies, points, names)
    top.set(ylabel="Signal efficiency", ylim=(0, 1.05))
    _legend_above(top, most=2)
    _draw_gain(
        bottom,
        [efficiencies[combined][point] for point in points],
        [efficiencies[reference][point] for point in points],
        classifier_style(combined, 0).color,
    )
    bottom.set_ylabel(
        f"{shown(names.get(combined, combined))}\n/ {shown(names.get(reference, reference))}",
        fontsize=10,
    )
    marks = [mark_of_point([one[point] for one in efficiencies.values()]) for point in points]
    titles = [working_point_title(point) + mark for point, mark in zip(points, marks, strict=True)]
    _label_points(bottom, titles)
    note = f" ({EXTRAPOLATED})" if any(marks) else ""
    bottom.set(xlabel=f"Background efficiency{note}", xlim=(-0.5, len(points) - 0.5))
    for axes in (top, bottom):
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    return figure


def _draw_efficiencies(
    axes: Axes,
    efficiencies: Mapping[str, Mapping[str, Efficiency]],
    points: Sequence[str],
    names: Mapping[str, str],
) -> None:
    """Signal efficiencies of all classifiers, side by side at each working point."""
    offsets = np.linspace(-0.24, 0.24, len(efficiencies)) if len(efficiencies) > 1 else [0.0]
    styles = classifier_styles(efficiencies)
    for position, (name, measured) in enumerate(efficiencies.items()):
        axes.errorbar(
            np.arange(len(points)) + offsets[position],
            *with_errors([measured[point] for point in points]),
            fmt="os^Dvp*"[position % 7],
            color=styles[name].color,
            label=entry(names.get(name, name)),
            markersize=6,
        )


def _label_points(axes: Axes, titles: Sequence[str]) -> None:
    """Titles of the working points, slanted where they would run into each other."""
    has_room = sum(map(len, map(str, titles))) <= MOST_LETTERS or len(titles) <= FEW_TITLES
    slanted = {} if has_room else {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(np.arange(len(titles)), titles, **slanted)


def _draw_gain(
    axes: Axes, combined: list[Efficiency], reference: list[Efficiency], color: str
) -> None:
    """Ratio of efficiencies at each working point; triangles mark bars that go on."""
    x = np.arange(len(combined))
    values, errors = _gain(combined, reference)
    axes.errorbar(x, values, errors, fmt="o", color=color)
    axes.axhline(1, color="gray", linewidth=1)
    axes.set_ylim(_gain_limits(values, errors))
    mark_cut_bars(axes, x, values - errors[0], values + errors[1], color=color, along="y")


def _legend_above(axes: Axes, most: int) -> None:
    """Legend over a panel, in as many columns as fit."""
    labels = axes.get_legend_handles_labels()[1]
    figure = axes.get_figure()
    columns = legend_columns(labels, figure.get_figwidth(), most)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns)
    further_rows = ceil(len(labels) / columns) - MOST_ROWS
    if further_rows > 0:  # so that they take nothing from the panels
        figure.set_figheight(figure.get_figheight() + ROW_INCHES * further_rows)


def _gain(combined: list[Efficiency], reference: list[Efficiency]) -> tuple[np.ndarray, np.ndarray]:
    """Ratio of efficiencies with relative uncertainties in quadrature; nan where the reference is
    0.
    """
    above, above_errors = with_errors(combined)
    below, below_errors = with_errors(reference)
    above = np.where(above > 0, above, np.nan)
    below = np.where(below > 0, below, np.nan)
    relative = np.hypot(above_errors / above, below_errors[::-1] / below)
    return above / below, above / below * relative


def _gain_limits(values: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Limits that show the points, and their error bars up to a ratio of 0.5 and 1.5."""
    shift = np.abs(np.where(np.isfinite(values), values, 1.0) - 1.0)
    bars = np.where(np.isfinite(errors), errors, 0.0).max(axis=0) + shift
    spread = 1.1 * max(shift.max(initial=0.0) * 1.2, min(bars.max(initial=0.0), 0.5), 0.05)
    return max(1.0 - spread, 0.0), 1.0 + spread
