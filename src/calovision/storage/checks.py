"""Checks of the arrays of an image file, as FORMAT.md has them: types and shapes on opening,
numbers when read.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py
import numpy as np

from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.images import SparseImages, cell_type
from calovision.storage.hdf5 import StoredArrays
from calovision.storage.metadata import ImageMetadata

OFFSETS, CELLS, VALUES = ROWS = ("images/offsets", "images/cells", "images/values")
"""Names of the arrays of the sparse rows."""
BLOCKS = "images/checksums"
"""Name of the checksums of the blocks of rows (`calovision.storage.blocks`)."""
IN_BLOCKS = (CELLS, VALUES, BLOCKS)
"""Arrays that have no checksum as a whole."""
STATISTICS = ("statistics/n", "statistics/total", "statistics/total_of_squares")
"""Names of the pixel statistics, which a file may have."""

WHOLE = ("events/event_number", "events/jet_index")
NUMBERS = "biuf"
"""Kinds of numpy's types that a column may have: truth values, whole numbers, floating-point
numbers."""


def check_file(file: h5py.File, arrays: StoredArrays, metadata: ImageMetadata) -> None:
    """Raise InputError unless all that an open file must have is there, of its type and of one
    length.
    """
    path = arrays.path
    columns = arrays.names("events")
    missing = [name for name in metadata.required_columns if name not in columns]
    if missing:
        raise InputError(f"{path}: incomplete image file (no events/{missing[0]}); build it again")
    if arrays.checksums is not None:
        arrays.checksums.require_data(set(arrays) - set(IN_BLOCKS))
    types = {name: (arrays.dtype(name), arrays.shape(name)) for name in arrays}
    check_types(path, types, metadata.image_shape, metadata.required_columns)
    n_rows, n_cells, n_values = (arrays.shape(name)[0] for name in ROWS)
    lengths = {arrays.shape(f"events/{name}")[0] for name in columns}
    if n_rows < 1 or lengths != {n_rows - 1} or n_cells != n_values:
        raise InputError(
            f"{path}: incomplete image file (columns of unequal length); build it again"
        )
    first, last = (int(file[OFFSETS][row]) for row in (0, n_rows - 1))
    if first != 0:
        raise InputError(
            f"{path}: damaged image file ('{OFFSETS}' begins with {first}); build it again"
        )
    if last != n_cells:
        raise InputError(
            f"{path}: incomplete image file (columns of unequal length: '{OFFSETS}' ends with "
            f"{last} for {n_cells} cells); build it again"
        )


def check_types(
    path: Path,
    types: Mapping[str, tuple[np.dtype, tuple[int, ...]]],
    shape: tuple[int, int, int],
    required_columns: Iterable[str],
) -> None:
    """Raise InputError unless each array of a file has the type and the dimensions that it must
    have.

    Parameters
    ----------
    path
        The file.
    types
        Full name of each array -> its type and its shape.
    shape
        That of the images.
    required_columns
        Names of the columns that have one number a row.
    """
    required = {f"events/{name}" for name in required_columns}
    rows = {OFFSETS: np.dtype(np.int64), CELLS: cell_type(shape), VALUES: np.dtype(np.float32)}
    for name, (dtype, dimensions) in types.items():
        if name in rows and (dtype != rows[name] or len(dimensions) != 1):
            raise InputError(
                f"{path}: '{name}' is {dtype} of shape {dimensions}: it must be one row of "
                f"{rows[name]}; build it again"
            )
        if name == BLOCKS and (dtype != np.uint64 or len(dimensions) != 2):
            raise InputError(
                f"{path}: '{name}' is {dtype} of shape {dimensions}: it must be two "
                "columns of uint64; build it again"
            )
        if name.startswith("events/") and (dtype.kind not in NUMBERS or not dimensions):
            raise InputError(
                f"{path}: '{name}' is {dtype} of shape {dimensions}: a column must be numbers, one "
                "a row"
            )
        if name in required and len(dimensions) != 1:
            raise InputError(
                f"{path}: '{name}' has the shape {dimensions}: it must be one number a row"
            )
        if name in WHOLE and dtype.kind == "b":
            raise InputError(f"{path}: '{name}' is {dtype}: it must be whole numbers")
        if name.startswith("statistics/"):
            _check_statistics_type(path, name, dtype, dimensions, shape)


def check_column(
    path: Path, name: str, values: np.ndarray, label: int | None, n_classes: int = 0
) -> None:
    """Raise InputError if a column holds what it must not.

    ``label`` is that of the file, None if that is not known and `OF_ROWS` if it is that of the
    rows; ``n_classes`` is the number of its classes, 0 for signal and background, and of no matter
    where nothing is known of the file.
    """
    if name == "label" and label is None:
        _require(path, name, values, np.asarray(values) >= 0, "it must be the number of a class")
    elif name == "label" and label == OF_ROWS:
        _require(
            path,
            name,
            values,
            (np.asarray(values) >= 0) & (np.asarray(values) < n_classes),
            f"it must be the number of one of the {n_classes} classes, from 0",
        )
    elif name == "label":
        _require(
            path,
            name,
            values,
            values == label,
            f"it must be {label}, as the attribute 'label' of the file",
        )
    elif name == "split":
        known = np.isin(values, range(len(SPLITS)))
        _require(path, name, values, known, "it must be 0 (train), 1 (validation) or 2 (test)")
    elif name == "weight":
        _require(path, name, values, np.isfinite(values), "it must be finite")
    elif name == "event_number":
        _require(path, name, values, values == np.floor(values), "it must be a whole number")
    elif name == "jet_index":
        _require(
            path,
            name,
            values,
            (values == np.floor(values)) & (values >= 0),
            "it must be 0, 1, 2 ...",
        )


def check_images(path: Path, images: SparseImages, n_cells: int) -> None:
    """Raise InputError unless the images are such as an image file may hold."""
    from calovision.images.sparse_kernels import first_unsound

    offsets, cells, values = images.offsets, images.cells, images.values
    if offsets.dtype.kind not in "iu" or cells.dtype.kind != "u" or values.dtype.kind != "f":
        raise InputError(
            f"{path}: images with offsets of {offsets.dtype}, cells of {cells.dtype} and values of "
            f"{values.dtype}: they must be whole numbers, unsigned ones and floating-point ones"
        )
    row = first_unsound(offsets, cells, values, n_cells)
    if row >= 0:
        inside = 0 <= offsets[row] <= offsets[row + 1] <= min(len(cells), len(values))
        stored = slice(offsets[row], offsets[row + 1]) if inside else slice(0)
        wrong = describe_row(cells[stored], values[stored], n_cells)
        raise InputError(f"{path}: {wrong.format(row=row)}: nothing of this chunk is written")


def check_statistics(path: Path, n: int, sums: tuple[np.ndarray, np.ndarray], n_rows: int) -> None:
    """Raise InputError unless stored pixel statistics are possible for so many rows."""
    if not 0 <= n <= n_rows:
        raise InputError(
            f"{path}: 'statistics/n' is {n}, with {n_rows} images in the file; build it again"
        )
    if not all(np.isfinite(one).all() for one in sums) or np.any(sums[1] < 0):
        raise InputError(
            f"{path}: 'statistics' holds sums that are not finite or negative squares; build it "
            "again"
        )


def describe_row(cells: np.ndarray, values: np.ndarray, n_cells: int) -> str:
    """Text of what is wrong with a stored row, with a place for its number, ``{row}``."""
    numbers = cells.astype(np.int64)
    inside = (numbers >= 0) & (numbers < n_cells)
    if len(numbers) and inside.all() and np.any(np.diff(numbers) <= 0):
        return "the cells of image {row} do not ascend, or one is there twice, in 'images/cells'"
    if len(numbers) and inside.all() and not np.isfinite(values).all():
        return "the values of image {row} are not finite, in 'images/values'"
    return "the cells of image {row} are not inside the image, in 'images/" + (
        "cells'" if len(cells) else "offsets'"
    )


def _require(path: Path, name: str, values: np.ndarray, good: np.ndarray, must: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise InputError(f"{path}: 'events/{name}' is {values[row]} in row {row}: {must}")


def _check_statistics_type(
    path: Path, name: str, dtype: np.dtype, dimensions: tuple[int, ...], shape: tuple[int, int, int]
) -> None:
    scalar = name == "statistics/n"
    if dtype.kind not in ("iu" if scalar else "f") or dimensions != (() if scalar else shape):
        wanted = "one whole number" if scalar else f"floating-point numbers of shape {shape}"
        raise InputError(f"{path}: '{name}' is {dtype} of shape {dimensions}: it must be {wanted}")
