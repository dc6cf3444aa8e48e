"""Drawing for the notebooks: arrays with their numbers, images side by side, kernels that move.

Images are ``(rows, columns)``, in the notebooks eta and phi; the first row is drawn at the top.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

SHORT = bool(os.environ.get("CALOVISION_SHORT"))
"""Fewer events and epochs, as the tests of the notebooks want it."""

SHADES, SIGNED = "Blues", "RdBu_r"
MARK = "#bd1f01"
BUTTONS = {
    "minus": "&minus;",
    "fast-backward": "|&#9666;",
    "step-backward": "&#9666;",
    "play fa-flip-horizontal": "&#9664;",
    "pause": "&#10073;&#10073;",
    "play": "&#9654;",
    "step-forward": "&#9656;",
    "fast-forward": "&#9656;|",
    "plus": "+",
}
"""Signs in place of the icons of matplotlib's player, which come from the network."""

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # fonts that are not here
plt.rcParams.update({"figure.dpi": 90, "font.size": 11, "image.interpolation": "nearest"})


def show_numbers(arrays: Mapping[str, np.ndarray], *, width: float = 0.55) -> None:
    """Draw arrays of numbers side by side, every number in its cell, with their titles.

    One-dimensional arrays are one row; ``width`` is that of a cell in inches.
    """
    tables = {title: np.atleast_2d(values) for title, values in arrays.items()}
    shapes = [values.shape for values in tables.values()]
    widths = [max(columns, 4) for _, columns in shapes]
    size = (width * sum(widths) + 0.6 * len(widths), width * max(r for r, _ in shapes) + 0.7)
    _, panels = plt.subplots(
        1, len(tables), figsize=size, squeeze=False, layout="constrained", width_ratios=widths
    )
    for axes, (title, values) in zip(panels[0], tables.items(), strict=True):
        draw_numbers(axes, values)
        axes.set_title(title, fontsize=11)
    plt.show()


def draw_numbers(axes: Axes, values: np.ndarray, *, largest: float | None = None) -> None:
    """Draw an array ``(rows, columns)`` with its numbers; red is positive, blue negative."""
    largest = float(np.abs(values).max()) if largest is None else largest
    axes.imshow(values, cmap=SIGNED, vmin=-2 * (largest or 1), vmax=2 * (largest or 1))
    for (row, column), value in np.ndenumerate(values):
        text = "" if np.isnan(value) else f"{value:g}"
        axes.text(column, row, text, ha="center", va="center", fontsize=9)
    _frame(axes, values.shape)


def _frame(axes: Axes, shape: tuple[int, int]) -> None:
    """Lines between the cells, and no ticks."""
    axes.set_xticks(np.arange(shape[1] + 1) - 0.5, [])
    axes.set_yticks(np.arange(shape[0] + 1) - 0.5, [])
    axes.grid(color="0.8", linewidth=0.8)
    axes.tick_params(length=0)


