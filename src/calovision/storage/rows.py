"""Row numbers of images: what a caller may ask for, and dense or sparse images of the rows asked
for.
"""

import math
import operator
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from calovision.core.errors import InputError
from calovision.images import SparseImages, cell_type


class StoredRows(NamedTuple):
    """Rows of one source, and where they go among those asked for.

    ``arrays`` are offsets, cells and values; image ``rows[i]`` of them becomes image
    ``targets[i]``. ``damaged`` gives the error for a row that no image file may have; ``sound``
    marks the rows that were found good, and is added to; None where all were.
    """

    arrays: tuple[np.ndarray, np.ndarray, np.ndarray]
    rows: np.ndarray
    targets: np.ndarray
    damaged: Callable[[int], InputError]
    sound: np.ndarray | None = None


def check_rows(rows: Sequence[int] | np.ndarray, n_rows: int) -> np.ndarray:
    """Row numbers as int64 ``(n,)``.

    Raises
    ------
    IndexError
        If one is negative or beyond the last row, or they are no integers.
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        raise IndexError(
            f"image numbers must be a list of integers, not {rows.dtype} of shape {rows.shape}"
        )
    rows = rows.astype(np.int64, copy=False)
    if len(rows) and (rows.min() < 0 or rows.max() >= n_rows):
        wrong = rows[(rows < 0) | (rows >= n_rows)][0]
        raise IndexError(f"image {wrong} does not exist: there are {n_rows}, counted from 0")
    return rows


def rows_of_index(index: int | slice | Sequence | np.ndarray, n_rows: int) -> np.ndarray | int:
    """Row numbers that ``sequence[index]`` means; negative ones count from the end, as everywhere
    in Python.

    Raises
    ------
    IndexError
        As `check_rows`, or if a boolean mask has another length than the sequence.
    """
    if isinstance(index, slice):
        return np.arange(*index.indices(n_rows))
    if np.ndim(index) == 0:
        row = operator.index(index)
        return int(check_rows([row + n_rows if row < 0 else row], n_rows)[0])
    rows = np.asarray(index)
    if rows.dtype == bool:
        if rows.shape != (n_rows,):
            raise IndexError(f"a mask of shape {rows.shape} does not fit {n_rows} images")
        return np.flatnonzero(rows)
    return check_rows(
        np.where(rows < 0, rows + n_rows, rows) if rows.dtype.kind == "i" else rows, n_rows
    )


def prepare_output(out: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """The array to fill; InputError if the one given does not fit."""
    if out is None:
        try:
            return np.empty(shape, dtype=np.float32)
        except MemoryError as error:
            raise InputError(
                f"images of shape {shape} do not fit into memory: ask for fewer at a time"
            ) from error
    if (
        out.shape != shape
        or out.dtype != np.float32
        or not out.flags.c_contiguous
        or not out.flags.writeable
    ):
        raise InputError(
            f"out has to be a writable, contiguous float32 array of shape {shape}, not {out.dtype} "
            f"{out.shape}"
        )
    return out


def fill_dense(
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
    rows: np.ndarray,
    targets: np.ndarray,
    images: np.ndarray,
    *,
    sound: np.ndarray | None = None,
    threads: int = 1,
) -> int:
    """Write rows of ``arrays`` (offsets, cells, values) into ``images[targets]``; the first damaged
    row, or -1.

    ``sound`` as in `StoredRows`.
    """
    from calovision.storage.kernels import densify  # compiled code is loaded only where it is used

    flat = images.reshape(len(images), int(np.prod(images.shape[1:])))
    if threads <= 1 or len(rows) < 2 * threads:
        return densify(*arrays, rows, targets, flat, sound)
    parts = zip(np.array_split(rows, threads), np.array_split(targets, threads), strict=True)
    with ThreadPoolExecutor(threads) as pool:
        return max(pool.map(lambda part: densify(*arrays, *part, flat, sound), parts))


def gather_rows(
    parts: Sequence[StoredRows], n_rows: int, image_shape: tuple[int, int, int]
) -> SparseImages:
    """Rows of one or several sources as sparse images of their own, ``n_rows`` of them.

    InputError if a row is damaged.
    """
    from calovision.storage.kernels import measure  # compiled code is loaded only where it is used

    offsets = np.zeros(n_rows + 1, dtype=np.int64)
    for (bounds, cells, values), rows, targets, error, _ in parts:
        damaged = measure(bounds, min(len(cells), len(values)), rows, targets, offsets[1:])
        if damaged >= 0:
            raise error(damaged)
    images = empty_rows(np.cumsum(offsets, out=offsets), image_shape)
    for part in parts:
        copy_rows(part, images)
    return images


def empty_rows(offsets: np.ndarray, image_shape: tuple[int, int, int]) -> SparseImages:
    """Sparse images of these offsets, with cells and values that `copy_rows` has to fill in."""
    cells = np.empty(offsets[-1], dtype=cell_type(image_shape))
    return SparseImages(offsets, cells, np.empty(offsets[-1], dtype=np.float32), image_shape)


def copy_rows(part: StoredRows, images: SparseImages) -> None:
    """Copy rows to their places in ``images``; InputError if one is damaged."""
    from calovision.storage.kernels import gather  # compiled code is loaded only where it is used

    n_cells = math.prod(images.shape)
    new = images.offsets, images.cells, images.values
    damaged = gather(*part.arrays, part.rows, part.targets, n_cells, *new, part.sound)
    if damaged >= 0:
        raise part.damaged(damaged)


def take_rows(images: SparseImages, rows: np.ndarray) -> SparseImages:
    """Some rows of sparse images, in the order given; IndexError if one does not exist."""
    rows = check_rows(rows, len(images))
    arrays = images.offsets, images.cells, images.values
    return gather_rows(
        [StoredRows(arrays, rows, np.arange(len(rows)), _damaged_row)], len(rows), images.shape
    )


def _damaged_row(row: int) -> InputError:
    return InputError(f"the cells of image {row} are not inside the image")
