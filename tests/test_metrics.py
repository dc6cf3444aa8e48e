from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score, roc_curve

from calovision.core.errors import InputError
from calovision.metrics import auc, efficiency, n_effective, region_point, roc, signal_efficiency_at
from calovision.metrics.events import column_of
from calovision.metrics.roc import SAME, between, crossing
from calovision.metrics.working_point import is_extrapolated

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
    assert (small.value, small.low, small.high) == pytest.approx(
        (large.value, large.low, large.high)
    )


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


def points_by_brute_force(scores, is_signal, weights):
    """Signal, background and absolute background efficiency of every threshold, from none on, one
    sum each."""

    def share(sizes, members, threshold):
        return sum(sizes[members & (scores >= threshold)]) / sum(sizes[members])

    thresholds = [np.inf, *sorted(set(scores), reverse=True)]
    parts = (weights, is_signal), (weights, ~is_signal), (np.abs(weights), ~is_signal)
    return [
        [share(sizes, members, threshold) for threshold in thresholds] for sizes, members in parts
    ]


def signal_by_brute_force(scores, labels, weights, target, *, near=None):
    """Signal efficiency where the background first has a value, or where it has it with the share
    ``near``."""
    signal, background, size = points_by_brute_force(scores, labels == 1, weights)
    found = []
    for k in range(len(background) - 1):
        low, high = sorted((background[k], background[k + 1]))
        if (
            low - 1e-12 <= target <= high + 1e-12
            and high - low > 1e-12
            and abs(background[k + 1] - target) > 1e-12
        ):
            step = (target - background[k]) / (background[k + 1] - background[k])
            found.append(
                [values[k] + step * (values[k + 1] - values[k]) for values in (size, signal)]
            )
    if abs(background[-1] - target) < 1e-12:
        found.append([size[-1], signal[-1]])
    best = found[0] if near is None else min(found, key=lambda one: abs(one[0] - near))
    return min(max(best[1], 0.0), 1.0)


