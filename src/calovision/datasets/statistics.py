"""Statistics of the training split that networks are scaled by."""

from collections.abc import Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.datasets.variables import load_variables
from calovision.storage import ImageCollection


def channel_maxima(collection: ImageCollection, indices: Sequence[int] | np.ndarray) -> np.ndarray:
    """Largest value of each channel over the given images, float64 ``(n_channels,)``.

    The files are read in their order, a thousand images in memory at a time.

    Parameters
    ----------
    collection
        Image files.
    indices
        Positions of the events (or jets) in the collection, ``(n,)``.

    Raises
    ------
    InputError
        If there is no image, or a file is damaged.
    """
    from calovision.images.sparse_kernels import add_maxima  # loads numba

    if len(indices) == 0:
        raise InputError(
            "the largest values of no image: none of the images is of the training split"
        )
    n_channels, n_eta, n_phi = collection.metadata.image_shape
    maxima = np.full(n_channels, -np.inf)
    n_filled = np.zeros(n_channels, dtype=np.int64)
    for _, images in collection.iterate(indices):
        add_maxima(images.offsets, images.cells, images.values, n_eta * n_phi, maxima, n_filled)
    # cells that are not stored are zero
    return np.where(n_filled < len(indices) * n_eta * n_phi, np.maximum(maxima, 0.0), maxima)


def variable_statistics(
    collection: ImageCollection, indices: Sequence[int] | np.ndarray, variables: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each number of `load_variables`, float64 ``(n_variables,)``
    each.

    Unweighted; the standard deviation (divided by n) of a constant is given as 1, so that one can
    divide by it.

    Parameters
    ----------
    collection
        Image files.
    indices
        Positions of the events (or jets) in the collection, ``(n,)``.
    variables
        Names of columns.

    Raises
    ------
    InputError
        As `load_variables`, or if there is no event.
    """
    values = load_variables(collection, indices, variables).astype(np.float64)
    if len(values) == 0:
        raise InputError("mean and standard deviation of no event: none is of the training split")
    # exactly 0 of a constant: float64 sums float32 numbers without rounding
    std = values.std(axis=0)
    return values.mean(axis=0), np.where(std > 0, std, 1.0)
