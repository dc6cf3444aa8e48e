"""Event images from awkward arrays, dense or as sparse rows."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import awkward as ak
import numpy as np

from calovision.core.depth import expanded
from calovision.core.errors import EntryError, InputError
from calovision.core.numeric import whole_number
from calovision.core.records import LARGEST, bad_number
from calovision.images import reference
from calovision.images.channels import CHANNELS, check_channels
from calovision.images.collections import FlatCollections, flatten_collections
from calovision.images.grid import EtaPhiGrid
from calovision.images.requests import prepare_output
from calovision.images.sparse import SparseImages, cell_type

MOST_THREADS = 256  # more only cost memory


def build_images(
    towers: ak.Array | None,
    tracks: ak.Array | None,
    grid: EtaPhiGrid,
    channels: Sequence[str],
    *,
    candidates: ak.Array | None = None,
    out: np.ndarray | None = None,
    threads: int = 1,
    compiled: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Sum towers, tracks and particle-flow candidates into the cells of the grid, as dense images.

    Parameters
    ----------
    towers
        ``n_events * var`` records ``eta, phi, e, e_em, e_had``, GeV; only the fields that the
        channels need. None where no channel needs them. An event whose towers are missing (None)
        has none, and missing towers are left out; so with the other collections. With the fields
        ``eta_size`` and ``phi_size``, the full widths of towers, energies are divided among the
        cells that a tower overlaps by area; towers are counted where their middle is.
    tracks
        ``n_events * var`` records ``pt, eta, phi``, GeV.
    grid
        The cells.
    channels
        Names out of ``CHANNELS``, in the order wanted. ``energy_layer3``, ``energy_layer0-11`` and
        ``{"layers": [0, 1, 2], "quantity": "energy"}`` are sums over the towers of each layer, by
        their field ``layer``, a whole number; below 0 a tower is in none.
    candidates
        Particle-flow candidates, ``n_events * var`` records ``pt, eta, phi, charge``, GeV.
    out
        Array to fill and return, float32 ``(n_events, n_channels, n_eta, n_phi)``, C-contiguous:
        used again for every chunk it spares the allocation.
    threads
        Number of threads that share the events.
    compiled
        False sums with numpy, as without numba, which takes a second to load: sooner for one event.

    Returns
    -------
    images
        float32 ``(n_events, n_channels, n_eta, n_phi)``; summed in float32, of thousands of objects
        an event in float64 (by numpy always).
    overflow
        ``(n_events, n_channels)`` float64: what lies outside the grid or has a coordinate that is
        not finite, so that image + overflow is the total of the event. Such an object has no
        transverse energy and adds none.

    Raises
    ------
    InputError
        If a channel is unknown or repeated, a collection or field that it needs is missing, the
        collections differ in their number of events, ``out`` does not fit, an object lacks some of
        its numbers, or energies or pT are not finite or beyond 1e12 GeV. Negative ones are summed
        as they are.
    """
    channels = expanded(channels)
    collections = _prepare(towers, tracks, candidates, grid, channels)
    shape = (len(collections.offsets[0]) - 1, len(channels), grid.n_eta, grid.n_phi)
    images = prepare_output(out, shape)
    flat = images.reshape(shape[0], shape[1], grid.n_cells)
    overflow = np.zeros(shape[:2])
    kernels = _kernels() if compiled else None
    if kernels is None:
        bad = [reference.fill(collections, grid, flat, overflow)]
    else:
        arguments = _arguments(collections, grid)
        bad = _in_ranges(
            lambda a, b: kernels.fill_dense(*arguments, a, flat[a:b], overflow[a:b]),
            shape[0],
            threads,
        )
    _raise_if_bad(bad, collections, channels)
    return images if out is None else out, overflow


