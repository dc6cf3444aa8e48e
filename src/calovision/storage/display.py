"""Event display of a stored image: numbers of the file into the plotting functions."""

from typing import TYPE_CHECKING

import numpy as np

from calovision.core.titles import shown, wrapped
from calovision.images import CHANNELS
from calovision.images.grid import EtaPhiGrid, JetGrid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from calovision.storage.reader import ImageFile


def plot_image(file: "ImageFile", row: int) -> "Figure":
    """Figure of one image of a file, a panel per channel; fat jets marked where an event file has
    them.
    """
    from calovision.plotting import plot_event_display  # matplotlib is loaded only to plot

    info = file.metadata
    titles = [CHANNELS[name].axis_title if name in CHANNELS else name for name in info.channels]
    title = f"{info.sample}, event {file.events['event_number'][row]}"
    if info.kind == "jet":
        title += f", jet {file.events['jet_index'][row]}"
    if isinstance(info.grid, EtaPhiGrid):
        jets = file.events["fat_jets"][row] if "fat_jets" in file.events else None
        edges = info.grid.edges_in_eta
        look = {"fat_jets": jets, "radius": info.fat_jet_radius}
        return plot_event_display(file[row], eta_edges=edges, channels=titles, title=title, **look)
    return _plot_jet(file[row], info.grid, titles, title)


def _plot_jet(image: np.ndarray, grid: JetGrid, titles: list[str], title: str) -> "Figure":
    """Cells around the jet axis, on a logarithmic scale where they are positive."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.9 + 2.8 * len(image), 3.9), layout="constrained")
    row = figure.subplots(1, len(image), sharey=True, squeeze=False)[0]
    for axes, cells, name in zip(row, image, titles, strict=True):
        positive = cells[cells > 0]
        low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1.0)
        positive_cells = np.ma.masked_less_equal(cells.T, 0.0)
        norm = LogNorm(min(low, high / 2), high)
        mesh = axes.pcolormesh(
            grid.edges_in_eta,
            grid.edges_in_phi,
            positive_cells,
            norm=norm,
            cmap="viridis_r",
            rasterized=True,
        )
        figure.colorbar(mesh, ax=axes, location="top", label=shown(name))
        axes.set(xlabel=r"$\Delta\eta$", aspect="equal")
    row[0].set_ylabel(r"$\Delta\phi$ [rad]")
    figure.suptitle(wrapped(title, round(8 * figure.get_figwidth())))
    return figure
