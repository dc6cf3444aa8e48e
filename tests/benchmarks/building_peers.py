"""What else builds event images in Python, each with its data in the form that suits it best.

A method is ``fill(block, out)``: it writes the images of a block of events into ``out``, float32
``(n, 3, cells, cells)``. Every peer gets float64 coordinates, which none of them has to convert,
and phi in [-pi, pi). EnergyFlow and JetNet make square images around a center, hence the scaled
coordinates, which are prepared outside the timing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.data import FlatCollection
from benchmarks.harness import installed

ETA_RANGE, PHI_RANGE = (-2.5, 2.5), (-np.pi, np.pi)


@dataclass
class PeerBlock:
    """Some events in all the forms that peers like; each form is made when it is first asked
    for."""

    towers: FlatCollection
    tracks: FlatCollection
    n_cells: int  # along an axis

    @property
    def n_events(self) -> int:
        return len(self.towers.counts)

    @cached_property
    def flat(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Towers and tracks as flat float64 arrays with the event of each entry."""
        return tuple(
            {name: values.astype(np.float64) for name, values in collection.fields.items()}
            | {"event": collection.event}
            for collection in (self.towers, self.tracks)
        )

    @cached_property
    def by_event(self) -> list[tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]]:
        """Towers (eta, phi, e, e_em) and tracks (eta, phi, 1) of each event."""
        towers = self.towers.events("eta", "phi", "e", "e_em")
        tracks = [(eta, phi, np.ones(len(eta))) for eta, phi in self.tracks.events("eta", "phi")]
        return list(zip(towers, tracks, strict=True))

    @cached_property
    def particles_for_energyflow(self) -> list[list[np.ndarray]]:
        """Three arrays (pt, y, phi) an event, y and phi in cells around the middle cell.

        `pixelate` moves the centroid into the middle cell. Two heavy particles far outside,
        opposite to each other, pin the centroid, so that it sees the detector as it is.
        """
        far = np.array([[1e9, 1e3, 1e3], [1e9, -1e3, -1e3]])
        half = self.n_cells // 2 + 0.5

        def particles(eta: np.ndarray, phi: np.ndarray, content: np.ndarray) -> np.ndarray:
            y = (eta + 2.5) / 5 * self.n_cells - half
            x = (phi + np.pi) / (2 * np.pi) * self.n_cells - half
            return np.concatenate([np.stack([content, y, x], axis=1), far])

        return [
            [particles(eta, phi, e), particles(eta, phi, e_em), particles(*tracks)]
            for (eta, phi, e, e_em), tracks in self.by_event
        ]

    @cached_property
    def particles_for_jetnet(self) -> list[list[np.ndarray]]:
        """Three arrays (eta, phi, pt) an event, coordinates in [-1, 1]."""

        def particles(eta: np.ndarray, phi: np.ndarray, content: np.ndarray) -> np.ndarray:
            return np.stack([eta / 2.5, phi / np.pi, content], axis=1)

        return [
            [particles(eta, phi, e), particles(eta, phi, e_em), particles(*tracks)]
            for (eta, phi, e, e_em), tracks in self.by_event
        ]


def fill_energyflow(block: PeerBlock, out: np.ndarray) -> None:
    from energyflow.utils import pixelate

    n = block.n_cells
    for images, channels in zip(out, block.particles_for_energyflow, strict=True):
        for image, particles in zip(images, channels, strict=True):
            image[...] = pixelate(particles, npix=n, img_width=n, nb_chan=1, norm=False)[:, :, 0].T


def fill_jetnet(block: PeerBlock, out: np.ndarray) -> None:
    from jetnet.utils import to_image

    for images, channels in zip(out, block.particles_for_jetnet, strict=True):
        for image, particles in zip(images, channels, strict=True):
            image[...] = to_image(particles, block.n_cells)


def fill_histogram2d(block: PeerBlock, out: np.ndarray) -> None:
    _fill_by_event(block, out, lambda eta, phi, **options: np.histogram2d(eta, phi, **options)[0])


def fill_fast_histogram(block: PeerBlock, out: np.ndarray) -> None:
    from fast_histogram import histogram2d

    _fill_by_event(block, out, histogram2d)


def _fill_by_event(block: PeerBlock, out: np.ndarray, histogram: Callable[..., np.ndarray]) -> None:
    options = {"bins": [block.n_cells, block.n_cells], "range": [ETA_RANGE, PHI_RANGE]}
    for image, ((eta, phi, e, e_em), (track_eta, track_phi, ones)) in zip(
        out, block.by_event, strict=True
    ):
        image[0] = histogram(eta, phi, weights=e, **options)
        image[1] = histogram(eta, phi, weights=e_em, **options)
        image[2] = histogram(track_eta, track_phi, weights=ones, **options)


