"""Fake events, ntuples and image files, small and seeded, shared by the tests."""

from itertools import pairwise

import awkward as ak
import numpy as np
import uproot

from calovision.images import SparseImages
from calovision.images.grid import EtaPhiGrid
from calovision.storage import ImageFileWriter, ImageMetadata

ZLIB = uproot.ZLIB(1)
SMALL_GRID = EtaPhiGrid(8, 8)


def make_events(n_events, *, seed=1, mean_towers=30, mean_tracks=15, eta_max=3.0):
    """Towers and tracks as `iterate_events` gives them: some events empty, some entries beyond
    |eta| = 2.5."""
    rng = np.random.default_rng(seed)
    towers = _collection(rng, n_events, mean_towers, eta_max, ("e_em", "e_had"))
    towers["e"] = towers.e_em + towers.e_had
    return towers, _collection(rng, n_events, mean_tracks, eta_max, ("pt",))


def _collection(rng, n_events, mean, eta_max, energies):
    counts = rng.poisson(mean, n_events) * (rng.random(n_events) > 0.1)
    total = counts.sum()
    phi = rng.uniform(-np.pi, np.pi, total)
    phi[::17] = np.float32(np.pi)  # exceeds pi
    fields = {"eta": rng.uniform(-eta_max, eta_max, total), "phi": phi}
    fields |= {name: rng.exponential(10.0, total) for name in energies}
    return ak.zip({name: ak.unflatten(values, counts) for name, values in fields.items()})


