"""Mean images of the classes around the jet axis, and single jets of each."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.plotting.style import FONT_SIZE, styled
from calovision.plotting.tagging.panels import fitted

PANEL = 2.5  # inches
DECADES = 4  # of the color scale below its largest cell


@styled
def plot_class_images(
    mean_images: Mapping[str, np.ndarray],
    *,
    edges: tuple[np.ndarray, np.ndarray],
    channels: Sequence[str],
    axes_titles: tuple[str, str] = (r"$\Delta\eta$", r"$\Delta\phi$ [rad]"),
) -> Figure:
    """Mean image of each class (columns) and channel (rows), with one logarithmic color scale per
    channel.

    Parameters
    ----------
    mean_images
        Title of a class -> ``(n_channels, n_eta, n_phi)``.
    edges
        Edges of the cells in eta and in phi.
    channels
        Title of each channel with its unit.
    axes_titles
        Of eta and phi.

    Raises
    ------
    InputError
        If there is no class or no channel.
    """
    if not mean_images or not channels:
        raise InputError("no mean image to draw: give at least one class and channel")
    figure, grid = _grid(len(channels), list(mean_images))
    for row, (axes, channel) in enumerate(zip(grid, channels, strict=True)):
        images = [one[row] for one in mean_images.values()]
        norm = _norm(images)
        for panel, image in zip(axes, images, strict=True):
            mesh = _draw(panel, image, edges, norm)
        figure.colorbar(mesh, ax=list(axes), label=shown(channel), pad=0.01)
        axes[0].set_ylabel(axes_titles[1])
    for panel in grid[-1]:
        panel.set_xlabel(axes_titles[0])
    return figure


@styled
def plot_jets_of_classes(
    images: Mapping[str, np.ndarray],
    *,
    edges: tuple[np.ndarray, np.ndarray],
    channel: str,
    axes_titles: tuple[str, str] = (r"$\Delta\eta$", r"$\Delta\phi$ [rad]"),
) -> Figure:
    """First channel of single rows of each class (columns), one below the other.

    Parameters
    ----------
    images
        Title of a class -> ``(n_shown, n_eta, n_phi)``.
    edges, axes_titles
        As in `plot_class_images`.
    channel
        Title of the channel with its unit.
    """
    if not images:
        raise InputError("no image to draw: give those of at least one class")
    n_shown = max(map(len, images.values()))
    figure, grid = _grid(n_shown, list(images))
    norm = _norm([one for each in images.values() for one in each])
    mesh = None
    for column, each in enumerate(images.values()):
        for row in range(n_shown):
            if row < len(each):
                mesh = _draw(grid[row, column], each[row], edges, norm)
            else:
                grid[row, column].set_axis_off()
    if mesh is not None:
        figure.colorbar(mesh, ax=list(grid.ravel()), label=shown(channel), pad=0.01, shrink=0.6)
    for panel in grid[-1]:
        panel.set_xlabel(axes_titles[0])
    for panel in grid[:, 0]:
        panel.set_ylabel(axes_titles[1])
    return figure


def _grid(n_rows: int, titles: Sequence[str]) -> tuple[Figure, np.ndarray]:
    size = 1.6 + PANEL * len(titles), 0.9 + PANEL * n_rows
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(n_rows, len(titles), squeeze=False, sharex=True, sharey=True)
    for panel, title in zip(grid[0], titles, strict=True):
        panel.set_title(fitted(title, PANEL), fontsize=FONT_SIZE - 1)
    return figure, grid


def _draw(
    axes: Axes, cells: np.ndarray, edges: tuple[np.ndarray, np.ndarray], norm: LogNorm
) -> object:
    """Cells ``(n_eta, n_phi)``; those without content stay white."""
    content = np.ma.masked_less_equal(np.asarray(cells, np.float64), 0.0)
    mesh = axes.pcolormesh(*edges, content.T, norm=norm, cmap="viridis_r", rasterized=True)
    axes.set(xlim=edges[0][[0, -1]], ylim=edges[1][[0, -1]], aspect="equal")
    return mesh


def _norm(images: Sequence[np.ndarray]) -> LogNorm:
    """Scale of all positive cells, at most `DECADES` below the largest."""
    positive = np.concatenate([np.asarray(one)[np.asarray(one) > 0] for one in images])
    if not len(positive):
        return LogNorm(0.1, 1.0)
    largest = float(positive.max())
    smallest = max(float(positive.min()), largest / 10**DECADES)
    return LogNorm(min(smallest, largest / 2), largest, clip=True)
