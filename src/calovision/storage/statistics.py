"""Mean and standard deviation of every pixel over the training images, for zero-centering and
standardizing.

Unweighted: event weights span decades, and weighted moments would be those of a handful of events.
"""

import numpy as np

from calovision.core.errors import InputError
from calovision.images import SparseImages

CONSTANT = 2.0**-38
"""Variance over mean square up to which a pixel is constant, some units in the last place of
float32: what is left is the rounding of the sums."""


class PixelStatistics:
    """Sums over images, from which follow mean and standard deviation of each pixel; those of
    several files add up.

    What rounding takes from the sums is summed, too: the standard deviation of a pixel that hardly
    changes keeps its digits, and the sums do not depend on how many images are added at a time.

    Parameters
    ----------
    n
        Number of images.
    total, total_of_squares
        Sum of the pixel and of its square, float64 ``(n_channels, n_eta, n_phi)``.
    """

    def __init__(self, n: int, total: np.ndarray, total_of_squares: np.ndarray) -> None:
        self.n = n
        self._shape = total.shape
        # those of a pixel beside each other: sum, sum of squares, and what rounding took of each
        self._sums = np.zeros((total.size, 4))
        self._sums[:, 0] = total.reshape(-1)
        self._sums[:, 1] = total_of_squares.reshape(-1)

    @classmethod
    def empty(cls, image_shape: tuple[int, int, int]) -> "PixelStatistics":
        """Statistics of no image."""
        return cls(0, np.zeros(image_shape), np.zeros(image_shape))

    @property
    def total(self) -> np.ndarray:
        """Sum of each pixel, float64 ``(n_channels, n_eta, n_phi)``."""
        return (self._sums[:, 0] + self._sums[:, 2]).reshape(self._shape)

    @property
    def total_of_squares(self) -> np.ndarray:
        """Sum of the squares of each pixel, of the same shape."""
        return (self._sums[:, 1] + self._sums[:, 3]).reshape(self._shape)

    def __add__(self, other: "PixelStatistics") -> "PixelStatistics":
        if self.total.shape != other.total.shape:
            raise InputError(
                f"pixel statistics of images {self.total.shape} and {other.total.shape} do not add "
                "up"
            )
        return PixelStatistics(
            self.n + other.n,
            self.total + other.total,
            self.total_of_squares + other.total_of_squares,
        )

    def add(self, images: SparseImages, chosen: np.ndarray) -> None:
        """Count the chosen rows (boolean, ``(n,)``) in, in place.

        Raises
        ------
        InputError
            If a cell is outside the image.
        """
        from calovision.images.sparse_kernels import add_moments

        rows = np.flatnonzero(chosen)
        damaged = add_moments(
            images.offsets, images.cells, images.values, rows, self._sums.reshape(-1)
        )
        if damaged >= 0:
            raise InputError(f"image {damaged} has cells outside its shape {self._shape}")
        self.n += len(rows)

    @property
    def mean(self) -> np.ndarray:
        """Mean of each pixel, float64 ``(n_channels, n_eta, n_phi)``."""
        self._require_images()
        return self.total / self.n

    @property
    def std(self) -> np.ndarray:
        """Standard deviation of each pixel (divided by n), float64 ``(n_channels, n_eta,
        n_phi)``; 0 of a pixel that is constant to the digits of float32.
        """
        mean_square = self.mean**2
        variance = self.total_of_squares / self.n - mean_square
        return np.sqrt(np.where(variance > CONSTANT * mean_square, variance, 0.0))

    def _require_images(self) -> None:
        if self.n == 0:
            raise InputError(
                "pixel statistics of no image: none of the images is of the training split"
            )


def standardize(
    images: np.ndarray,
    statistics: PixelStatistics,
    *,
    zero_center: bool = True,
    floor: float | None = 1e-5,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Subtract the training mean of each pixel and divide by its standard deviation.

    Parameters
    ----------
    images
        ``(n, n_channels, n_eta, n_phi)``.
    statistics
        Of the training split.
    zero_center
        Whether to subtract the mean; otherwise only divide.
    floor
        Added to the standard deviation, in the unit of the pixels: it keeps pixels that are nearly
        always empty from being blown up. None does not divide.
    out
        Where to write, float32; ``images`` itself is allowed. A new array if None.

    Returns
    -------
    float32, the shape of ``images``.

    Raises
    ------
    InputError
        If the shapes do not fit, ``floor`` is negative, or the statistics are those of no image.

    Notes
    -----
    arXiv:1612.01551 takes 1e-5 (images of sum 1), arXiv:1803.00107 0.02 without centering.
    """
    if images.shape[1:] != statistics.total.shape:
        raise InputError(
            f"images of shape {images.shape[1:]} do not fit statistics of {statistics.total.shape}"
        )
    if floor is not None and not floor >= 0:
        raise InputError(
            f"floor {floor}: what is added to the standard deviation must not be negative"
        )
    scale = np.ones_like(statistics.total) if floor is None else statistics.std + floor
    # a pixel that never changed says nothing, and 0/0 would be NaN
    factor = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0).astype(np.float32)
    result = np.empty(images.shape, dtype=np.float32) if out is None else out
    if zero_center:
        np.subtract(images, statistics.mean.astype(np.float32), out=result)
        images = result
    return np.multiply(images, factor, out=result)
