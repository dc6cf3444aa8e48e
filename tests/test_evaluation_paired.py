"""Paired comparison of classifiers."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from calovision.core.errors import InputError
from calovision.evaluation.paired import bootstrap_roc, compare_paired
from calovision.evaluation.results import Interval
from calovision.metrics import region_point, signal_efficiency_at


def make_events(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], n)
    weights = np.where(labels == 1, 1.0, rng.exponential(1.0, 2 * n))
    return labels, weights, rng.normal(labels * 2.0, 1.0), rng


def test_nominal_values_are_those_of_the_working_points():
    labels, weights, scores, _ = make_events()
    rounded = np.round(scores, 1)  # ties
    found = compare_paired(
        {"a": scores, "b": rounded}, labels, weights, background_efficiency=0.02, n_replicas=2
    )
    for name, values in (("a", scores), ("b", rounded)):
        expected = signal_efficiency_at(values, labels, weights, 0.02).value
        assert found.nominal[name] == pytest.approx(expected, rel=1e-12)


def test_the_same_classifier_has_a_ratio_of_exactly_one():
    labels, weights, scores, _ = make_events()
    found = compare_paired(
        {"a": scores, "b": 3 * scores}, labels, weights, background_efficiency=0.01, n_replicas=50
    )
    assert found.ratio("a", "b") == Interval(1.0, 1.0, 1.0)


def test_pairing_cancels_what_both_share():
    labels, weights, scores, rng = make_events()
    similar = scores + rng.normal(0, 0.05, len(scores))
    found = compare_paired(
        {"a": scores, "b": similar}, labels, weights, background_efficiency=0.01, n_replicas=200
    )
    ratio, single = found.ratio("a", "b"), found.value("a")
    assert ratio.high - ratio.low < 0.5 * (single.high - single.low) / single.value


def test_bootstrap_has_the_spread_of_new_samples():
    values, widths = [], []
    for seed in range(40):
        labels, weights, scores, _ = make_events(1500, seed)
        found = compare_paired(
            {"a": scores}, labels, weights, background_efficiency=0.05, n_replicas=60, seed=seed
        )
        interval = found.value("a")
        values.append(interval.value)
        widths.append((interval.high - interval.low) / 2)
    assert np.mean(widths) == pytest.approx(np.std(values), rel=0.3)


def test_signal_region_sets_the_working_point():
    labels, weights, scores, _ = make_events()
    region = scores > 1.5
    found = compare_paired({"a": scores}, labels, weights, signal_region=region, n_replicas=20)
    # the region is a cut on the very score, so that both are the same at its background efficiency
    assert found.nominal["signal_region"] == pytest.approx(found.nominal["a"], abs=5e-3)
    assert found.ratio("a", "signal_region").value == pytest.approx(1.0, abs=5e-3)


def test_networks_of_a_model_add_their_spread():
    labels, weights, scores, rng = make_events()
    blurred = np.stack([scores, scores + rng.normal(0, 1.5, len(scores))], axis=1)
    found = compare_paired(
        {"m": blurred}, labels, weights, background_efficiency=0.05, n_replicas=100
    )
    each = [signal_efficiency_at(column, labels, weights, 0.05).value for column in blurred.T]
    assert found.nominal["m"] == pytest.approx(np.mean(each), rel=1e-12)
    interval = found.value("m")
    assert interval.low == pytest.approx(min(each), abs=0.03)
    assert interval.high == pytest.approx(max(each), abs=0.03)


def test_a_region_without_background_gives_numbers():
    labels, weights, scores, _ = make_events(200)
    region = (labels == 1) & (scores > 2)
    found = compare_paired({"a": scores}, labels, weights, signal_region=region, n_replicas=10)
    assert 0 <= found.nominal["a"] <= 1
    assert np.isfinite(found.ratio("a", "signal_region").value)


def test_negative_weights_give_no_nan():
    labels, weights, scores, rng = make_events(500)
    weights = weights * np.where(rng.random(len(weights)) < 0.1, -1, 1)
    found = compare_paired(
        {"a": scores}, labels, weights, background_efficiency=0.01, n_replicas=30
    )
    assert np.isfinite(found.replicas["a"]).all()


def test_missing_working_point_and_class_are_named():
    labels, weights, scores, _ = make_events(10)
    with pytest.raises(InputError, match="background efficiency or a signal region"):
        compare_paired({"a": scores}, labels, weights)
    with pytest.raises(InputError, match="one class is empty"):
        compare_paired({"a": scores[:10]}, labels[:10], weights[:10], background_efficiency=0.1)


def test_band_of_the_roc_holds_the_analytic_curve():
    labels, weights, scores, _ = make_events(6000)
    at = np.array([0.3, 0.5, 0.7, 0.9])
    low, high = bootstrap_roc(scores, labels, weights, at, n_replicas=200)
    threshold = norm.isf(at) + 2.0  # signal is shifted by 2
    expected = norm.sf(threshold)
    assert ((low < expected * 1.15) & (expected * 0.85 < high)).all()
    # binomial of the background, whose weights have n_eff = n / 2, and of the signal through the
    # slope of the curve
    slope = np.exp(2.0 - 2.0 * threshold)
    variance = expected * (1 - expected) / 3000 + slope**2 * at * (1 - at) / 6000
    assert (high - low) / 2 == pytest.approx(np.sqrt(variance), rel=0.3)


def signed_weights(rng, n, *, negative):
    """Weights of any size, the given share of them negative, and a positive sum."""
    weights = rng.exponential(1.0, n) * np.where(rng.random(n) < negative, -1.0, 1.0)
    return weights if weights.sum() > 0.05 * n else np.abs(weights)


@pytest.mark.parametrize("negative", [0.0, 0.1, 0.3, 0.45])
@pytest.mark.parametrize("seed", range(8))
def test_the_cuts_as_a_classifier_have_a_ratio_of_one_for_any_signs(seed, negative):
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], 300)
    weights = np.concatenate([signed_weights(rng, 300, negative=negative) for _ in range(2)])
    # below the cut many are negative: the running sum of the background is largest at the cut, not
    # at its end
    weights = np.where((labels == 0) & (rng.random(600) < 0.3 * negative), -weights, weights)
    scores = rng.normal(2.0 * labels, 1.0)
    region = scores > 1.0
    for members in (labels == 0, (labels == 0) & region, (labels == 1) & region):
        if weights[members].sum() <= 0:
            weights[members] *= -1.0
    found = compare_paired(
        {"a": region.astype(float)}, labels, weights, signal_region=region, n_replicas=20
    )
    ratio = found.ratio("a", "signal_region")
    assert ratio.value == pytest.approx(1.0, abs=1e-9)
    assert ratio.low == pytest.approx(
        1.0, abs=0.02
    )  # replicas whose background cancels are at an upper limit
    assert (
        found.nominal["a"]
        == signal_efficiency_at(
            region, labels, weights, region_point(region, labels, weights)
        ).value
    )
    # the score itself: no background event lies between the cut and the next signal events, which
    # count, too
    found = compare_paired({"a": scores}, labels, weights, signal_region=region, n_replicas=1)
    assert found.ratio("a", "signal_region").value == pytest.approx(1.0, abs=0.04)


def test_target_is_a_share_of_all_background_not_of_its_largest_running_sum():
    # background 4 above the cut and -1 below: a third more than all of it; half of all is 1.5 of
    # the 4
    labels, weights = np.array([1, 0, 1, 0]), np.array([1.0, 4.0, 1.0, -1.0])
    scores = np.array([4.0, 3.0, 3.0, 1.0])
    found = compare_paired({"a": scores}, labels, weights, background_efficiency=0.5, n_replicas=1)
    assert found.nominal["a"] == pytest.approx((1 + 1.5 / 4) / 2)
    assert found.nominal["a"] == pytest.approx(
        signal_efficiency_at(scores, labels, weights, 0.5).value
    )


def test_replicas_are_those_of_the_metrics():
    """Each replica by `signal_efficiency_at` on its own weights, with the same random numbers."""
    labels, weights, scores, rng = make_events(400)
    weights = weights * np.where(rng.random(len(weights)) < 0.2, -1, 1)
    region = scores + rng.normal(0, 1, len(scores)) > 1
    found = compare_paired(
        {"a": scores}, labels, weights, signal_region=region, n_replicas=30, seed=5
    )
    rng = np.random.default_rng(5)
    for replica in found.replicas["a"]:
        of_events = weights * rng.poisson(1.0, len(weights))
        rng.integers(1)
        point = region_point(region, labels, of_events)
        assert replica == pytest.approx(
            signal_efficiency_at(scores, labels, of_events, point).value, abs=1e-9
        )


def test_replicas_without_a_class_are_left_out():
    labels, weights = np.array([1, 0, 0]), np.array([1.0, 1.0, -0.5])
    found = compare_paired(
        {"a": [3, 2, 1]}, labels, weights, background_efficiency=0.5, n_replicas=40
    )
    assert 0 < np.isnan(found.replicas["a"]).sum() < 40
    assert np.isfinite([*vars(found.value("a")).values()]).all()
    low, high = bootstrap_roc([3, 2, 1], labels, weights, [0.5], n_replicas=40)
    assert np.isfinite([low, high]).all()


AS_OTHERS_GIVE_THEM = {
    "column": lambda values: np.asarray(values)[:, None],
    "list": lambda values: np.asarray(values).tolist(),
    "tensor": lambda values: torch.tensor(np.asarray(values)),
}


@pytest.mark.parametrize("kind", AS_OTHERS_GIVE_THEM)
def test_columns_of_any_kind_give_the_same_numbers(kind):
    labels, weights, scores, _ = make_events(50)
    events, at = (scores, labels, weights, scores > 1), np.array([0.5, 0.9])
    given = [AS_OTHERS_GIVE_THEM[kind](values) for values in events]
    found, expected = (
        compare_paired({"a": s}, y, w, signal_region=r, n_replicas=5)
        for s, y, w, r in (given, events)
    )
    assert found.nominal == expected.nominal
    np.testing.assert_array_equal(found.replicas["a"], expected.replicas["a"])
    np.testing.assert_array_equal(
        bootstrap_roc(*given[:3], at.tolist(), n_replicas=5),
        bootstrap_roc(*events[:3], at, n_replicas=5),
    )


def test_networks_given_as_rows_are_refused():
    """(n_networks, n) was read as (n, n_networks), with scores of other events."""
    labels, weights, scores, _ = make_events(50)
    networks = np.stack([scores, scores])
    with pytest.raises(InputError, match="100 events but 2 scores of 'a'"):
        compare_paired({"a": networks}, labels, weights, background_efficiency=0.1)
    with pytest.raises(InputError, match="100 events but 2 scores"):
        bootstrap_roc(networks, labels, weights, [0.5])


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    "wrong", [None, "text", [[1, 2], [3]], np.nan * np.ones(20), np.ones(19), np.ones((2, 10))]
)
def test_what_is_no_column_is_refused(place, wrong):
    labels, weights, scores, _ = make_events(10)
    events = [scores, labels, weights, scores > 1]
    events[place] = wrong
    if place == 3 and wrong is None:
        return  # no region, which is allowed
    with pytest.raises(InputError):
        compare_paired(
            {"a": events[0]}, *events[1:3], signal_region=events[3], background_efficiency=0.1
        )


def test_signal_efficiencies_outside_the_curve_are_refused():
    labels, weights, scores, _ = make_events(10)
    with pytest.raises(InputError, match=r"outside \[0, 1\]"):
        bootstrap_roc(scores, labels, weights, [0.5, 1.2])
    with pytest.raises(InputError, match=r"outside \[0, 1\]"):
        bootstrap_roc(scores, labels, weights, [-0.1, 0.5])
    low, high = bootstrap_roc(scores, labels, weights, [0.0, 1.0], n_replicas=20)
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert low[0] == 0.0  # no signal is asked for: no background is kept


@pytest.mark.parametrize(("label", "named"), [(1, "the signal"), (0, "the background")])
def test_a_class_whose_weights_cancel_is_named(label, named):
    labels, weights, scores, _ = make_events(10)
    weights = np.where(labels == label, np.where(np.arange(20) % 2, -1.0, 1.0), weights)
    with pytest.raises(InputError, match=named):
        compare_paired({"a": scores}, labels, weights, background_efficiency=0.1, n_replicas=1)
    with pytest.raises(InputError, match=named):
        bootstrap_roc(scores, labels, weights, [0.5], n_replicas=1)
    weights[labels == label] = np.inf
    with pytest.raises(InputError, match=f"{named} .* has 10 weights that are not finite"):
        bootstrap_roc(scores, labels, weights, [0.5], n_replicas=1)


def test_no_ratio_to_a_classifier_that_keeps_no_signal():
    labels, weights, scores, _ = make_events(10)
    found = compare_paired({"a": scores}, labels, weights, signal_region=labels == 0, n_replicas=3)
    assert found.nominal["signal_region"] == 0.0
    assert found.nominal["a"] == 1.0
    assert found.ratio("a", "signal_region") == Interval(None, None, None)
    assert found.ratio("signal_region", "a").value == 0.0


def test_numbers_and_seeds_of_replicas_unless_told():
    labels, weights, scores, _ = make_events(20)
    found, told = (
        compare_paired({"a": scores}, labels, weights, background_efficiency=0.1, **options)
        for options in ({}, {"n_replicas": 300, "seed": 0})
    )
    np.testing.assert_array_equal(found.replicas["a"], told.replicas["a"])
    labels, weights, scores, _ = make_events(300)
    at = np.linspace(0.3, 0.95, 8)
    np.testing.assert_array_equal(
        bootstrap_roc(scores, labels, weights, at),
        bootstrap_roc(scores, labels, weights, at, n_replicas=200, seed=0),
    )
