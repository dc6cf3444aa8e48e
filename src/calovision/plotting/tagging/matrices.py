"""Matrices of classes: confusion, and rejection of each class by each other."""

from collections.abc import Mapping, Sequence
from math import log10

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.evaluation.results.tagging import Confusion
from calovision.metrics import Rejection
from calovision.plotting.style import FONT_SIZE, styled
from calovision.plotting.tagging.panels import fitted

CELL = 0.62  # inches
LONG_TITLE = 14  # letters: names of columns that are longer are slanted


@styled
def plot_confusion(
    confusion: Mapping[str, Confusion], *, titles: Mapping[str, str], names: Mapping[str, str]
) -> Figure:
    """Shares of the rows of a true class, and of a predicted one, a row of panels per classifier.

    Parameters
    ----------
    confusion
        Classifier -> its confusion.
    titles, names
        Titles of the classes and of the classifiers.

    Raises
    ------
    InputError
        If there is no classifier.
    """
    if not confusion:
        raise InputError("there is no confusion to draw: give that of at least one classifier")
    figure, grid = _grid(len(confusion), 2, titles)
    for row, (name, one) in zip(grid, confusion.items(), strict=True):
        for axes, shares, words in (
            (row[0], one.of_truth, "of each true class"),
            (row[1], one.of_prediction, "of each predicted class"),
        ):
            table = np.array(
                [[_number(shares[true][predicted]) for predicted in titles] for true in titles]
            )
            texts = [[_share(value) for value in line] for line in table]
            _draw(axes, table, texts, titles, Normalize(0.0, 1.0))
            title = f"{names.get(name, name)}: shares {words}"
            axes.set_title(fitted(title, _width(titles)), fontsize=FONT_SIZE - 1)
            axes.set(xlabel="Predicted class", ylabel="True class")
    return figure


@styled
def plot_pair_rejections(
    rejections: Mapping[str, Mapping[str, Mapping[str, Rejection]]],
    *,
    titles: Mapping[str, str],
    names: Mapping[str, str],
    signal_efficiency: float,
) -> Figure:
    """Rejection of each class at one signal efficiency of each other, a panel per classifier.

    Parameters
    ----------
    rejections
        Classifier -> signal class -> background class -> rejection.
    titles, names
        Titles of the classes and of the classifiers.
    signal_efficiency
        At which they are.
    """
    figure, grid = _grid(1, len(rejections), titles)
    values = [
        cell.value
        for one in rejections.values()
        for of_signal in one.values()
        for cell in of_signal.values()
    ]
    norm = LogNorm(1.0, max(2.0, *values)) if values else LogNorm(1.0, 10.0)
    for axes, (name, one) in zip(grid[0], rejections.items(), strict=True):
        cells = [[one.get(s, {}).get(b) for b in titles] for s in titles]
        table = np.array([[np.nan if cell is None else cell.value for cell in r] for r in cells])
        texts = [["" if cell is None else _rejection(cell) for cell in line] for line in cells]
        _draw(axes, table, texts, titles, norm)
        title = f"{names.get(name, name)}: rejection at signal efficiency {signal_efficiency:g}"
        axes.set_title(fitted(title, _width(titles)), fontsize=FONT_SIZE - 1)
        axes.set(xlabel="Background class", ylabel="Signal class")
    return figure


def _width(titles: Mapping[str, str]) -> float:
    return 1.3 + max(CELL * len(titles), 2.4)


def _grid(n_rows: int, n_columns: int, titles: Mapping[str, str]) -> tuple[Figure, np.ndarray]:
    """Panels with square cells, and room for the titles of the classes."""
    longest = max(len(title.replace("$", "")) for title in titles.values())
    labels = 0.085 * min(longest, 3 * LONG_TITLE)
    side = max(CELL * len(titles), 2.4)
    width = n_columns * (side + labels + 0.9)
    height = n_rows * (side + (labels if longest > LONG_TITLE else 0.3) + 1.1)
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def _draw(
    axes: Axes,
    table: np.ndarray,
    texts: Sequence[Sequence[str]],
    titles: Mapping[str, str],
    norm: Normalize,
) -> None:
    """Cells with their numbers; the first class on top."""
    shown = np.ma.masked_invalid(table)
    axes.imshow(shown, norm=norm, cmap="Blues")
    for (row, column), value in np.ndenumerate(table):
        share = norm(value) if np.isfinite(value) else 0.0
        axes.text(
            column,
            row,
            texts[row][column],
            ha="center",
            va="center",
            fontsize=FONT_SIZE - 3,
            color="white" if share > 0.6 else "black",
        )
    labels = [fitted(title, 3.0) for title in titles.values()]
    is_long = max(map(len, labels)) * len(labels) > 9 * _width(titles)
    places = np.arange(len(labels))
    axes.set_xticks(
        places,
        labels,
        rotation=40 if is_long else 0,
        ha="right" if is_long else "center",
        rotation_mode="anchor" if is_long else "default",
    )
    axes.set_yticks(places, labels)
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()


def _number(share: float | None) -> float:
    return np.nan if share is None else share


def _share(value: float) -> str:
    if not np.isfinite(value):
        return "none"
    return "0" if value == 0 else f"{value:.2f}" if value >= 0.005 else "<.01"


def _rejection(cell: Rejection) -> str:
    """``197``, ``1.2k``, or ``>80`` where no background is left."""
    sign = ">" if cell.is_limit else ""
    value = cell.low if cell.is_limit else cell.value
    if value < 1000:
        return f"{sign}{value:.0f}" if value >= 10 else f"{sign}{value:.1f}"
    letter, size = ("k", 1e3) if log10(value) < 6 else ("M", 1e6)
    return f"{sign}{float(f'{value / size:.2g}'):g}{letter}"
