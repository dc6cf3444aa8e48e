"""Images as sparse rows: the one type of the builder, the image file, the data sets and the import.

Its compiled loops are in `calovision.images.sparse_kernels`, which loads numba and is therefore
imported where a loop runs.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from calovision.core.errors import InputError
from calovision.images.exchange import Exchanged
from calovision.images.requests import check_rows, prepare_output

_CELL_TYPES = (np.dtype(np.uint16), np.dtype(np.uint32))
_OTHER_TYPES = (np.dtype(np.int64), np.dtype(np.float32))  # of offsets and values


@dataclass(frozen=True)
class SparseImages(Exchanged):
    """Images of n events (or jets) as sparse rows.

    Row i holds ``cells[offsets[i]:offsets[i + 1]]``, ascending flat indices in (channel, eta, phi),
    and the ``values`` there, which are not zero.

    Attributes
    ----------
    offsets
        int64 ``(n + 1,)``.
    cells, values
        uint16 or uint32, and float32, ``(n_stored,)``.
    shape
        ``(n_channels, n_eta, n_phi)``.
    checked
        Rows of a file whose content was found good, bool ``(n,)``: the others are checked, and
        marked, when they are first read. None where all are good, or nobody wants to know.
    error
        Error for a row that is damaged, by its number; None for the one that `damaged` writes.
    """

    offsets: np.ndarray
    cells: np.ndarray
    values: np.ndarray
    shape: tuple[int, int, int]
    checked: np.ndarray | None = field(default=None, repr=False, compare=False)
    error: Callable[[int], InputError] | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return max(len(self.offsets) - 1, 0)

    @classmethod
    def from_dense(cls, images: np.ndarray) -> "SparseImages":
        """Cells that are not zero of dense images ``(n, n_channels, n_eta, n_phi)``."""
        shape = images.shape[1:]
        flat = images.reshape(len(images), math.prod(shape))
        rows, cells = np.nonzero(flat)
        lengths = np.bincount(rows, minlength=len(images))
        return cls.from_lengths(lengths, cells.astype(cell_type(shape)), flat[rows, cells], shape)

    @classmethod
    def from_lengths(
        cls,
        lengths: np.ndarray,
        cells: np.ndarray,
        values: np.ndarray,
        shape: tuple[int, int, int],
    ) -> "SparseImages":
        """Rows of the given lengths ``(n,)``, one after the other in ``cells`` and ``values``."""
        return cls(_offsets(lengths), cells, values, shape)

    @classmethod
    def empty(cls, lengths: np.ndarray, shape: tuple[int, int, int]) -> "SparseImages":
        """Rows of the given lengths ``(n,)``, whose cells and values `put` is to fill in."""
        offsets = _offsets(lengths)
        cells = np.empty(offsets[-1], dtype=cell_type(shape))
        return cls(offsets, cells, np.empty(offsets[-1], dtype=np.float32), shape)

    @classmethod
    def concatenate(cls, parts: Sequence["SparseImages"]) -> "SparseImages":
        """Images of several parts (at least one), of one shape, one after the other.

        Raises
        ------
        InputError
            If there is no part, or their shapes differ.
        """
        shapes = sorted({tuple(part.shape) for part in parts})
        if len(shapes) != 1:
            found = " and ".join(map(str, shapes)) or "no part"
            raise InputError(f"sparse images: {found} cannot be joined; give parts of one shape")
        if len(parts) == 1:
            return parts[0]
        ranges = [slice(part.offsets[0], part.offsets[-1]) for part in parts]
        return cls.from_lengths(
            np.concatenate([np.diff(part.offsets) for part in parts]),
            np.concatenate([part.cells[one] for part, one in zip(parts, ranges, strict=True)]),
            np.concatenate([part.values[one] for part, one in zip(parts, ranges, strict=True)]),
            parts[0].shape,
        )

    def part(self, start: int, stop: int) -> "SparseImages":
        """Rows from ``start`` to ``stop``, without copying their cells and values."""
        offsets = self.offsets[start : stop + 1]
        stored = slice(offsets[0], offsets[-1])
        return SparseImages(
            offsets - offsets[0], self.cells[stored], self.values[stored], self.shape
        )

    def take(self, rows: Sequence[int] | np.ndarray) -> "SparseImages":
        """Images of the given rows, in the order given.

        Raises
        ------
        IndexError
            If a row does not exist.
        InputError
            If a row is damaged: its offsets do not ascend within the cells, or it has cells outside
            the image.
        """
        rows = check_rows(rows, len(self))
        return gather([Rows(self, rows, np.arange(len(rows)))], len(rows), self.shape)

    def dense(self, out: np.ndarray | None = None, *, threads: int = 1) -> np.ndarray:
        """Images as float32 ``(n, n_channels, n_eta, n_phi)``.

        Parameters
        ----------
        out
            Array to fill instead of a new one.
        threads
            Number of threads that share the images.

        Raises
        ------
        InputError
            If a row is damaged (see `take`), or ``out`` does not fit.
        """
        rows = np.arange(len(self))
        images = prepare_output(out, (len(rows), *self.shape))
        self.densify(images, rows, rows, threads=threads)
        return images if out is None else out

    def densify(
        self, images: np.ndarray, rows: np.ndarray, targets: np.ndarray, *, threads: int = 1
    ) -> None:
        """Write rows (checked before) into ``images[targets]``, float32 and contiguous; each of
        these images is zeroed first.

        Raises
        ------
        InputError
            If a row is damaged.
        """
        from calovision.images.sparse_kernels import densify

        flat = images.reshape(len(images), math.prod(self.shape))
        arrays = self.arrays()
        if threads <= 1 or len(rows) < 2 * threads:
            damaged = densify(*arrays, rows, targets, flat, self.checked)
        else:
            parts = zip(
                np.array_split(rows, threads), np.array_split(targets, threads), strict=True
            )
            with ThreadPoolExecutor(threads) as pool:
                damaged = max(
                    pool.map(lambda part: densify(*arrays, *part, flat, self.checked), parts)
                )
        self._require_sound(damaged)

    def densify_turned(
        self, images: np.ndarray, elements: np.ndarray, *, channels_last: bool = False
    ) -> None:
        """Write all rows into ``images``, each turned by its element of the symmetry group.

        Parameters
        ----------
        images
            float32 ``(n, n_cells)``, contiguous, in the order (channel, eta, phi), or (eta, phi,
            channel) if ``channels_last``.
        elements
            Element of the group for each image (`calovision.datasets.symmetry`), int64 ``(n,)``.

        Raises
        ------
        InputError
            If a row is damaged.
        """
        from calovision.images.sparse_kernels import densify_turned

        kind = np.float32 if images.shape[1] <= 2**16 else np.float64
        grid = np.array(self.shape[1:], dtype=kind)
        self._require_sound(densify_turned(*self.arrays(), elements, grid, images, channels_last))

    def put(self, part: "Rows") -> None:
        """Copy rows of other images to their targets here, where they have the same lengths.

        Raises
        ------
        InputError
            If a row is damaged.
        """
        from calovision.images.sparse_kernels import copy_rows

        images, rows, targets = part
        new = self.offsets, self.cells, self.values
        n_cells = math.prod(self.shape)
        images._require_sound(
            copy_rows(*images.arrays(), rows, targets, n_cells, *new, images.checked)
        )

    def damaged(self, row: int) -> InputError:
        """The error for a row that is damaged."""
        if self.error is not None:
            return self.error(row)
        if not 0 <= self.offsets[row] <= self.offsets[row + 1] <= len(self.cells):
            return InputError(
                f"sparse images: the offsets must ascend within the {len(self.cells)} cells that "
                f"are stored, not those of image {row}"
            )
        return self._beyond()

    def _require_sound(self, damaged: int) -> None:
        """Raise InputError if a kernel found a damaged row, not -1."""
        if damaged >= 0:
            raise self.damaged(damaged)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offsets, cells and values of the types that the kernels are compiled for."""
        offsets, cells, values = self.offsets, self.cells, self.values
        if len(values) != len(cells):
            raise InputError(f"sparse images: {len(values)} values for {len(cells)} cells")
        if len(offsets) < 1:
            raise InputError("sparse images: no offsets, of which there is one more than images")
        if cells.dtype in _CELL_TYPES and (offsets.dtype, values.dtype) == _OTHER_TYPES:
            return offsets, cells, values
        if len(cells) and (cells.min() < 0 or cells.max() >= math.prod(self.shape)):
            raise self._beyond()
        return (
            offsets.astype(np.int64),
            cells.astype(cell_type(self.shape)),
            values.astype(np.float32),
        )

    def _beyond(self) -> InputError:
        n_cells = math.prod(self.shape)
        return InputError(
            f"sparse images: cells beyond the {n_cells} of an image {tuple(self.shape)}"
        )