def make_candidates(n_events, *, seed=1, mean=30, dtype=np.float64):
    """Particle-flow candidates, two of three charged."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean, n_events)
    fields = {"pt": rng.exponential(5.0, counts.sum()), "eta": rng.uniform(-4, 4, counts.sum())}
    fields |= {"phi": rng.uniform(-np.pi, np.pi, counts.sum())}
    columns = {name: ak.unflatten(values.astype(dtype), counts) for name, values in fields.items()}
    return ak.zip(columns | {"charge": ak.unflatten(rng.integers(-1, 2, counts.sum()), counts)})


def histogram_images(towers, tracks, grid, channels, candidates=None):
    """Images and overflow by one numpy.histogram2d per event and channel, the independent
    reference."""
    contents = {
        "energy": (towers, lambda e: e.e),
        "em": (towers, lambda e: e.e_em),
        "had": (towers, lambda e: e.e_had),
        "et": (towers, lambda e: e.e / np.cosh(e.eta)),
        "em_et": (towers, lambda e: e.e_em / np.cosh(e.eta)),
        "had_et": (towers, lambda e: e.e_had / np.cosh(e.eta)),
        "towers": (towers, lambda e: np.ones(len(e))),
        "tracks": (tracks, lambda e: np.ones(len(e))),
        "track_pt": (tracks, lambda e: e.pt),
        "charged_pt": (candidates, lambda e: e.pt * (e.charge != 0)),
        "neutral_pt": (candidates, lambda e: e.pt * (e.charge == 0)),
    }
    images = np.zeros((len(towers), len(channels), grid.n_eta, grid.n_phi))
    overflow = np.zeros(images.shape[:2])
    for event, channel in np.ndindex(*images.shape[:2]):
        collection, content = contents[channels[channel]]
        entries = collection[event]
        eta, phi = (np.asarray(entries[axis], dtype=np.float64) for axis in ("eta", "phi"))
        weights = np.asarray(content(entries), dtype=np.float64)
        wrapped = (phi + np.pi) % (2 * np.pi) - np.pi
        # histogram2d counts the upper edge in, the grid does not
        inside = eta < grid.eta_range[1]
        edges = (grid.edges_in_eta, grid.edges_in_phi)
        images[event, channel] = np.histogram2d(
            eta[inside], wrapped[inside], bins=edges, weights=weights[inside]
        )[0]
        outside = ~((eta >= grid.eta_range[0]) & (eta < grid.eta_range[1]))
        overflow[event, channel] = weights[outside].sum()
    return images, overflow


def to_sparse(dense):
    """Sparse rows of dense images, event by event."""
    rows = [np.flatnonzero(image) for image in dense]
    values = [image.ravel()[row] for image, row in zip(dense, rows, strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    cells = np.concatenate([*rows, np.zeros(0, dtype=np.int64)])
    small = np.prod(dense.shape[1:]) <= 65536
    return SparseImages(
        offsets,
        cells.astype(np.uint16 if small else np.uint32),
        np.concatenate([*values, np.zeros(0)]).astype(np.float32),
        dense.shape[1:],
    )


def make_images(n_events, shape=(2, 8, 8), *, seed=1, scale=1.0):
    """Dense float32 images, nine cells out of ten empty."""
    rng = np.random.default_rng(seed)
    images = rng.exponential(scale, (n_events, *shape)) * (rng.random((n_events, *shape)) < 0.1)
    return images.astype(np.float32)


def make_columns(n_events, *, label=0, seed=1, first=0, weights=None):
    """Event columns of version 1; of every five events three train, one validates and one tests."""
    rng = np.random.default_rng(seed)
    fat_jets = np.zeros((n_events, 5, 4))
    fat_jets[:, :3] = rng.uniform(0.1, 1.0, (n_events, 3, 4)) * [
        800 + 200 * label,
        1,
        3,
        150 + 100 * label,
    ]
    return {
        "event_number": np.arange(first, first + n_events, dtype=np.int64),
        "label": np.full(n_events, label, dtype=np.int8),
        "weight": np.ones(n_events) if weights is None else np.asarray(weights, dtype=np.float64),
        "split": np.array([0, 0, 0, 1, 2], dtype=np.uint8)[np.arange(n_events) % 5],
        "n_fat_jets": rng.integers(3, 5 + label, n_events),
        "mj_sum": fat_jets[:, :, 3].sum(axis=1),
        "delta_eta_12": np.abs(fat_jets[:, 0, 1] - fat_jets[:, 1, 1]),
        "ht": fat_jets[:, :, 0].sum(axis=1),
        "fat_jets": fat_jets,
    }


def make_metadata(shape=(2, 8, 8), **changes):
    """Attributes of an image file of background."""
    n_channels, n_eta, n_phi = shape
    values = {
        "sample": "qcd",
        "label": 0,
        "grid": EtaPhiGrid(n_eta, n_phi),
        "channels": ("em_et", "tracks", "had_et", "energy")[:n_channels],
        "units": ("GeV", "", "GeV", "GeV")[:n_channels],
        "selection": {"three fat jets": "n_fat_jets >= 3"},
        "cut_flow": [("generated", 100, 100.0), ("three fat jets", 40, 40.0)],
        "cross_section_pb": 2.0,
        "n_generated": 100,
        "sum_of_weights": 100.0,
        "source_files": [
            (f"{changes.get('sample', 'qcd')}.root", f"0f0f-{changes.get('sample', 'qcd')}")
        ],
        "configuration_hash": "0123456789abcdef",
        "package_version": "0.1.0",
    }
    return ImageMetadata(**(values | changes))


def write_image_file(
    path, n_events=20, *, images=None, columns=None, seed=1, shape=(2, 8, 8), **metadata
):
    """Write a small image file; ``columns`` and the keywords replace single columns and
    attributes."""
    images = make_images(n_events, shape, seed=seed) if images is None else images
    every = make_columns(len(images), label=metadata.get("label", 0), seed=seed) | (columns or {})
    with ImageFileWriter(path, images.shape[1:]) as writer:
        writer.append(to_sparse(images), every)
        writer.close(make_metadata(images.shape[1:], **metadata))
    return path


def write_two_samples(folder, *, n_events=60, shape=(2, 8, 8), seed=1, signal_scale=4.0):
    """One file of signal and one of background that tell apart by their energy; returns the
    paths."""
    signal = make_images(n_events, shape, seed=seed, scale=signal_scale)
    background = make_images(n_events, shape, seed=seed + 1000)
    return [
        write_image_file(folder / "rpv.h5", images=signal, seed=seed, sample="rpv", label=1),
        write_image_file(folder / "qcd.h5", images=background, seed=seed + 1000),
    ]


def write_ntuple(
    path,
    towers,
    tracks,
    *,
    weight=None,
    first=0,
    n_generated=None,
    total=None,
    cross_section_pb=10.0,
    parts=1,
    compression=ZLIB,
):
    """Write events in the calovision schema, as the simulation does; ``total`` is the sum of all
    weights."""
    n = len(towers)
    weight = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    tower_fields, track_fields = ("eta", "phi", "e_em", "e_had"), ("pt", "eta", "phi")
    types = {f"towers_{name}": "var * float32" for name in tower_fields}
    types |= {f"tracks_{name}": "var * float32" for name in track_fields}
    types |= {"event_number": "int64", "weight": "float64"}
    columns = {
        f"towers_{name}": ak.values_astype(towers[name], np.float32) for name in tower_fields
    }
    columns |= {
        f"tracks_{name}": ak.values_astype(tracks[name], np.float32) for name in track_fields
    }
    columns |= {"event_number": np.arange(first, first + n), "weight": weight}
    with uproot.recreate(path, compression=compression) as file:
        tree = file.mktree("events", types)
        for start, stop in pairwise(np.linspace(0, n, parts + 1).astype(int)):
            tree.extend({name: values[start:stop] for name, values in columns.items()})
        counters = {
            "n_generated": np.array([n if n_generated is None else n_generated]),
            "sum_of_weights": np.array([float(weight.sum() if total is None else total)]),
            "cross_section_pb": np.array([float(cross_section_pb)]),
        }
        file.mktree(
            "generation",
            {"n_generated": "int64", "sum_of_weights": "float64", "cross_section_pb": "float64"},
        )
        file["generation"].extend(counters)
    return path
