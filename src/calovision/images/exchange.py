"""Sparse images handed to other libraries: numpy, torch, and what takes dlpack."""

from typing import TYPE_CHECKING, Any

import numpy as np

from calovision.core.errors import InputError

if TYPE_CHECKING:
    import torch


class Exchanged:
    """Protocols of `SparseImages`: dense arrays for whoever asks for one, and tensors of torch.

    Dense images are made for the call and handed over without a further copy; dense images of
    `build_images` are arrays of numpy, which ``torch.from_numpy`` and ``from_dlpack`` share.
    """

    def to_torch(self, *, sparse: bool = False) -> "torch.Tensor":
        """Images as a float32 tensor ``(n, n_channels, n_eta, n_phi)`` on the CPU.

        Parameters
        ----------
        sparse
            Coalesced COO tensor, whose values are those of the rows, without a copy where torch can
            share them; else dense, as networks take it.

        Raises
        ------
        InputError
            If a row is damaged.
        """
        import torch

        if not sparse:
            return torch.from_numpy(self.dense())
        offsets, cells, values = self.arrays()
        stored = slice(int(offsets[0]), int(offsets[-1]))
        lengths = np.diff(offsets)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        flat = cells[stored].astype(np.int64)
        places = np.stack([rows, *np.unravel_index(_inside(flat, self.shape), self.shape)])
        contents = values[stored]
        shared = contents if contents.flags.writeable else contents.copy()
        return torch.sparse_coo_tensor(
            torch.from_numpy(places),
            torch.from_numpy(shared),
            (len(self), *self.shape),
            check_invariants=True,
            is_coalesced=True,
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Dense images for ``numpy.asarray``."""
        if copy is False:
            raise ValueError("sparse images are no dense array: it cannot be given without a copy")
        return self.dense().astype(dtype or np.float32, copy=False)

    def __dlpack__(self, **options: Any) -> Any:
        """Dense images for ``from_dlpack`` of torch, jax, cupy and numpy."""
        if options.get("copy") is False:
            raise BufferError("sparse images are no dense array: it cannot be given without a copy")
        options.pop("copy", None)
        return self.dense().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Device of the dense images: the CPU."""
        return 1, 0


def _inside(cells: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The cells; InputError if one lies outside the image."""
    if len(cells) and cells.max() >= np.prod(shape, dtype=np.int64):
        raise InputError(f"sparse images: cell {cells.max()} lies outside images {tuple(shape)}")
    return cells
