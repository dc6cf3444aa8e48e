"""Checksums of the cells and values of an image file, for each block of rows: made by the writer,
compared by the reader when it first reads a block.

A block is `ROWS_OF_A_BLOCK` rows, the last one fewer. ``images/checksums``, uint64 ``(n_blocks,
2)``, holds the XXH3-64 of its cells and of its values, as numbers in little-endian byte order.
"""

import numpy as np
import xxhash

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.storage.checks import BLOCKS, CELLS, VALUES
from calovision.storage.hdf5 import StoredArrays
from calovision.storage.hdf5.checksums import Checksums, content_bytes
from calovision.storage.hdf5.maps import PAGES_OF_A_ROW, POOL

ROWS_OF_A_BLOCK = 250
"""A part of the 1000 rows that are mostly read at a time. With some 100 cells a row a block is as
much as one fault of a memory map brings in; larger ones would cost readers of few rows more, and
smaller ones all readers.
"""
KEY = "rows_of_a_block"
"""Name of their number among the checksums."""


class BlockWriter:
    """Checksums of rows that come in pieces of any length."""

    def __init__(self) -> None:
        self._done: list[tuple[int, int]] = []
        self._begin()

    def add(self, offsets: np.ndarray, cells: np.ndarray, values: np.ndarray) -> None:
        """Add the next rows, of the types that the file has; ``offsets`` ``(n + 1,)`` begin at
        0.
        """
        start, n_rows = 0, len(offsets) - 1
        while start < n_rows:
            stop = min(start + ROWS_OF_A_BLOCK - self._n_rows, n_rows)
            stored = slice(offsets[start], offsets[stop])
            self._cells.update(content_bytes(cells[stored]))
            self._values.update(content_bytes(values[stored]))
            self._n_rows += stop - start
            if self._n_rows == ROWS_OF_A_BLOCK:
                self._finish()
            start = stop

    def checksums(self) -> np.ndarray:
        """Those of all blocks, uint64 ``(n_blocks, 2)``; nothing can be added any more."""
        if self._n_rows:
            self._finish()
        return np.array(self._done, dtype=np.uint64).reshape(-1, 2)

    def _begin(self) -> None:
        self._cells, self._values, self._n_rows = xxhash.xxh3_64(), xxhash.xxh3_64(), 0

    def _finish(self) -> None:
        self._done.append((self._cells.intdigest(), self._values.intdigest()))
        self._begin()


class StoredBlocks:
    """Blocks of an image file, each compared with its checksums once.

    Parameters
    ----------
    arrays, checksums
        The arrays of the file, and its checksums.

    Raises
    ------
    InputError
        If the file does not say how many rows a block has, or has not a checksum for each.
    """

    def __init__(self, arrays: StoredArrays, checksums: Checksums, n_rows: int) -> None:
        self._arrays, self._checksums = arrays, checksums
        self.n_rows = n_rows
        size = checksums.others.get(KEY)
        is_number = isinstance(size, int) and not isinstance(size, bool) and size > 0
        if not is_number or arrays.shape(BLOCKS) != (-(-n_rows // size), 2):
            raise checksums.damaged(f"'{BLOCKS}' are not the checksums of {n_rows} rows")
        self.size = size
        self._stored: np.ndarray | None = None
        self._is_good = np.zeros(len(self), dtype=bool)
        self.all_good = len(self) == 0
        n_bytes = sum(
            arrays.dtype(name).itemsize * arrays.shape(name)[0] for name in (CELLS, VALUES)
        )
        self._rows_of_as_many_pages = 1 + n_bytes // max(len(self), 1) // PAGES_OF_A_ROW

    def __len__(self) -> int:
        return self._arrays.shape(BLOCKS)[0]

    def around(self, start: int, stop: int) -> tuple[int, int]:
        """Rows from ``start`` to ``stop``, and those with which blocks that are not compared yet
        are whole.
        """
        if start >= stop:
            return start, stop
        first, last = start // self.size, (stop - 1) // self.size
        if not self._is_good[first]:
            start = first * self.size
        if not self._is_good[last]:
            stop = min((last + 1) * self.size, self.n_rows)
        return start, stop

    def require(self, rows: np.ndarray, images: SparseImages) -> None:
        """Compare the blocks of these rows of all images of the file, ``images``.

        Raises
        ------
        InputError
            If one does not fit its checksums.
        """
        blocks = rows // self.size
        due = blocks[~self._is_good[blocks]]
        for block in np.unique(due).tolist():
            POOL.touch(self._rows_of_as_many_pages)
            self._require_block(block, images, 0)

    def require_piece(self, start: int, images: SparseImages) -> None:
        """Compare the blocks of a piece that `around` gave, whose first row is ``start``."""
        if not len(images):
            return
        last = (start + len(images) - 1) // self.size
        for block in range(start // self.size, last + 1):
            if not self._is_good[block]:
                self._require_block(block, images, start)

    def _require_block(self, block: int, images: SparseImages, begin: int) -> None:
        """Compare one block of images of which the first is row ``begin`` of the file."""
        first, end = block * self.size, min((block + 1) * self.size, self.n_rows)
        start, stop = images.offsets[first - begin], images.offsets[end - begin]
        if self._stored is None:
            self._stored = self._arrays.read(BLOCKS)
        of_cells, of_values = self._stored[block].tolist()
        for name, numbers, expected in (
            (CELLS, images.cells, of_cells),
            (VALUES, images.values, of_values),
        ):
            if xxhash.xxh3_64_intdigest(content_bytes(numbers[start:stop])) != expected:
                raise self._damaged(name, first, end - 1)
        self._is_good[block] = True
        self.all_good = bool(self._is_good.all())

    def _damaged(self, name: str, first: int, last: int) -> InputError:
        """The error for a block, or for a file that somebody writes to."""
        if self._arrays.source.mapped is not None:
            self._arrays.source.require_unchanged()
        return self._checksums.damaged(
            f"'{name}' do not fit their checksum in the block of rows {first} to {last}"
        )
