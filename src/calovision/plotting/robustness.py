"""Robustness: efficiencies of fixed thresholds in other detectors."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import entry, shown, wrapped
from calovision.metrics import Efficiency
from calovision.plotting.style import (
    CLASSIFIER_NAMES,
    classifier_style,
    legend_columns,
    mark_cut_bars,
    number_axis,
    styled,
)

MARKERS = "os^Dvp*"
LETTERS = 52  # in a line above a panel
REACH = 3.0  # bars are shown in full up to so many times the spread of the points

Efficiencies = Mapping[str, Mapping[str, Efficiency | tuple[float, float, float]]]


@styled
def plot_robustness(
    signal: Efficiencies,
    background: Efficiencies | None = None,
    *,
    nominal: str = "nominal",
    names: Mapping[str, str] = CLASSIFIER_NAMES,
) -> Figure:
    """Signal (and background) efficiency of every variation over the nominal one, at the nominal
    thresholds.

    Parameters
    ----------
    signal, background
        Classifier -> variation -> efficiency, or (value, low, high). Bars are the 68.3 % interval
        of the variation's own efficiency over the nominal value; both see the same events, which
        makes the uncertainty of the ratio smaller. The row of the nominal detector shows how large
        the statistical uncertainty of an efficiency is.
    nominal
        Name of the nominal detector among the variations.
    names
        Titles of the classifiers; one that is absent shows its key.

    Returns
    -------
    A panel for the signal and, if given, one for the background; a row for each variation, in the
    order in which they are met. An efficiency of 0 is an arrow at its 68 % upper limit. A
    triangle on the frame says that a bar goes on beyond it. A classifier whose nominal efficiency
    is 0 is left out of the panel, which names it.

    Raises
    ------
    InputError
        If there is no classifier, or one without the nominal efficiency.
    """
    panels_of = {"Signal": signal} | ({} if background is None else {"Background": background})
    for title, efficiencies in panels_of.items():
        _check(title.lower(), efficiencies, signal, nominal)
    every = (one for efficiencies in panels_of.values() for one in efficiencies.values())
    variations = list(dict.fromkeys(variation for measured in every for variation in measured))
    height = 1.3 + len(variations) * (0.28 + 0.14 * len(signal))
    figure = Figure(figsize=(2.0 + 4.0 * len(panels_of), max(height, 3.0)), layout="constrained")
    row_of_panels = figure.subplots(1, len(panels_of), sharey=True, squeeze=False)[0]
    for axes, (title, efficiencies) in zip(row_of_panels, panels_of.items(), strict=True):
        _draw_panel(axes, efficiencies, variations, nominal, list(signal))
        left_out = [name for name in signal if not _is_shown(efficiencies, name, nominal)]
        _say_left_out(axes, [names.get(name, name) for name in left_out])
        axes.set_xlabel(f"{title} efficiency / nominal")
    axes = row_of_panels[0]
    axes.set(ylim=(len(variations) - 0.5, -0.5))
    axes.set_yticks(range(len(variations)), [shown(one).replace("_", " ") for one in variations])
    titles = {name: names.get(name, name) for name in signal}
    columns = legend_columns(list(titles.values()), figure.get_figwidth(), 2 * len(panels_of))
    handles = _legend_handles(axes, titles)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return figure


def _check(label: str, efficiencies: Efficiencies, signal: Efficiencies, nominal: str) -> None:
    """Raise InputError unless the efficiencies of a class can be divided by nominal ones."""
    if unknown := [name for name in efficiencies if name not in signal]:
        raise InputError(
            f"classifier '{unknown[0]}': no signal efficiency; give both, or leave the other out"
        )
    if not efficiencies:
        raise InputError(f"no {label} efficiency to draw; give at least one classifier")
    for name, measured in efficiencies.items():
        if nominal not in measured:
            raise InputError(
                f"classifier '{name}': no {label} efficiency of '{nominal}' to compare with"
            )


def _legend_handles(axes: Axes, titles: Mapping[str, str]) -> list[ErrorbarContainer]:
    """Entry of the legend for each classifier, by its name and title."""
    handles = []
    for position, (name, title) in enumerate(titles.items()):
        looks = {"fmt": MARKERS[position % len(MARKERS)], "color": _color(name, position)}
        handles.append(axes.errorbar([], [], xerr=[], label=entry(title), **looks))
    return handles


def _draw_panel(
    axes: Axes,
    efficiencies: Efficiencies,
    variations: list[str],
    nominal: str,
    classifiers: list[str],
) -> None:
    """Ratios of all classifiers in their lanes of every row."""
    lanes = np.linspace(-0.3, 0.3, len(classifiers)) if len(classifiers) > 1 else [0.0]
    drawn = []
    bars = []
    for name, measured in efficiencies.items():
        position = classifiers.index(name)
        if not _is_shown(efficiencies, name, nominal):
            continue
        reference = _as_numbers(measured[nominal])[0]
        options = {"color": _color(name, position), "elinewidth": 1.2}
        for row, variation in enumerate(variations):
            if variation in measured:
                value, low, high = (
                    number / reference for number in _as_numbers(measured[variation])
                )
                y, is_limit = row + lanes[position], value <= 0
                value, low = (high, high / 2) if is_limit else (value, low)
                bar = np.maximum([[value - low], [high - value]], 0.0)
                marker = "|" if is_limit else MARKERS[position % len(MARKERS)]
                axes.errorbar(value, y, xerr=bar, fmt=marker, xuplims=is_limit, **options)
                drawn.append((value, low, high))
                bars.append((y, low, high, options["color"]))
    axes.axvline(1, color="gray", linewidth=1, zorder=0)
    if drawn:
        axes.set_xlim(*_limits(np.array(drawn)))
        for y, low, high, color in bars:
            mark_cut_bars(axes, y, low, high, color=color)
    else:
        axes.text(
            0.5,
            0.5,
            "no nominal efficiency above 0",
            transform=axes.transAxes,
            ha="center",
            va="center",
        )
    for row in range(1, len(variations)):
        axes.axhline(row - 0.5, color="gray", linewidth=0.5)
    number_axis(axes.xaxis, 5)
    axes.tick_params(axis="y", which="both", length=0)


def _is_shown(efficiencies: Efficiencies, name: str, nominal: str) -> bool:
    """Tell whether a classifier has a nominal efficiency to divide by."""
    return name in efficiencies and _as_numbers(efficiencies[name][nominal])[0] > 0


def _say_left_out(axes: Axes, titles: list[str]) -> None:
    """Name the classifiers that are not in a panel above it."""
    if titles:
        text = wrapped(f"No event passes nominally: {', '.join(map(shown, titles))}", LETTERS)
        axes.set_title(text, fontsize="small", color="dimgray")


def _limits(drawn: np.ndarray) -> tuple[float, float]:
    """Limits that show all values and 1, and the bars unless they would hide how the values
    differ.
    """
    values, low, high = drawn.T
    reach = max(REACH * np.max(np.abs(values - 1.0)), 0.02)
    ends = (
        min(values.min(), max(low.min(), 1.0 - reach)),
        max(values.max(), min(high.max(), 1.0 + reach)),
    )
    margin = 0.06 * (ends[1] - ends[0]) + 0.002
    return ends[0] - margin, ends[1] + margin


def _as_numbers(one: Efficiency | tuple[float, float, float]) -> tuple[float, float, float]:
    """Value and interval."""
    return (one.value, one.low, one.high) if isinstance(one, Efficiency) else tuple(one)


def _color(name: str, position: int) -> str:
    return classifier_style(name, position).color
