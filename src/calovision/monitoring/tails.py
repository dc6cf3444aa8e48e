"""Exact tails of counts that scatter less or more than Poisson's: binomial, Poisson, negative
binomial.

One family (Panjer, ASTIN Bulletin 12 (1981) 22) by its mean m and its dispersion d, with the
variance m + d m^2. d < 0 is a binomial distribution of -1/d trials, which need not be whole; d > 0
a negative binomial one of size 1/d.
"""

import numpy as np
from scipy import special

_POISSON = 1e-9  # dispersion times count below which a distribution is Poisson's to all digits
_TINY = 1e-280  # below: tails by their first term


def deviation(hits: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """-log10 of the chance to be as far from the mean on the same side, doubled for both sides.

    Parameters
    ----------
    hits, mean, dispersion
        Observed counts, at least 0; means; dispersions: arrays of one shape.

    Returns
    -------
    float64, at least 0; NaN where the mean is NaN, 0 where mean and hits are 0.
    """
    hits, mean, dispersion = np.broadcast_arrays(hits, mean, dispersion)
    is_more = hits >= mean
    tail = np.full(hits.shape, np.nan)
    known = mean > 0
    of_each = np.abs(dispersion) * np.maximum(hits, mean)
    kinds = (
        (of_each < _POISSON, _poisson),
        ((of_each >= _POISSON) & (dispersion < 0), _binomial),
        ((of_each >= _POISSON) & (dispersion > 0), _negative_binomial),
    )
    for members, of_kind in kinds:
        for side in (False, True):
            chosen = members & known & (is_more == side)
            tail[chosen] = of_kind(hits[chosen], mean[chosen], dispersion[chosen], side)
    found = -np.log10(np.minimum(2 * tail, 1), where=tail > _TINY, out=np.full(tail.shape, np.nan))
    small = known & (tail <= _TINY)
    found[small] = -_first_term(hits[small], mean[small], dispersion[small]) / np.log(10)
    found[mean == 0] = np.where(hits[mean == 0] > 0, np.inf, 0.0)
    return found + 0.0  # no -0


def _poisson(hits: np.ndarray, mean: np.ndarray, _: np.ndarray, is_more: bool) -> np.ndarray:
    if is_more:
        return np.where(hits > 0, special.gammainc(np.maximum(hits, 1e-9), mean), 1.0)
    return special.gammaincc(hits + 1, mean)


def _binomial(
    hits: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, is_more: bool
) -> np.ndarray:
    trials = np.maximum(-1 / dispersion, hits)
    share = np.minimum(mean / trials, 1.0)
    if is_more:
        return np.where(
            hits > 0, special.betainc(np.maximum(hits, 1e-9), trials - hits + 1, share), 1.0
        )
    missing = trials - hits
    found = special.betainc(np.maximum(missing, 1e-9), hits + 1, 1 - share)
    return np.where(missing > 0, found, 1.0)


def _negative_binomial(
    hits: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, is_more: bool
) -> np.ndarray:
    size = 1 / dispersion
    if is_more:
        found = special.betainc(np.maximum(hits, 1e-9), size, mean / (size + mean))
        return np.where(hits > 0, found, 1.0)
    return special.betainc(size, hits + 1, size / (size + mean))


def _first_term(hits: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Natural logarithm of twice a tail so far out that its terms fall geometrically."""
    ratio_up = _ratio(hits + 1, mean, dispersion)
    ratio_down = 1 / np.maximum(_ratio(np.maximum(hits, 1), mean, dispersion), 1e-300)
    ratio = np.where(hits >= mean, ratio_up, np.where(hits > 0, ratio_down, 0.0))
    return log_probability(hits, mean, dispersion) + np.log(2) - np.log1p(-np.clip(ratio, 0, 0.99))


def _ratio(hits: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Probability of a count over that of one less."""
    return mean * (1 + dispersion * (hits - 1)) / (hits * (1 + dispersion * mean))


def log_probability(hits: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Natural logarithm of the probability of counts; mean above 0."""
    found = hits * np.log(mean) - mean - special.gammaln(hits + 1)  # Poisson
    for members, sign in ((dispersion < 0, -1), (dispersion > 0, 1)):
        members &= np.abs(dispersion) * np.maximum(hits, mean) >= _POISSON
        k, m, size = hits[members], mean[members], 1 / np.abs(dispersion[members])
        if sign > 0:
            choices = special.gammaln(k + size) - special.gammaln(size)
            rest = -size * np.log1p(m / size) + k * np.log(m / (size + m))
        else:
            choices = special.gammaln(size + 1) - special.gammaln(size - k + 1)
            rest = special.xlog1py(size - k, -m / size) + k * np.log(m / size)
        found[members] = choices - special.gammaln(k + 1) + rest
    return found
