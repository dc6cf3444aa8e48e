"""Sparse rows of an image file: mapped or read piece by piece, checked when first read."""

import dataclasses
import math
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.images.sparse import Rows
from calovision.storage.blocks import StoredBlocks
from calovision.storage.checks import CELLS, OFFSETS, ROWS, VALUES, describe_row
from calovision.storage.hdf5 import StoredArrays
from calovision.storage.hdf5.maps import POOL


class StoredRows:
    """The rows of one image file.

    Rows of uncompressed files are mapped; compressed ones are decompressed as a whole when single
    ones are asked for first, and kept.

    Parameters
    ----------
    arrays
        The arrays of the file, `ROWS` among them.
    image_shape
        ``(n_channels, n_eta, n_phi)``.
    """

    def __init__(self, arrays: StoredArrays, image_shape: tuple[int, int, int]) -> None:
        self.image_shape = image_shape
        self._arrays = arrays
        self._source = arrays.source
        self._n_cells = math.prod(image_shape)
        self._n_stored = arrays.shape(CELLS)[0]
        self._is_mapped = all(arrays.offset(name) is not None for name in ROWS)
        checksums = arrays.checksums
        self._blocks = None if checksums is None else StoredBlocks(arrays, checksums, len(self))
        self._ascends = False
        self._checked = np.zeros(len(self), dtype=bool)

    def __len__(self) -> int:
        return self._arrays.shape(OFFSETS)[0] - 1

    @property
    def is_mapped(self) -> bool:
        """True if the rows are mapped into memory; compressed ones are not."""
        return all(
            self._arrays.offset(name) is not None or self._arrays.shape(name)[0] == 0
            for name in ROWS
        )

    @property
    def offsets(self) -> np.ndarray:
        """First stored cell of each row, and the end of the last one, int64 ``(n + 1,)``;
        InputError unless no row begins before the one above it.
        """
        offsets = self._arrays.whole(OFFSETS)
        if not self._ascends:
            falls = np.diff(offsets) < 0
            if falls.any():
                raise self.damaged(int(np.argmax(falls)))
            self._ascends = True
        return offsets

    def places(self) -> tuple[tuple[Path, int] | None, tuple[Path, int] | None]:
        """File and first byte of the cells and of the values; None where they are chunked or
        empty.
        """
        return self._arrays.file_and_offset(CELLS), self._arrays.file_and_offset(VALUES)

    def select(self, rows: np.ndarray, targets: np.ndarray, *, read: bool = False) -> Rows:
        """Images that hold the rows (checked before), and the places of these in them.

        Whoever has read from them calls `require_unchanged`, since the file may have been written
        to meanwhile. ``read`` reads the piece from the first to the last of the rows, which must
        ascend, instead of mapping the file.
        """
        if not read and (
            self._is_mapped or all(map(self._arrays.is_resident, ROWS)) or not _is_range(rows)
        ):
            return Rows(self._whole(rows), rows, targets)
        first, last = (rows[0], rows[-1]) if len(rows) else (0, -1)
        return Rows(self.read(first, last + 1), rows - first, targets)

    def densify(
        self, images: np.ndarray, rows: np.ndarray, targets: np.ndarray, *, threads: int = 1
    ) -> None:
        """Write rows (checked before) into ``images[targets]``, as `SparseImages.densify`."""
        part = self.select(rows, targets)
        part.images.densify(images, part.rows, targets, threads=threads)
        self.require_unchanged()

    def read(self, start: int, stop: int) -> SparseImages:
        """Rows that follow each other, read as one piece and checked."""
        from calovision.images.sparse_kernels import first_unsound

        if self._blocks is None or self._blocks.all_good:
            images = self._piece(start, stop)
        else:
            first, last = self._blocks.around(start, stop)
            images = self._piece(first, last)
            self._blocks.require_piece(first, images)
            if (first, last) != (start, stop):
                images = images.part(start - first, stop - first)
        checked = self._checked[start:stop]
        if not checked.all():
            row = first_unsound(images.offsets, images.cells, images.values, self._n_cells)
            if row >= 0:
                raise self.damaged(start + row)
            checked[:] = True
        return dataclasses.replace(images, error=lambda row: self.damaged(row + start))

    def _piece(self, start: int, stop: int) -> SparseImages:
        """Rows as they are stored, after a look at their offsets."""
        self._arrays.compare(OFFSETS)
        offsets = self._arrays.part(OFFSETS, start, stop + 1)
        steps = np.diff(offsets)
        if offsets[0] < 0 or offsets[-1] > self._n_stored or np.any(steps < 0):
            outside = (offsets[:-1] < 0) | (offsets[1:] > self._n_stored)
            raise self.damaged(start + int(np.argmax((steps < 0) | outside)))
        cells, values = (
            self._arrays.part(name, offsets[0], offsets[-1]) for name in (CELLS, VALUES)
        )
        return SparseImages(offsets - offsets[0], cells, values, self.image_shape)

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Number of stored cells of each row (checked before), int64 ``(n,)``; InputError if the
        file is damaged.
        """
        from calovision.images.sparse_kernels import measure

        self._prepare(len(rows))
        lengths = np.empty(len(rows), dtype=np.int64)
        damaged = measure(self.offsets, self._n_stored, rows, np.arange(len(rows)), lengths)
        self.require_unchanged()
        if damaged >= 0:
            raise self.damaged(damaged)
        return lengths

    def require_unchanged(self) -> None:
        """Raise InputError if what was read from the map may not be that of the file as it was
        opened.
        """
        if self._source.mapped is not None:
            self._source.require_unchanged()

    def damaged(self, row: int) -> InputError:
        """The error for an image that no file may have: where it is, and what is wrong with it."""
        start, stop = self._arrays.part(OFFSETS, row, row + 2)
        inside = 0 <= start <= stop <= self._n_stored
        cells, values = (
            self._arrays.part(name, *((start, stop) if inside else (0, 0)))
            for name in (CELLS, VALUES)
        )
        wrong = describe_row(cells, values, self._n_cells)
        return InputError(
            f"{self._arrays.path}: damaged image file ({wrong.format(row=row)}); build it again"
        )

    def trust(self) -> None:
        """Take all rows for checked, as the writer does with what it has written itself."""
        self._checked[:] = True

    def _whole(self, rows: np.ndarray) -> SparseImages:
        """All rows, of which these are about to be read."""
        self._prepare(len(rows))
        if not self._ascends:
            _ = self.offsets
        arrays = self._arrays.kept or self._arrays.keep(ROWS)
        images = SparseImages(*arrays, self.image_shape, self._checked, self.damaged)
        if self._blocks is not None and not self._blocks.all_good:
            self._blocks.require(rows, images)
        return images

    def _prepare(self, n_rows: int) -> None:
        """Make sure that so many rows can be read: memory for their pages, and all of the file."""
        POOL.touch(n_rows)
        self._source.require_all_of_it()


def _is_range(rows: np.ndarray) -> bool:
    """Tell whether rows follow each other, so that they are one piece of the file."""
    return len(rows) == 0 or (
        rows[-1] - rows[0] == len(rows) - 1 and bool(np.all(np.diff(rows) == 1))
    )
