"""ROC curves of single samples beside those of the sum."""

from collections.abc import Mapping, Sequence
from itertools import product

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calovision.core.titles import entry, wrapped
from calovision.metrics import RocCurve
from calovision.plotting.curves import (
    BackgroundAxis,
    draw_curve,
    lowest_meaningful,
)
from calovision.plotting.style import (
    CLASSIFIER_NAMES,
    COLORS,
    LINES,
    legend_columns,
    styled,
)

TITLES = {1: "each signal sample", 0: "each background sample"}
PANEL_INCHES = (4.6, 2.7)  # width and height
LETTERS = 30  # of a line of a title in a panel


@styled
def plot_sample_roc(
    curves: Mapping[str, RocCurve],
    samples: Mapping[int, Mapping[str, Mapping[str, RocCurve]]],
    *,
    names: Mapping[str, str] = CLASSIFIER_NAMES,
    titles: Mapping[str, str] | None = None,
    axis: str = "efficiency",
) -> Figure:
    """ROC curves of every sample, a row of panels for each classifier.

    Parameters
    ----------
    curves
        Classifier -> curve of the sums of both classes.
    samples
        Label -> sample -> classifier -> curve of the sample against the sum of the other class.
    names, titles
        Titles of the classifiers and of the samples; one that is absent shows its key.
    axis
        As of `calovision.plotting.performance.plot_roc`.
    """
    labels = [label for label in (1, 0) if samples.get(label)]
    width, height = PANEL_INCHES
    size = (width * max(len(labels), 1), height * len(curves) + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(
        len(curves), max(len(labels), 1), sharex=True, sharey="row", squeeze=False
    )
    background = BackgroundAxis(axis)
    for (row, name), (column, label) in product(enumerate(curves), enumerate(labels)):
        _draw_panel(panels[row, column], name, curves[name], samples[label], titles, background)
    for row, name in zip(panels, curves, strict=True):
        _set_axes(row, names.get(name, name), background, _all(name, curves, samples))
    for column, label in enumerate(labels):
        _draw_legend(panels[0, column], TITLES[label], width)
    if not labels:
        for axes in panels[:, 0]:
            axes.text(0.5, 0.5, "no sample beside others of its class", ha="center", va="center")
    for axes in panels[-1]:
        axes.set(xlabel="Signal efficiency", xlim=(0, 1.02))
    return figure


def _draw_panel(
    axes: Axes,
    name: str,
    of_sum: RocCurve,
    samples: Mapping[str, Mapping[str, RocCurve]],
    titles: Mapping[str, str] | None,
    background: BackgroundAxis,
) -> None:
    draw_curve(axes, of_sum, color="black", line="-", label="sum", background=background, width=2.6)
    for position, (sample, curves) in enumerate(samples.items()):
        again, color = divmod(position, len(COLORS))
        draw_curve(
            axes,
            curves[name],
            color=COLORS[color],
            line=LINES[(again + position) % len(LINES)],
            label=entry((titles or {}).get(sample, sample)),
            background=background,
        )


def _all(
    name: str,
    curves: Mapping[str, RocCurve],
    samples: Mapping[int, Mapping[str, Mapping[str, RocCurve]]],
) -> list[RocCurve]:
    return [
        curves[name],
        *(one[name] for of_label in samples.values() for one in of_label.values()),
    ]


def _set_axes(
    row: Sequence[Axes], title: str, background: BackgroundAxis, drawn: Sequence[RocCurve]
) -> None:
    limits = background.limits(min(map(lowest_meaningful, drawn)))
    row[0].set(yscale="log", ylim=limits)
    row[0].set_ylabel(f"{background.title}\n{wrapped(title, LETTERS)}")


def _draw_legend(axes: Axes, title: str, width: float) -> None:
    labels = axes.get_legend_handles_labels()[1]
    axes.legend(
        title=title,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=legend_columns(labels, width, 3),
    )
