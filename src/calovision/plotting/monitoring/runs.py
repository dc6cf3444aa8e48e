"""Flagged towers against the run."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from calovision.core.styles import COLORS
from calovision.plotting.style import legend_columns, number_axis, styled

SHADES = {"alarm": "#bd1f01", "known": "0.5", "few_events": "#ffa90e", "no_statement": "#ffa90e"}
STATE_TITLES = {
    "alarm": "alarm",
    "known": "known faults only",
    "few_events": "too few events",
    "no_statement": "no statement",
}


@styled
def plot_flagged_towers(
    runs: np.ndarray,
    states: np.ndarray,
    n_towers: Mapping[str, np.ndarray],
    *,
    titles: Mapping[str, str],
) -> Figure:
    """Number of flagged towers of each run, a curve for each method.

    Parameters
    ----------
    runs, states
        Number and state of each run, ``(n,)``; runs that are not good are shaded.
    n_towers
        Method -> towers, ``(n,)``.
    titles
        Of the methods.
    """
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots()
    position = np.arange(len(runs))
    for state, color in SHADES.items():
        for number, place in enumerate(position[states == state]):
            label = STATE_TITLES[state] if number == 0 else None
            edges = (place - 0.5, place + 0.5)
            axes.axvspan(*edges, color=color, alpha=0.18, linewidth=0, label=label)
    for color, (name, values) in zip(_colors(len(n_towers)), n_towers.items(), strict=True):
        axes.step(position, values, where="mid", color=color, linewidth=1.3, label=titles[name])
    axes.set_yscale("symlog", linthresh=1)
    axes.set(xlim=(-0.5, len(runs) - 0.5), xlabel="Run", ylabel="Flagged towers")
    axes.set_ylim(bottom=0)
    number_axis(axes.xaxis, 8)
    axes.xaxis.set_major_formatter(lambda x, _: _run_at(runs, x))
    handles, labels = axes.get_legend_handles_labels()
    columns = legend_columns(labels, 9)
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False)
    return figure


def _colors(n: int) -> list[str]:
    return [COLORS[place % len(COLORS)] for place in range(n)]


def _run_at(runs: np.ndarray, position: float) -> str:
    place = round(position)
    is_run = abs(position - place) < 1e-6 and 0 <= place < len(runs)
    return str(runs[place]) if is_run else ""
