"""Mean images of the classes, and single images: (channel, eta, phi), eta drawn to the right."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from calovision.core.errors import InputError
from calovision.core.titles import shown, wrapped
from calovision.plotting.style import plane_size, styled

DECADES = 4  # of the color scale below its largest cell
CIRCLE_POINTS = 400


@styled
def plot_mean_images(
    mean_images: Mapping[str, np.ndarray], *, eta_edges: np.ndarray, channels: Sequence[str]
) -> Figure:
    """Mean image of each class (rows) and channel (columns), with one logarithmic color scale per
    channel.

    Parameters
    ----------
    mean_images
        For each class title an image ``(n_channels, n_eta, n_phi)`` over ``eta_edges`` and all phi.
    eta_edges
        Edges of the cells in eta, ``(n_eta + 1,)``.
    channels
        Title of each channel with its unit, for the color bars.

    Raises
    ------
    InputError
        If there is no class, or an image does not have the channels.
    """
    if not mean_images:
        raise InputError("no mean image to draw; give at least one class")
    titles = [class_title(name, eta_edges) for name in mean_images]
    figure, grid = plane_grid(titles, len(channels), eta_edges)
    for column, title in enumerate(channels):
        norm = _log_norm(*[_channel(image, column, channels) for image in mean_images.values()])
        for axes, image in zip(grid[:, column], mean_images.values(), strict=True):
            mesh = _draw_cells(axes, image[column], eta_edges, norm)
        _color_bar(figure, mesh, list(grid[:, column]), title)
        grid[-1, column].set_xlabel(r"$\eta$")
    for axes, title in zip(grid[:, 0], titles, strict=True):
        axes.set_ylabel(f"{title}\n" + r"$\phi$ [rad]")
    return figure


def plane_grid(
    titles: Sequence[str], n_columns: int, eta_edges: np.ndarray
) -> tuple[Figure, np.ndarray]:
    """Figure with panels of eta and phi, both in one scale, sized by the range in eta; a row per
    title.
    """
    width, height = plane_size(eta_edges[-1] - eta_edges[0], 2 * np.pi)
    if not n_columns:
        raise InputError("no channel to draw; give the title of at least one")
    n_lines = max(title.count("\n") for title in titles)
    size = 1.0 + 0.32 * n_lines + (width + 0.46) * n_columns, 1.1 + (height + 0.39) * len(titles)
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(len(titles), n_columns, sharex=True, sharey=True, squeeze=False)


def class_title(name: str, eta_edges: np.ndarray) -> str:
    """Title of a class beside its panels, in lines that are no longer than these are high."""
    _, height = plane_size(eta_edges[-1] - eta_edges[0], 2 * np.pi)
    return wrapped(name, round(8 * height))


@styled
def plot_event_display(
    image: np.ndarray,
    *,
    eta_edges: np.ndarray,
    channels: Sequence[str],
    fat_jets: np.ndarray | None = None,
    radius: float | None = None,
    title: str = "",
) -> Figure:
    """One event: a panel per channel, fat jets as circles or, where their radius is not known, as
    crosses.

    Empty cells are white.

    Parameters
    ----------
    image
        ``(n_channels, n_eta, n_phi)`` over ``eta_edges`` and all phi.
    eta_edges, channels
        As in `plot_mean_images`.
    fat_jets
        pT, eta, phi, mass of each, ``(n_jets, 4)``; rows with pT 0 are padding.
    radius
        Of the fat jets; None if it is not known, as of jets that a file brings along.
    title
        Above the panels.
    """
    figure, grid = plane_grid([""], len(channels), eta_edges)
    row = grid[0]
    for column, (axes, name) in enumerate(zip(row, channels, strict=True)):
        cells = _channel(image, column, channels)
        mesh = _draw_cells(axes, cells, eta_edges, _log_norm(cells))
        _color_bar(figure, mesh, [axes], name)
        axes.set_xlabel(r"$\eta$")
        _draw_jets(axes, fat_jets, radius)
    row[0].set_ylabel(r"$\phi$ [rad]")
    if title:
        figure.suptitle(wrapped(title, round(8 * figure.get_figwidth())))
    return figure


def plot_jet_image(
    image: np.ndarray,
    *,
    eta_edges: np.ndarray,
    phi_edges: np.ndarray,
    channels: Sequence[str],
    title: str = "",
) -> Figure:
    """Draw one jet image: a panel per channel, with a logarithmic color scale of its own.

    Empty cells are white. The figure has the caller's style, not that of this package.

    Parameters
    ----------
    image
        ``(n_channels, n_eta, n_phi)`` around the jet axis.
    eta_edges, phi_edges
        Edges of the cells relative to the jet axis, ``(n_eta + 1,)`` and ``(n_phi + 1,)``, phi in
        radians.
    channels
        Title of each channel with its unit, for the color bars.
    title
        Above the panels.

    Raises
    ------
    InputError
        If the image does not have the channels.
    """
    figure = Figure(figsize=(0.9 + 2.8 * len(image), 3.9), layout="constrained")
    row = figure.subplots(1, len(image), sharey=True, squeeze=False)[0]
    for column, (axes, name) in enumerate(zip(row, channels, strict=True)):
        cells = _channel(image, column, channels)
        positive = cells[cells > 0]
        low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1.0)
        mesh = axes.pcolormesh(
            eta_edges,
            phi_edges,
            np.ma.masked_less_equal(cells.T, 0.0),
            norm=LogNorm(min(low, high / 2), high),
            cmap="viridis_r",
            rasterized=True,
        )
        figure.colorbar(mesh, ax=axes, location="top", label=shown(name))
        axes.set(xlabel=r"$\Delta\eta$", aspect="equal")
    row[0].set_ylabel(r"$\Delta\phi$ [rad]")
    figure.suptitle(wrapped(title, round(8 * figure.get_figwidth())))
    return figure


def _draw_jets(axes: Axes, fat_jets: np.ndarray | None, radius: float | None) -> None:
    """A circle around each jet, or a cross at its axis."""
    for jet in np.atleast_2d(fat_jets) if fat_jets is not None and len(fat_jets) else []:
        if not jet[0] > 0:
            continue
        if radius is None:
            axes.plot(
                jet[1],
                jet[2],
                color="black",
                marker="x",
                markersize=9,
                markeredgewidth=1.4,
                linestyle="none",
            )
        else:
            axes.plot(
                *_circle(jet[1], jet[2], radius), color="black", linewidth=1.1, linestyle="--"
            )


def _channel(image: np.ndarray, channel: int, channels: Sequence[str]) -> np.ndarray:
    """Cells of one channel; InputError if the image does not have the channels."""
    if np.ndim(image) != 3 or len(image) != len(channels):
        raise InputError(
            f"image of shape {np.shape(image)} does not have the {len(channels)} channels "
            f"{list(channels)}"
        )
    return np.asarray(image[channel], dtype=np.float64)


def _draw_cells(axes: Axes, cells: np.ndarray, eta_edges: np.ndarray, norm: LogNorm) -> QuadMesh:
    """Cells ``(n_eta, n_phi)`` with eta to the right and phi upwards; those without content stay
    white.
    """
    if len(eta_edges) != len(cells) + 1:
        raise InputError(
            f"{len(eta_edges)} edges in eta for {len(cells)} cells; give one more than cells"
        )
    phi = np.linspace(-np.pi, np.pi, cells.shape[1] + 1)
    shown = np.ma.masked_less_equal(cells, 0.0)
    mesh = axes.pcolormesh(eta_edges, phi, shown.T, norm=norm, cmap="viridis_r", rasterized=True)
    axes.set(xlim=(eta_edges[0], eta_edges[-1]), ylim=(-np.pi, np.pi), aspect="equal")
    axes.set_yticks(
        [-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi],
        [r"$-\pi$", r"$-\pi/2$", "0", r"$\pi/2$", r"$\pi$"],
    )
    return mesh


def _color_bar(figure: Figure, mesh: QuadMesh, panels: list[Axes], title: str) -> None:
    """Color bar above the panels; plain numbers where it spans little, as with tracks."""
    bar = figure.colorbar(
        mesh, ax=panels, location="top", label=shown(title), shrink=0.95, pad=0.02
    )
    low, high = mesh.norm.vmin, mesh.norm.vmax
    if high < 100 * low:
        middle = float(f"{np.sqrt(low * high):.1g}")
        ticks = [low, middle, high] if low < middle < high else [low, high]
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        bar.minorticks_off()
    else:
        bar.ax.xaxis.set_minor_formatter(NullFormatter())  # their labels would overlap


def _log_norm(*cells: np.ndarray) -> LogNorm:
    """Scale that holds all positive cells, at most ``DECADES`` below the largest; below, the
    faintest color.
    """
    positive = np.concatenate([values[values > 0] for values in cells])
    if len(positive) == 0:
        return LogNorm(0.1, 1.0)
    largest = positive.max()
    smallest = max(positive.min(), largest / 10**DECADES)
    return LogNorm(min(smallest, largest / 2), largest, clip=True)


def _circle(eta: float, phi: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Circle in (eta, phi) with phi in [-pi, pi); nan breaks the line where it crosses phi = pi."""
    angle = np.linspace(0.0, 2 * np.pi, CIRCLE_POINTS)
    x = eta + radius * np.cos(angle)
    y = phi + radius * np.sin(angle)
    y = np.mod(y + np.pi, 2 * np.pi) - np.pi
    jumps = np.flatnonzero(np.abs(np.diff(y)) > np.pi) + 1
    return np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan)
