"""Images of the page to explore in few bytes."""

from dataclasses import dataclass

import numpy as np

from calovision.images import SparseImages
from calovision.report.explore.page import base64_of

LARGEST = 60000.0  # of the cell contents of a channel, in units of its scale: float16 ends at 65504


@dataclass(frozen=True)
class PackedImages:
    """Images in few bytes.

    Attributes
    ----------
    cells, values
        Of each image in base64: its cells, little-endian uint16 or uint32 (``cell_bytes``); their
        contents over the scale of the channel, little-endian float16.
    cell_bytes
        2 or 4.
    scales
        Of each channel, ``(n_channels,)``.
    """

    cells: list[str]
    values: list[str]
    cell_bytes: int
    scales: np.ndarray


def pack_images(images: SparseImages) -> PackedImages:
    """Pack images; contents keep three digits over nine orders of magnitude in a channel."""
    per_channel = images.shape[1] * images.shape[2]
    channels = images.cells.astype(np.int64) // per_channel
    values = np.asarray(images.values, dtype=np.float64)
    largest = np.zeros(images.shape[0])
    np.maximum.at(largest, channels, np.abs(values))
    scales = np.where(largest > 0, largest / LARGEST, 1.0)
    kind = "<u2" if images.cells.dtype.itemsize == 2 else "<u4"
    cells, contents = images.cells.astype(kind), (values / scales[channels]).astype("<f2")
    ranges = [slice(*pair) for pair in zip(images.offsets[:-1], images.offsets[1:], strict=True)]
    return PackedImages(
        [base64_of(cells[one]) for one in ranges],
        [base64_of(contents[one]) for one in ranges],
        int(kind[-1]),
        scales,
    )
