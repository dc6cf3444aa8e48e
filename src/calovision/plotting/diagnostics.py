"""Calibration, correlations and mass sculpting of scores."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from calovision.core.errors import InputError
from calovision.core.numeric import number_or_nan
from calovision.core.styles import PlotStyle
from calovision.core.titles import entry, shown, wrapped
from calovision.evaluation.results.diagnostics import Calibration, Correlation, MassSculpting
from calovision.jets.variables import VARIABLES
from calovision.plotting.curves import working_point_title
from calovision.plotting.style import (
    CLASSIFIER_NAMES,
    FADED,
    classifier_style,
    legend_columns,
    styled,
)

MARKERS = "os^Dvp*"
FEW_EVENTS = 10.0  # effective: numbers from fewer are gray
PANELS_IN_A_ROW = 3
LETTERS = 34  # in a line of the title of a panel
CUT_STYLES = (("#e76300", "-"), ("#832db6", "--"), ("#bd1f01", ":"), ("#717581", "-."))
VARIABLE_NAMES = {name: variable.axis_title for name, variable in VARIABLES.items()}
VARIABLE_NAMES |= {f"pt_{k}": rf"$p_\mathrm{{T}}$, jet {k} [GeV]" for k in range(1, 6)}
VARIABLE_NAMES |= {f"abs_eta_{k}": rf"$|\eta|$, jet {k}" for k in range(1, 6)}
VARIABLE_NAMES |= {f"mass_{k}": f"Mass, jet {k} [GeV]" for k in range(1, 6)}


@styled
def plot_calibration(
    calibrations: Mapping[str, Calibration], *, names: Mapping[str, str] = CLASSIFIER_NAMES
) -> Figure:
    """Fraction of signal against the score, for classes of equal sums of weights, and the share of
    the events per bin.

    Parameters
    ----------
    calibrations
        Classifier -> its calibration.
    names
        Titles of the classifiers; one that is absent shows its key.

    Raises
    ------
    InputError
        If there is no classifier.
    """
    if not calibrations:
        raise InputError(
            "no calibration to draw; give at least one classifier with scores in [0, 1]"
        )
    figure = Figure(figsize=(6.4, 7.0), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 1.2))
    top.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle=":")
    # bars side by side, or they hide each other
    spread = np.linspace(-0.012, 0.012, len(calibrations)) if len(calibrations) > 1 else [0.0]
    smallest = 1.0
    for position, (name, found) in enumerate(calibrations.items()):
        style = classifier_style(name, position)
        label = f"{entry(names.get(name, name))} (ECE {found.expected_calibration_error:.2g})"
        marker = MARKERS[position % len(MARKERS)]
        _draw_reliability(top, found, spread[position], marker=marker, style=style, label=label)
        shares = np.array([one.share for one in found.bins])
        edges = [one.low for one in found.bins] + [found.bins[-1].high]
        filled = np.where(shares > 0, shares, np.nan)
        bottom.stairs(filled, edges, color=style.color, linestyle=style.line, linewidth=1.5)
        smallest = np.min(shares[shares > 0], initial=smallest)
    top.set(
        ylabel="Fraction of signal (classes of equal weight)",
        ylim=(-0.03, 1.03),
        xlim=(-0.03, 1.03),
    )
    labels = top.get_legend_handles_labels()[1]
    top.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=legend_columns(labels, 6.4, 2))
    bottom.set(
        xlabel="Score", ylabel="Share of weights", yscale="log", ylim=(min(smallest / 2, 0.05), 1.5)
    )
    return figure


def _draw_reliability(
    axes: Axes, found: Calibration, shift: float, *, marker: str, style: PlotStyle, label: str
) -> None:
    """Fraction of signal in each bin of the score, moved aside by a little."""
    bins = [one for one in found.bins if one.predicted is not None]
    predicted = np.array([one.predicted for one in bins]) + shift
    observed = np.array([one.observed for one in bins])
    low = np.array([one.observed_low for one in bins])
    high = np.array([one.observed_high for one in bins])
    axes.errorbar(
        predicted,
        observed,
        np.maximum([observed - low, high - observed], 0.0),
        fmt=marker,
        color=style.color,
        elinewidth=1,
        label=label,
    )
    looks = {"color": style.color, "linestyle": style.line, "linewidth": 1, "alpha": 0.4}
    axes.plot(predicted, observed, **looks)


@styled
def plot_correlations(
    correlations: Mapping[str, Mapping[str, Mapping[str, Correlation]]],
    *,
    kind: str = "spearman",
    names: Mapping[str, str] = CLASSIFIER_NAMES,
    variable_titles: Mapping[str, str] | None = None,
) -> Figure:
    """Correlation of each score (columns) with each variable (rows), in per cent; one panel per
    class.

    Parameters
    ----------
    correlations
        Classifier -> class -> variable -> correlation. Numbers from less than `FEW_EVENTS`
        effective events are gray and in brackets, in a cell without color; a dash where there is
        none.
    kind
        "spearman" or "pearson".
    names
        As in `plot_calibration`.
    variable_titles
        Titles, with units, of variables beside those of the package.

    Raises
    ------
    InputError
        If there is no classifier or the kind is unknown.
    """
    if not correlations or kind not in ("spearman", "pearson"):
        raise InputError(
            f"{len(correlations)} classifiers, kind '{kind}': give at least one, and spearman or "
            "pearson"
        )
    first = next(iter(correlations.values()))
    variables = list(next(iter(first.values())))
    if not variables:
        raise InputError("no variable to correlate with; give at least one")
    width = 0.62 * len(correlations) * len(first)
    height = 0.29 * len(variables)
    figure = Figure(figsize=(max(width, 4.0) + 3.2, height + 2.0), layout="constrained")
    panels = figure.subplots(1, len(first), sharey=True, squeeze=False)[0]
    for axes, title in zip(panels, first, strict=True):
        cells = [
            [correlations[name][title][variable] for name in correlations] for variable in variables
        ]
        values = np.array([[number_or_nan(getattr(cell, kind)) for cell in row] for row in cells])
        is_sure = np.array([[cell.n_eff >= FEW_EVENTS for cell in row] for row in cells])
        mesh = axes.imshow(
            np.where(is_sure, values, np.nan), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto"
        )
        for row, column in np.ndindex(values.shape):
            _write_number(axes, column, row, values[row, column], is_sure=is_sure[row, column])
        axes.set_title(shown(title).capitalize())
        axes.set_xticks(
            range(len(correlations)), [shown(names.get(name, name)) for name in correlations]
        )
        axes.tick_params(axis="x", labelrotation=40)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
        axes.tick_params(which="both", length=0)
    titles = {**VARIABLE_NAMES, **(variable_titles or {})}
    panels[0].set_yticks(
        range(len(variables)), [shown(titles.get(name, name)) for name in variables]
    )
    panels[0].minorticks_off()
    figure.colorbar(
        mesh, ax=list(panels), label=f"{kind.capitalize()}'s correlation [%]", pad=0.02
    ).set_ticks([-1, -0.5, 0, 0.5, 1], labels=["-100", "-50", "0", "50", "100"])
    return figure


@styled
def plot_mass_sculpting(
    sculpting: Mapping[str, MassSculpting], *, names: Mapping[str, str] = CLASSIFIER_NAMES
) -> Figure:
    """Summed jet mass of the background before and after cuts on each score, each with the ratio to
    before.

    Parameters
    ----------
    sculpting
        Classifier -> its mass sculpting.
    names
        As in `plot_calibration`.

    Raises
    ------
    InputError
        If there is no classifier.
    """
    if not sculpting:
        raise InputError("no mass distribution to draw; give at least one classifier")
    n_columns = 2 if len(sculpting) == 4 else min(len(sculpting), PANELS_IN_A_ROW)
    n_rows = -(-len(sculpting) // n_columns)
    figure = Figure(figsize=(1.2 + 3.5 * n_columns, 0.6 + 4.6 * n_rows), layout="constrained")
    grid = figure.subplots(
        2 * n_rows,
        n_columns,
        sharex=True,
        sharey="row",
        squeeze=False,
        height_ratios=(3, 1) * n_rows,
    )
    points = list(dict.fromkeys(point for found in sculpting.values() for point in found.cuts))
    styles = {point: CUT_STYLES[k % len(CUT_STYLES)] for k, point in enumerate(points)}
    for number in range(n_rows * n_columns):
        row, column = divmod(number, n_columns)
        top, bottom = grid[2 * row : 2 * row + 2, column]
        if number >= len(sculpting):
            top.remove()
            bottom.remove()
            continue
        name, found = list(sculpting.items())[number]
        _draw_sculpting(top, bottom, found, styles)
        top.set_title(wrapped(names.get(name, name), LETTERS))
        bottom.set_xlabel(r"Background $M_J^\Sigma$ [GeV]")
        bottom.tick_params(labelbottom=True)
        bottom.set_xlim(found.edges[0], max(one.edges[-1] for one in sculpting.values()))
        if column == 0:
            top.set(yscale="log", ylabel="Fraction of events")
            bottom.set(yscale="log", ylabel="Ratio to\nall")
    for row in range(n_rows):
        _limit_logarithm(grid[2 * row, 0], grid[2 * row, :], largest=2.0)
        _limit_logarithm(grid[2 * row + 1, 0], grid[2 * row + 1, :], largest=1e3)
    _add_legend(figure, styles)
    return figure


def _add_legend(figure: Figure, styles: Mapping[str, tuple[str, str]]) -> None:
    """Legend of all events and of the cuts at the working points."""
    handles = [Line2D([], [], color="black", label="All background events")]
    for point, (color, line) in styles.items():
        label = f"Background efficiency {working_point_title(point)}"
        handles.append(Line2D([], [], color=color, linestyle=line, label=label))
    columns = legend_columns([one.get_label() for one in handles], figure.get_figwidth())
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)


def _write_number(axes: Axes, x: float, y: float, value: float, *, is_sure: bool) -> None:
    """A correlation in per cent in its cell."""
    if np.isnan(value):
        text = "-"
    else:
        text = f"{round(100 * value)}" if is_sure else f"({round(100 * value)})"
    color = FADED
    if is_sure:
        color = "white" if abs(value) > 0.6 else "black"
    axes.text(x, y, text, ha="center", va="center", color=color, fontsize=9)


def _draw_sculpting(
    top: Axes, bottom: Axes, found: MassSculpting, styles: Mapping[str, tuple[str, str]]
) -> None:
    """Distributions of one classifier, and their ratios to that of all events."""
    edges = np.asarray(found.edges)
    before = np.asarray(found.before.fraction)
    centers = (edges[1:] + edges[:-1]) / 2
    lines = []
    top.stairs(np.where(before > 0, before, np.nan), edges, color="black", linewidth=1.5)
    bottom.axhline(1, color="black", linewidth=1)
    for point, after in found.cuts.items():
        color, line = styles[point]
        fraction = np.asarray(after.fraction)
        error = np.asarray(after.error)
        shown = fraction > 0
        top.stairs(np.where(shown, fraction, np.nan), edges, color=color, linestyle=line)
        top.errorbar(
            centers[shown], fraction[shown], error[shown], fmt="none", ecolor=color, elinewidth=1
        )
        shown &= before > 0
        ratio = fraction[shown] / before[shown]
        bar = error[shown] / before[shown]
        looks = {"fmt": "o", "markersize": 3, "color": color, "elinewidth": 1}
        bottom.errorbar(centers[shown], ratio, bar, **looks)
        lines.append(
            f"{working_point_title(point)}: {after.divergence:.2f} "
            f"({after.divergence_by_chance:.2f})"
        )
    if not lines:
        lines = ["too few events pass any cut"]
    else:
        lines.insert(0, "Divergence (by chance)")
    top.text(
        0.97, 0.97, "\n".join(lines), transform=top.transAxes, ha="right", va="top", fontsize=9
    )


def _limit_logarithm(axes: Axes, panels: np.ndarray, *, largest: float) -> None:
    """Limits of a row of logarithmic panels from the middle of what is drawn, with room for words
    above.
    """
    drawn = []
    for panel in panels:
        for patch in panel.patches:
            drawn += list(np.asarray(patch.get_data().values))
        for container in panel.containers:
            drawn += list(container[0].get_ydata()) if container[0] is not None else []
    drawn = np.array(drawn, dtype=np.float64)
    drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
    low = np.min(drawn, initial=0.2 if largest > 2 else 1.0)
    high = np.max(drawn, initial=5.0 if largest > 2 else 0.0)
    room = (high / low) ** 0.45 if largest <= 2 else 1.5
    axes.set_ylim(max(low / 2, 1e-6), min(max(high, low) * room * 1.5, largest * 100))
