"""Numbers of a reach with the intervals of a bootstrap."""

import numpy as np

from calovision.core.numeric import finite_or_none
from calovision.evaluation.reach.statistics import Limit
from calovision.evaluation.results.numbers import Band, Interval, LimitInterval
from calovision.metrics.efficiencies import ONE_SIGMA


def limit_band(limit: Limit, scale: float) -> Band:
    """Limit on the signal strength times a scale, with its band; None where there is no limit."""
    numbers = (limit.value, limit.band_low, limit.band_high)
    return Band(*(finite_or_none(number * scale) for number in numbers))


def limit_interval(limit: Limit, scale: float, replicas: np.ndarray) -> LimitInterval:
    """Limit on the signal strength times a scale, with its band and the interval of replicas."""
    band = limit_band(limit, scale)
    interval = with_interval(band.value, replicas)
    return LimitInterval(interval.value, band.band_low, band.band_high, interval.low, interval.high)


def ratio(above: float | np.ndarray, below: float | np.ndarray) -> np.ndarray:
    """Quotient; nan where one of both is not finite or the lower one is 0."""
    above, below = (np.asarray(value, dtype=np.float64) for value in (above, below))
    fine = np.isfinite(above) & np.isfinite(below) & (below > 0)
    return np.divide(above, below, out=np.full(fine.shape, np.nan), where=fine)


def with_interval(value: float | None, replicas: np.ndarray) -> Interval:
    """Value with the 68.3 % interval: its distances are those of the replicas from their median, as
    ratios.

    A replica has a larger statistical error than the sample, which moves its results; ratios leave
    that out.
    """
    value = None if value is None else finite_or_none(value)
    replicas = replicas[np.isfinite(replicas)]
    if value is None or not len(replicas):
        return Interval(value, None, None)
    low, median, high = np.quantile(replicas, (ONE_SIGMA[0], 0.5, ONE_SIGMA[1]))
    if not median > 0:
        return Interval(value, None, None)
    return Interval(value, float(value * (low / median)), float(value * (high / median)))
