"""Mean attributions of each class and channel, (channel, eta, phi); eta is drawn to the right."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.plotting.images import class_title, plane_grid
from calovision.plotting.style import styled

SHOWN = 0.995  # share of the cells inside the color scale: single ones would make the others pale


@styled
def plot_attributions(
    attributions: Mapping[str, np.ndarray],
    *,
    eta_edges: np.ndarray,
    channels: Sequence[str],
    aligned: bool = True,
) -> Figure:
    """Mean attribution of each class (rows) and channel (columns), with one color scale per
    channel, white at 0.

    Red cells speak for signal, blue ones for background. The strongest cells, one of 200, have the
    color of the end of the scale.

    Parameters
    ----------
    attributions
        Class title -> ``(n_channels, n_eta, n_phi)`` in units of the logit, over ``eta_edges`` and
        all phi (`mean_attribution`).
    eta_edges
        Edges of the cells in eta, ``(n_eta + 1,)``.
    channels
        Title of each channel, for the color bars.
    aligned
        Whether the leading fat jet of each event was brought to phi = 0 and positive eta.

    Raises
    ------
    InputError
        If there is no class, or an image has not the given channels or is not finite.
    """
    _check(attributions, channels, len(eta_edges) - 1)
    titles = [class_title(name, eta_edges) for name in attributions]
    figure, grid = plane_grid(titles, len(channels), eta_edges)
    phi = np.linspace(-np.pi, np.pi, next(iter(attributions.values())).shape[2] + 1)
    for column, title in enumerate(channels):
        end = _end_of_scale([image[column] for image in attributions.values()])
        norm = Normalize(-end, end)
        for axes, image in zip(grid[:, column], attributions.values(), strict=True):
            mesh = axes.pcolormesh(
                eta_edges, phi, image[column].T, norm=norm, cmap="RdBu_r", rasterized=True
            )
            axes.set(xlim=(eta_edges[0], eta_edges[-1]), ylim=(-np.pi, np.pi), aspect="equal")
        panels = list(grid[:, column])
        bar = figure.colorbar(
            mesh,
            ax=panels,
            location="top",
            label=shown(title),
            shrink=0.95,
            pad=0.02,
            extend="both",
        )
        bar.set_ticks([-end, 0.0, end], labels=[f"{-end:.2g}", "0", f"{end:.2g}"])
        bar.minorticks_off()
        grid[-1, column].set_xlabel(r"$\eta$ (leading fat jet: positive)" if aligned else r"$\eta$")
    ticks = [-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi]
    label = r"$\phi$ from leading fat jet [rad]" if aligned else r"$\phi$ [rad]"
    for axes, title in zip(grid[:, 0], titles, strict=True):
        axes.set_yticks(ticks, [r"$-\pi$", r"$-\pi/2$", "0", r"$\pi/2$", r"$\pi$"])
        axes.set_ylabel(f"{title}\n{label}")
    return figure


def _end_of_scale(images: Sequence[np.ndarray]) -> float:
    """Size of an attribution that holds nearly all cells of one channel; 1 where all are 0."""
    sizes = np.abs(np.concatenate([np.ravel(image) for image in images]))
    return float(np.quantile(sizes, SHOWN)) or float(sizes.max()) or 1.0


def _check(attributions: Mapping[str, np.ndarray], channels: Sequence[str], n_eta: int) -> None:
    if not attributions:
        raise InputError("no attribution to draw; give at least one class")
    for name, image in attributions.items():
        if np.ndim(image) != 3 or len(image) != len(channels) or np.shape(image)[1] != n_eta:
            raise InputError(
                f"class '{name}': attributions of shape {np.shape(image)} do not have the "
                f"{len(channels)} channels "
                f"{list(channels)} and the {n_eta} cells in eta"
            )
        if not np.isfinite(image).all():
            raise InputError(
                f"class '{name}': attributions are not finite; look at the images and the model"
            )
