"""Images as sparse rows, the layout of the image file."""

from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError


@dataclass(frozen=True)
class SparseImages:
    """Images of n events (or jets) as sparse rows.

    Row i holds ``cells[offsets[i]:offsets[i + 1]]``, ascending flat indices in (channel, eta, phi),
    and the ``values`` there, which are not zero.
    """

    offsets: np.ndarray
    cells: np.ndarray
    values: np.ndarray
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def dense(self) -> np.ndarray:
        """Images as float32 ``(n_events, n_channels, n_eta, n_phi)``.

        Raises
        ------
        InputError
            If the rows are no rows of such images: offsets that do not ascend within the cells, or
            cells outside.
        """
        self._check()
        images = np.zeros((len(self), int(np.prod(self.shape))), dtype=np.float32)
        rows = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        stored = slice(self.offsets[0], self.offsets[-1])
        images[rows, self.cells[stored]] = self.values[stored]
        return images.reshape(len(self), *self.shape)

    def _check(self) -> None:
        n_cells, offsets = int(np.prod(self.shape)), self.offsets
        if (
            len(offsets) < 1
            or offsets[0] < 0
            or offsets[-1] > len(self.cells)
            or np.any(offsets[1:] < offsets[:-1])
        ):
            raise InputError(
                f"sparse images: the offsets must ascend within the {len(self.cells)} cells that "
                "are stored"
            )
        if len(self.values) != len(self.cells):
            raise InputError(
                f"sparse images: {len(self.values)} values for {len(self.cells)} cells"
            )
        if len(self.cells) and (self.cells.min() < 0 or self.cells.max() >= n_cells):
            raise InputError(
                f"sparse images: cells beyond the {n_cells} of an image {tuple(self.shape)}"
            )


def cell_type(shape: tuple[int, int, int]) -> np.dtype:
    """Smallest type of the flat indices of an image ``(n_channels, n_eta, n_phi)``: uint16 or
    uint32.

    Raises
    ------
    InputError
        If there are more cells than uint32 counts.
    """
    if np.prod(shape, dtype=np.float64) > 2**32:
        raise InputError(
            f"images {tuple(shape)} have more than 2^32 cells: give fewer channels or cells"
        )
    return np.dtype(np.uint16 if np.prod(shape) <= np.iinfo(np.uint16).max + 1 else np.uint32)


def to_sparse(images: np.ndarray) -> SparseImages:
    """Keep the cells that are not zero of dense images ``(n, n_channels, n_eta, n_phi)``."""
    shape = images.shape[1:]
    rows, cells = np.nonzero(images.reshape(len(images), np.prod(shape)))
    offsets = np.zeros(len(images) + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=len(images)), out=offsets[1:])
    values = images.reshape(len(images), np.prod(shape))[rows, cells]
    return SparseImages(offsets, cells.astype(cell_type(shape)), values, shape)
