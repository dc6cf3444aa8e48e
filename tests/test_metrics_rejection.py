"""Background rejection at a signal efficiency: closed forms, and a second implementation."""

from statistics import NormalDist

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.metrics import efficiency, rejection_at, signal_efficiency_at


def brute_force(scores, labels, weights, target):
    """Background efficiency where the signal efficiency first reaches a target, cut by cut."""
    is_signal = labels == 1
    before = (0.0, 0.0)
    for threshold in sorted(set(scores), reverse=True):
        kept = scores >= threshold
        signal = weights[kept & is_signal].sum() / weights[is_signal].sum()
        background = weights[kept & ~is_signal].sum() / weights[~is_signal].sum()
        if abs(signal - target) < 1e-12:
            return background
        if signal > target:
            step = (target - before[0]) / (signal - before[0])
            return before[1] + step * (background - before[1])
        before = (signal, background)
    raise AssertionError


def test_rejection_of_two_gaussians():
    rng = np.random.default_rng(1)
    n = 100_000
    scores = np.concatenate([rng.normal(2, 1, n), rng.normal(0, 1, n)])
    labels = np.repeat([1, 0], n)
    for target in (0.8, 0.3, 0.5):  # in any order
        threshold = NormalDist(2, 1).inv_cdf(1 - target)
        truth = 1 / (1 - NormalDist().cdf(threshold))
        found = rejection_at(scores, labels, np.full(2 * n, 0.25), target)
        assert found.value == pytest.approx(truth, rel=0.05)
        assert found.low < found.value < found.high
        assert found.low * 0.95 < truth < found.high * 1.05
        assert found.n_eff == pytest.approx(n / found.value, rel=1e-9)
        assert not found.is_limit


@pytest.mark.parametrize("seed", range(8))
def test_rejection_of_weights_of_both_signs_and_ties_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [60, 80])
    scores = rng.integers(0, 25, 140) + 6.0 * labels
    weights = rng.uniform(0.5, 2.0, 140) * np.where(rng.random(140) < 0.15, -1, 1)
    for target in (0.3, 0.5, 0.9):
        truth = brute_force(scores, labels, weights, target)
        found = rejection_at(scores, labels, weights, target)
        assert found.is_limit == (truth <= 0)
        if truth > 0:
            assert found.value == pytest.approx(1 / truth, rel=1e-9)


def test_rejection_is_the_mirror_image_of_the_signal_efficiency():
    rng = np.random.default_rng(3)
    labels = np.repeat([1, 0], 500)
    scores = rng.normal(labels, 1.0)
    weights = rng.uniform(0.5, 2.0, 1000)
    mirrored = signal_efficiency_at(-scores, 1 - labels, weights, 0.7)
    found = rejection_at(scores, labels, weights, 0.3)
    assert 1 / found.value == pytest.approx(1 - mirrored.value, abs=1e-9)
    assert 1 / found.low == pytest.approx(1 - mirrored.low, abs=1e-9)
    assert 1 / found.high == pytest.approx(1 - mirrored.high, abs=1e-9)


def test_rejection_takes_the_tightest_of_thresholds_that_keep_the_same_signal():
    # three of ten signal events, then five of fifty background events, then the rest
    scores = np.array([9.0] * 3 + [8.0] * 5 + [7.0] * 7 + [0.0] * 45)
    labels = np.array([1] * 3 + [0] * 5 + [1] * 7 + [0] * 45)
    ones = np.full(60, 0.1)
    assert rejection_at(scores, labels, ones, 0.3).is_limit
    assert rejection_at(scores, labels, ones, 1.0).value == pytest.approx(10.0)
    assert rejection_at(scores, labels, ones, 0.65).value == pytest.approx(10.0)


@pytest.mark.parametrize("n_first", range(1, 20))
def test_sums_that_round_below_the_signal_efficiency_reach_it(n_first):
    scores = np.repeat([2.0, 1.0, 0.0, 0.5], [n_first, 5, 20 - n_first, 5])
    labels = np.repeat([1, 0, 1, 0], [n_first, 5, 20 - n_first, 5])
    assert rejection_at(scores, labels, np.full(30, 0.1), n_first / 20).is_limit


def test_rejection_of_tied_events_is_that_of_a_random_cut():
    scores, labels = np.zeros(8), np.array([1, 1, 1, 1, 0, 0, 0, 0])
    found = rejection_at(scores, labels, np.ones(8), 0.25)
    assert found.value == pytest.approx(4.0)  # keeps a quarter of the background, too
    assert found.n_eff == pytest.approx(1.0)


def test_rejection_without_background_is_a_lower_limit():
    n_signal, n_background = 10_000, 50
    scores = np.repeat([1.0, 0.0], [n_signal, n_background])
    labels = np.repeat([1, 0], [n_signal, n_background])
    found = rejection_at(scores, labels, np.ones(len(labels)), 1.0)
    none_left = efficiency(np.zeros(n_background, dtype=bool), np.ones(n_background))
    assert found.is_limit
    assert (found.high, found.n_eff) == (None, 0)
    assert found.value == found.low == pytest.approx(1 / none_left.high)
    # two that pass and cancel leave as little
    weights = np.append(np.ones(n_signal + n_background - 2), [-1.0, 1.0])
    scores[-2:] = 2.0
    assert rejection_at(scores, labels, weights, 0.5).is_limit


@pytest.mark.parametrize("target", [0, 1.2, np.nan, "half", None])
def test_what_is_no_signal_efficiency_is_refused(target):
    with pytest.raises(InputError, match=r"no working point; give one in \(0, 1\]"):
        rejection_at([1.0, 0.0], [1, 0], [1.0, 1.0], target)


def test_rejection_interval_covers():
    """Of 400 toys with a known answer 68 % have it inside their interval."""
    rng = np.random.default_rng(5)
    truth = 1 / (1 - NormalDist(0, 1).cdf(NormalDist(1.5, 1).inv_cdf(0.5)))
    labels = np.repeat([1, 0], [300, 1000])
    n_inside = 0
    for _ in range(400):
        found = rejection_at(rng.normal(1.5 * labels, 1.0), labels, np.ones(1300), 0.5)
        n_inside += found.low <= truth <= (found.high or np.inf)
    assert 0.62 < n_inside / 400 < 0.76
