"""Limits and significance of searches that expect few events, where the asymptotic formulas fail.

Counts are integers. The background is uncertain as in
`calovision.evaluation.reach.likelihood`, with gamma distributions of mean 1 that have the relative
variances of the auxiliary measurements, and is averaged over (hybrid CLs; Cousins, Highland, Nucl.
Instrum. Meth. A 320 (1992) 331). One bin is summed up exactly; several bins take toys, ordered by
the ratio of the profiled likelihoods with and without signal.

A median is that of the counts: the smallest one that at least half of all experiments do not
exceed.
"""

from statistics import NormalDist

import numpy as np
from scipy import stats

from calovision.evaluation.reach.likelihood import deviance

FEW_FOR_LIMITS = 10.0
"""Background events below which limits are checked; from here on the asymptotic median is within 10
%."""
FEW_FOR_SIGNIFICANCE = 1.0
"""Background events below which the significance is checked; above, the asymptotic one lies between
the exact steps."""
N_TOYS = 5000
N_STEPS = 13  # signal strengths at which there are toys
STEPS_OF_BISECTION = 50
SAME = 1e-9  # of deviances of one outcome


def effective_background(signal: np.ndarray, background: np.ndarray) -> float:
    """Background events that a search counts: all of a single bin, of several by their weights
    ``ln(1 + s / b)``.
    """
    weights = np.log1p(np.asarray(signal) / background)
    squares = float(weights**2 @ background)
    return (
        float((weights @ background) ** 2 / squares) if squares > 0 else float(np.sum(background))
    )


def counting_limit(
    background: np.ndarray, variance: np.ndarray, deviations: float, confidence: float
) -> np.ndarray:
    """CLs upper limit on the signal events of one bin, for background-only data off by
    ``deviations``.

    Parameters
    ----------
    background, variance
        Expected events, and their relative variance, ``(n,)``.
    deviations
        0 for the median experiment, -1 and 1 for the edges of the 68 % band.
    confidence
        Such as 0.95.

    Returns
    -------
    Signal events, ``(n,)``: ``-ln(1 - confidence)`` where no event is observed, whatever the
    background.
    """
    background, variance = np.broadcast_arrays(*np.atleast_1d(background, variance))
    observed = _background_quantile(background, variance, NormalDist().cdf(deviations))
    counts = np.arange(int(observed.max()) + 1)
    # probability of each number of background events up to the observed one, (n, counts)
    of_background = _background_pmf(counts, background[:, None], variance[:, None]) * (
        counts <= observed[:, None]
    )
    of_background /= of_background.sum(axis=1, keepdims=True)
    low = np.zeros(len(background))
    high = stats.chi2.ppf(confidence, 2.0 * (observed + 1.0)) / 2.0  # without background
    for _ in range(STEPS_OF_BISECTION):
        middle = 0.5 * (low + high)
        rest = stats.poisson.cdf(observed[:, None] - counts, middle[:, None])
        is_allowed = (of_background * rest).sum(axis=1) > 1.0 - confidence
        low, high = np.where(is_allowed, middle, low), np.where(is_allowed, high, middle)
    return 0.5 * (low + high)


