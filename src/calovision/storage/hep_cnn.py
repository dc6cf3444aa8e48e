"""Import of the public HEP-CNN data sets: RPV supersymmetry against QCD as dense images.

Layout, as the public code that reads and writes it has it (eracah/atlas_dl
``scripts/prepare_data.py``, sparticlesteve/cori-intml-examples, jhgoh/HEP-CNN
``scripts/preprocess.py``): a group ``all_events`` with

- ``hist``, ``histEM``, ``histtrack`` ``(n, n_eta, n_phi)``: energy, electromagnetic energy, number
  of tracks; filled by ``histogram2d`` with eta first, |eta| <= 2.5 and |phi| <= 3.15, which is
  taken for pi here;
- ``y`` ``(n,)``: 1 for signal;
- ``weight`` ``(n,)``: cross-section * luminosity * generator weight / sum of generator weights.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from calovision.core.errors import InputError
from calovision.core.luminosity import LUMINOSITY_FB
from calovision.core.splits import SHARES, SPLITS, assign_split
from calovision.images import CHANNELS, SparseImages
from calovision.images.grid import EtaPhiGrid
from calovision.storage.attributes import MOST_CELLS
from calovision.storage.hdf5 import find_dataset, opened
from calovision.storage.metadata import ImageMetadata
from calovision.storage.writer import ImageFileWriter

GROUP = "all_events"
DATASETS = {"hist": "energy", "histEM": "em", "histtrack": "tracks"}
ETA_RANGE = (-2.5, 2.5)
BLOCK_BYTES = 2**25  # of dense images in memory at a time


def import_hep_cnn(
    path: Path,
    folder: Path,
    *,
    luminosity_fb: float = LUMINOSITY_FB,
    split: str | None = None,
    samples: tuple[str, str] = ("background", "signal"),
    split_seed: int = 1,
    split_fractions: tuple[float, ...] = tuple(SHARES.values()),
    compression: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write the images of a HEP-CNN file as one image file per class, in bounded memory.

    Parameters
    ----------
    path
        The HDF5 file.
    folder
        Where ``<sample>.h5`` are written.
    luminosity_fb
        Luminosity that the weights of the file stand for, 1/fb: `ImageCollection.event_weights` of
        it gives them back.
    split
        "train", "validation" or "test" if the file is one of these; it is then part of the samples'
        names, since each file has weights of its own. None decides per event.
    samples
        Names of the samples with label 0 and 1.
    split_seed, split_fractions
        As in `assign_split`; only without ``split``.
    compression
        As in `ImageFileWriter`.
    progress
        Called with the number of events of each block that is done.

    Returns
    -------
    The files written, of the classes that the file has.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a data set, or its shapes, labels, weights or contents are
        not possible.
    """
    if split is not None and split not in SPLITS:
        raise InputError(
            f"split '{split}': choose from {', '.join(SPLITS)}, or none to decide per event"
        )
    if not luminosity_fb > 0:
        raise InputError(f"luminosity_fb {luminosity_fb}: must be positive (1/fb)")
    path = Path(path)
    with opened(path, "HEP-CNN file") as file, ExitStack() as stack:
        labels, weights, shape = _check(path, file)
        names = {
            label: samples[label] + (f"_{split}" if split else "")
            for label in np.unique(labels).tolist()
        }
        paths = {label: Path(folder) / f"{name}.h5" for label, name in names.items()}
        writers = {
            label: stack.enter_context(ImageFileWriter(output, shape, compression=compression))
            for label, output in paths.items()
        }
        for numbers, images in _blocks(path, file[GROUP], shape):
            for label, writer in writers.items():
                mine = numbers[labels[numbers] == label]
                splits = _splits(split, names[label], mine, split_seed, split_fractions)
                columns = {
                    "event_number": mine,
                    "label": labels[mine],
                    "weight": weights[mine],
                    "split": splits,
                }
                writer.append(SparseImages.from_dense(images[mine - numbers[0]]), columns)
            if progress is not None:
                progress(len(numbers))
        for label, writer in writers.items():
            writer.close(
                _metadata(path, names[label], label, weights[labels == label], shape, luminosity_fb)
            )
    return list(paths.values())


