"""Rows of image files by sample, with their weights: for accounts."""

import numpy as np

from calovision.core.account import Count
from calovision.storage.collection import ImageCollection


class RowCounter:
    """Numbers of rows of a collection by sample, with the sums of their generator weights.

    Parameters
    ----------
    collection
        The image files.
    """

    def __init__(self, collection: ImageCollection) -> None:
        self.samples = list(collection.samples)
        numbers = [self.samples.index(file.metadata.sample) for file in collection.files]
        self._sample = np.repeat(numbers, [len(file) for file in collection.files]).astype(np.int64)
        self._weight = collection.column("weight").astype(np.float64, copy=False)

    def count(self, indices: np.ndarray) -> dict[str, Count]:
        """Count of each sample at the given positions, ``(n,)``; 0 of one that has none there."""
        sample, weight = self._sample[indices], self._weight[indices]
        n_samples = len(self.samples)
        numbers = np.bincount(sample, minlength=n_samples)
        sums, sizes = (
            np.bincount(sample, one, minlength=n_samples) for one in (weight, abs(weight))
        )
        each = zip(self.samples, numbers.tolist(), sums.tolist(), sizes.tolist(), strict=True)
        return {name: Count(n, total, size) for name, n, total, size in each}

    def rows_of(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Places, ascending, of each sample in the given positions ``(n,)``."""
        sample = self._sample[indices]
        return {name: np.flatnonzero(sample == number) for number, name in enumerate(self.samples)}