def show_images(
    images: Mapping[str, np.ndarray],
    *,
    columns: int = 4,
    size: float = 2.3,
    signed: bool = False,
    shared: bool = False,
    extent: tuple[float, float, float, float] | None = None,
) -> None:
    """Draw images ``(rows, columns)`` by their titles.

    Parameters
    ----------
    images
        Title -> image.
    columns, size
        Panels in a row, and height of one in inches.
    signed
        Draw negative numbers blue and positive ones red.
    shared
        One scale of colors for all.
    extent
        First and last phi and eta of images of the detector: eta then grows upwards.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    ratio = next(iter(images.values())).shape[1] / next(iter(images.values())).shape[0]
    _, panels = plt.subplots(
        rows,
        columns,
        figsize=(size * min(max(ratio, 0.6), 2) * columns, (size + 0.35) * rows),
        squeeze=False,
        layout="constrained",
    )
    largest = max(float(np.nanmax(np.abs(image))) for image in images.values())
    for axes in panels.flat[len(images) :]:
        axes.set_axis_off()
    for axes, (title, image) in zip(panels.flat, images.items(), strict=False):
        most = (largest if shared else float(np.nanmax(np.abs(image)))) or 1.0
        colors = {"cmap": SIGNED, "vmin": -most} if signed else {"cmap": SHADES, "vmin": 0}
        origin = "upper" if extent is None else "lower"
        place = {
            "extent": extent,
            "origin": origin,
            "aspect": "equal" if extent is None else "auto",
        }
        axes.imshow(image, vmax=most, **place, **colors)
        axes.set_title(title, fontsize=10)
        axes.set_xticks([] if extent is None else [-3, 0, 3])
        axes.set_yticks([] if extent is None else [-2, 0, 2])
        if extent is not None:
            axes.set_xlabel(r"$\phi$ [rad]")
            axes.set_ylabel(r"$\eta$")
    plt.show()


def slide_1d(values: Sequence[float], kernel: Sequence[float], result: Sequence[float]) -> HTML:
    """Animate a kernel that moves along a list of numbers and writes its responses."""
    figure, panels = plt.subplots(3, 1, figsize=(6.5, 2.6), sharex=True)
    figure.subplots_adjust(left=0.1, right=0.98, top=0.88, bottom=0.03, hspace=0.1)

    def draw(step: int) -> None:
        at = np.full((1, len(values)), np.nan)
        at[0, step : step + len(kernel)] = kernel
        written = np.full((1, len(values)), np.nan)
        written[0, : step + 1] = result[: step + 1]
        rows = {"x": np.atleast_2d(values).astype(float), "u": at, "x * u": written}
        for axes, (title, row) in zip(panels, rows.items(), strict=True):
            axes.clear()
            draw_numbers(
                axes, row, largest=float(np.abs(result if axes is panels[2] else values).max())
            )
            axes.set_ylabel(title, rotation=0, ha="right", va="center")
            axes.set_xlim(-0.5, len(values) - 0.5)
        products = " + ".join(
            f"{x:g}·{u:g}" if u >= 0 else f"{x:g}·({u:g})"
            for x, u in zip(values[step : step + len(kernel)], kernel, strict=True)
        )
        figure.suptitle(f"{products} = {result[step]:g}", fontsize=11)

    return _player(figure, draw, len(result))


def slide_2d(image: np.ndarray, kernel: np.ndarray, result: np.ndarray) -> HTML:
    """Animate a kernel that moves over an image; ``image`` with its padding, if there is any."""
    figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.9))
    figure.subplots_adjust(left=0.02, right=0.98, top=0.92, bottom=0.02, wspace=0.08)

    def draw(step: int) -> None:
        row, column = divmod(step, result.shape[1])
        written = np.where(np.arange(result.size) <= step, result.ravel(), np.nan)
        for axes, values, title in (
            (panels[0], image, "input and kernel"),
            (panels[1], written.reshape(result.shape), "response"),
        ):
            axes.clear()
            scale = image if axes is panels[0] else result
            draw_numbers(axes, values, largest=float(np.abs(scale).max()))
            axes.set_title(title, fontsize=11)
        frame = (column - 0.5, row - 0.5), kernel.shape[1], kernel.shape[0]
        panels[0].add_patch(Rectangle(*frame, fill=False, edgecolor=MARK, linewidth=3))
        for (i, j), weight in np.ndenumerate(kernel):
            place = (column + j + 0.42, row + i + 0.42)
            panels[0].text(*place, f"×{weight:g}", color=MARK, fontsize=6, ha="right", va="bottom")
        cell = (column - 0.5, row - 0.5), 1, 1
        panels[1].add_patch(Rectangle(*cell, fill=False, edgecolor=MARK, linewidth=3))

    return _player(figure, draw, result.size)


def _player(figure: Figure, draw: Callable[[int], None], n_frames: int) -> HTML:
    """Frames as HTML with buttons, which needs no network."""
    animation = FuncAnimation(figure, draw, frames=n_frames, interval=900)
    text = animation.to_jshtml(default_mode="once")
    plt.close(figure)
    text = re.sub(r"<link rel=\"stylesheet\"[^>]*>", "", text)
    for icon, sign in BUTTONS.items():
        text = text.replace(f'<i class="fa fa-{icon}"></i>', sign)
    return HTML(text)
