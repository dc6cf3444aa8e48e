"""Taggers in bins, calibration of the classes, sculpting of the mass of the background."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.evaluation.results.diagnostics import Calibration, MassSculpting
from calovision.evaluation.results.tagging_details import BinnedVariable, TaggerBin
from calovision.plotting.style import COLORS, classifier_styles, styled
from calovision.plotting.tagging.panels import (
    draw_lower_limits,
    grid_width,
    legend_above,
    legend_height,
    nothing_to_draw,
    panels,
    set_title,
)

SIZE = (3.5, 2.9)
KINDS = {"rejection": "Background\nrejection", "background": "Background\nefficiency"}


@styled
def plot_binned_rejections(
    bins: Mapping[str, BinnedVariable],
    *,
    discriminants: Mapping[str, str],
    names: Mapping[str, str],
    variables: Mapping[str, str],
) -> Figure:
    """Rejection of each classifier within bins: a row of panels per discriminant, a column per
    variable; words where there are no bins.

    Parameters
    ----------
    bins
        Variable -> its bins.
    discriminants, names, variables
        Titles of discriminants, classifiers and variables, the last with units.
    """
    return _binned("rejection", bins, discriminants, names, variables)


@styled
def plot_binned_backgrounds(
    bins: Mapping[str, BinnedVariable],
    *,
    discriminants: Mapping[str, str],
    names: Mapping[str, str],
    variables: Mapping[str, str],
) -> Figure:
    """Background efficiency of one threshold for all bins; arguments as of
    `plot_binned_rejections`.
    """
    return _binned("background", bins, discriminants, names, variables)


def _binned(
    kind: str,
    bins: Mapping[str, BinnedVariable],
    discriminants: Mapping[str, str],
    names: Mapping[str, str],
    variables: Mapping[str, str],
) -> Figure:
    if not bins or not discriminants:
        return nothing_to_draw("No variable of these rows has bins")
    first = next(iter(bins.values()))
    labels = [names.get(name, name) for name in first.taggers]
    size = (4.1, 2.7)
    width = max(size[0] * len(bins), 5.0)
    figure, every = panels(
        len(discriminants) * len(bins),
        size=size,
        n_columns=len(bins),
        above=legend_height(labels, width),
    )
    styles = classifier_styles(first.taggers)
    for place, axes in enumerate(every):
        discriminant = list(discriminants)[place // len(bins)]
        variable, binned = list(bins.items())[place % len(bins)]
        for position, (name, of_tagger) in enumerate(binned.taggers.items()):
            color, line = styles[name]
            shift = (position - (len(binned.taggers) - 1) / 2) / (3 * len(binned.taggers))
            _draw_bins(axes, binned.edges, of_tagger[discriminant], kind, shift, color, line)
        _finish_bins(axes, kind, binned.signal_efficiency)
        axes.set(
            xlabel=shown(variables.get(variable, variable)),
            xlim=binned.edges[:: len(binned.edges) - 1],
        )
        set_title(axes, discriminants[discriminant], size[0])
    handles = [
        figure.axes[0].plot([], [], color=styles[name].color, linestyle=styles[name].line)[0]
        for name in first.taggers
    ]
    legend_above(figure, handles, labels)
    return figure


def _draw_bins(
    axes: Axes,
    edges: Sequence[float],
    numbers: Sequence[TaggerBin],
    kind: str,
    shift: float,
    color: str,
    line: str,
) -> None:
    """Points with intervals, shifted within their bins, and the line through them; limits where no
    background is left.
    """
    x, y, errors, limits = [], [], [], []
    for (low, high), one in zip(pairwise(edges), numbers, strict=True):
        number = one.background_efficiency if kind == "background" else one.rejection
        x.append((low + high) / 2 + shift * (high - low))
        value = None if number is None else number.value
        y.append(np.nan if value is None else value)
        ends = (np.nan, np.nan) if value is None else (number.low, number.high)
        errors.append([abs(y[-1] - (y[-1] if end is None else end)) for end in ends])
        if kind == "rejection" and value is None and number.low is not None:
            limits.append((x[-1], number.low))
    if kind == "background":
        y = [np.nan if value == 0 else value for value in y]
    axes.errorbar(
        x, y, yerr=np.transpose(errors), color=color, linestyle=line, marker="o", lw=1.3, ms=4
    )
    if limits:
        draw_lower_limits(axes, *zip(*limits, strict=True), color)


def _finish_bins(axes: Axes, kind: str, signal_efficiency: float) -> None:
    """Scale and title of the vertical axis; words where no bin has a number."""
    drawn = np.concatenate([np.asarray(one.get_ydata(), float) for one in axes.lines[:]] or [[]])
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        axes.text(0.5, 0.5, "too few rows", transform=axes.transAxes, ha="center", va="center")
    else:
        axes.set_yscale("log")
        low, high = drawn.min(), drawn.max()
        if high < 10 * low:  # so that the axis has a number at least
            middle = np.sqrt(low * high)
            axes.set_ylim(min(low / 1.3, middle / 5), max(high * 1.3, middle * 5))
    words = {
        "rejection": f" at {signal_efficiency:g}",
        "background": f"\n({signal_efficiency:g} of all signal)",
    }
    axes.set_ylabel(f"{KINDS[kind]}{words[kind]}")
    axes.xaxis.set_major_locator(MaxNLocator(5))


@styled
def plot_class_calibration(
    calibration: Mapping[str, Mapping[str, Calibration]],
    *,
    titles: Mapping[str, str],
    names: Mapping[str, str],
) -> Figure:
    """Observed share of a class against its predicted probability, a panel per class, a line per
    classifier.

    Parameters
    ----------
    calibration
        Classifier -> class -> numbers.
    titles, names
        Titles of the classes and of the classifiers.
    """
    if not calibration:
        raise InputError("there is no calibration to draw: give that of at least one classifier")
    labels = [names.get(name, name) for name in calibration]
    figure, every = panels(
        len(titles),
        size=SIZE,
        above=legend_height(labels, grid_width(len(titles), SIZE)),
    )
    styles = classifier_styles(calibration)
    handles = []
    for axes, (label, title) in zip(every, titles.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="0.7", lw=1, zorder=0)
        drawn = [
            _draw_reliability(axes, one[label], *styles[name]) for name, one in calibration.items()
        ]
        handles = handles or drawn
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Probability", ylabel="Share of the class")
        set_title(axes, title, SIZE[0])
    legend_above(figure, handles, labels)
    return figure


def _draw_reliability(axes: Axes, calibration: Calibration, color: str, line: str) -> object:
    bins = [one for one in calibration.bins if one.predicted is not None]
    x, y, low, high = (
        np.array([getattr(one, name) for one in bins], dtype=np.float64)
        for name in ("predicted", "observed", "observed_low", "observed_high")
    )
    return axes.errorbar(
        x, y, yerr=[y - low, high - y], color=color, linestyle=line, marker="o", ms=3.5, lw=1.2
    )


@styled
def plot_jet_mass_sculpting(
    sculpting: Mapping[str, Mapping[str, MassSculpting]],
    *,
    discriminants: Mapping[str, str],
    names: Mapping[str, str],
    mass: str = "Mass [GeV]",
) -> Figure:
    """Mass of the background before and after cuts, a row of panels per discriminant, a column per
    classifier.

    Parameters
    ----------
    sculpting
        Discriminant -> classifier -> numbers.
    discriminants, names
        Titles of discriminants and classifiers.
    mass
        Title of the mass with its unit.
    """
    chosen = {name: title for name, title in discriminants.items() if name in sculpting}
    if not chosen:
        return nothing_to_draw("These rows have no mass, or all the same")
    classifiers = list(next(iter(sculpting.values())))
    size = (3.7, 2.8)
    labels = ["Background", "10 % of it kept", "1 % of it kept"]
    width = max(size[0] * len(classifiers), 5.0)
    figure, every = panels(
        len(chosen) * len(classifiers),
        size=size,
        n_columns=len(classifiers),
        above=legend_height(labels, width),
    )
    handles: dict[str, object] = {}
    for place, axes in enumerate(every):
        discriminant = list(chosen)[place // len(classifiers)]
        name = classifiers[place % len(classifiers)]
        _draw_mass(axes, sculpting[discriminant][name], handles)
        axes.set(xlabel=mass, ylabel="Share per bin")
        set_title(axes, f"{names.get(name, name)}: {chosen[discriminant]}", size[0])
    legend_above(figure, list(handles.values()), list(handles))
    return figure


def _draw_mass(axes: Axes, numbers: MassSculpting, handles: dict[str, object]) -> None:
    """Histograms of all background and of what is kept, and the divergences in words."""
    edges = np.array(numbers.edges)
    middles = (edges[1:] + edges[:-1]) / 2
    drawn = axes.stairs(numbers.before.fraction, edges, color="0.6", fill=True, alpha=0.5)
    handles.setdefault("Background", drawn)
    words = []
    for (point, one), color in zip(numbers.cuts.items(), (COLORS[5], COLORS[8]), strict=False):
        share = f"{100 * float(point):g} %"
        axes.stairs(one.fraction, edges, color=color, lw=1.4)
        axes.errorbar(middles, one.fraction, yerr=one.error, color=color, linestyle="none", lw=1)
        handles.setdefault(f"{share} of it kept", axes.patches[-1])
        words.append(f"JS({share}) = {one.divergence:.2g}")
    if words:
        axes.text(
            0.97, 0.95, "\n".join(words), transform=axes.transAxes, ha="right", va="top", fontsize=9
        )
    axes.set_ylim(0, 1.35 * axes.dataLim.y1)
    axes.set_xlim(edges[0], edges[-1])
