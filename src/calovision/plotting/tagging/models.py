"""Macro AUC and rejection of all classifiers, one below the other."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.evaluation.results.tagging import TaggingSummary
from calovision.plotting.style import FONT_SIZE, classifier_styles, styled
from calovision.plotting.tagging.panels import fitted

WIDTH = 3.6


@styled
def plot_tagger_models(
    summary: TaggingSummary, *, discriminants: Mapping[str, str], names: Mapping[str, str]
) -> Figure:
    """Macro AUC of every classifier, and its rejections at the middle signal efficiency.

    Parameters
    ----------
    summary
        Numbers of all classifiers.
    discriminants, names
        Titles of the discriminants that have a panel, and of the classifiers.
    """
    if not summary.taggers:
        raise InputError("there is no classifier to draw: give at least one")
    points = list(summary.signal_efficiencies)
    point = points[len(points) // 2]
    taggers = summary.taggers
    found = {"Macro AUC": {name: one.macro_auc for name, one in taggers.items()}}
    for name, title in discriminants.items():
        found[f"{title}\nrejection at {point}"] = {
            tagger: one.discriminants[name].rejection[point] for tagger, one in taggers.items()
        }
    n_columns = min(len(found), 4)
    n_rows = -(-len(found) // n_columns)
    longest = max(len(names.get(name, name)) for name in taggers)
    size = WIDTH * n_columns + 0.08 * longest, n_rows * (1.3 + 0.3 * len(taggers))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True).ravel()
    styles = classifier_styles(taggers)
    for axes, (title, numbers) in zip(grid, found.items(), strict=False):
        for place, (name, one) in enumerate(numbers.items()):
            ends = [one.value if end is None else end for end in (one.low, one.high)]
            axes.errorbar(
                one.value,
                place,
                xerr=[[one.value - min(ends[0], one.value)], [max(ends[1], one.value) - one.value]],
                color=styles[name].color,
                marker="o",
                linestyle="none",
            )
        axes.set_title(fitted(title.partition("\n")[0], WIDTH), fontsize=FONT_SIZE - 1)
        axes.set_xlabel(title.partition("\n")[2].capitalize() or "AUC")
        axes.set_yticks(np.arange(len(taggers)), [shown(names.get(n, n)) for n in taggers])
        axes.set_ylim(len(taggers) - 0.5, -0.5)
        axes.tick_params(axis="y", which="both", length=0)
        axes.yaxis.minorticks_off()
        axes.xaxis.set_major_locator(_ticks())
        axes.ticklabel_format(axis="x", useOffset=False)
    for unused in grid[len(found) :]:
        unused.remove()
    return figure


def _ticks() -> object:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)
