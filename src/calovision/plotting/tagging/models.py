"""Macro AUC and rejection of all classifiers, one below the other."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.evaluation.results.numbers import Interval
from calovision.evaluation.results.tagging import TaggingSummary
from calovision.evaluation.results.tagging_tables import middle_point
from calovision.metrics import Rejection
from calovision.plotting.style import FONT_SIZE, classifier_styles, styled
from calovision.plotting.tagging.panels import draw_lower_limits, fitted, panels

WIDTH = 3.6


@styled
def plot_tagger_models(
    summary: TaggingSummary, *, discriminants: Mapping[str, str], names: Mapping[str, str]
) -> Figure:
    """Macro AUC of every classifier, and its rejections at the middle signal efficiency; those that
    are only bounded from below as open markers with an arrow.

    Parameters
    ----------
    summary
        Numbers of all classifiers.
    discriminants, names
        Titles of the discriminants that have a panel, and of the classifiers.
    """
    if not summary.taggers:
        raise InputError("there is no classifier to draw: give at least one")
    point = middle_point(summary)
    taggers = summary.taggers
    found = [("Macro AUC", "AUC", {name: one.macro_auc for name, one in taggers.items()})]
    for name, title in discriminants.items():
        rejections = {
            tagger: one.discriminants[name].rejection[point] for tagger, one in taggers.items()
        }
        found.append((title, f"Rejection at {point}", rejections))
    longest = max(len(names.get(name, name)) for name in taggers)
    figure, every = panels(
        len(found),
        size=(WIDTH, 1.3 + 0.3 * len(taggers)),
        beside=0.08 * longest,
        sharey=True,
    )
    styles = classifier_styles(taggers)
    for axes, (title, label, numbers) in zip(every, found, strict=True):
        for place, (name, one) in enumerate(numbers.items()):
            _draw_number(axes, place, one, styles[name].color)
        axes.set_title(fitted(title, WIDTH), fontsize=FONT_SIZE - 1)
        axes.set_xlabel(label)
        axes.set_yticks(np.arange(len(taggers)), [shown(names.get(n, n)) for n in taggers])
        axes.set_ylim(len(taggers) - 0.5, -0.5)
        axes.tick_params(axis="y", which="both", length=0)
        axes.yaxis.minorticks_off()
        axes.xaxis.set_major_locator(_ticks())
        axes.ticklabel_format(axis="x", useOffset=False)
    return figure


def _draw_number(axes: Axes, place: int, number: Interval | Rejection, color: str) -> None:
    """Point with its interval, or a lower limit."""
    if isinstance(number, Rejection) and number.is_limit:
        draw_lower_limits(axes, [number.low], [place], color, is_of_y=False)
        axes.margins(x=0.15)  # for the arrow
        return
    value = number.value
    low, high = (value if end is None else end for end in (number.low, number.high))
    axes.errorbar(
        value,
        place,
        xerr=[[value - min(low, value)], [max(high, value) - value]],
        color=color,
        marker="o",
        linestyle="none",
    )


def _ticks() -> object:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)
