"""Event display of a stored image: numbers of the file into the plotting functions."""

from typing import TYPE_CHECKING

from calovision.images import CHANNELS
from calovision.images.grid import EtaPhiGrid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from calovision.storage.reader import ImageFile


def plot_image(file: "ImageFile", row: int) -> "Figure":
    """Figure of one image of a file, a panel per channel; fat jets marked where an event file has
    them.
    """
    from calovision.plotting import (  # matplotlib is loaded only to plot
        plot_event_display,
        plot_jet_image,
    )

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
    edges = {"eta_edges": info.grid.edges_in_eta, "phi_edges": info.grid.edges_in_phi}
    return plot_jet_image(file[row], **edges, channels=titles, title=title)
