"""Grids of panels, one for each class or discriminant, and colors of the classes."""

from collections.abc import Collection, Mapping, Sequence
from math import ceil

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calovision.core.titles import entry, wrapped
from calovision.plotting.style import FONT_SIZE, legend_columns

CLASS_PALETTE = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#832db6",
    "#94a4a2",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Color-vision friendly, from Petroff, arXiv:2107.02270 (set of ten)."""
LINES = ("-", "--", ":")
MOST_COLUMNS = 4
LETTERS_PER_INCH = 10.5  # of the title of a panel
LEGEND_ROW = 0.24  # inches
ARROW = 18  # points, of a limit


def class_colors(given: Mapping[str, str | None]) -> dict[str, str]:
    """Color of each class: that of the user, or the next of `CLASS_PALETTE` that none has."""
    taken = {color for color in given.values() if color}
    free = [color for color in CLASS_PALETTE if color not in taken] or list(CLASS_PALETTE)
    colors = {}
    for name, color in given.items():
        n_free = sum(1 for one in colors if not given[one])
        colors[name] = color or free[n_free % len(free)]
    return colors


def class_line(position: int) -> str:
    """Line style of a class: another one where the colors start again."""
    return LINES[position // len(CLASS_PALETTE) % len(LINES)]


def panels(
    n: int,
    *,
    size: tuple[float, float] = (3.5, 3.1),
    n_columns: int | None = None,
    above: float = 0.0,
    beside: float = 0.0,
    sharey: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Figure with n panels in rows of at most `MOST_COLUMNS`, of a size in inches each.

    Parameters
    ----------
    n
        Number of panels.
    size
        Width and height of a panel.
    n_columns
        Number of panels in a row; None for rows of about the same length.
    above
        Height of what stands above all panels, inches.
    beside
        Width of what stands to the left of all panels, inches.
    sharey
        Whether all have one vertical axis.
    """
    n_rows = ceil(n / MOST_COLUMNS) if n_columns is None else ceil(n / n_columns)
    columns = n_columns or ceil(n / n_rows)
    width = max(columns * size[0] + beside, 5.0)
    figure = Figure(figsize=(width, n_rows * size[1] + above), layout="constrained")
    every = figure.subplots(n_rows, columns, squeeze=False, sharey=sharey).ravel()
    for unused in every[n:]:
        unused.remove()
    return figure, list(every[:n])


def nothing_to_draw(words: str) -> Figure:
    """Figure that says why it is empty."""
    figure = Figure(figsize=(5.0, 1.2), layout="constrained")
    figure.text(0.5, 0.5, words, ha="center", va="center")
    return figure


def draw_lower_limits(
    axes: Axes, x: Sequence[float], y: Sequence[float], color: str, *, is_of_y: bool = True
) -> None:
    """Open markers with an arrow to larger values of y, or of x."""
    axes.plot(x, y, "^" if is_of_y else ">", color=color, mfc="white", ms=6)
    for place in zip(x, y, strict=True):
        axes.annotate(
            "",
            xy=place,
            xytext=(0, ARROW) if is_of_y else (ARROW, 0),
            textcoords="offset points",
            arrowprops={"arrowstyle": "<-", "color": color, "shrinkA": 0, "shrinkB": 2},
        )


def legend_height(labels: Collection[str], width: float) -> float:
    """Inches of a legend above a figure."""
    return 0.2 + LEGEND_ROW * ceil(len(labels) / legend_columns(labels, width))


def grid_width(n: int, size: tuple[float, float] = (3.5, 3.1)) -> float:
    """Width of the figure of `panels`, inches."""
    return max(ceil(n / ceil(n / MOST_COLUMNS)) * size[0], 5.0)


def legend_above(figure: Figure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """One legend for all panels."""
    if handles:
        texts = [entry(label) for label in labels]
        columns = legend_columns(texts, figure.get_figwidth())
        figure.legend(handles, texts, loc="outside upper center", ncols=columns)


def set_title(axes: Axes, title: str, width: float) -> None:
    """Title of a panel, in lines as long as it is wide."""
    axes.set_title(fitted(title, width), fontsize=FONT_SIZE - 1)


def fitted(title: str, width: float) -> str:
    """Title in lines that a panel of a width in inches holds; one with a formula is broken between
    words outside of it.
    """
    length = round(width * LETTERS_PER_INCH)
    if "$" not in title or len(title) <= length:
        return wrapped(title, length)
    lines = [""]
    is_formula = False
    for word in title.split(" "):
        fits = len(lines[-1]) + len(word) < length
        if is_formula or fits or not lines[-1]:
            lines[-1] = f"{lines[-1]} {word}".strip()
        else:
            lines.append(word)
        is_formula ^= word.count("$") % 2 == 1
    return "\n".join(wrapped(line, length) for line in lines)