def build_sparse_images(
    towers: ak.Array | None,
    tracks: ak.Array | None,
    grid: EtaPhiGrid,
    channels: Sequence[str],
    *,
    candidates: ak.Array | None = None,
    threads: int = 1,
) -> tuple[SparseImages, np.ndarray]:
    """Sum like `build_images`, straight to sparse rows: the dense images, 91 to 99 % zeros, never
    exist.

    Parameters
    ----------
    towers, tracks, grid, channels, candidates, threads
        As in `build_images`.

    Returns
    -------
    images
        Sparse rows, one per event, with the values of `build_images`.
    overflow
        As in `build_images`, whose arguments and errors are these too.
    """
    channels = expanded(channels)
    collections = _prepare(towers, tracks, candidates, grid, channels)
    n_events = len(collections.offsets[0]) - 1
    shape = (len(channels), grid.n_eta, grid.n_phi)
    overflow = np.zeros((n_events, len(channels)))
    kernels = _kernels()
    if kernels is None:
        images = prepare_output(None, (n_events, len(channels), grid.n_cells))
        _raise_if_bad([reference.fill(collections, grid, images, overflow)], collections, channels)
        return SparseImages.from_dense(images.reshape(n_events, *shape)), overflow
    arguments = _arguments(collections, grid)

    def fill(a: int, b: int) -> tuple[tuple[int, int], SparseImages]:
        most = 1 + sum(
            int(collections.offsets[k][b] - collections.offsets[k][a])
            for k in collections.collection_of
        )
        cells = np.empty(most, dtype=cell_type(shape))
        values = np.empty(most, dtype=np.float32)
        lengths = np.zeros(b - a, dtype=np.int64)
        bad = kernels.fill_sparse(*arguments, a, lengths, cells, values, overflow[a:b])
        end = int(lengths.sum())
        return bad, SparseImages.from_lengths(lengths, cells[:end], values[:end], shape)

    bad, parts = zip(*_in_ranges(fill, n_events, threads), strict=True)
    _raise_if_bad(bad, collections, channels)
    return SparseImages.concatenate(parts), overflow


def _prepare(
    towers: ak.Array | None,
    tracks: ak.Array | None,
    candidates: ak.Array | None,
    grid: EtaPhiGrid,
    channels: Sequence[str],
) -> FlatCollections:
    check_channels(channels)
    if not isinstance(grid, EtaPhiGrid):
        raise InputError(f"grid is {grid!r}: give an EtaPhiGrid")
    return flatten_collections(
        {"towers": towers, "tracks": tracks, "candidates": candidates}, channels, grid
    )


def _kernels() -> object | None:
    """The numba kernels, imported when they are first needed; None without numba, where numpy does
    the work.
    """
    try:
        from calovision.images import kernels
    except ImportError:
        return None
    return kernels


def _arguments(collections: FlatCollections, grid: EtaPhiGrid) -> tuple[tuple, tuple, tuple]:
    """Columns, channels and edges as the kernels take them."""
    return (
        (collections.etas, collections.phis, collections.offsets),
        (collections.contents, collections.collection_of, collections.transverse),
        # indices are computed as floats: float32 counts to 2^24
        (grid.edges_in_eta, grid.edges_in_phi, grid.eta_edges is None and grid.n_cells < 2**24),
    )


def _in_ranges(work: Callable, n_events: int, threads: int) -> list:
    """Results of ``work(first, stop)`` on ranges of about equal size, one a thread."""
    n_ranges = min(whole_number(threads, "threads", at_least=1), max(n_events, 1), MOST_THREADS)
    edges = np.linspace(0, n_events, n_ranges + 1).astype(int).tolist()
    if len(edges) == 2:
        return [work(*edges)]
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        return list(pool.map(work, edges[:-1], edges[1:]))


def _raise_if_bad(
    bad: Sequence[tuple[int, int]], collections: FlatCollections, channels: Sequence[str]
) -> None:
    """Raise EntryError for the event and channel that could not be summed, if there is one."""
    for event, channel in bad:
        if event < 0:
            continue
        offsets = collections.offsets[collections.collection_of[channel]]
        values = collections.contents[channel][offsets[event] : offsets[event + 1]].astype(
            np.float64
        )
        wrong = values[~(np.abs(values) <= LARGEST)]
        summed = CHANNELS[channels[channel]].of_event
        field = f"{summed.collection}.{summed.field}"
        if len(wrong) == 0:
            raise EntryError(
                event,
                field,
                f"sums to {np.abs(values).sum():.3g} GeV, more than anything has; give GeV",
            )
        raise bad_number(event, field, wrong[0])
