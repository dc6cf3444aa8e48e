"""Searches that expect few events: limits and significance against sums over the counts, and when
they are taken."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import gamma, norm, poisson

from calovision.evaluation.reach import SearchBins, expected_limit, expected_significance
from calovision.evaluation.reach.few_events import (
    counting_limit,
    counting_significance,
    effective_background,
    toy_limits,
    toy_significance,
)
from calovision.evaluation.reach.statistics import (
    CONFIDENCE,
    asymptotic_limit,
    asymptotic_significance,
    counted_significance,
    profiled_limits,
)

LN_20 = -np.log(0.05)  # 2.996: what is excluded where nothing is seen


def probability_below(n, signal, background, variance):
    """At most n events, by an integral over the mean of the background."""
    if not variance:
        return poisson.cdf(n, signal + background)
    of_factor = gamma(1 / variance, scale=variance)
    edges = of_factor.ppf([1e-12, 1 - 1e-12])
    return quad(
        lambda g: of_factor.pdf(g) * poisson.cdf(n, signal + g * background), *edges, limit=200
    )[0]


def limit_by_hand(background, variance, deviations):
    n = 0
    while probability_below(n, 0.0, background, variance) < norm.cdf(deviations):
        n += 1
    below = probability_below(n, 0.0, background, variance)
    return brentq(lambda s: probability_below(n, s, background, variance) / below - 0.05, 1e-9, 100)


@pytest.mark.parametrize("background", [1e-4, 1e-3, 0.05, 0.5])
@pytest.mark.parametrize("variance", [0.0, 0.04, 1.0])
def test_without_an_observed_event_three_are_excluded(background, variance):
    assert counting_limit(background, variance, 0.0, 0.95) == pytest.approx(LN_20, rel=1e-9)


@pytest.mark.parametrize("background", [0.8, 4.5])
@pytest.mark.parametrize("variance", [0.0, 0.6])
@pytest.mark.parametrize("deviations", [-1, 0, 1])
def test_counting_limit_is_the_sum_over_the_counts(background, variance, deviations):
    expected = limit_by_hand(background, variance, deviations)
    found = counting_limit(np.array([background, 1.0]), np.array([variance, 0.0]), deviations, 0.95)
    assert found[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("signal", "background"), [(1.0, 1e-3), (3.0, 0.01), (4.0, 0.8), (0.9, 0.2)]
)
def test_counting_significance_is_that_of_the_median_count(signal, background):
    n = int(poisson.ppf(0.5, signal + background))
    expected = norm.isf(poisson.sf(n - 1, background))
    assert counting_significance(signal, background, 0.0) == pytest.approx(expected)
    spread = norm.isf(1 - probability_below(n - 1, 0.0, background, 0.25))
    assert counting_significance(signal, background, 0.25) == pytest.approx(spread, rel=1e-3)


def test_most_experiments_with_half_an_event_see_nothing():
    assert counting_significance(0.5, 1e-3, 0.0) == 0.0
    found = counted_significance(SearchBins(0.5, 1e-3, 0.0, 0.0))
    assert (found.value, found.method) == (0.0, "counting")
    assert asymptotic_significance(SearchBins(0.5, 1e-3, 0.0, 0.0)) > 2  # of a count of 0.501


def test_limit_of_a_thousandth_of_an_event_is_that_of_counting():
    bins = SearchBins(2.0, 1e-3, 0.0, 0.0)
    assert asymptotic_limit(bins).value * 2 == pytest.approx(1.93, abs=0.01)
    limit = expected_limit(bins)
    assert limit.method == "counting"
    assert [limit.band_low, limit.value, limit.band_high] == pytest.approx([LN_20 / 2] * 3)


@pytest.mark.parametrize("background", np.geomspace(1e-3, 60, 40))
def test_no_limit_is_off_by_more_than_ten_percent(background):
    """The exact median for Poisson counts, with every method; where it is asymptotic there are many
    events."""
    limit = expected_limit(SearchBins(1.0, background, 0.0, 0.0))
    exact = [limit_by_hand(background, 0.0, one) for one in (-1, 0, 1)]
    found = [limit.band_low, limit.value, limit.band_high]
    assert found[1] == pytest.approx(exact[1], rel=0.1)
    if background < 10:
        assert found == pytest.approx(exact, rel=0.1)
    if limit.method == "counting":
        assert found == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("uncertainty", [0.0, 0.3])
def test_many_events_keep_the_formulas(uncertainty):
    bins = SearchBins([5.0, 3.0], [30.0, 12.0], [1.0, 0.5], uncertainty)
    assert expected_limit(bins) == asymptotic_limit(bins)
    assert expected_significance(bins) == asymptotic_significance(bins)
    assert expected_limit(bins).method == "asymptotic"


@pytest.mark.parametrize(
    ("signal", "background", "error"), [(3.0, 0.01, 0.0), (2.0, 0.6, 0.2), (4.0, 3.0, 0.9)]
)
def test_toys_of_one_bin_are_the_sum_over_its_counts(signal, background, error):
    bins = SearchBins(signal, background, error, 0.2)
    model = bins.signal, bins.background, bins.trials(), bins.common_trials()
    around = profiled_limits(bins, (-1, 0, 1))
    found = toy_limits(*model, around=around, deviations=(-1, 0, 1), confidence=CONFIDENCE)
    variance = bins.relative_variance()
    expected = [
        counting_limit(bins.background, variance, one, 0.95)[0] / signal for one in (-1, 0, 1)
    ]
    assert found == pytest.approx(expected, rel=0.05)
    counted = counting_significance(bins.signal, bins.background, variance)[0]
    assert toy_significance(*model) == pytest.approx(counted, rel=0.03)


def test_bins_without_background_exclude_three_events_of_all_of_them():
    bins = SearchBins([1.0, 2.0, 0.5], [1e-5, 2e-5, 1e-5], [0.0, 0.0, 0.0], 0.1)
    limit = expected_limit(bins)
    assert limit.method == "toys"
    assert limit.value == pytest.approx(LN_20 / 3.5, rel=0.04)
    found = counted_significance(SearchBins([0.2, 0.1], [1e-5, 2e-5], [0.0, 0.0], 0.1))
    assert (found.value, found.method) == (0.0, "toys")


def test_toys_of_two_bins_are_the_sum_over_their_counts():
    """Bins of one signal-to-background ratio count together."""
    together = expected_limit(SearchBins([2.0, 1.0], [0.8, 0.4], [0.0, 0.0], 0.0))
    one = expected_limit(SearchBins(3.0, 1.2, 0.0, 0.0))
    assert together.method == "toys"
    assert together.value == pytest.approx(one.value, rel=0.05)


def test_rare_fluctuations_are_seen_by_few_toys():
    """Significance 6 of a probability of 1e-9, which 5,000 toys of background would never show."""
    signal, background = np.array([3.0, 3.0]), np.array([0.01, 0.01])
    found = toy_significance(signal, background, np.full(2, np.inf), np.inf)
    n = poisson.ppf(0.5, 6.02)
    assert found == pytest.approx(norm.isf(poisson.sf(n - 1, 0.02)), rel=0.03)


def test_effective_background_is_that_of_the_bins_that_matter():
    assert effective_background(np.array([3.0]), np.array([7.0])) == pytest.approx(7.0)
    assert effective_background(np.array([2.0, 1.0]), np.array([4.0, 2.0])) == pytest.approx(6.0)
    # a bin without sensitivity adds nothing, and no signal leaves all
    assert effective_background(np.array([2.0, 0.0]), np.array([4.0, 1e6])) == pytest.approx(4.0)
    assert effective_background(np.array([0.0, 0.0]), np.array([4.0, 1.0])) == 5.0
