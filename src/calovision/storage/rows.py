"""Row numbers of images: what a caller may ask for, and dense images of the rows asked for."""

import operator
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from calovision.errors import InputError


def check_rows(rows: Sequence[int] | np.ndarray, n_rows: int) -> np.ndarray:
    """Row numbers as int64 ``(n,)``.

    Raises
    ------
    IndexError
        If one is negative or beyond the last row, or they are no integers.
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        raise IndexError(f"image numbers must be a list of integers, not {rows.dtype} of shape {rows.shape}")
    rows = rows.astype(np.int64, copy=False)
    if len(rows) and (rows.min() < 0 or rows.max() >= n_rows):
        wrong = rows[(rows < 0) | (rows >= n_rows)][0]
        raise IndexError(f"image {wrong} does not exist: there are {n_rows}, counted from 0")
    return rows


def rows_of_index(index: int | slice | Sequence | np.ndarray, n_rows: int) -> np.ndarray | int:
    """Row numbers that ``sequence[index]`` means; negative ones count from the end, as everywhere in Python.

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
    return check_rows(np.where(rows < 0, rows + n_rows, rows) if rows.dtype.kind == "i" else rows, n_rows)


def prepare_output(out: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """The array to fill; InputError if the one given does not fit."""
    if out is None:
        return np.empty(shape, dtype=np.float32)
    if out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous or not out.flags.writeable:
        raise InputError(
            f"out has to be a writable, contiguous float32 array of shape {shape}, not {out.dtype} {out.shape}"
        )
    return out


def fill_dense(
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
    rows: np.ndarray,
    targets: np.ndarray,
    images: np.ndarray,
    *,
    threads: int = 1,
) -> int:
    """Write rows of ``arrays`` (offsets, cells, values) into ``images[targets]``; the first damaged row, or -1."""
    from calovision.storage.kernels import densify  # compiled code is loaded only where it is used

    flat = images.reshape(len(images), int(np.prod(images.shape[1:])))
    if threads <= 1 or len(rows) < 2 * threads:
        return densify(*arrays, rows, targets, flat)
    parts = zip(np.array_split(rows, threads), np.array_split(targets, threads), strict=True)
    with ThreadPoolExecutor(threads) as pool:
        return max(pool.map(lambda part: densify(*arrays, *part, flat), parts))
