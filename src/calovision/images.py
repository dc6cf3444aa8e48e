"""Towers and tracks to event images of the whole detector.

Images are ``(n_events, n_channels, n_eta, n_phi)``; energies in GeV. This is the plain numpy
implementation: one ``bincount`` a channel over all events of a chunk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.errors import InputError
from calovision.grid import OUTSIDE, EtaPhiGrid


class Channel(NamedTuple):
    """What a channel sums in each cell: the quantity of a collection, its unit, and a title for plots."""

    collection: str
    quantity: str
    unit: str
    title: str

    @property
    def axis_title(self) -> str:
        """Title with the unit, for plots."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


CHANNELS = {
    "energy": Channel("towers", "e", "GeV", "$E$"),
    "em": Channel("towers", "e_em", "GeV", "EM $E$"),
    "had": Channel("towers", "e_had", "GeV", "hadronic $E$"),
    "et": Channel("towers", "e", "GeV", r"$E_\mathrm{T}$"),
    "em_et": Channel("towers", "e_em", "GeV", r"EM $E_\mathrm{T}$"),
    "had_et": Channel("towers", "e_had", "GeV", r"hadronic $E_\mathrm{T}$"),
    "towers": Channel("towers", "count", "", "number of towers"),
    "tracks": Channel("tracks", "count", "", "number of tracks"),
    "track_pt": Channel("tracks", "pt", "GeV", r"track $p_\mathrm{T}$"),
}
"""Channels by name; those ending in ``et`` are divided by cosh(eta)."""


@dataclass(frozen=True)
class SparseImages:
    """Images of n events as sparse rows, the layout of the image file.

    Row i holds ``cells[offsets[i]:offsets[i + 1]]``, ascending flat indices in (channel, eta, phi),
    and the ``values`` there.
    """

    offsets: np.ndarray
    cells: np.ndarray
    values: np.ndarray
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def dense(self) -> np.ndarray:
        """Images as float32 ``(n_events, n_channels, n_eta, n_phi)``."""
        images = np.zeros((len(self), int(np.prod(self.shape))), dtype=np.float32)
        rows = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        images[rows, self.cells] = self.values
        return images.reshape(len(self), *self.shape)


def build_images(
    towers: ak.Array, tracks: ak.Array, grid: EtaPhiGrid, channels: Sequence[str]
) -> tuple[SparseImages, np.ndarray]:
    """Sum towers and tracks into the cells of the grid.

    Parameters
    ----------
    towers
        ``n_events * var`` records ``eta, phi, e, e_em, e_had``, GeV.
    tracks
        ``n_events * var`` records ``pt, eta, phi``, GeV.
    grid
        The cells.
    channels
        Names out of ``CHANNELS``, in the order wanted.

    Returns
    -------
    images
        Sparse rows, one per event.
    overflow
        ``(n_events, n_channels)`` float64: what lies outside the grid, so that image + overflow is
        the total of the event.

    Raises
    ------
    InputError
        If a channel is unknown or repeated, or the collections differ in their number of events.
    """
    check_channels(channels)
    if len(towers) != len(tracks):
        raise InputError(f"towers have {len(towers)} events but tracks {len(tracks)}: both must have the same")
    collections = {"towers": towers, "tracks": tracks}
    located = {name: _locate(collection, grid) for name, collection in collections.items()}
    n_events = len(towers)
    images = np.zeros((n_events, len(channels), grid.n_cells), dtype=np.float32)
    overflow = np.zeros((n_events, len(channels)))
    for index, channel in enumerate(channels):
        name = CHANNELS[channel].collection
        event, cell = located[name]
        content = _content(collections[name], channel)
        inside = cell != OUTSIDE
        flat = event[inside] * grid.n_cells + cell[inside]
        summed = np.bincount(flat, content[inside], minlength=n_events * grid.n_cells)
        images[:, index] = summed.reshape(n_events, grid.n_cells)
        overflow[:, index] = np.bincount(event[~inside], content[~inside], minlength=n_events)
    shape = (len(channels), grid.n_eta, grid.n_phi)
    return _to_sparse(images.reshape(n_events, len(channels) * grid.n_cells), shape), overflow


def check_channels(channels: Sequence[str]) -> None:
    """Raise InputError if a channel is unknown or repeated, or there is none."""
    unknown = [channel for channel in channels if channel not in CHANNELS]
    if unknown:
        raise InputError(f"unknown image channel '{unknown[0]}': choose from {', '.join(CHANNELS)}")
    if not channels or len(set(channels)) != len(channels):
        raise InputError(f"image channels {list(channels)}: name at least one, and each only once")


def _locate(collection: ak.Array, grid: EtaPhiGrid) -> tuple[np.ndarray, np.ndarray]:
    """Event and cell of every entry of a collection, both flat."""
    event = np.repeat(np.arange(len(collection)), ak.to_numpy(ak.num(collection, axis=1)))
    return event, grid.cell_index(_flat(collection, "eta"), _flat(collection, "phi"))


def _content(collection: ak.Array, channel: str) -> np.ndarray:
    """What every entry of its collection adds to a channel, flat, float64."""
    quantity = CHANNELS[channel].quantity
    if quantity == "count":
        return np.ones(int(ak.sum(ak.num(collection, axis=1))))
    content = _flat(collection, quantity)
    if not channel.endswith("et"):
        return content
    with np.errstate(over="ignore"):  # beyond |eta| = 710 nothing is transverse in float64; Delphes writes 999.9
        return content / np.cosh(_flat(collection, "eta"))


def _flat(collection: ak.Array, field: str) -> np.ndarray:
    return ak.to_numpy(ak.flatten(collection[field], axis=1)).astype(np.float64)


def _to_sparse(images: np.ndarray, shape: tuple[int, int, int]) -> SparseImages:
    """Keep the cells that are not zero; ``images`` is ``(n_events, n_channels * n_cells)``."""
    rows, cells = np.nonzero(images)
    offsets = np.zeros(len(images) + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=len(images)), out=offsets[1:])
    dtype = np.uint16 if images.shape[1] <= np.iinfo(np.uint16).max + 1 else np.uint32
    return SparseImages(offsets, cells.astype(dtype), images[rows, cells], shape)