def counting_significance(
    signal: np.ndarray, background: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    """Significance of the median experiment with signal in one bin, ``(n,)``; 0 where it has no
    excess.
    """
    signal, background, variance = np.broadcast_arrays(*np.atleast_1d(signal, background, variance))
    found = np.zeros(len(signal))
    for k, (s, b, v) in enumerate(zip(signal, background, variance, strict=True)):
        observed = _median_with_signal(s, b, v)
        found[k] = max(stats.norm.isf(_background_sf(observed - 1, b, v)), 0.0)
    return found


def toy_limits(
    signal: np.ndarray,
    background: np.ndarray,
    trials: np.ndarray,
    common: float,
    *,
    around: np.ndarray,
    deviations: tuple[float, ...],
    confidence: float,
) -> np.ndarray:
    """CLs upper limits on the signal strength of several bins by toys, for background-only data off
    by ``deviations``.

    ``around`` are the asymptotic limits; the others as in `calovision.evaluation.reach.likelihood`.
    nan where the toys do not reach the limit.
    """
    rng = np.random.default_rng(0)
    strengths = np.geomspace(0.6 * np.min(around), 4.0 * np.max(around), N_STEPS)
    quantiles = np.array([NormalDist().cdf(one) for one in deviations])
    without = rng.poisson(_toys_of_background(rng, background, trials, common))
    log_cls = []
    for mu in strengths:
        expected = _toys_of_background(rng, background, trials, common) + mu * signal
        tests = [
            _likeness_to_background(mu, counts, signal, background, trials, common)
            for counts in (without, rng.poisson(expected))
        ]
        # at least the wanted part of the background's toys look as much like background
        observed = np.quantile(tests[0], 1.0 - quantiles, method="lower") - SAME
        parts = [np.mean(test[:, None] >= observed, axis=0) for test in tests]
        log_cls.append(np.log(np.maximum(parts[1], 0.5 / N_TOYS) / parts[0]))
    return np.array(
        [
            _where_it_falls_below(strengths, of, np.log(1.0 - confidence))
            for of in np.array(log_cls).T
        ]
    )


def toy_significance(
    signal: np.ndarray, background: np.ndarray, trials: np.ndarray, common: float
) -> float:
    """Significance of the median experiment with signal in several bins.

    The toys have the signal and count with the ratio of the probabilities without and with it: so
    few of them tell of very rare fluctuations of the background.
    """
    rng = np.random.default_rng(0)
    expected = _toys_of_background(rng, background, trials, common)
    counts = rng.poisson(expected + signal)
    test = -_likeness_to_background(1.0, counts, signal, background, trials, common)
    observed = np.quantile(test, 0.5, method="higher") - SAME
    logarithm = np.sum(signal) - (counts * np.log1p(signal / np.maximum(expected, 1e-300))).sum(
        axis=1
    )
    probability = np.mean(np.exp(np.minimum(logarithm, 700.0)) * (test >= observed))
    return float(max(stats.norm.isf(min(probability, 1.0)), 0.0))


def _background_pmf(counts: np.ndarray, background: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Probability of a number of background events: Poisson's, with an uncertain mean the negative
    binomial one.
    """
    exact = variance < 1e-12
    size = 1.0 / np.where(exact, 1.0, variance)
    spread = stats.nbinom.pmf(counts, size, size / (size + background))
    return np.where(exact, stats.poisson.pmf(counts, background), spread)


def _background_quantile(
    background: np.ndarray, variance: np.ndarray, probability: float
) -> np.ndarray:
    exact = variance < 1e-12
    size = 1.0 / np.where(exact, 1.0, variance)
    spread = stats.nbinom.ppf(probability, size, size / (size + background))
    return np.where(exact, stats.poisson.ppf(probability, background), spread)


def _background_sf(count: float, background: float, variance: float) -> float:
    """Probability of more than ``count`` background events."""
    if variance < 1e-12:
        return float(stats.poisson.sf(count, background))
    size = 1.0 / variance
    return float(stats.nbinom.sf(count, size, size / (size + background)))


def _median_with_signal(signal: float, background: float, variance: float) -> int:
    """Smallest count that at least half of the experiments with signal do not exceed."""
    most = int(signal + background + 10.0 * np.sqrt(signal + background) + 10.0)
    counts = np.arange(most + 1)
    of_background = _background_pmf(counts, np.float64(background), np.float64(variance))
    cumulative = np.convolve(of_background, stats.poisson.pmf(counts, signal))[: most + 1].cumsum()
    return int(np.searchsorted(cumulative, 0.5 * (1 - 1e-12)))


def _toys_of_background(
    rng: np.random.Generator, background: np.ndarray, trials: np.ndarray, common: float
) -> np.ndarray:
    """Expected background events of each toy, ``(N_TOYS, n_bins)``."""
    exact = np.isinf(trials)
    shape = np.where(exact, 1.0, trials)
    factors = np.where(exact, 1.0, rng.gamma(shape, 1.0 / shape, (N_TOYS, len(background))))
    norms = (
        np.ones((N_TOYS, 1)) if np.isinf(common) else rng.gamma(common, 1.0 / common, (N_TOYS, 1))
    )
    return background * factors * norms


def _likeness_to_background(
    mu: float,
    counts: np.ndarray,
    signal: np.ndarray,
    background: np.ndarray,
    trials: np.ndarray,
    common: float,
) -> np.ndarray:
    """Deviance with the signal over that without it, ``(N_TOYS,)``: larger for what looks like
    background.

    Toys with the same counts, which are many where counts are few, are computed once.
    """
    outcomes, places = np.unique(counts, axis=0, return_inverse=True)
    arguments = outcomes.astype(np.float64), signal, background, trials, common
    with_signal, without = (deviance(np.full(len(outcomes), one), *arguments) for one in (mu, 0.0))
    return (with_signal - without)[places.ravel()]


def _where_it_falls_below(strengths: np.ndarray, log_cls: np.ndarray, limit: float) -> float:
    """Strength from which on CLs is below the limit, between two steps linear in the logarithms;
    nan if at no step.
    """
    above = np.flatnonzero(log_cls >= limit)
    if not len(above) or above[-1] == len(strengths) - 1:
        return np.nan
    k = above[-1]
    share = (log_cls[k] - limit) / (log_cls[k] - log_cls[k + 1])
    return float(np.exp(np.interp(share, [0, 1], np.log(strengths[k : k + 2]))))
