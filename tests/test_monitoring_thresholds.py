"""Thresholds for a wanted rate of false alarms."""

import numpy as np
import pytest
from fakes_monitoring import true_reference
from scipy import stats

from calovision.core.errors import InputError
from calovision.monitoring.methods import METHODS
from calovision.monitoring.sensitivity import hits_needed
from calovision.monitoring.thresholds import (
    chance_in_run,
    checked_threshold,
    find_threshold,
    largest_scores,
    nominal_threshold,
    threshold_of,
)
from calovision.monitoring.toys import toy_detector


def test_enough_runs_give_the_share_that_is_wanted():
    largest = np.random.default_rng(1).permutation(np.arange(1000.0))
    found = threshold_of(largest, 0.05)
    assert 949 < found.value <= 950
    assert found.n_alarms == 50
    assert not found.is_extrapolated
    assert found.in_words() == (
        "threshold 949: 0.05 of the good runs with a false alarm "
        "(50 of 1000 good runs are above it)"
    )


def test_ties_never_give_more_alarms_than_wanted():
    largest = np.array([1.0] * 50 + [2.0] * 50)
    assert threshold_of(largest, 0.2).n_alarms == 0


def test_too_few_runs_are_extrapolated_and_said_so():
    """Largest of many exponential scores: a Gumbel distribution, of which the quantile is known."""
    rng = np.random.default_rng(2)
    found = threshold_of(rng.gumbel(10, 0.4, 300), 1e-3)
    assert found.is_extrapolated
    assert "extrapolated" in found.in_words()
    assert found.value == pytest.approx(10 - 0.4 * np.log(-np.log(1 - 1e-3)), abs=0.5)
    assert threshold_of(np.full(20, 3.0), 1e-3).value > 3


def test_threshold_of_a_method_from_blocks():
    detector = toy_detector(8, 16)
    maps = detector.runs(200, 1000, np.random.default_rng(5))
    reference = true_reference(detector, of_cells=0.01)
    found = find_threshold(METHODS["poisson"], maps.blocks(64), reference, 0.1)
    assert found.n_runs == 200
    assert found.n_alarms == 20
    computed = nominal_threshold(0.1, 128)
    assert found.value == pytest.approx(computed.value, abs=0.35)  # steps of counts, 20 runs
    assert "computed" in computed.in_words()


def test_computed_thresholds_count_the_towers():
    found = nominal_threshold(0.01, 4096)
    assert 1 - (1 - 10**-found.value) ** 4096 == pytest.approx(0.01, rel=1e-9)
    np.testing.assert_allclose(
        chance_in_run(np.array([0, found.value, 300]), 4096), [1, 0.01, 4.096e-297]
    )


def test_computed_thresholds_are_compared_with_good_runs():
    computed = nominal_threshold(0.05, 100)
    rng = np.random.default_rng(3)
    largest = -np.log10(rng.random((200, 100)).min(axis=1))  # as they should be
    found = checked_threshold(computed, largest)
    assert (found.value, found.is_computed, found.n_runs) == (computed.value, True, 200)
    assert found.n_alarms == (largest >= computed.value).sum() < 20
    assert found.in_words().endswith(f"computed; {found.n_alarms} of 200 good runs are above it")
    drifting = checked_threshold(computed, 2 * largest)
    assert not drifting.is_computed
    assert drifting.n_alarms == 10
    assert drifting.value > computed.value + 1
    assert checked_threshold(computed, 2 * largest[:9]).value == computed.value  # too few to know
    # 3 alarms of 10 runs have a chance of 1.2 %, 4 one of 0.1 %
    for n_alarms, is_computed in ((3, True), (4, False)):
        few = np.where(np.arange(10) < n_alarms, 9.0, 1.0)
        assert checked_threshold(computed, few).is_computed == is_computed


def test_runs_without_scores_are_left_out():
    scores = np.full((2, 1, 1, 2), np.nan)
    scores[1, 0, 0, 1] = -3
    np.testing.assert_array_equal(largest_scores(scores), [np.nan, -3])
    with pytest.raises(InputError, match="0 good runs with scores; give at least 10"):
        threshold_of(np.full(20, np.nan), 0.1)


@pytest.mark.parametrize("share", [0, 1, -0.1, np.nan])
def test_a_share_is_one(share):
    with pytest.raises(InputError, match="must be between 0 and 1"):
        threshold_of(np.arange(20.0), share)
    with pytest.raises(InputError, match="must be between 0 and 1"):
        nominal_threshold(share, 5)
    with pytest.raises(InputError, match="0 towers are looked at"):
        nominal_threshold(0.1, 0)


# Hits that a tower needs


def test_hits_that_a_dead_tower_needs():
    """None of m expected hits has the chance exp(-m), for each of two sides."""
    found = hits_needed(0.0, 4096, false_alarms=0.01)
    of_one = 1 - (1 - 0.01) ** (1 / 4096)
    assert found == pytest.approx(np.log(2 / of_one), rel=1e-5)
    assert found == pytest.approx(13.6, abs=0.1)


@pytest.mark.parametrize("factor", [1.5, 2.0, 5.0, 0.5])
def test_hits_that_a_hot_tower_needs(factor):
    """By the distributions of scipy: where 99 % are beyond the quantile of good towers."""
    needed = hits_needed(factor, 4096, false_alarms=0.01)
    half = (1 - (1 - 0.01) ** (1 / 4096)) / 2

    def chance(mean):
        if factor > 1:
            cut = stats.poisson(mean).isf(half) + 1  # the chance of as many is half or less
            return stats.poisson(factor * mean).sf(cut - 1)
        cut = stats.poisson(mean).ppf(half) - 1
        return stats.poisson(factor * mean).cdf(cut)

    assert chance(1.06 * needed) > 0.99
    assert chance(0.94 * needed) < 0.99
    if factor == 2.0:
        assert needed == pytest.approx(70, abs=2)


def test_factors_that_are_no_fault():
    for factor in (1.0, -1.0, np.nan):
        with pytest.raises(InputError, match="is negative, or too near 1"):
            hits_needed(factor, 100)