def fill_boost_histogram(block: PeerBlock, out: np.ndarray) -> None:
    """All events at once, in a histogram with the event as its first axis."""
    import boost_histogram as bh

    histogram = bh.Histogram(
        bh.axis.Integer(0, block.n_events, underflow=False, overflow=False),
        bh.axis.Regular(block.n_cells, *ETA_RANGE, underflow=False, overflow=False),
        bh.axis.Regular(block.n_cells, *PHI_RANGE, circular=True),
    )
    towers, tracks = block.flat
    for channel, (entries, weight) in enumerate(((towers, "e"), (towers, "e_em"), (tracks, None))):
        histogram.reset()
        content = None if weight is None else entries[weight]
        histogram.fill(entries["event"], entries["eta"], entries["phi"], weight=content)
        out[:, channel] = histogram.view()


def fill_bincount(block: PeerBlock, out: np.ndarray) -> None:
    towers, tracks = block.flat
    cell, inside = _flat_cells(towers, block.n_cells)
    shape = (block.n_events, block.n_cells, block.n_cells)
    for channel, name in enumerate(("e", "e_em")):
        out[:, channel] = np.bincount(cell, towers[name][inside], minlength=np.prod(shape)).reshape(
            shape
        )
    cell, _ = _flat_cells(tracks, block.n_cells)
    out[:, 2] = np.bincount(cell, minlength=np.prod(shape)).reshape(shape)


def fill_add_at(block: PeerBlock, out: np.ndarray) -> None:
    _fill_by_index(block, out, lambda flat, index, content: np.add.at(flat, index, content))


def fill_scatter_add(block: PeerBlock, out: np.ndarray) -> None:
    import torch

    def scatter_add(flat: np.ndarray, index: np.ndarray, content: np.ndarray | np.float32) -> None:
        content = np.broadcast_to(content, index.shape).copy()
        torch.from_numpy(flat).scatter_add_(0, torch.from_numpy(index), torch.from_numpy(content))

    _fill_by_index(block, out, scatter_add)


def _fill_by_index(block: PeerBlock, out: np.ndarray, add: Callable[..., None]) -> None:
    """Add all entries into the flat array of all images."""
    out[...] = 0
    per_image, flat = block.n_cells**2, out.reshape(-1)
    towers, tracks = block.flat
    cell, inside = _flat_cells(towers, block.n_cells)
    # from (event, cell) to (event, channel, cell)
    index = cell + 2 * per_image * towers["event"][inside]
    add(flat, index, towers["e"][inside].astype(np.float32))
    add(flat, index + per_image, towers["e_em"][inside].astype(np.float32))
    cell, inside = _flat_cells(tracks, block.n_cells)
    add(flat, cell + 2 * per_image * (1 + tracks["event"][inside]), np.float32(1))


def _flat_cells(entries: dict[str, np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Flat index in (event, eta, phi) of the entries inside the grid, and which these are."""
    eta, phi = entries["eta"], entries["phi"]
    inside = (eta >= -2.5) & (eta < 2.5)
    row = ((eta[inside] + 2.5) * (n / 5)).astype(np.int64)
    column = ((phi[inside] + np.pi) * (n / (2 * np.pi))).astype(np.int64)
    return (entries["event"][inside] * n + row) * n + column, inside


def fill_numba_loop(block: PeerBlock, out: np.ndarray) -> None:
    """The loop that one writes first."""
    from benchmarks.loop_kernels import add_towers, add_tracks

    towers, tracks = block.flat
    out[...] = 0
    add_towers(towers["event"], towers["eta"], towers["phi"], towers["e"], towers["e_em"], out)
    add_tracks(tracks["event"], tracks["eta"], tracks["phi"], out)


PEERS = {
    "energyflow": ("energyflow", fill_energyflow),
    "jetnet": ("jetnet", fill_jetnet),
    "histogram2d": ("numpy", fill_histogram2d),
    "boost_histogram": ("boost_histogram", fill_boost_histogram),
    "fast_histogram": ("fast_histogram", fill_fast_histogram),
    "bincount": ("numpy", fill_bincount),
    "add_at": ("numpy", fill_add_at),
    "scatter_add": ("torch", fill_scatter_add),
    "numba_loop": ("numba", fill_numba_loop),
}
"""Name of the method -> the module that it needs, and the method."""


def installed_peers() -> dict[str, Callable[[PeerBlock, np.ndarray], None]]:
    """The methods whose modules are there."""
    return {name: fill for name, (module, fill) in PEERS.items() if installed(module)}
