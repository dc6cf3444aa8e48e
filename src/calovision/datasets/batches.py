"""Sparse mini-batch, densified on the device."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from calovision.core.errors import InputError
from calovision.datasets.symmetry import turn_cells
from calovision.images import SparseImages

_UNSIGNED = {torch.int16: np.uint16, torch.int32: np.uint32}
_SIGNED = {2: np.int16, 4: np.int32}  # by the bytes of a cell


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """Sparse images of some events with their labels, weights and variables, on one device.

    Attributes
    ----------
    indices
        Positions in the collection, int64 ``(n,)``.
    offsets, cells, values
        Row i holds ``cells[offsets[i]:offsets[i + 1]]``, flat (channel, eta, phi), and the float32
        ``values`` there; int64 ``(n + 1,)``. Cells have the 2 or 4 bytes of the file: int16 and
        int32 are read as unsigned, since devices compute with few unsigned types.
    labels, weights
        Float32 ``(n,)``.
    variables
        Event variables beside the image, float32 ``(n, n_variables)``.
    elements
        Element of the symmetry group that each image is turned by (`calovision.datasets.symmetry`),
        int64 ``(n,)``; None leaves the images as they are.
    image_shape
        ``(n_channels, n_eta, n_phi)``.
    """

    indices: Tensor
    offsets: Tensor
    cells: Tensor
    values: Tensor
    labels: Tensor
    weights: Tensor
    variables: Tensor
    elements: Tensor | None
    image_shape: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def from_images(
        cls,
        images: SparseImages,
        indices: Tensor,
        *,
        labels: Tensor | None = None,
        weights: Tensor | None = None,
        variables: Tensor | None = None,
        elements: Tensor | None = None,
    ) -> Self:
        """Batch on the CPU, which shares the memory of the images; without labels they are 0, and
        without weights these are 1.
        """
        offsets, cells, values = images.arrays()
        return cls(
            indices=indices,
            offsets=_tensor(offsets),
            cells=_tensor(cells.view(_SIGNED[cells.itemsize])),
            values=_tensor(values),
            labels=torch.zeros(len(images)) if labels is None else labels,
            weights=torch.ones(len(images)) if weights is None else weights,
            variables=torch.zeros(len(images), 0) if variables is None else variables,
            elements=elements,
            image_shape=tuple(images.shape),
        )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """The batch on a device; ``non_blocking`` copies from pinned memory while the program goes
        on.
        """
        return self._with_each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """The batch in page-locked memory, from which a GPU copies by itself."""
        return self._with_each(Tensor.pin_memory)

    def _with_each(self, change: Callable[[Tensor], Tensor]) -> Self:
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(
            self,
            **{name: change(value) for name, value in tensors.items() if isinstance(value, Tensor)},
        )

    def dense(
        self,
        out: Tensor | None = None,
        *,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> Tensor:
        """Images on the device of the batch, turned by their elements, float32 ``(n, n_channels,
        n_eta, n_phi)``.

        Parameters
        ----------
        out
            Tensor to fill instead of a new one; whoever needs one batch at a time saves the fresh
            memory.
        memory_format
            Order in memory: ``torch.contiguous_format``, or ``torch.channels_last``, which
            convolutions are quickest with.

        Raises
        ------
        InputError
            If ``out`` does not fit, or, on the CPU, a row has cells outside the image.
        """
        device = self.values.device
        images = _prepare_output(out, (len(self), *self.image_shape), device, memory_format)
        channels_last = memory_format == torch.channels_last
        in_order = images.permute(0, 2, 3, 1) if channels_last else images
        flat = in_order.view(len(self), math.prod(self.image_shape))
        if device.type == "cpu":
            self._densify_on_cpu(flat.numpy(), channels_last=channels_last)
        else:
            self._scatter(flat, channels_last=channels_last)
        return images

    def _densify_on_cpu(self, flat: np.ndarray, *, channels_last: bool) -> None:
        """Zero and fill ``(n, n_cells)`` image by image, which keeps each in the cache."""
        cells = self.cells.numpy()
        if self.cells.dtype in _UNSIGNED:
            cells = cells.view(_UNSIGNED[self.cells.dtype])
        images = SparseImages(
            self.offsets.numpy(), cells, self.values.numpy(), self.image_shape, error=self._damaged
        )
        if self.elements is None and not channels_last:
            rows = np.arange(len(self))
            images.densify(flat, rows, rows)
        else:
            unturned = np.zeros(len(self), dtype=np.int64)  # the identity of the group
            elements = unturned if self.elements is None else self.elements.numpy()
            images.densify_turned(flat, elements, channels_last=channels_last)

    def _damaged(self, row: int) -> InputError:
        return InputError(
            f"image {int(self.indices[row])}: its cells are not inside images {self.image_shape}"
        )

    def _scatter(self, images: Tensor, *, channels_last: bool = False) -> None:
        """Zero and fill ``(n, n_cells)`` by operations that every device has."""
        n_channels, n_eta, n_phi = self.image_shape
        cells = self.cells.to(torch.int64)
        if self.cells.dtype in _UNSIGNED:
            cells = cells & np.iinfo(_UNSIGNED[self.cells.dtype]).max
        numbers = torch.arange(len(self), device=cells.device)
        # the number of cells is given, so that the device is not asked for it
        image = torch.repeat_interleave(numbers, self.offsets.diff(), output_size=len(cells))
        if self.elements is not None:
            cells = turn_cells(cells, self.elements[image], n_eta, n_phi)
        if channels_last:
            cells = cells % (n_eta * n_phi) * n_channels + cells // (n_eta * n_phi)
        images.zero_().view(-1).scatter_(0, image * images.shape[1] + cells, self.values)


def _tensor(array: np.ndarray) -> Tensor:
    """Tensor with the memory of an array, or of a copy where torch would warn that it is
    read-only.
    """
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _prepare_output(
    out: Tensor | None,
    shape: tuple[int, ...],
    device: torch.device,
    memory_format: torch.memory_format,
) -> Tensor:
    """The tensor to fill; InputError if the one given does not fit."""
    if out is None:
        return torch.empty(shape, dtype=torch.float32, device=device, memory_format=memory_format)
    in_order = out.shape == shape and out.is_contiguous(memory_format=memory_format)
    if not in_order or out.dtype != torch.float32 or out.device != device:
        raise InputError(
            f"out has to be a contiguous float32 tensor of shape {shape} on {device}, not "
            f"{out.dtype} "
            f"{tuple(out.shape)} on {out.device}"
        )
    return out