class Rows(NamedTuple):
    """Some rows of sparse images, and their places among the images that are asked for.

    Image ``rows[i]`` of ``images`` becomes image ``targets[i]``; int64 ``(n,)``.
    """

    images: SparseImages
    rows: np.ndarray
    targets: np.ndarray


def gather(parts: Sequence[Rows], n_rows: int, image_shape: tuple[int, int, int]) -> SparseImages:
    """Images of one or several sources, ``n_rows`` of them, in the order of their targets.

    Raises
    ------
    InputError
        If a row is damaged.
    """
    from calovision.images.sparse_kernels import copy_rows, measure

    lengths = np.zeros(n_rows, dtype=np.int64)
    arrays = [part.images.arrays() for part in parts]
    for (images, rows, targets), (offsets, cells, _) in zip(parts, arrays, strict=True):
        damaged = measure(offsets, len(cells), rows, targets, lengths)
        if damaged >= 0:
            raise images.damaged(damaged)
    gathered = SparseImages.empty(lengths, image_shape)
    new = gathered.offsets, gathered.cells, gathered.values
    n_cells = math.prod(image_shape)
    for (images, rows, targets), stored in zip(parts, arrays, strict=True):
        damaged = copy_rows(*stored, rows, targets, n_cells, *new, images.checked)
        if damaged >= 0:
            raise images.damaged(damaged)
    return gathered


def cell_type(shape: tuple[int, int, int]) -> np.dtype:
    """Smallest type of the flat indices of an image ``(n_channels, n_eta, n_phi)``: uint16 or
    uint32.

    Parameters
    ----------
    shape
        ``(n_channels, n_eta, n_phi)``.

    Raises
    ------
    InputError
        If there are more cells than uint32 counts.
    """
    n_cells = math.prod(map(int, shape))
    if n_cells > 2**32:
        raise InputError(
            f"images {tuple(shape)} have more than 2^32 cells: give fewer channels or cells"
        )
    return _CELL_TYPES[n_cells > 2**16]


def _offsets(lengths: np.ndarray) -> np.ndarray:
    """Begin of each row of the given lengths, and end of the last one, int64 ``(n + 1,)``."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
