"""Cut flow of the samples."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import entry, wrapped
from calovision.plotting.style import COLORS, legend_columns, styled

LETTERS = 16  # in a line of the name of a cut
HATCHES = (None, "///", "...")  # of more samples than colors


@styled
def plot_cut_flow(
    cut_flows: Mapping[str, Sequence[tuple[str, float, float]]],
    *,
    names: Mapping[str, str] | None = None,
    first: str = "generated",
) -> Figure:
    """Weighted efficiency of each cut relative to the first entry, for each sample.

    Parameters
    ----------
    cut_flows
        For each sample the cuts in order, as (name, number of events, sum of weights); the first
        entry is what was generated. All samples have the same cuts. The text above a bar is the
        efficiency in percent.
    names
        Titles of the samples.
    first
        What the first entry is, for the title of the axis.

    Raises
    ------
    InputError
        If there is no sample, one has other cuts than the first one, or its first sum of weights is
        not positive.
    """
    if not cut_flows or not next(iter(cut_flows.values())):
        raise InputError(
            "no cut flow to draw; give that of at least one sample, with what was generated"
        )
    cuts = [cut for cut, _, _ in next(iter(cut_flows.values()))]
    inches = max(LETTERS / 12, 0.42 * (len(cut_flows) + 1))  # of a cut
    figure = Figure(figsize=(max(6.4, 1.2 + inches * len(cuts)), 4.8), layout="constrained")
    axes = figure.subplots()
    width = 0.84 / len(cut_flows)
    smallest = 1.0
    for position, (sample, flow) in enumerate(cut_flows.items()):
        efficiencies = _efficiencies(sample, flow, cuts)
        x = np.arange(len(cuts)) + (position - (len(cut_flows) - 1) / 2) * width
        label = entry((names or {}).get(sample, sample))
        color, hatch = (
            COLORS[position % len(COLORS)],
            HATCHES[position // len(COLORS) % len(HATCHES)],
        )
        axes.bar(x, efficiencies, width * 0.92, color=color, hatch=hatch, label=label)
        smallest = np.min(efficiencies[efficiencies > 0], initial=smallest)
        _write_percentages(axes, x, efficiencies)
    lowest = 10.0 ** np.floor(np.log10(smallest) - 0.3)
    axes.set(
        yscale="log",
        ylabel=f"Efficiency relative to {first}",
        ylim=(lowest, lowest ** (-0.17) * 1.5),
    )
    for text in axes.texts:  # a bar of height 0 has its text on the axis
        text.xy = (text.xy[0], max(text.xy[1], lowest))
    axes.set_xticks(np.arange(len(cuts)), [wrapped(_words(cut), LETTERS) for cut in cuts])
    axes.tick_params(axis="x", which="both", bottom=False, top=False)
    columns = legend_columns([bars.get_label() for bars in axes.containers], figure.get_figwidth())
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns)
    return figure


def _efficiencies(
    sample: str, flow: Sequence[tuple[str, float, float]], cuts: list[str]
) -> np.ndarray:
    """Weighted efficiency after each cut."""
    if [cut for cut, _, _ in flow] != cuts:
        raise InputError(
            f"the cut flow of {sample} has other cuts than the first sample; {', '.join(cuts)} "
            "expected"
        )
    passed = np.array([weight for _, _, weight in flow], dtype=np.float64)
    if not passed[0] > 0:
        raise InputError(
            f"the cut flow of {sample} starts with a sum of weights of {passed[0]:g}; it must be "
            "positive"
        )
    return passed / passed[0]


def _write_percentages(axes: Axes, x: np.ndarray, efficiencies: np.ndarray) -> None:
    """Percentages above the bars, upright."""
    for position, value in zip(x, efficiencies, strict=True):
        axes.annotate(
            f"{100 * value:.3g} %" if value else "0",
            (position, max(value, 0.0)),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            rotation=90,
            fontsize=9,
        )


def _words(cut: str) -> str:
    """Name of a cut without underscores, unless it holds a formula."""
    return cut if "$" in cut else cut.replace("_", " ")
