"""Profiled likelihood of the bins, for many searches at once.

The same model as in `calovision.evaluation.reach.statistics`, where pyhf fits it. Here the nuisance
parameters are solved for, bin by bin in closed form and the common one by a search for the root,
for arrays ``(..., n_bins)``: a bootstrap needs thousands of fits.

Bin i expects ``mu s_i + k g_i b_i`` events. ``g_i`` (simulation) and ``k`` (systematic, common) are
known from auxiliary Poisson measurements with ``trials_i`` and ``common`` events, inf where there
is no uncertainty.
"""

from collections.abc import Callable

import numpy as np

MOST_STEPS = 60
TOLERANCE = 1e-10  # of logarithms


def deviance(
    mu: np.ndarray,
    observed: np.ndarray,
    signal: np.ndarray,
    background: np.ndarray,
    trials: np.ndarray,
    common: float,
) -> np.ndarray:
    """-2 ln of the profiled likelihood at the signal strength ``mu`` over that of the data's own
    expectation.

    ``mu`` is ``(...)``, the other arrays ``(..., n_bins)`` with ``observed`` at least 0 and
    positive ``background``. For Asimov data the denominator is the global maximum, and the result
    is the test statistic.
    """
    shift = np.asarray(mu)[..., None] * signal
    shift, observed, background, trials = np.broadcast_arrays(shift, observed, background, trials)
    norm = _common_factor(shift, observed, background, trials, common)
    factor = _bin_factors(norm[..., None] * background, shift, observed, trials)
    expected = shift + norm[..., None] * factor * background
    per_bin = _poisson(observed, expected) + _poisson(trials, trials * factor)
    return 2.0 * (per_bin.sum(axis=-1) + _poisson(common, common * norm))


def asimov_z(
    signal: np.ndarray, background: np.ndarray, trials: np.ndarray, common: float
) -> np.ndarray:
    """Expected significance of the signal, ``(...)``."""
    zeros = np.zeros(np.shape(signal)[:-1])
    return np.sqrt(
        np.maximum(deviance(zeros, signal + background, signal, background, trials, common), 0.0)
    )


def asimov_limit(
    signal: np.ndarray,
    background: np.ndarray,
    trials: np.ndarray,
    common: float,
    *,
    root: np.ndarray,
) -> np.ndarray:
    """Signal strength ``(...)`` where the square root of the test statistic of background-only data
    is ``root``.

    inf where there is no signal. ``root`` broadcasts against ``(...)``.
    """
    root = np.asarray(root, dtype=np.float64)
    has_signal = (signal.sum(axis=-1) > 0) & (root > 0)
    safe = np.where(has_signal[..., None], signal, 1.0)

    def excess(log_mu: np.ndarray) -> np.ndarray:
        return deviance(np.exp(log_mu), background, safe, background, trials, common) - root**2

    start = -np.log(safe.sum(axis=-1))
    low, high = start - 1.0, start + 1.0
    while (too_high := excess(low) > 0).any():
        low = np.where(too_high, low - 2.0, low)
    while (too_low := excess(high) < 0).any():
        high = np.where(too_low, high + 2.0, high)
    return np.where(has_signal, np.exp(_root(excess, low, high)), np.inf)


def _common_factor(
    shift: np.ndarray,
    observed: np.ndarray,
    background: np.ndarray,
    trials: np.ndarray,
    common: float,
) -> np.ndarray:
    """Best k for the given signal, ``(...)``."""
    if np.isinf(common):
        return np.ones(shift.shape[:-1])

    def slope(log_norm: np.ndarray) -> np.ndarray:
        norm = np.exp(log_norm)
        factor = _bin_factors(norm[..., None] * background, shift, observed, trials)
        share = factor * background
        pull = share * (1.0 - observed / (shift + norm[..., None] * share))
        return pull.sum(axis=-1) + common * (1.0 - 1.0 / norm)

    most = (background * (1.0 + observed / trials)).sum(
        axis=-1
    )  # g_i is at most 1 + observed / trials
    low, high = -np.log1p(most / common), np.log1p(observed.sum(axis=-1) / common)
    return np.exp(_root(slope, low, high))


def _bin_factors(
    background: np.ndarray, shift: np.ndarray, observed: np.ndarray, trials: np.ndarray
) -> np.ndarray:
    """Best g_i for the given signal and k: the positive root of a quadratic equation; 1 where
    trials is inf.
    """
    exact = np.isinf(trials)
    trials = np.where(exact, 1.0, trials)
    square = background * (background + trials)
    linear = (background + trials) * shift - background * (observed + trials)
    root = np.sqrt(linear**2 + 4.0 * square * trials * shift)
    # Each of the two forms loses digits where the other does not.
    below = np.where(linear > 0, linear + root, 1.0)
    factor = np.where(linear > 0, 2.0 * trials * shift / below, (root - linear) / (2.0 * square))
    return np.where(exact, 1.0, factor)


def _poisson(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """-ln of the Poisson probability over its largest, ``n r - n ln(1 + r)``; 0 for infinitely many
    events.
    """
    finite = np.isfinite(observed)
    none = np.equal(observed, 0.0)
    n = np.where(finite & ~none, observed, 1.0)
    excess = np.where(finite & ~none, expected, 1.0) / n - 1.0
    return np.where(none, expected, n * (excess - np.log1p(excess)) * finite)


def _root(
    function: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Zero of a function that is negative at ``low`` and positive at ``high``, element by element.

    Method of Ridders, IEEE Trans. Circuits Syst. 26 (1979) 979.
    """
    at_low = function(low)
    at_high = function(high)
    last = low
    for _ in range(MOST_STEPS):
        middle = 0.5 * (low + high)
        at_middle = function(middle)
        size = np.sqrt(np.maximum(at_middle**2 - at_low * at_high, np.finfo(float).tiny))
        guess = np.clip(middle - (middle - low) * at_middle / size, low, high)
        for point, value in ((middle, at_middle), (guess, function(guess))):
            is_high = (value > 0) & (point < high)
            is_low = (value <= 0) & (point > low)
            high = np.where(is_high, point, high)
            at_high = np.where(is_high, value, at_high)
            low = np.where(is_low, point, low)
            at_low = np.where(is_low, value, at_low)
        if (np.abs(guess - last) < TOLERANCE).all():
            break
        last = guess
    return guess
