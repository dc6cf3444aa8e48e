"""build_64 and build_224: towers and tracks to images of three channels.

Every method works through batches of 256 events and writes into an array that it fills again for
each of them. calovision starts from the awkward arrays of the user, including the way out of
awkward.
"""

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.building_peers import PeerBlock, installed_peers
from benchmarks.data import CHANNELS, TRANSVERSE_CHANNELS, FlatCollection, make_towers, make_tracks
from benchmarks.harness import Benchmark, Settings, TimeRatio, require_equal_images
from calovision import EtaPhiGrid
from calovision.images import build_images, build_sparse_images

EVENTS_PER_BLOCK = 256
EVENTS_TO_CHECK = 200
Fill = Callable[[int, np.ndarray], object]


def build_64(settings: Settings) -> Benchmark:
    """The copy of the dense bytes is the floor; 1.2 times it is the aim."""
    return _benchmark(settings, 64, TimeRatio("calovision_dense", "copy_floor", at_most=1.3))


def build_224(settings: Settings) -> Benchmark:
    """Sparse images pass the copy of the dense bytes."""
    return _benchmark(settings, 224, TimeRatio("copy_floor", "calovision_sparse", at_least=3))


def _benchmark(settings: Settings, n_cells: int, bar: TimeRatio) -> Benchmark:
    blocks = make_blocks(settings.n_events, n_cells)
    out = np.empty((EVENTS_PER_BLOCK, len(CHANNELS), n_cells, n_cells), dtype=np.float32)
    few = make_blocks(min(settings.n_events, EVENTS_TO_CHECK), n_cells)
    own, peers = calovision_fills(few, n_cells), peer_fills(few)

    def check_peer(name: str) -> None:
        dense = {"calovision_dense": own["calovision_dense"]}
        check_methods(dense | {name: peers[name]}, few[0], out)

    return Benchmark(
        title=f"events to {n_cells}x{n_cells} images of three channels",
        n_events=settings.n_events,
        methods={
            name: _over_blocks(blocks, fill, out)
            for name, fill in calovision_fills(blocks, n_cells).items()
        }
        | {"copy_floor": _copy(blocks, out)},
        bars=(bar,),
        peers={name: _over_blocks(blocks, fill, out) for name, fill in peer_fills(blocks).items()},
        check=lambda: check_methods(own, few[0], out),
        check_peer=check_peer,
    )


def peer_fills(blocks: Sequence[PeerBlock]) -> dict[str, Fill]:
    """The methods of the peers that are installed."""
    return {name: _of_peer(blocks, fill) for name, fill in installed_peers().items()}


def make_blocks(n_events: int, n_cells: int) -> list[PeerBlock]:
    """The events in blocks."""
    towers, tracks = make_towers(n_events), make_tracks(n_events)
    firsts = range(0, n_events, EVENTS_PER_BLOCK)
    parts = [(_events(towers, first), _events(tracks, first)) for first in firsts]
    return [PeerBlock(*part, n_cells) for part in parts]


def _events(collection: FlatCollection, first: int) -> FlatCollection:
    ends = np.concatenate([[0], np.cumsum(collection.counts)])
    counts = collection.counts[first : first + EVENTS_PER_BLOCK]
    entries = slice(ends[first], ends[first + len(counts)])
    return FlatCollection(
        counts, {name: values[entries] for name, values in collection.fields.items()}
    )


def _of_peer(blocks: Sequence[PeerBlock], fill: Callable[[PeerBlock, np.ndarray], None]) -> Fill:
    return lambda block, out: fill(blocks[block], out)


def calovision_fills(blocks: Sequence[PeerBlock], n_cells: int) -> dict[str, Fill]:
    """calovision's methods; what does not fill ``out`` returns its images."""
    grid = EtaPhiGrid(n_cells, n_cells)
    events = [(block.towers.records(), block.tracks.records()) for block in blocks]
    return {
        "calovision_dense": lambda block, out: build_images(
            *events[block], grid, CHANNELS, out=out
        )[0],
        "calovision_dense_new": lambda block, out: build_images(*events[block], grid, CHANNELS)[0],
        "calovision_sparse": lambda block, out: build_sparse_images(*events[block], grid, CHANNELS)[
            0
        ],
        # divided by cosh(eta): more work than the peers do, so that only the time is of interest
        "calovision_dense_et": lambda block, out: build_images(
            *events[block], grid, TRANSVERSE_CHANNELS, out=out
        )[0],
        "calovision_sparse_et": lambda block, out: build_sparse_images(
            *events[block], grid, TRANSVERSE_CHANNELS
        )[0],
    }


def check_methods(fills: dict[str, Fill], block: PeerBlock, out: np.ndarray) -> None:
    """Raise DisagreementError unless all methods give the first block the same images."""
    n, reference = block.n_events, None
    for name, fill in fills.items():
        out[:n] = np.nan  # nothing of another method may stay
        images = fill(0, out[:n])
        images = out[:n] if images is None else images
        if name.endswith("_et"):
            continue
        images = images if isinstance(images, np.ndarray) else images.dense()
        reference = images.copy() if reference is None else reference
        require_equal_images(images, reference, name)


def _over_blocks(blocks: Sequence[PeerBlock], fill: Fill, out: np.ndarray) -> Callable[[], None]:
    def method() -> None:
        for block, events in enumerate(blocks):
            fill(block, out[: events.n_events])

    return method


def _copy(blocks: Sequence[PeerBlock], out: np.ndarray) -> Callable[[], None]:
    """The floor of any way to dense images: read the entries' bytes and write the images' at the
    speed of a copy."""
    source = np.ones_like(out)
    entries = [np.concatenate([_needed(block.towers), _needed(block.tracks)]) for block in blocks]
    sink = np.empty(max(len(part) for part in entries), dtype=np.float32)

    def copy() -> None:
        for block, part in zip(blocks, entries, strict=True):
            sink[: len(part)] = part
            out[: block.n_events] = source[: block.n_events]

    return copy


def _needed(collection: FlatCollection) -> np.ndarray:
    names = [name for name in ("eta", "phi", "e", "e_em") if name in collection.fields]
    return np.concatenate([collection.fields[name] for name in names])
