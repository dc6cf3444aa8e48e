"""ROC curves of taggers: background rejection against signal efficiency."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.evaluation.results.tagging import CutPoint
from calovision.metrics import RocCurve
from calovision.plotting.curves import BackgroundAxis, draw_band, draw_curve, lowest_meaningful
from calovision.plotting.style import CLASSIFIER_NAMES, FONT_SIZE, classifier_styles, styled
from calovision.plotting.tagging.panels import (
    class_line,
    grid_width,
    legend_above,
    legend_height,
    panels,
    set_title,
)

REJECTION = BackgroundAxis("rejection")
SIZE = (3.7, 3.3)
CUTS = "Cuts on mass and $\\tau_{21}$ or $\\tau_{32}$"
VARIABLE = "Best single variable (its name below)"
SMALLEST_SIGNAL = 0.05  # efficiency, from which curves decide how high a panel is


@styled
def plot_tagger_roc(
    curves: Mapping[str, Mapping[str, RocCurve]],
    *,
    discriminants: Mapping[str, str],
    names: Mapping[str, str] = CLASSIFIER_NAMES,
    cuts: Mapping[str, Mapping[str, CutPoint]] | None = None,
    variables: Mapping[str, tuple[str, RocCurve]] | None = None,
    bands: Sequence[str] = (),
) -> Figure:
    """Background rejection against signal efficiency, a panel per discriminant.

    Parameters
    ----------
    curves
        Discriminant -> classifier -> its ROC curve.
    discriminants, names
        Titles of discriminants and of classifiers.
    cuts
        Discriminant -> working point -> cuts, drawn as points with 68 % intervals.
    variables
        Discriminant -> title and curve of the best single variable.
    bands
        Classifiers whose 68.3 % statistical band is drawn.

    Raises
    ------
    InputError
        If there is no curve.
    """
    of_panels = _checked(curves)
    classifiers = list(dict.fromkeys(name for one in of_panels.values() for name in one))
    styles = classifier_styles(classifiers)
    labels = [names.get(name, name) for name in classifiers]
    labels += [VARIABLE] * bool(variables) + [CUTS] * bool(cuts)
    above = legend_height(labels, grid_width(len(curves), SIZE))
    figure, every = panels(len(curves), size=SIZE, above=above)
    handles: dict[str, object] = {}
    for axes, (discriminant, of_panel) in zip(every, of_panels.items(), strict=True):
        for name, curve in of_panel.items():
            color, line = styles[name]
            label = names.get(name, name)
            draw_curve(axes, curve, color=color, line=line, label=label, background=REJECTION)
            handles.setdefault(label, axes.lines[-1])
            if name in bands:
                draw_band(axes, curve, color, REJECTION)
        if discriminant in (variables or {}):
            handles.setdefault(VARIABLE, _draw_variable(axes, *variables[discriminant]))
        points = _draw_cuts(axes, (cuts or {}).get(discriminant, {}))
        if points is not None:
            handles.setdefault(CUTS, points)
        _finish(axes, discriminants.get(discriminant, discriminant), of_panel.values())
    shown = [label for label in labels if label in handles]
    legend_above(figure, [handles[label] for label in shown], shown)
    return figure


@styled
def plot_pair_roc(
    curves: Mapping[str, Mapping[str, RocCurve]],
    *,
    titles: Mapping[str, str],
    colors: Mapping[str, str],
) -> Figure:
    """Background rejection of one classifier, a panel per signal class, a curve per background
    class.

    Parameters
    ----------
    curves
        Signal class -> background class -> curve.
    titles, colors
        Of the classes.

    Raises
    ------
    InputError
        If there is no curve.
    """
    _checked(curves)
    above = legend_height(list(titles.values()), grid_width(len(curves), SIZE))
    figure, every = panels(len(curves), size=SIZE, above=above)
    handles: dict[str, object] = {}
    places = list(titles)
    for axes, (signal, of_panel) in zip(every, curves.items(), strict=True):
        for name, curve in of_panel.items():
            draw_curve(
                axes,
                curve,
                color=colors[name],
                line=class_line(places.index(name)),
                label=titles[name],
                background=REJECTION,
            )
            handles.setdefault(name, axes.lines[-1])
        _finish(axes, f"{titles[signal]} against each other class", of_panel.values())
    shown = [name for name in titles if name in handles]
    legend_above(figure, [handles[name] for name in shown], [titles[name] for name in shown])
    return figure


def _checked(
    curves: Mapping[str, Mapping[str, RocCurve]],
) -> Mapping[str, Mapping[str, RocCurve]]:
    if not curves or not all(curves.values()):
        raise InputError("there is no ROC curve to draw: give at least one classifier")
    return curves


def _draw_variable(axes: Axes, title: str, curve: RocCurve) -> object:
    """Curve of a single variable, with its name in the corner."""
    draw_curve(axes, curve, color="0.45", line=":", label=VARIABLE, background=REJECTION)
    axes.text(
        0.04, 0.05, shown(title), transform=axes.transAxes, color="0.35", fontsize=FONT_SIZE - 2
    )
    return axes.lines[-1]


def _draw_cuts(axes: Axes, cuts: Mapping[str, CutPoint]) -> object | None:
    """Points of cuts; arrows where no background passes."""
    found = None
    for one in cuts.values():
        low, value, high = one.rejection.low, one.rejection.value, one.rejection.high
        signal = one.signal_efficiency
        y = low if value is None else value
        if y is None:
            continue
        up = 0.0 if high is None or value is None else high - y
        found = axes.errorbar(
            signal.value,
            y,
            xerr=[[signal.value - signal.low], [signal.high - signal.value]],
            yerr=[[y - (low or y)], [up]],
            color="black",
            marker="^" if value is None else "o",
            markersize=5,
            linestyle="none",
            elinewidth=1.2,
            zorder=5,
        )
    return found


def _finish(axes: Axes, title: str, curves: Sequence[RocCurve]) -> None:
    """Axes and title of a panel."""
    highest = [1 / _lowest(curve) for curve in curves]
    points = [bars[0].get_ydata()[0] for bars in axes.containers]
    top = max([*highest, *points, 10.0])
    axes.set(
        yscale="log",
        xlim=(0, 1.02),
        ylim=(0.8, 3 * top),
        xlabel="Signal efficiency",
        ylabel="Background rejection",
    )
    set_title(axes, title, SIZE[0])


def _lowest(curve: RocCurve) -> float:
    """Smallest background efficiency that a panel shows."""
    supported = (curve.signal_efficiency >= SMALLEST_SIGNAL) & (curve.background_efficiency > 0)
    found = np.min(curve.background_efficiency[supported], initial=1.0)
    return max(float(found), lowest_meaningful(curve), 1e-6)
