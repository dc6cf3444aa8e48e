"""Distributions of variables, and of the outputs of a classifier, by class."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calovision.core.titles import shown
from calovision.plotting.style import number_axis, styled
from calovision.plotting.tagging.panels import (
    class_line,
    grid_width,
    legend_above,
    legend_height,
    nothing_to_draw,
    panels,
    set_title,
)

N_BINS = 40
SIZE = (3.4, 2.7)
TAILS = (0.005, 0.995)  # quantiles beyond which values are in the outermost bins


@styled
def plot_class_variables(
    values: Mapping[str, np.ndarray],
    *,
    labels: np.ndarray,
    weights: np.ndarray,
    titles: Mapping[str, str],
    colors: Mapping[str, str],
    variables: Mapping[str, str],
) -> Figure:
    """Normalised distribution of each variable for each class; words where there is no variable.

    Parameters
    ----------
    values
        Variable -> values ``(n,)``; rows without it (NaN) are left out.
    labels, weights
        Positions of the classes, and weights, ``(n,)``.
    titles, colors
        Of the classes.
    variables
        Titles of the variables with their units.
    """
    if not values:
        return nothing_to_draw("No variable has different values in these rows")
    above = legend_height(list(titles.values()), grid_width(len(values), SIZE))
    figure, every = panels(len(values), size=SIZE, above=above)
    handles: list[object] = []
    for axes, (name, one) in zip(every, values.items(), strict=True):
        drawn = _draw_classes(axes, np.asarray(one, np.float64), labels, weights, titles, colors)
        handles = handles or drawn
        axes.set(xlabel=shown(variables.get(name, name)), ylabel="Share per bin")
    legend_above(figure, handles, list(titles.values()))
    return figure


@styled
def plot_class_outputs(
    outputs: Mapping[str, np.ndarray],
    *,
    labels: np.ndarray,
    weights: np.ndarray,
    titles: Mapping[str, str],
    colors: Mapping[str, str],
    discriminants: Mapping[str, str],
) -> Figure:
    """Normalised distribution of each discriminant of a classifier for each class.

    ``outputs`` are discriminant -> values ``(n,)``, ``discriminants`` their titles; the rest is as
    in `plot_class_variables`.
    """
    above = legend_height(list(titles.values()), grid_width(len(outputs), SIZE))
    figure, every = panels(len(outputs), size=SIZE, above=above)
    handles: list[object] = []
    for axes, (name, one) in zip(every, outputs.items(), strict=True):
        drawn = _draw_classes(axes, one, labels, weights, titles, colors)
        handles = handles or drawn
        axes.set(xlabel="Discriminant", ylabel="Share per bin", yscale="log")
        axes.set_ylim(bottom=max(axes.get_ylim()[0], 1e-5))
        set_title(axes, discriminants.get(name, name), SIZE[0])
    legend_above(figure, handles, list(titles.values()))
    return figure


def _draw_classes(
    axes: Axes,
    values: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    titles: Mapping[str, str],
    colors: Mapping[str, str],
) -> list[object]:
    """Lines of the classes, and all of them as handles of the legend."""
    known = np.isfinite(values)
    edges = _edges(values[known])
    drawn = []
    for label, name in enumerate(titles):
        members = known & (labels == label)
        inside = np.clip(values[members], edges[0], edges[-1])
        counts, _ = np.histogram(inside, edges, weights=weights[members])
        total = counts.sum()
        shares = counts / total if total > 0 else np.full(len(counts), np.nan)
        line = class_line(label)
        drawn.append(axes.stairs(shares, edges, color=colors[name], linestyle=line, lw=1.5))
    number_axis(axes.xaxis, 5)
    axes.set_xlim(edges[0], edges[-1])
    return drawn


def _edges(values: np.ndarray) -> np.ndarray:
    """Edges of equal bins: for a few whole numbers one each, else up to the tails."""
    if not len(values):
        return np.linspace(0.0, 1.0, N_BINS + 1)
    low, high = np.quantile(values, TAILS)
    is_whole = bool(np.all(values == np.round(values)))
    if is_whole and high - low < 3 * N_BINS:
        step = max(1, int(np.ceil((high - low + 1) / N_BINS)))
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + step + 0.5, step)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, N_BINS + 1)
