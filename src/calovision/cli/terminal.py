"""An image on the terminal: eta to the right, phi upwards, brightness by the logarithm of the
content.
"""

from collections.abc import Sequence
from math import isclose, pi

import numpy as np
from rich.text import Text

COLUMNS = (
    64  # largest width; half as many lines, as a character is about twice as high as it is wide
)
DECADES = 3  # of the scale below the largest cell
DENSITIES = " .:-=+*#%@"
# Dark to bright like the density characters, from black over purple and orange to pale yellow.
COLORS = (
    "#000004",
    "#1b1044",
    "#4f127b",
    "#812581",
    "#b5367a",
    "#e55064",
    "#fb8761",
    "#fea973",
    "#fec287",
    "#fcfdbf",
)
MARGIN = 7  # characters left of the frame


def draw_plane(
    cells: np.ndarray,
    *,
    eta_edges: Sequence[float],
    phi_edges: Sequence[float],
    unit: str = "GeV",
    color: bool = False,
) -> Text:
    """Draw the content of the cells.

    Parameters
    ----------
    cells
        ``(n_eta, n_phi)``; what is not positive stays empty.
    eta_edges, phi_edges
        ``(n_eta + 1,)`` and ``(n_phi + 1,)``; the first, the middle and the last are written at the
        axes.
    unit
        Of the content, for the scale.
    color
        Half blocks in color, each the size of a cell; else density characters, of two cells in phi
        where there are more than ``COLUMNS / 2`` along an axis.

    Returns
    -------
    Lines of at most ``COLUMNS + MARGIN + 2`` characters.
    """
    shown = fit_to_columns(np.asarray(cells, dtype=np.float64))[
        :, ::-1
    ].T  # rows from the top: phi descending
    if len(shown) % 2:
        shown = np.vstack([shown, np.zeros_like(shown[:1])])
    if not color:
        # two cells in a character are summed, but a cell that was repeated counts once
        together = np.maximum if _repeats(cells.shape) > 1 else np.add
        shown = together(shown[::2], shown[1::2])
    levels = density_levels(shown)
    lines = (
        _color_lines(levels)
        if color
        else [Text("".join(DENSITIES[level] for level in row)) for row in levels]
    )
    picture = _framed(lines, _labels(phi_edges), _labels(eta_edges))
    return picture.append(_scale(shown, unit, color=color))


def fit_to_columns(cells: np.ndarray, size: int = COLUMNS) -> np.ndarray:
    """Sum neighbors where there are more than ``size`` cells along an axis; repeat cells where
    there are far fewer.

    The sum over the image is kept only where cells are summed.
    """
    repeat = _repeats(cells.shape, size)
    cells = cells.repeat(repeat, axis=0).repeat(repeat, axis=1)
    for axis, n_cells in enumerate(cells.shape):
        if n_cells > size:
            starts = np.arange(size) * n_cells // size
            cells = np.add.reduceat(cells, starts, axis=axis)
    return cells


def _repeats(shape: tuple[int, ...], size: int = COLUMNS) -> int:
    return max(1, size // max(shape))


def density_levels(values: np.ndarray) -> np.ndarray:
    """Brightness 0 (no content) to 9 (the largest), logarithmic over ``DECADES``, same shape."""
    positive = values > 0
    largest = values[positive].max() if positive.any() else 1.0
    decades_below = np.log10(largest / np.where(positive, values, largest))
    level = len(DENSITIES) - 1 - np.floor(decades_below * (len(DENSITIES) - 1) / DECADES)
    return np.where(positive, np.maximum(level, 1), 0).astype(int)


def _color_lines(levels: np.ndarray) -> list[Text]:
    """Two rows a line: the upper one colors the half block, the lower one its background."""
    return [
        Text.assemble(
            *(
                ("▀", f"{COLORS[upper]} on {COLORS[lower]}")
                for upper, lower in zip(*rows, strict=True)
            )
        )
        for rows in zip(levels[::2], levels[1::2], strict=True)
    ]


def _framed(lines: list[Text], phi_labels: Sequence[str], eta_labels: Sequence[str]) -> Text:
    """Lines in a frame, with the labels of the first, middle and last edge at both axes."""
    width = len(lines[0])
    last = len(lines) - 1
    beside = {last: phi_labels[0], last // 2: phi_labels[1], 0: phi_labels[2]}
    beside[last // 4] = "φ"
    picture = Text(" " * (MARGIN - 1) + "┌" + "─" * width + "┐\n")
    for number, line in enumerate(lines):
        picture.append(f"{beside.get(number, ''):>{MARGIN - 2}} │").append_text(line).append("│\n")
    picture.append(" " * (MARGIN - 1) + "└" + "─" * width + "┘\n")
    return picture.append(" " * MARGIN + _under(width, eta_labels) + "\n")


def _under(width: int, labels: Sequence[str]) -> str:
    """Labels at the left, in the middle and at the right; the name of the axis between."""
    line = [" "] * max(width, sum(map(len, labels)) + 4)
    width = len(line)
    starts = (0, (width - len(labels[1])) // 2, width - len(labels[2]), 3 * width // 4)
    for start, label in zip(starts, (*labels, "η"), strict=True):
        line[start : start + len(label)] = label
    return "".join(line).rstrip()


def _labels(edges: Sequence[float]) -> tuple[str, str, str]:
    """Write the coordinates at the beginning, in the middle and at the end; pi by its letter."""
    middle = np.interp(
        (len(edges) - 1) / 2, np.arange(len(edges)), edges
    )  # of a cell if their number is odd
    return _label(edges[0]), _label(middle), _label(edges[-1])


def _label(value: float) -> str:
    if isclose(abs(value), pi):
        return "-π" if value < 0 else "π"
    return f"{value:.3g}" if abs(value) > 1e-9 else "0"


def _scale(shown: np.ndarray, unit: str, *, color: bool) -> Text:
    """Legend: the brightness of the faintest and of the largest content."""
    if not (shown > 0).any():
        return Text(" " * MARGIN + "no content")
    largest = shown.max()
    ramp = [("█", f"{code} on {COLORS[0]}") for code in COLORS[1:]] if color else [DENSITIES[1:]]
    faintest = f"≤ {largest * 10 ** (-DECADES + DECADES / (len(DENSITIES) - 1)):.2g} "
    return Text.assemble(" " * MARGIN, faintest, *ramp, f" {largest:.4g} {unit}".rstrip())
