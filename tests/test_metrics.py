from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score, roc_curve

from calovision.errors import InputError
from calovision.metrics import auc, efficiency, n_effective, roc, signal_efficiency_at

NORMAL = NormalDist()


def two_gaussians(n_signal, n_background, *, distance, seed):
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(distance, 1, n_signal), rng.normal(0, 1, n_background)])
    labels = np.repeat([1, 0], [n_signal, n_background])
    order = rng.permutation(len(scores))
    return scores[order], labels[order]


def test_n_effective_counts_equal_weights_and_nothing():
    assert n_effective(np.full(7, 0.3)) == pytest.approx(7)
    assert n_effective(np.array([3.0, 1.0])) == pytest.approx(16 / 10)
    assert n_effective(np.array([])) == 0
    assert n_effective(np.zeros(3)) == 0


def test_efficiency_of_unit_weights_is_the_wilson_interval():
    result = efficiency(np.arange(50) < 10, np.ones(50))
    center, half = (0.2 + 0.5 / 50) / (1 + 1 / 50), np.sqrt(0.16 / 50 + 0.25 / 2500) / (1 + 1 / 50)
    assert (result.value, result.n_eff) == pytest.approx((0.2, 10))
    assert (result.low, result.high) == pytest.approx((center - half, center + half))


def test_efficiency_does_not_depend_on_the_scale_of_the_weights():
    rng = np.random.default_rng(0)
    passed, weights = rng.random(300) < 0.1, rng.exponential(size=300)
    small, large = efficiency(passed, weights * 1e-9), efficiency(passed, weights * 1e9)
    assert (small.value, small.low, small.high) == pytest.approx((large.value, large.low, large.high))


@pytest.mark.parametrize(("passes", "low", "high"), [(False, 0, 1 / 41), (True, 40 / 41, 1)])
def test_efficiency_at_the_edges_keeps_an_open_side(passes, low, high):
    result = efficiency(np.full(40, passes), np.full(40, 0.5))
    assert (result.value, result.low, result.high) == pytest.approx((float(passes), low, high))


def test_efficiency_is_limited_by_the_passing_events():
    # One heavy and 99 light events pass out of 100,000 light ones: known no better than one event.
    passed = np.arange(100_000) < 100
    weights = np.where(np.arange(100_000) == 0, 1000.0, 1.0)
    result = efficiency(passed, weights)
    assert result.n_eff == pytest.approx(1099**2 / (1000**2 + 99))
    assert (result.high - result.low) / result.value > 1.5


def test_efficiency_with_negative_weights_is_clipped_and_finite():
    weights = np.array([1.0, -3.0, 1.0, 5.0, 5.0])
    result = efficiency(np.array([True, True, True, False, False]), weights)
    assert result.value == 0
    assert 0 == result.low < result.high <= 1
    positive = efficiency(np.arange(100) < 30, np.ones(100))
    mixed = efficiency(np.arange(100) < 30, np.where(np.arange(100) % 10 == 0, -1.0, 1.0))
    assert mixed.value == pytest.approx(0.3)
    assert mixed.high - mixed.low == pytest.approx((positive.high - positive.low) * 100 / 80)


