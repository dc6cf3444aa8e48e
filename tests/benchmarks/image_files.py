"""file_size, write and random_read: the image file against dense HDF5 data sets and against arrays
in memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from benchmarks.data import CHANNELS, SEED, make_towers, make_tracks
from benchmarks.harness import Benchmark, Settings, TimeRatio, ValueLimit, require_equal_images
from calovision import EtaPhiGrid, ImageFile
from calovision.core.classes import OF_ROWS
from calovision.images import CHANNELS as KNOWN
from calovision.images import SparseImages, build_images, build_sparse_images
from calovision.storage import ImageFileWriter, ImageMetadata

GRID = EtaPhiGrid(64, 64)
SHAPE = (len(CHANNELS), GRID.n_eta, GRID.n_phi)
BATCH = 256
CHUNK = 500  # events that are written at a time
DENSE = {"gzip4": {"compression": "gzip", "compression_opts": 4}, "lz4": dict(hdf5plugin.LZ4())}


def write_image_file(
    path: Path,
    chunks: list[SparseImages],
    *,
    compression: str | None = None,
    label: int = 0,
    split: np.ndarray | None = None,
    classes: tuple[str, ...] = (),
) -> Path:
    """Write an image file with the columns that one must have; without ``split`` all events
    train, and with ``classes`` their rows have these in turn."""
    split = np.zeros(sum(map(len, chunks)), dtype=np.uint8) if split is None else split
    with ImageFileWriter(path, SHAPE, compression=compression) as writer:
        first = 0
        for chunk in chunks:
            columns = _columns(first, label, split[first : first + len(chunk)])
            if classes:
                columns["label"] = (columns["event_number"] % len(classes)).astype(np.int8)
            writer.append(chunk, columns)
            first += len(chunk)
        metadata = image_metadata(first, label)
        if classes:
            metadata = replace(metadata, label=OF_ROWS, classes=classes)
        writer.close(metadata)
    return path


def write_dense_file(path: Path, images: np.ndarray, filters: dict[str, object]) -> Path:
    """Write a data set of dense images, one image a chunk."""
    with h5py.File(path, "w") as file:
        options = {"shape": images.shape, "dtype": images.dtype, "chunks": (1, *images.shape[1:])}
        dataset = file.create_dataset("images", **options, **filters)
        for first in range(0, len(images), CHUNK):
            dataset[first : first + CHUNK] = images[first : first + CHUNK]
    return path


def _columns(first: int, label: int, split: np.ndarray) -> dict[str, np.ndarray]:
    n = len(split)
    return {
        "event_number": np.arange(first, first + n),
        "label": np.full(n, label, dtype=np.int8),
        "weight": np.ones(n),
        "split": split,
    }


def image_metadata(n_events: int, label: int) -> ImageMetadata:
    """Attributes of an image file that came from nowhere."""
    return ImageMetadata(
        sample=("background", "signal")[label],
        label=label,
        grid=GRID,
        channels=CHANNELS,
        units=tuple(KNOWN[channel].unit for channel in CHANNELS),
        selection={},
        cut_flow=[("generated", n_events, float(n_events))],
        cross_section_pb=1.0,
        n_generated=n_events,
        sum_of_weights=float(n_events),
        source_files=[],
        configuration_hash="0" * 16,
        package_version="0",
    )


def _images(n_events: int) -> tuple[list[SparseImages], np.ndarray]:
    """The same images sparse, in chunks, and dense."""
    towers, tracks = make_towers(n_events).records(), make_tracks(n_events).records()
    ranges = [slice(first, first + CHUNK) for first in range(0, n_events, CHUNK)]
    chunks = [build_sparse_images(towers[part], tracks[part], GRID, CHANNELS)[0] for part in ranges]
    return chunks, build_images(towers, tracks, GRID, CHANNELS)[0]


def file_size(settings: Settings) -> Benchmark:
    """Kilobytes (1,000 bytes) an event, of the whole file."""
    chunks, dense = _images(settings.n_events)

    def measure() -> dict[str, dict[str, float]]:
        paths = {
            "uncompressed": write_image_file(settings.scratch / "plain.h5", chunks),
            "blosc2": write_image_file(
                settings.scratch / "blosc2.h5", chunks, compression="blosc2"
            ),
        }
        for name, filters in DENSE.items():
            paths[f"dense_{name}"] = write_dense_file(
                settings.scratch / f"{name}.h5", dense, filters
            )
        sizes = {name: path.stat().st_size / 1000 / len(dense) for name, path in paths.items()}
        sizes["dense_uncompressed"] = dense.nbytes / 1000 / len(dense)
        return {name: {"kb_per_event": size} for name, size in sizes.items()}

    return Benchmark(
        title="size of a file of 64x64x3 images",
        n_events=settings.n_events,
        bars=(
            ValueLimit("uncompressed", "kb_per_event", at_most=6.5, unit="KB per event"),
            ValueLimit("blosc2", "kb_per_event", at_most=5, unit="KB per event"),
        ),
        measure_values=measure,
    )


def write(settings: Settings) -> Benchmark:
    """Images in memory to a file."""
    chunks, dense = _images(settings.n_events)
    folder = settings.scratch
    methods: dict[str, Callable[[], Path]] = {
        "calovision": lambda: write_image_file(folder / "plain.h5", chunks),
        "calovision_blosc2": lambda: write_image_file(
            folder / "blosc2.h5", chunks, compression="blosc2"
        ),
        "dense_uncompressed": lambda: write_dense_file(folder / "dense.h5", dense, {}),
    }
    for name, filters in DENSE.items():
        methods[f"dense_{name}"] = lambda n=name, f=filters: write_dense_file(
            folder / f"{n}.h5", dense, f
        )

    def check() -> None:
        for name, method in methods.items():
            require_equal_images(
                _read_all(method(), sparse=name.startswith("calovision")), dense, name
            )

    title = "64x64x3 images in memory to a file"
    return Benchmark(title=title, n_events=settings.n_events, methods=methods, check=check)


def _read_all(path: Path, *, sparse: bool) -> np.ndarray:
    if sparse:
        images = ImageFile(path)
        return images.dense(np.arange(len(images)))
    with h5py.File(path) as file:
        return file["images"][:]


def random_read(settings: Settings) -> Benchmark:
    """Every event once, in random order and batches of 256, dense float32, as a training loop takes
    them."""
    chunks, dense = _images(settings.n_events)
    order = np.random.default_rng(SEED).permutation(settings.n_events)
    batches = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
    reads = _readers(settings.scratch, chunks, dense)

    def epoch(read: Callable[[np.ndarray], np.ndarray]) -> Callable[[], None]:
        def method() -> None:
            for ids in batches:
                read(ids)

        return method

    def check() -> None:
        for name, read in reads.items():
            for ids in batches:
                require_equal_images(read(ids), dense[ids], name)

    return Benchmark(
        title="random batches of 256 dense 64x64x3 images",
        n_events=settings.n_events,
        methods={name: epoch(read) for name, read in reads.items() if "loop" not in name},
        bars=(
            TimeRatio(("dense_in_ram", "dense_in_ram_out"), "calovision_out", at_least=1.5),
            TimeRatio("dense_in_ram", "calovision", at_least=1.5),
        ),
        peers={name: epoch(read) for name, read in reads.items() if "loop" in name},
        check=check,
    )


def _readers(
    folder: Path, chunks: list[SparseImages], dense: np.ndarray
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Method -> function that gives the images of a batch; those with ``out`` in their name fill
    one array again."""
    file = ImageFile(write_image_file(folder / "plain.h5", chunks))
    blosc2 = ImageFile(write_image_file(folder / "blosc2.h5", chunks, compression="blosc2"))
    out = np.empty((BATCH, *SHAPE), dtype=np.float32)
    readers = {
        "calovision": file.dense,
        "calovision_out": lambda ids: file.dense(ids, out=out[: len(ids)]),
        "calovision_blosc2_out": lambda ids: blosc2.dense(ids, out=out[: len(ids)]),
        "dense_in_ram": lambda ids: dense[ids],
        "dense_in_ram_out": lambda ids: np.take(
            dense, ids, axis=0, out=out[: len(ids)], mode="clip"
        ),
    }
    for name, filters in DENSE.items():
        dataset = h5py.File(write_dense_file(folder / f"{name}.h5", dense, filters))["images"]
        readers[f"{name}_loop"] = lambda ids, dataset=dataset: np.stack(
            [dataset[index] for index in ids]
        )
        readers[f"{name}_loop_out"] = lambda ids, dataset=dataset: _read_in_loop(dataset, ids, out)
    return readers


def _read_in_loop(dataset: h5py.Dataset, ids: np.ndarray, out: np.ndarray) -> np.ndarray:
    for image, index in zip(out, ids, strict=False):
        dataset.read_direct(image, np.s_[index])
    return out[: len(ids)]