def signed_events(seed, n=60, *, n_values=12):
    """Scores with ties, weights of both signs with positive sums in both classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    scores = rng.integers(0, n_values, n) + 3 * labels
    weights = rng.normal(rng.uniform(0.1, 2), 1.0, n)
    for label in (0, 1):
        members = labels == label
        if weights[members].sum() <= 0.1 * np.abs(weights[members]).sum():
            weights[members] = np.abs(weights[members])
    return scores.astype(float), labels, weights


@pytest.mark.parametrize("seed", range(60))
def test_working_point_of_weights_of_both_signs_by_brute_force(seed):
    scores, labels, weights = signed_events(seed)
    for target in (0.03, 0.2, 0.5, 0.9, 1.0):
        expected = signal_by_brute_force(scores, labels, weights, target)
        assert signal_efficiency_at(scores, labels, weights, target).value == pytest.approx(
            expected, abs=1e-9
        )


@pytest.mark.parametrize("seed", range(60))
def test_point_of_a_region_by_brute_force_and_one_for_the_region_itself(seed):
    scores, labels, weights = signed_events(seed)
    scores[0] = (
        6.0  # a background event just outside the cut, or all signal above the next one would count
    )
    rng, background = np.random.default_rng(seed), labels == 0
    region = scores + rng.normal(0, 3, len(scores)) > 7
    point = region_point(region, labels, weights)
    if point.is_limit:
        assert weights[region & background].sum() <= 1e-9
        assert (
            point.background_efficiency == efficiency(region[background], weights[background]).high
        )
    else:
        size = np.abs(weights)
        assert point.background_efficiency == pytest.approx(
            weights[region & background].sum() / weights[background].sum()
        )
        near = size[region & background].sum() / size[background].sum()
        found = signal_efficiency_at(scores, labels, weights, point)
        if point.background_efficiency <= max(
            points_by_brute_force(scores, ~background, weights)[1]
        ):
            expected = signal_by_brute_force(
                scores, labels, weights, point.background_efficiency, near=near
            )
            assert found.value == pytest.approx(expected, abs=1e-9)
        # the region as a score, and its own threshold on the score: each is at its own point
        for one, of_region in ((region.astype(float), region), (scores, scores >= 7)):
            at_itself = signal_efficiency_at(
                one, labels, weights, region_point(of_region, labels, weights)
            )
            own = efficiency(of_region[~background], weights[~background])
            if not region_point(of_region, labels, weights).is_limit:
                assert at_itself.value == pytest.approx(own.value, abs=1e-9)


def test_region_whose_outside_is_negative_is_at_its_own_point():
    # background 3 inside, -1 outside: one and a half times all of it
    labels, region = np.array([1, 1, 1, 0, 0]), np.array([True, True, False, True, False])
    point = region_point(region, labels, np.array([1.0, 1.0, 1.0, 3.0, -1.0]))
    assert (point.background_efficiency, point.is_limit, point.share) == (1.5, False, 0.75)
    found = signal_efficiency_at(region, labels, np.array([1.0, 1.0, 1.0, 3.0, -1.0]), point)
    assert found.value == pytest.approx(2 / 3)


def test_region_without_background_is_at_the_upper_end_of_its_interval():
    labels, region = (
        np.array([1, 1, 0, 0, 0, 0]),
        np.array([True, False, False, False, False, False]),
    )
    point = region_point(region, labels, np.ones(6))
    assert point.is_limit
    assert point.background_efficiency == pytest.approx(1 / 5)  # Wilson's for none of four
    cancelled = region_point(
        np.array([1, 0, 1, 1, 1, 0]), labels, np.array([1.0, 1.0, 0.1, 0.2, -0.3, 2.0])
    )
    assert cancelled.is_limit  # the sum is rounding


def test_working_point_with_discrete_scores_is_linear_between_the_points():
    scores, labels = np.array([5, 4, 4, 4, 3, 5, 4, 4, 3, 3]), np.repeat([1, 0], 5)
    # Background: 0.2 at N >= 5, 0.6 at N >= 4; signal: 0.2 and 0.8.
    for target, expected in [(0.2, 0.2), (0.3, 0.35), (0.5, 0.65), (0.6, 0.8), (1.0, 1.0)]:
        assert signal_efficiency_at(scores, labels, np.ones(10), target).value == pytest.approx(
            expected
        )
    assert signal_efficiency_at(scores, labels, np.ones(10), 0.4).n_eff == pytest.approx(2.0)


def test_working_points_match_two_gaussians_in_any_order():
    scores, labels = two_gaussians(40_000, 40_000, distance=2.0, seed=1)
    weights = np.random.default_rng(2).exponential(size=len(scores))
    for target in (0.01, 0.3, 0.003, 0.1):
        result = signal_efficiency_at(scores, labels, weights, target)
        expected = 1 - NORMAL.cdf(NORMAL.inv_cdf(1 - target) - 2.0)
        assert abs(result.value - expected) < 3 * (result.high - result.low) / 2
        assert result.high - result.low < 0.06
        assert result.n_eff == pytest.approx(
            40_000 * target / 2, rel=0.2
        )  # exponential weights: n / 2


def test_roc_agrees_with_scikit_learn_on_weights_and_ties():
    rng = np.random.default_rng(3)
    scores, labels = rng.integers(0, 12, 500).astype(float), rng.integers(0, 2, 500)
    weights = rng.exponential(size=500)
    curve = roc(scores, labels, weights)
    background, signal, thresholds = roc_curve(
        labels, scores, sample_weight=weights, drop_intermediate=False
    )
    np.testing.assert_allclose(curve.background_efficiency, background, atol=1e-12)
    np.testing.assert_allclose(curve.signal_efficiency, signal, atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    assert auc(curve) == pytest.approx(
        roc_auc_score(labels, scores, sample_weight=weights), abs=1e-12
    )


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
    assert auc(roc(scores, labels, np.ones(len(scores)))) == pytest.approx(
        NORMAL.cdf(1.5 / np.sqrt(2)), abs=0.004
    )
    assert auc(roc(np.zeros(10), np.arange(10) % 2, np.ones(10))) == pytest.approx(0.5)
    assert auc(roc(np.arange(10), np.arange(10) > 4, np.ones(10))) == pytest.approx(1.0)


def test_roc_with_negative_weights_has_no_nan():
    scores, labels = two_gaussians(200, 200, distance=1.0, seed=6)
    weights = np.random.default_rng(6).choice([1.0, -0.5], 400, p=[0.8, 0.2])
    weights[
        np.argmax(np.where(labels == 0, scores, -np.inf))
    ] = -0.5  # the hardest background event is negative
    curve = roc(scores, labels, weights)
    for values in (
        curve.signal_efficiency,
        curve.background_efficiency,
        curve.background_low,
        curve.background_high,
    ):
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


EVENTS = ([0.5, 2.0, 1.0, 3.0], [0, 1, 0, 1], [1.0, 2.0, 3.0, 4.0])
FUNCTIONS = {
    "roc": lambda scores, labels, weights: roc(scores, labels, weights).signal_efficiency.tolist(),
    "signal_efficiency_at": lambda *events: signal_efficiency_at(*events, 0.3),
    "region_point": lambda scores, labels, weights: region_point(labels, labels, weights),
    "efficiency": lambda scores, labels, weights: efficiency(labels, weights),
    "n_effective": lambda scores, labels, weights: n_effective(weights),
}
AS_OTHERS_GIVE_THEM = {
    "lists": lambda values: list(values),
    "column": lambda values: np.array(values)[:, None],
    "list of lists": lambda values: [[value] for value in values],
    "tensor with a gradient": lambda values: torch.tensor(
        values, dtype=torch.float64, requires_grad=True
    ),
    "bfloat16": lambda values: torch.tensor(values, dtype=torch.bfloat16)[:, None],
    "big endian": lambda values: np.array(values, dtype=">f4"),
    "mask that hides nothing": lambda values: np.ma.masked_array(values, np.zeros(4, bool)),
}
NO_COLUMN = {
    "row": lambda values: np.array(values)[None],
    "two columns": lambda values: np.stack([values, values], axis=1),
    "no dimension": lambda values: values[0],
    "text": lambda values: [str(value) for value in values],
    "nothing": lambda values: None,
    "a missing one": lambda values: [None, *values[1:]],
    "masked": lambda values: np.ma.masked_array(values, [True, False, False, False]),
    "complex": lambda values: np.array(values) + 0j,
    "ragged": lambda values: [[value] * (k + 1) for k, value in enumerate(values)],
    "nan": lambda values: [np.nan, *values[1:]],
    "infinite": lambda values: [np.inf, *values[1:]],
    "too long": lambda values: [*values, *values],
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", AS_OTHERS_GIVE_THEM)
def test_columns_of_any_kind_give_the_same_number(function, kind):
    events = [AS_OTHERS_GIVE_THEM[kind](values) for values in EVENTS]
    assert FUNCTIONS[function](*events) == FUNCTIONS[function](*map(np.array, EVENTS))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", NO_COLUMN)
@pytest.mark.parametrize("spoilt", range(3))
def test_what_is_no_column_is_refused(function, kind, spoilt):
    events = list(EVENTS)
    events[spoilt] = NO_COLUMN[kind](EVENTS[spoilt])
    taken = {"efficiency": (1, 2), "n_effective": (2,), "region_point": (1, 2)}.get(
        function, (0, 1, 2)
    )
    if spoilt in taken and (function, kind) != ("n_effective", "too long"):
        with pytest.raises(InputError):
            FUNCTIONS[function](*events)


def test_weights_of_any_scale_keep_their_numbers():
    scores, labels, weights = (np.array(values) for values in EVENTS)
    plain = signal_efficiency_at(scores, labels, weights, 0.3)
    for scale in (2.0**-900, 2.0**900):  # the squares of these are 0 and inf
        assert n_effective(weights * scale) == n_effective(weights)
        assert efficiency(labels, weights * scale) == efficiency(labels, weights)
        assert signal_efficiency_at(scores, labels, weights * scale, 0.3) == plain


def test_weights_that_cancel_but_for_rounding_are_refused():
    weights = np.array([0.1, 0.2, -0.3])
    assert weights.sum() > 0  # 5.6e-17
    with pytest.raises(InputError, match="the selection add up to"):
        efficiency(np.array([True, True, False]), weights)
    assert n_effective(weights) == pytest.approx(0.0, abs=1e-30)


def test_integers_that_floats_do_not_tell_apart_are_refused():
    with pytest.raises(InputError, match="beyond 2\\^53"):
        roc(np.array([2**60, 2**60 + 1]), np.array([0, 1]), np.ones(2))


@pytest.mark.parametrize("target", [0.0, -1, 1.5, np.nan, None, "half", [0.1, 0.2]])
def test_what_is_no_working_point_is_refused(target):
    with pytest.raises(InputError, match="no working point"):
        signal_efficiency_at(*EVENTS, target)


def test_bad_efficiency_input_is_named():
    with pytest.raises(InputError, match="the signal has no event"):
        efficiency(np.array([], dtype=bool), np.array([]), name="the signal")
    with pytest.raises(InputError, match="2 events but 3 weights"):
        efficiency(np.array([True, False]), np.ones(3))
    with pytest.raises(InputError, match="working point"):
        signal_efficiency_at(np.array([1, 2]), np.array([0, 1]), np.ones(2), 0.0)


def test_a_working_point_far_below_one_event_has_an_interval():
    scores, labels, weights = np.zeros(3), np.array([1, 0, 1]), np.array([0.0, 1.0, 1.0])
    found = signal_efficiency_at(scores, labels, weights, 1e-211)
    assert (found.value, found.low) == (pytest.approx(0.0, abs=1e-200), 0.0)
    assert found.value < found.high <= 1


def test_a_region_with_less_background_than_floats_can_tell_is_an_empty_one():
    point = region_point([0, 1, 0], [1, 0, 0], [1.0, 5e-324, 1.0])
    assert point.is_limit
    assert 0 < point.background_efficiency < 1


def test_place_of_a_background_efficiency_on_a_curve():
    rising = np.array([0.0, 0.2, 0.5, 1.0])
    assert crossing(rising, 0.2) == (1, 0.0)
    assert crossing(rising, 0.35) == (1, pytest.approx(0.5))
    assert crossing(rising, 1.0) == (3, 0.0)
    assert crossing(rising, 1.5) == (3, 0.0)
    assert crossing(rising, 0.2 + SAME / 2, shares=rising, near=0.2) == (1, 0.0)
    # negative weights: 0.6 is passed on the way up, on the way down, and is the end
    falling, shares = np.array([0.0, 0.7, 0.3, 0.6]), np.array([0.0, 0.7, 1.1, 1.4])
    assert crossing(falling, 0.6) == (0, pytest.approx(6 / 7))
    for near, place in ((0.5, (0, 6 / 7)), (0.8, (1, 1 / 4)), (1.4, (3, 0.0))):
        assert crossing(falling, 0.6, shares=shares, near=near) == (
            place[0],
            pytest.approx(place[1]),
        )
    assert crossing(falling, 0.9) == (1, 0.0)
    assert between(np.array([1.0, 3.0, 7.0]), (1, 0.25)) == 4.0
    assert between(np.array([1.0, 3.0, 7.0]), (2, 0.0)) == 7.0


def test_interval_stays_between_zero_and_one_where_weights_cancel():
    found = efficiency(np.array([True, True, False]), np.array([1.0, 1.0, -0.5]))
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.0 <= found.low < 1.0
    found = efficiency(np.array([False, False, True]), np.array([1.0, 1.0, -0.5]))
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0.0 < found.high <= 1.0


@pytest.mark.parametrize(
    ("n_eff", "marked"), [(0.0, True), (1 - 1e-8, True), (1 - 1e-10, False), (1.5, False)]
)
def test_fewer_than_one_effective_event_is_an_extrapolation(n_eff, marked):
    assert is_extrapolated(n_eff) is marked


def test_missing_column_of_a_table_is_named_with_those_there_are():
    table = {"score": [1.0], "label": [0]}
    assert column_of(table, "score") == [1.0]
    with pytest.raises(InputError, match=r"no column 'weight'; it has label, score$"):
        column_of(table, "weight")
    with pytest.raises(InputError, match=r"no column 'weight'; it has none$"):
        column_of({}, "weight")