WEIGHTS = {
    "unit": lambda rng, n: np.ones(n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "slices": lambda rng, n: rng.choice([1.0, 0.1, 0.01], n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "negative": lambda rng, n: rng.choice([1.0, -1.0], n, p=[0.85, 0.15]),
}


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize(("truth", "n"), [(0.01, 700), (0.5, 100)])
def test_efficiency_interval_covers(kind, truth, n):
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(600):
        n_events = rng.poisson(n)
        result = efficiency(rng.random(n_events) < truth, WEIGHTS[kind](rng, n_events))
        covered += result.low <= truth <= result.high
    assert 0.60 < covered / 600 < 0.80


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize(("target", "n_background"), [(0.1, 300), (0.01, 700)])
def test_working_point_interval_covers(kind, target, n_background):
    truth = 1 - NORMAL.cdf(NORMAL.inv_cdf(1 - target) - 2.5)
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(300):
        scores, labels = two_gaussians(300, n_background, distance=2.5, seed=seed)
        weights = np.where(labels == 1, 1.0, WEIGHTS[kind](rng, len(labels)))
        result = signal_efficiency_at(scores, labels, weights, target)
        covered += result.low <= truth <= result.high
    assert 0.60 < covered / 300 < 0.80


def test_working_point_under_the_resolution_is_finite_open_and_says_so():
    scores, labels = np.array([0.9, 0.8, 0.7, 0.5, 0.2, 0.1]), np.array([1, 1, 0, 1, 0, 0])
    result = signal_efficiency_at(scores, labels, np.ones(6), 1e-4)
    assert result.value == pytest.approx(2 / 3)  # all signal above the hardest background
    assert result.low == 0
    assert result.value < result.high <= 1
    assert result.n_eff == pytest.approx(3e-4)  # expected events


def test_working_point_counts_all_signal_above_the_next_background():
    scores, labels = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([1, 0, 1, 0, 1])
    assert signal_efficiency_at(scores, labels, np.ones(5), 0.5).value == pytest.approx(2 / 3)


def test_working_point_has_no_lower_limit_with_about_one_expected_event():
    scores, labels = two_gaussians(500, 1000, distance=2.0, seed=8)
    assert signal_efficiency_at(scores, labels, np.ones(1500), 0.0011).low == 0
    assert signal_efficiency_at(scores, labels, np.ones(1500), 0.002).low > 0


def test_working_point_with_negative_weights_is_the_first_crossing():
    labels = np.array([1, 0, 1, 0, 1, 0, 1, 1])
    weights = np.array([1, 3, 1, -2, 1, 9, 1, 1])  # background efficiency 0.3, 0.1, 1
    assert signal_efficiency_at(-np.arange(8), labels, weights, 0.2).value == pytest.approx(1 / 5)


def test_working_point_with_discrete_scores_is_linear_between_the_points():
    scores, labels = np.array([5, 4, 4, 4, 3, 5, 4, 4, 3, 3]), np.repeat([1, 0], 5)
    # Background: 0.2 at N >= 5, 0.6 at N >= 4; signal: 0.2 and 0.8.
    for target, expected in [(0.2, 0.2), (0.3, 0.35), (0.5, 0.65), (0.6, 0.8), (1.0, 1.0)]:
        assert signal_efficiency_at(scores, labels, np.ones(10), target).value == pytest.approx(expected)
    assert signal_efficiency_at(scores, labels, np.ones(10), 0.4).n_eff == pytest.approx(2.0)


def test_working_points_match_two_gaussians_in_any_order():
    scores, labels = two_gaussians(40_000, 40_000, distance=2.0, seed=1)
    weights = np.random.default_rng(2).exponential(size=len(scores))
    for target in (0.01, 0.3, 0.003, 0.1):
        result = signal_efficiency_at(scores, labels, weights, target)
        expected = 1 - NORMAL.cdf(NORMAL.inv_cdf(1 - target) - 2.0)
        assert abs(result.value - expected) < 3 * (result.high - result.low) / 2
        assert result.high - result.low < 0.06
        assert result.n_eff == pytest.approx(40_000 * target / 2, rel=0.2)  # exponential weights: n / 2


def test_roc_agrees_with_scikit_learn_on_weights_and_ties():
    rng = np.random.default_rng(3)
    scores, labels = rng.integers(0, 12, 500).astype(float), rng.integers(0, 2, 500)
    weights = rng.exponential(size=500)
    curve = roc(scores, labels, weights)
    background, signal, thresholds = roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    np.testing.assert_allclose(curve.background_efficiency, background, atol=1e-12)
    np.testing.assert_allclose(curve.signal_efficiency, signal, atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    assert auc(curve) == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights), abs=1e-12)


def test_roc_interval_is_that_of_the_efficiency():
    rng = np.random.default_rng(4)
    scores, labels, weights = rng.normal(size=80), np.arange(80) % 2, rng.exponential(size=80)
    curve = roc(scores, labels, weights)
    background = labels == 0
    for k in (0, 1, 17, 40, 79, 80):
        single = efficiency(scores[background] >= curve.thresholds[k], weights[background])
        assert curve.background_efficiency[k] == pytest.approx(single.value)
        assert (curve.background_low[k], curve.background_high[k]) == pytest.approx(
            (single.low, single.high), abs=1e-12
        )
        assert curve.background_n_eff[k] == pytest.approx(single.n_eff)


def test_auc_of_two_gaussians_of_constant_and_of_perfect_scores():
    scores, labels = two_gaussians(50_000, 50_000, distance=1.5, seed=5)
    assert auc(roc(scores, labels, np.ones(len(scores)))) == pytest.approx(NORMAL.cdf(1.5 / np.sqrt(2)), abs=0.004)
    assert auc(roc(np.zeros(10), np.arange(10) % 2, np.ones(10))) == pytest.approx(0.5)
    assert auc(roc(np.arange(10), np.arange(10) > 4, np.ones(10))) == pytest.approx(1.0)


def test_roc_with_negative_weights_has_no_nan():
    scores, labels = two_gaussians(200, 200, distance=1.0, seed=6)
    weights = np.random.default_rng(6).choice([1.0, -0.5], 400, p=[0.8, 0.2])
    weights[np.argmax(np.where(labels == 0, scores, -np.inf))] = -0.5  # the hardest background event is negative
    curve = roc(scores, labels, weights)
    for values in (curve.signal_efficiency, curve.background_efficiency, curve.background_low, curve.background_high):
        assert np.isfinite(values).all()
    assert curve.background_efficiency.min() < 0
    for target in (1e-4, 0.01, 0.5):
        result = signal_efficiency_at(scores, labels, weights, target)
        assert 0 <= result.low <= result.value <= result.high <= 1


@settings(max_examples=60)
@given(
    st.integers(2, 40).flatmap(
        lambda n: st.tuples(
            arrays(float, n, elements=st.sampled_from([0.1, 0.2, 0.7, 0.9])),
            arrays(float, n, elements=st.floats(1e-9, 10.0)),
        )
    ),
    st.floats(1e-6, 1.0),
)
@example((np.array([0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2]), np.ones(7)), 0.9999999999999999)
def test_roc_and_working_points_stay_in_bounds(drawn, target):
    scores, weights = drawn
    labels = np.arange(len(scores)) % 2
    curve = roc(scores, labels, weights)
    assert (curve.signal_efficiency[0], curve.background_efficiency[0]) == (0, 0)
    assert (curve.signal_efficiency[-1], curve.background_efficiency[-1]) == (1, 1)
    assert (np.diff(curve.signal_efficiency) >= 0).all()
    assert (np.diff(curve.background_efficiency) >= 0).all()
    assert (curve.background_low <= curve.background_efficiency + 1e-12).all()
    assert (curve.background_high >= curve.background_efficiency - 1e-12).all()
    result = signal_efficiency_at(scores, labels, weights, target)
    assert 0 <= result.low <= result.value <= result.high <= 1


@pytest.mark.parametrize(
    ("scores", "labels", "weights", "message"),
    [
        ([1, 2], [0], [1, 1], "one label per score"),
        ([1, 2], [0, 1], [1], "one weight per score"),
        ([1, np.nan], [0, 1], [1, 1], "1 of 2 scores"),
        ([1, 2], [0, 1], [1, np.inf], "signal .* not finite"),
        ([1, 2], [0, 2], [1, 1], "labels must be 1"),
        ([1, 2], [1, 1], [1, 1], "background .* has no event"),
        ([1, 2], [0, 0], [1, 1], "signal .* has no event"),
        ([1, 2], [0, 1], [0, 1], "background .* must be positive"),
    ],
)
def test_bad_input_is_named(scores, labels, weights, message):
    for call in (roc, lambda *arguments: signal_efficiency_at(*arguments, 0.1)):
        with pytest.raises(InputError, match=message):
            call(np.array(scores), np.array(labels), np.array(weights))


def test_bad_efficiency_input_is_named():
    with pytest.raises(InputError, match="the signal has no event"):
        efficiency(np.array([], dtype=bool), np.array([]), name="the signal")
    with pytest.raises(InputError, match="2 events but 3 weights"):
        efficiency(np.array([True, False]), np.ones(3))
    with pytest.raises(InputError, match="working point"):
        signal_efficiency_at(np.array([1, 2]), np.array([0, 1]), np.ones(2), 0.0)
