"""Numbers of the training split that networks are scaled by."""

from collections.abc import Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.storage import ImageCollection


def channel_maxima(collection: ImageCollection, indices: Sequence[int] | np.ndarray) -> np.ndarray:
    """Largest value of each channel over the given images, float64 ``(n_channels,)``.

    The files are read in their order, a thousand images in memory at a time.

    Raises
    ------
    InputError
        If there is no image, or a file is damaged.
    """
    from calovision.datasets.kernels import (
        add_maxima,
    )  # compiled code is loaded only where it is used

    if len(indices) == 0:
        raise InputError(
            "the largest values of no image: none of the images is of the training split"
        )
    n_channels, n_eta, n_phi = collection.metadata.image_shape
    maxima, n_filled = np.full(n_channels, -np.inf), np.zeros(n_channels, dtype=np.int64)
    for _, images in collection.iterate(indices):
        add_maxima(images.offsets, images.cells, images.values, n_eta * n_phi, maxima, n_filled)
    # cells that are not stored are zero
    return np.where(n_filled < len(indices) * n_eta * n_phi, np.maximum(maxima, 0.0), maxima)
