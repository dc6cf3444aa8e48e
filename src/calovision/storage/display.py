"""Event display of a stored image: its metadata as titles and edges of the plotting functions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from calovision.images import CHANNELS
from calovision.images.grid import EtaPhiGrid
from calovision.storage.metadata import ImageMetadata

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("event_number", "jet_index", "fat_jets")
"""Event columns that a display shows, as far as the file has them."""


def plot_image(
    image: np.ndarray, info: ImageMetadata, columns: Mapping[str, np.ndarray]
) -> "Figure":
    """Figure of one image ``(n_channels, n_eta, n_phi)``, a panel per channel.

    ``columns`` are the entries of the image in `COLUMNS`; the fat jets are marked where there are
    some.
    """
    from calovision.plotting import (  # matplotlib is loaded only to plot
        plot_event_display,
        plot_jet_image,
    )

    titles = [CHANNELS[name].axis_title if name in CHANNELS else name for name in info.channels]
    title = f"{info.sample}, event {columns['event_number']}"
    if info.kind == "jet":
        title += f", jet {columns['jet_index']}"
    if isinstance(info.grid, EtaPhiGrid):
        return plot_event_display(
            image,
            eta_edges=info.grid.edges_in_eta,
            channels=titles,
            title=title,
            fat_jets=columns.get("fat_jets"),
            radius=info.fat_jet_radius,
        )
    return plot_jet_image(
        image,
        eta_edges=info.grid.edges_in_eta,
        phi_edges=info.grid.edges_in_phi,
        channels=titles,
        title=title,
    )
