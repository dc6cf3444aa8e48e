"""Time and memory of the stages of a run."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.plotting.style import COLORS, number_axis, styled

BARS = {"Wall time, all jobs": ("wall_s", COLORS[5]), "CPU time": ("cpu_s", COLORS[1])}


@styled
def plot_run_summary(stages: Mapping[str, Mapping[str, float | None]]) -> Figure:
    """Wall and CPU time of all jobs of a stage, and the largest memory of one.

    Parameters
    ----------
    stages
        Stage -> ``jobs``, ``wall_s`` and ``cpu_s`` (sums over its jobs, s), ``max_memory_mb`` (MB);
        None where nothing was measured, which leaves the bar out.

    Returns
    -------
    A panel each for time and memory, in which a row is a stage, in their order from the top.

    Raises
    ------
    InputError
        If there is no stage.
    """
    if not stages:
        raise InputError("no stage to draw; give those of a run of which at least one job is done")
    figure = Figure(figsize=(10.0, 1.6 + 0.3 * len(stages)), layout="constrained")
    times, memory = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    rows = np.arange(len(stages))
    for position, (label, (key, color)) in enumerate(BARS.items()):
        times.barh(
            rows + 0.38 * (position - 0.5), _values(stages, key), 0.36, color=color, label=label
        )
    memory.barh(rows, _values(stages, "max_memory_mb"), 0.6, color=COLORS[0])
    times.set(xlabel="Time [s]", ylim=(len(stages) - 0.5, -0.5))
    memory.set_xlabel("Largest memory of a job [MB]")
    times.set_yticks(
        rows,
        [f"{shown(name).replace('_', ' ')} ({stage['jobs']})" for name, stage in stages.items()],
    )
    for axes, is_logarithmic in ((times, True), (memory, False)):
        _scale(axes, is_logarithmic=is_logarithmic)
        axes.tick_params(axis="y", which="both", length=0)
    times.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def _values(stages: Mapping[str, Mapping[str, float | None]], key: str) -> np.ndarray:
    """Values of all stages, nan where nothing was measured."""
    return np.array(
        [np.nan if stage[key] is None else stage[key] for stage in stages.values()], dtype=float
    )


def _scale(axes: Axes, *, is_logarithmic: bool) -> None:
    """Set limits from 0, or of a logarithmic axis whole decades around the bars."""
    widths = np.array([bar.get_width() for bar in axes.patches])
    widths = widths[widths > 0]  # drops nan, too
    if not len(widths):
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center")
        return
    if is_logarithmic:
        low, high = (
            10.0 ** np.floor(np.log10(widths.min()) - 0.01),
            10.0 ** np.ceil(np.log10(widths.max()) + 0.01),
        )
        axes.set(xscale="log", xlim=(low, high))
        axes.xaxis.set_major_locator(LogLocator())
        axes.xaxis.set_major_formatter(LogFormatterSciNotation())
        axes.xaxis.set_minor_formatter(
            NullFormatter()
        )  # labels between those of the decades would overlap
    else:
        axes.set_xlim(0.0, 1.05 * widths.max())
        number_axis(axes.xaxis)
    axes.grid(axis="x", which="major", color="lightgray", linewidth=0.6)
    axes.set_axisbelow(True)
