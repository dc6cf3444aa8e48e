"""Bias and resolution of predictions of a number, with weights of both signs."""

from typing import NamedTuple

import numpy as np

CENTRAL = (0.15865525393145707, 0.8413447460685429)
"""Quantiles that hold the central 68.3 %, as one standard deviation of a Gaussian does."""


class ResidualNumbers(NamedTuple):
    """Bias and resolution of residuals.

    Attributes
    ----------
    bias_median, bias_mean
        Median and mean of the residuals.
    resolution
        Half the width of the central 68.3 %.
    rms
        Root mean square around the mean.
    """

    bias_median: float
    bias_mean: float
    resolution: float
    rms: float


class OrderedResiduals:
    """Residuals in ascending order, so that many sets of weights are quick.

    Parameters
    ----------
    residuals
        ``(n,)``, finite.
    """

    def __init__(self, residuals: np.ndarray) -> None:
        self._order = np.argsort(residuals, kind="stable")
        self._values = np.asarray(residuals, dtype=np.float64)[self._order]

    def __len__(self) -> int:
        return len(self._values)

    def quantiles(self, weights: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
        """Values below which lie these shares of the weights ``(n,)``; NaN of no positive sum.

        Each row stands in the middle of its weight, and values between rows are interpolated, so
        that the median of two rows is their mean. Negative weights take from the rows below them.
        """
        own = weights[self._order]
        sums = np.cumsum(own)
        if not len(sums) or not sums[-1] > 0:
            return np.full(len(shares), np.nan)
        middles = np.maximum.accumulate((sums - own / 2) / sums[-1])
        return np.interp(shares, middles, self._values)

    def numbers(self, weights: np.ndarray) -> ResidualNumbers:
        """Bias and resolution with weights ``(n,)`` in the order given; NaN of no positive sum."""
        low, median, high = self.quantiles(weights, (CENTRAL[0], 0.5, CENTRAL[1]))
        own = weights[self._order]
        total = own.sum()
        if not total > 0:
            return ResidualNumbers(*[float("nan")] * 4)
        mean = own @ self._values / total
        square = own @ (self._values - mean) ** 2 / total
        return ResidualNumbers(
            float(median), float(mean), float(high - low) / 2, float(np.sqrt(max(square, 0.0)))
        )


def residual_numbers(residuals: np.ndarray, weights: np.ndarray | None = None) -> ResidualNumbers:
    """Bias and resolution of residuals ``(n,)``; without weights each counts 1."""
    weights = np.ones(len(residuals)) if weights is None else weights
    return OrderedResiduals(residuals).numbers(weights)


def residuals_of(
    predictions: np.ndarray, truth: np.ndarray, *, relative: bool = True
) -> np.ndarray:
    """Prediction / truth - 1, or the difference, ``(n,)``; NaN where a relative one has no true
    value above 0.

    Parameters
    ----------
    predictions, truth
        ``(n,)``, in one unit.
    relative
        Divide by the true value.
    """
    if not relative:
        return predictions - truth
    positive = truth > 0
    found = np.full(len(truth), np.nan)
    found[positive] = predictions[positive] / truth[positive] - 1
    return found
