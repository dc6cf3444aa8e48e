"""Figures of injected faults that methods find: false-discovery rates, ROC curves."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.styles import COLORS
from calovision.evaluation.results.fault_figures import FaultFigures, MonitoringFigures
from calovision.plotting.style import legend_columns, styled

MARKERS = "osD^vPX*"


@styled
def plot_false_discoveries(figures: MonitoringFigures) -> Figure:
    """False-discovery rate at 99 % detection of each fault, a panel for each number of events.

    An arrow is a 68 % upper limit, where no sound tower was flagged.

    Raises
    ------
    InputError
        If there are no figures.
    """
    numbers = sorted({one.n_events for one in figures.figures})
    faults = list(dict.fromkeys((one.fault, one.strength) for one in figures.figures))
    if not numbers:
        raise InputError("no figures of merit to draw: no tower was tested")
    height = 1.3 + 0.36 * len(faults)
    figure = Figure(figsize=(3.0 + 2.7 * len(numbers), height), layout="constrained")
    panels = figure.subplots(1, len(numbers), sharey=True, squeeze=False)[0]
    methods = list(figures.titles)
    for axes, n_events in zip(panels, numbers, strict=True):
        for place, method in enumerate(methods):
            of_method = [
                one for one in figures.figures if (one.n_events, one.method) == (n_events, method)
            ]
            shift = 0.7 * ((place + 0.5) / len(methods) - 0.5)
            _draw_rates(axes, of_method, faults, shift, place, figures.titles[method])
        axes.set(xscale="log", xlim=(2e-5, 1.5), xlabel="False-discovery rate")
        axes.set_title(f"{n_events} events a run", loc="left")
        axes.grid(axis="y", color="0.9", linewidth=0.6)
    panels[0].set_yticks(range(len(faults)), [_title(figures, *one) for one in faults])
    panels[0].set_ylim(len(faults) - 0.5, -0.5)
    handles, labels = panels[0].get_legend_handles_labels()
    columns = legend_columns(labels, figure.get_figwidth())
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False)
    return figure


def _draw_rates(
    axes: object,
    figures: Sequence[FaultFigures],
    faults: Sequence[tuple[str, float]],
    shift: float,
    place: int,
    title: str,
) -> None:
    style = {"color": COLORS[place % len(COLORS)], "markersize": 4, "linewidth": 1.1}
    axes.plot([], [], MARKERS[place % len(MARKERS)], label=title, **style)
    for one in figures:
        rate = one.false_discovery_rate
        y = faults.index((one.fault, one.strength)) + shift
        if rate.value is None:
            continue
        if one.n_false == 0:
            axes.plot(max(rate.high, 2e-5), y, "<", clip_on=False, **style)
            continue
        axes.plot([max(rate.low, 1e-6), rate.high], [y, y], "-", **style)
        axes.plot(rate.value, y, MARKERS[place % len(MARKERS)], **style)


@styled
def plot_fault_roc(figures: MonitoringFigures, *, n_events: int | None = None) -> Figure:
    """Share of the faulty towers that are flagged against that of the sound ones.

    A panel for each fault, of its smallest strength, a curve for each method; ``n_events`` a run,
    None for the middle of those that were studied.

    Raises
    ------
    InputError
        If there are no figures.
    """
    numbers = sorted({one.n_events for one in figures.figures})
    if not numbers:
        raise InputError("no figures of merit to draw: no tower was tested")
    n_events = numbers[len(numbers) // 2] if n_events is None else n_events
    chosen = [one for one in figures.figures if one.n_events == n_events]
    faults = {one.fault: min(o.strength for o in chosen if o.fault == one.fault) for one in chosen}
    n_columns = min(4, len(faults))
    n_rows = -(-len(faults) // n_columns)
    figure = Figure(figsize=(2.7 * n_columns + 0.4, 2.5 * n_rows + 0.8), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(faults) :]:
        axes.set_axis_off()
    for axes, (fault, strength) in zip(panels.flat, faults.items(), strict=False):
        for place, (method, title) in enumerate(figures.titles.items()):
            found = [one for one in chosen if (one.method, one.fault) == (method, fault)]
            for one in found:
                if one.strength == strength:
                    rates = np.maximum(one.roc.false_positive_rate, 1e-5)
                    color = COLORS[place % len(COLORS)]
                    axes.plot(rates, one.roc.detection, color=color, linewidth=1.3, label=title)
        axes.set_title(_title(figures, fault, strength), loc="left", fontsize=9)
        axes.set(xscale="log", xlim=(1e-5, 1), ylim=(0, 1.03))
    figure.supxlabel(f"Share of sound towers flagged, {n_events} events a run", fontsize=11)
    figure.supylabel("Share of faulty towers flagged", fontsize=11)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    columns = legend_columns(labels, figure.get_figwidth())
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False)
    return figure


def _title(figures: MonitoringFigures, fault: str, strength: float) -> str:
    title = figures.faults[fault]
    return title if strength == 1 else f"{title}, {strength:g}"
