"""Single events as inputs of figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calovision.images import CHANNELS
from calovision.storage import ImageCollection


@dataclass(frozen=True)
class EventInputs:
    """Inputs of a figure that shows one event.

    Attributes
    ----------
    image
        ``(n_channels, n_eta, n_phi)``.
    eta_edges
        Edges of the cells in eta, ``(n_eta + 1,)``.
    channels
        Title of each channel with its unit.
    fat_jets
        pT, eta, phi, mass of each, ``(n_jets, 4)``; rows with pT 0 are padding.
    radius
        Of the fat jets; None if it is not known.
    title
        Above the panels.
    """

    image: np.ndarray
    eta_edges: np.ndarray
    channels: Sequence[str]
    fat_jets: np.ndarray
    radius: float | None
    title: str

    @classmethod
    def read(
        cls, collection: ImageCollection, event: int, *, fat_jets: np.ndarray, title: str
    ) -> "EventInputs":
        """Read the image of an event, by its index in a collection."""
        info = collection.metadata
        return cls(
            image=collection.dense([event])[0],
            eta_edges=info.grid.edges_in_eta,
            channels=channel_titles(collection),
            fat_jets=fat_jets,
            radius=info.fat_jet_radius,
            title=title,
        )


def channel_titles(collection: ImageCollection) -> list[str]:
    """Titles of the channels of images with their units."""
    return [CHANNELS[name].axis_title for name in collection.metadata.channels]
