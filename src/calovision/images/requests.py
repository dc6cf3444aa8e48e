"""Checks of what callers ask for: numbers of images, and arrays that images are written into."""

import operator
from collections.abc import Sequence

import numpy as np

from calovision.core.errors import InputError


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
    # as unsigned numbers the negative ones are the largest of all
    if len(rows) and rows.view(np.uint64).max() >= n_rows:
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
    """Plain float32 array to fill with images: the memory of ``out``, or a new one if None.

    Raises
    ------
    InputError
        If ``out`` is no writable, contiguous float32 array of this shape, or the memory does not
        hold the images.
    """
    if out is None:
        try:
            return np.empty(shape, dtype=np.float32)
        except (MemoryError, ValueError) as error:
            raise InputError(
                f"images {shape}: the memory does not hold them; ask for fewer images at a time, "
                "or for fewer cells"
            ) from error
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise InputError(
            f"out is {type(out).__name__}: it must be a numpy array, float32 {shape}, C-contiguous"
        )
    if out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise InputError(
            f"out is {out.dtype} {out.shape}: it must be float32 {shape}, C-contiguous"
        )
    if not out.flags.writeable or not out.flags.aligned:
        raise InputError("out is read-only or not aligned: give an array that can be written")
    return out.view(np.ndarray)
