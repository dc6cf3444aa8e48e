"""Maps of a run: hits, and hits over those that are expected, with the flagged towers outlined."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter

from calovision.core.titles import shown
from calovision.plotting.images import plane_grid
from calovision.plotting.style import styled

Cell = tuple[int, int]
FLAG_COLOR = "#bd1f01"
KNOWN_COLOR = "0.35"
LARGEST_RATIO = 2.0
PHI_TICKS = [-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi]
PHI_LABELS = [r"$-\pi$", r"$-\pi/2$", "0", r"$\pi/2$", r"$\pi$"]


@styled
def plot_run_maps(
    rate: np.ndarray,
    ratio: np.ndarray,
    *,
    eta_edges: np.ndarray,
    channels: Sequence[str],
    flagged: Mapping[str, Sequence[Cell]],
    known: Mapping[str, Sequence[Cell]],
) -> Figure:
    """Share of the events with a hit, and hits over the expected ones, a row for each channel.

    Parameters
    ----------
    rate, ratio
        ``(n_channels, n_eta, n_phi)``; what is NaN, or of ``rate`` 0, stays white.
    eta_edges
        Edges of the cells in eta.
    channels
        Names.
    flagged, known
        Channel -> eta and phi indices of cells that raise an alarm, and of known faults.
    """
    figure, panels = plane_grid(list(channels), 2, eta_edges)
    for row, (axes, name) in enumerate(zip(panels, channels, strict=True)):
        norm = _log_norm(rate[row])
        hits = _draw(axes[0], np.ma.masked_less_equal(rate[row], 0), eta_edges, norm, "viridis_r")
        scale = TwoSlopeNorm(1.0, 0.0, LARGEST_RATIO)
        values = np.ma.masked_invalid(ratio[row])
        ratios = _draw(axes[1], values, eta_edges, scale, "RdBu_r")
        for one in axes:
            _outline(one, known.get(name, ()), eta_edges, rate.shape[2], KNOWN_COLOR)
            _outline(one, flagged.get(name, ()), eta_edges, rate.shape[2], FLAG_COLOR)
        axes[0].set_ylabel(f"{shown(name)}\n" + r"$\phi$ [rad]")
        _bar(figure, hits, axes[0], "hits per event")
        _bar(figure, ratios, axes[1], "hits / expected", extend="max")
    for one in panels[-1]:
        one.set_xlabel(r"$\eta$")
    return figure


@styled
def plot_reference(
    rate: np.ndarray, mean: np.ndarray, *, eta_edges: np.ndarray, channels: Sequence[str]
) -> Figure:
    """Share of the events with a hit, and mean value, of the good runs, a row for each channel.

    Parameters
    ----------
    rate, mean
        ``(n_channels, n_eta, n_phi)``; cells without a hit stay white.
    eta_edges, channels
        As of `plot_run_maps`; the channels with their units.
    """
    figure, panels = plane_grid(list(channels), 2, eta_edges)
    for row, (axes, name) in enumerate(zip(panels, channels, strict=True)):
        for one, values, title in (
            (axes[0], rate[row], "hits per event"),
            (axes[1], mean[row], "mean per event"),
        ):
            masked = np.ma.masked_less_equal(values, 0)
            mesh = _draw(one, masked, eta_edges, _log_norm(values), "viridis_r")
            _bar(figure, mesh, one, title)
        axes[0].set_ylabel(f"{shown(name)}\n" + r"$\phi$ [rad]")
    for one in panels[-1]:
        one.set_xlabel(r"$\eta$")
    return figure


def _draw(
    axes: Axes, cells: np.ndarray, eta_edges: np.ndarray, norm: Normalize, colors: str
) -> object:
    phi = np.linspace(-np.pi, np.pi, cells.shape[1] + 1)
    mesh = axes.pcolormesh(eta_edges, phi, cells.T, norm=norm, cmap=colors, rasterized=True)
    axes.set(xlim=(eta_edges[0], eta_edges[-1]), ylim=(-np.pi, np.pi), aspect="equal")
    axes.set_yticks(PHI_TICKS, PHI_LABELS)
    return mesh


def _outline(
    axes: Axes, cells: Sequence[Cell], eta_edges: np.ndarray, n_phi: int, color: str
) -> None:
    """Frames around cells."""
    step = 2 * np.pi / n_phi
    for eta, phi in cells:
        low, width = eta_edges[eta], eta_edges[eta + 1] - eta_edges[eta]
        frame = Rectangle((low, -np.pi + phi * step), width, step, linewidth=1.3, clip_on=False)
        frame.set(facecolor="none", edgecolor=color, zorder=3)
        axes.add_patch(frame)


def _bar(figure: Figure, mesh: object, axes: Axes, title: str, **options: str) -> None:
    bar = figure.colorbar(mesh, ax=axes, location="top", label=title, shrink=0.95, **options)
    if isinstance(mesh.norm, LogNorm) and mesh.norm.vmax < 100 * mesh.norm.vmin:
        low, high = mesh.norm.vmin, mesh.norm.vmax
        ticks = [low, float(f"{np.sqrt(low * high):.1g}"), high]
        ticks = ticks if ticks[0] < ticks[1] < ticks[2] else [low, high]
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        bar.minorticks_off()
    elif isinstance(mesh.norm, LogNorm):
        bar.ax.xaxis.set_minor_formatter(NullFormatter())


def _log_norm(cells: np.ndarray) -> LogNorm:
    positive = cells[np.isfinite(cells) & (cells > 0)]
    if len(positive) == 0:
        return LogNorm(0.1, 1.0)
    high = positive.max()
    return LogNorm(min(max(np.quantile(positive, 0.01), high / 1e4), high / 2), high, clip=True)
