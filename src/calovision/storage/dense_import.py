"""Import of dense images, those of others and those of `export_dense`, as image files."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from calovision.core.classes import check_labels, class_names
from calovision.core.depth import expanded
from calovision.core.errors import InputError
from calovision.core.splits import SHARES, assign_split
from calovision.images import CHANNELS, SparseImages
from calovision.images.grid import EtaPhiGrid
from calovision.storage.attributes import MOST_CELLS
from calovision.storage.dense_source import (
    axes_of,
    blocks_of,
    dense_arrays,
    find_array,
    find_column,
    whole_array,
)
from calovision.storage.hdf5 import Checksums
from calovision.storage.metadata import FORMAT, ImageMetadata
from calovision.storage.writer import ImageFileWriter

BLOCK_BYTES = 2**25  # of dense images in memory at a time
OF_SAMPLE = ("label", "cross_section_pb", "n_generated", "sum_of_weights")
"""Attributes of an exported file that are lists where it holds several samples."""
OF_FIRST = (
    "source_ranges",
    "source_rows",
    "source_events",
    "recipe",
    "skipped_files",
    "warnings",
    "split_group",
)
"""Those that it then has of its first sample only."""


@dataclass(frozen=True, kw_only=True)
class DenseOptions:
    """Meaning of the arrays of a file with dense images.

    Attributes
    ----------
    images, labels, weights, event_numbers
        Names of the arrays; usual names are found (`calovision.storage.dense_source.NAMES`).
        Weights that are not there are 1, event numbers the numbers of the entries.
    layout
        "NCHW" or "NHWC", where H is eta and W is phi; None to tell it by the shape.
    channels, units
        Of the images; those of known channels have their units, others "".
    eta_range
        Of the images; phi is the full circle.
    label
        Of all events, where there is no array of labels.
    classes
        Names of the classes, whose positions are the labels; none for background and signal.
    cross_section_pb
        Of each sample, pb; NaN if not known.
    split_seed, split_fractions
        As in `assign_split`.
    """

    images: str | None = None
    labels: str | None = None
    weights: str | None = None
    event_numbers: str | None = None
    layout: str | None = None
    channels: Sequence[str] | None = None
    units: Sequence[str] | None = None
    eta_range: tuple[float, float] = (-2.5, 2.5)
    label: int | None = None
    classes: Sequence[str] = ()
    cross_section_pb: float = float("nan")
    split_seed: int = 1
    split_fractions: tuple[float, ...] = tuple(SHARES.values())


def import_dense(
    path: Path,
    folder: Path,
    options: DenseOptions = DenseOptions(),
    *,
    compression: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write dense images as one image file for each sample, from HDF5 in bounded memory.

    A sample is a label, "background", "signal" or one of the classes; a file of `export_dense` has
    the names of its samples, and gives back their columns, attributes and cells bit by bit.

    Parameters
    ----------
    path
        npz or HDF5 file with images ``(n, channel, eta, phi)``, ``(n, eta, phi, channel)`` or
        ``(n, eta, phi)`` of any number type. Negative values are kept.
    folder
        Where ``<sample>.h5`` are written.
    options
        What the arrays mean.
    compression
        As in `ImageFileWriter`.
    progress
        Called with the number of events of each block that is done.

    Returns
    -------
    The files written.

    Raises
    ------
    InputError
        If the file cannot be read, its layout is not clear, or an image, label or weight is not
        possible.
    """
    path, folder = Path(path), Path(folder)
    with dense_arrays(path) as (arrays, attributes, checksums), ExitStack() as stack:
        images = find_array(path, arrays, "images", options.images)
        if images is None:
            raise InputError(f"{path}: no array of images: it has {', '.join(arrays) or 'none'}")
        infos, sample_of, columns = (
            _exported(path, arrays, attributes, checksums)
            if attributes
            else _foreign(path, arrays, images, options)
        )
        shape = infos[0].image_shape
        axes = axes_of(path, images.shape, options.layout, shape[0]) if images.ndim == 4 else None
        writers = [
            stack.enter_context(
                ImageFileWriter(folder / f"{info.sample}.h5", shape, compression=compression)
            )
            for info in infos
        ]
        size = max(1, BLOCK_BYTES // (4 * int(np.prod(shape))))
        start = 0
        for stored in blocks_of(images, size, checksums):
            block = _block(path, stored, start, axes, shape)
            for number, writer in enumerate(writers):
                mine = np.flatnonzero(sample_of[start : start + size] == number)
                own = {name: column[start + mine] for name, column in columns.items()}
                writer.append(SparseImages.from_dense(block[mine]), own)
            start += len(block)
            if progress is not None:
                progress(len(block))
        for info, writer in zip(infos, writers, strict=True):
            writer.close(info)
    return [writer.path for writer in writers]


def _block(
    path: Path,
    stored: np.ndarray,
    start: int,
    axes: tuple[int, int, int] | None,
    shape: tuple[int, int, int],
) -> np.ndarray:
    """Images float32 ``(k, n_channels, n_eta, n_phi)``; InputError if one is not finite."""
    with np.errstate(over="ignore"):  # infinite then, which is refused
        block = np.asarray(stored).astype(np.float32, copy=False)
    block = block[:, None] if axes is None else block.transpose(0, *axes)
    finite = np.isfinite(block).all(axis=(1, 2, 3))
    if not finite.all():
        raise InputError(
            f"{path}: the image of entry {start + int(np.argmin(finite))} has a value that "
            "is NaN or too large for float32: all must be finite"
        )
    return np.ascontiguousarray(block).reshape(-1, *shape)


def _foreign(
    path: Path, arrays: Mapping[str, Any], images: Any, options: DenseOptions
) -> tuple[list[ImageMetadata], np.ndarray, dict[str, np.ndarray]]:
    """Attributes of each sample, sample of each event, and the columns, of a file of others."""
    n_events = len(images)
    if n_events == 0:
        raise InputError(f"{path}: no images: at least one must be there")
    channels = None if options.channels is None else expanded(tuple(options.channels))
    axes = axes_of(path, images.shape, options.layout, channels and len(channels))
    shape = (1, *images.shape[1:]) if axes is None else tuple(images.shape[a] for a in axes)
    if int(np.prod(shape)) > MOST_CELLS:
        raise InputError(f"{path}: images of {shape} cells: give at most {MOST_CELLS} in all")
    labels = _labels(path, arrays, n_events, options)
    weights = find_column(path, arrays, "weights", options.weights, n_events)
    weights = np.ones(n_events) if weights is None else weights.astype(np.float64)
    numbers = find_column(path, arrays, "event_numbers", options.event_numbers, n_events)
    numbers = np.arange(n_events) if numbers is None else numbers
    if not np.isfinite(weights).all():
        raise InputError(
            f"{path}: the weight of entry {int(np.argmin(np.isfinite(weights)))} is not finite"
        )
    if not np.array_equal(numbers, np.floor(numbers)):
        raise InputError(f"{path}: the event numbers must be whole numbers")
    found = np.unique(labels).tolist()
    infos, split = [], np.zeros(n_events, dtype=np.uint8)
    for label in found:
        mine = labels == label
        infos.append(_metadata(path, label, weights[mine], shape, options))
        split[mine] = assign_split(
            class_names(options.classes)[label],
            numbers[mine].astype(np.int64),
            seed=options.split_seed,
            fractions=options.split_fractions,
        )
    columns = {
        "event_number": numbers.astype(np.int64),
        "label": labels,
        "weight": weights,
        "split": split,
    }
    return infos, np.searchsorted(found, labels), columns


def _metadata(
    path: Path,
    label: int,
    weights: np.ndarray,
    shape: tuple[int, int, int],
    options: DenseOptions,
) -> ImageMetadata:
    """Attributes of a class of a file of others; what was generated is what is there."""
    named = options.channels or (f"channel_{number}" for number in range(shape[0]))
    channels = expanded(tuple(named))
    known = (CHANNELS[name].unit if name in CHANNELS else "" for name in channels)
    units = tuple(known if options.units is None else options.units)
    if len(units) != len(channels):
        raise InputError(f"{len(units)} units for {len(channels)} channels: give one for each")
    total = float(weights.sum())
    return ImageMetadata(
        sample=class_names(options.classes)[label],
        label=label,
        classes=tuple(options.classes),
        grid=EtaPhiGrid(*shape[1:], options.eta_range),
        channels=channels,
        units=units,
        selection={},
        cut_flow=[("in the file", len(weights), total)],
        cross_section_pb=options.cross_section_pb,
        n_generated=len(weights),
        sum_of_weights=total,
        source_files=[(str(path), "")],
    )


def _labels(
    path: Path, arrays: Mapping[str, Any], n_events: int, options: DenseOptions
) -> np.ndarray:
    """Labels int8 ``(n,)``, of the file or the one that is given."""
    labels = find_column(path, arrays, "labels", options.labels, n_events)
    if (labels is None) == (options.label is None):
        found = "no array of labels" if labels is None else "labels, and a label is given too"
        raise InputError(f"{path}: {found}: name the array of labels, or give the label of all")
    labels = np.full(n_events, options.label) if labels is None else labels
    if unfit := [name for name in options.classes if "/" in name]:
        raise InputError(f"the class '{unfit[0]}' is no name of a file: give one without '/'")
    check_labels(options.classes, labels, path)
    return labels.astype(np.int8)


def _exported(
    path: Path,
    arrays: Mapping[str, Any],
    attributes: Mapping[str, Any],
    checksums: Checksums | None,
) -> tuple[list[ImageMetadata], np.ndarray, dict[str, np.ndarray]]:
    """The same of a file of `export_dense`."""
    columns = {
        name.removeprefix("events/"): whole_array(array, checksums)
        for name, array in arrays.items()
        if name.startswith("events/")
    }
    if "sample" not in columns:
        raise InputError(f"{path}: no column 'events/sample', which an exported file has")
    names = np.array([one.decode() for one in columns.pop("sample")], dtype=object)
    samples = str(attributes["sample"]).split(", ")  # one may have no event
    if others := sorted(set(names.tolist()) - set(samples)):
        raise InputError(
            f"{path}: the attribute 'sample' lacks '{others[0]}', which events/sample names"
        )
    infos = []
    for number, sample in enumerate(samples):
        own = {
            name: value.tolist() if isinstance(value, np.generic) else value
            for name, value in attributes.items()
        }
        for name in OF_SAMPLE:
            own[name] = np.atleast_1d(attributes[name])[number].tolist()
        mine = names == sample
        own |= {"sample": sample, "format": FORMAT}
        own.setdefault("cut_flow", "[]")
        if len(samples) > 1:  # those of the first sample alone were exported
            own |= {"source_files": json.dumps([[str(path), ""]])}
            own = {name: value for name, value in own.items() if name not in OF_FIRST}
            own |= _split_group(attributes, number)
        info = ImageMetadata.from_attributes(own)
        flow = [("in the file", int(mine.sum()), float(columns["weight"][mine].sum()))]
        infos.append(info if info.cut_flow else replace(info, cut_flow=flow))
    numbers = {sample: number for number, sample in enumerate(samples)}
    return infos, np.array([numbers[name] for name in names], dtype=np.int64), columns


def _split_group(attributes: Mapping[str, Any], number: int) -> dict[str, str]:
    """Group of a sample of an exported file, whose attribute lists those of all; a string, of
    before, is that of the first alone.
    """
    groups = attributes.get("split_group", "")
    return {} if isinstance(groups, str) else {"split_group": str(groups[number])}