def _splits(
    split: str | None,
    sample: str,
    numbers: np.ndarray,
    seed: int,
    fractions: tuple[float, ...],
) -> np.ndarray:
    """Split of every event, uint8: the one that the file is, or decided per event."""
    if split is None:
        return assign_split(sample, numbers, seed=seed, fractions=fractions)
    return np.full(len(numbers), SPLITS.index(split), dtype=np.uint8)


def _check(path: Path, file: h5py.File) -> tuple[np.ndarray, np.ndarray, tuple[int, int, int]]:
    """Labels int8 and weights float64 ``(n,)``, and the shape of an image; InputError if the layout
    is another.
    """
    for name in (*DATASETS, "y", "weight"):
        if f"{GROUP}/{name}" not in file:
            raise InputError(f"{path}: no data set '{GROUP}/{name}', which the HEP-CNN layout has")
    group = {
        name: find_dataset(path, file, f"{GROUP}/{name}") for name in (*DATASETS, "y", "weight")
    }
    for name, data in group.items():
        if data.dtype.kind not in "biuf":
            raise InputError(f"{path}: '{GROUP}/{name}' is {data.dtype}: it must be numbers")
    shape = group["hist"].shape
    if len(shape) != 3 or any(group[name].shape != shape for name in DATASETS):
        raise InputError(
            f"{path}: hist, histEM and histtrack must have one shape (n, n_eta, n_phi), hist has "
            f"{shape}"
        )
    if 0 in shape[1:] or len(DATASETS) * shape[1] * shape[2] > MOST_CELLS:
        raise InputError(
            f"{path}: images of {shape[1]}x{shape[2]} cells: give at least one, at most "
            f"{MOST_CELLS} in all"
        )
    for name in ("y", "weight"):
        if group[name].size != shape[0]:
            raise InputError(
                f"{path}: '{GROUP}/{name}' has {group[name].size} entries for {shape[0]} images"
            )
    labels = group["y"][()].reshape(-1)
    weights = group["weight"][()].reshape(-1).astype(np.float64)
    if len(labels) == 0:
        raise InputError(f"{path}: no events: at least one must be there")
    if not np.isin(labels, (0, 1)).all():
        entry = np.flatnonzero(~np.isin(labels, (0, 1)))[0]
        raise InputError(
            f"{path}: '{GROUP}/y' is {labels[entry]} in entry {entry}: it must be 0 or 1"
        )
    if not np.isfinite(weights).all():
        raise InputError(
            f"{path}: '{GROUP}/weight' is not finite in entry "
            f"{np.flatnonzero(~np.isfinite(weights))[0]}"
        )
    return labels.astype(np.int8), weights, (len(DATASETS), *shape[1:])


def _blocks(
    path: Path, group: h5py.Group, shape: tuple[int, int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Entry numbers and images float32 ``(k, n_channels, n_eta, n_phi)`` of one block after the
    other.
    """
    n_events = group["hist"].shape[0]
    size = max(1, BLOCK_BYTES // (4 * int(np.prod(shape))))
    for start in range(0, n_events, size):
        numbers = np.arange(start, min(start + size, n_events))
        images = np.empty((len(numbers), *shape), dtype=np.float32)
        for channel, name in enumerate(DATASETS):
            images[:, channel] = group[name][start : start + size]
            if not np.isfinite(images[:, channel]).all():
                entry = numbers[~np.isfinite(images[:, channel]).all(axis=(1, 2))][0]
                raise InputError(f"{path}: '{GROUP}/{name}' is not finite in entry {entry}")
        yield numbers, images


def _metadata(
    path: Path,
    sample: str,
    label: int,
    weights: np.ndarray,
    shape: tuple[int, int, int],
    luminosity_fb: float,
) -> ImageMetadata:
    """Attributes with which the weight of an event at this luminosity is the one that it came
    with.
    """
    total = float(weights.sum())
    if not total > 0:
        raise InputError(
            f"{path}: the weights of label {label} sum up to {total}: the sum must be positive"
        )
    channels = tuple(DATASETS.values())
    return ImageMetadata(
        sample=sample,
        label=label,
        grid=EtaPhiGrid(shape[1], shape[2], ETA_RANGE),
        channels=channels,
        units=tuple(CHANNELS[channel].unit for channel in channels),
        selection={},
        cut_flow=[("in the file", len(weights), total)],
        cross_section_pb=total / (1000 * luminosity_fb),  # 1 pb = 1000 fb
        n_generated=len(weights),
        sum_of_weights=total,
        source_files=[(str(path), "")],
    )
