"""Paired comparison of classifiers."""

import numpy as np
import pytest
from scipy.stats import norm

from calovision.errors import InputError
from calovision.evaluation.paired import bootstrap_roc, compare_paired
from calovision.metrics import signal_efficiency_at


def make_events(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], n)
    weights = np.where(labels == 1, 1.0, rng.exponential(1.0, 2 * n))
    return labels, weights, rng.normal(labels * 2.0, 1.0), rng


def test_nominal_values_are_those_of_the_working_points():
    labels, weights, scores, _ = make_events()
    rounded = np.round(scores, 1)  # ties
    found = compare_paired({"a": scores, "b": rounded}, labels, weights, background_efficiency=0.02, n_replicas=2)
    for name, values in (("a", scores), ("b", rounded)):
        expected = signal_efficiency_at(values, labels, weights, 0.02).value
        assert found.nominal[name] == pytest.approx(expected, rel=1e-12)


def test_the_same_classifier_has_a_ratio_of_exactly_one():
    labels, weights, scores, _ = make_events()
    found = compare_paired({"a": scores, "b": 3 * scores}, labels, weights, background_efficiency=0.01, n_replicas=50)
    assert found.ratio("a", "b") == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_pairing_cancels_what_both_share():
    labels, weights, scores, rng = make_events()
    similar = scores + rng.normal(0, 0.05, len(scores))
    found = compare_paired({"a": scores, "b": similar}, labels, weights, background_efficiency=0.01, n_replicas=200)
    ratio, single = found.ratio("a", "b"), found.value("a")
    assert ratio["high"] - ratio["low"] < 0.5 * (single["high"] - single["low"]) / single["value"]


def test_bootstrap_has_the_spread_of_new_samples():
    values, widths = [], []
    for seed in range(40):
        labels, weights, scores, _ = make_events(1500, seed)
        found = compare_paired({"a": scores}, labels, weights, background_efficiency=0.05, n_replicas=60, seed=seed)
        interval = found.value("a")
        values.append(interval["value"])
        widths.append((interval["high"] - interval["low"]) / 2)
    assert np.mean(widths) == pytest.approx(np.std(values), rel=0.3)


def test_signal_region_sets_the_working_point():
    labels, weights, scores, _ = make_events()
    region = scores > 1.5
    found = compare_paired({"a": scores}, labels, weights, signal_region=region, n_replicas=20)
    # the region is a cut on the very score, so that both are the same at its background efficiency
    assert found.nominal["signal_region"] == pytest.approx(found.nominal["a"], abs=5e-3)
    assert found.ratio("a", "signal_region")["value"] == pytest.approx(1.0, abs=5e-3)


def test_networks_of_a_model_add_their_spread():
    labels, weights, scores, rng = make_events()
    blurred = np.stack([scores, scores + rng.normal(0, 1.5, len(scores))], axis=1)
    found = compare_paired({"m": blurred}, labels, weights, background_efficiency=0.05, n_replicas=100)
    each = [signal_efficiency_at(column, labels, weights, 0.05).value for column in blurred.T]
    assert found.nominal["m"] == pytest.approx(np.mean(each), rel=1e-12)
    interval = found.value("m")
    assert interval["low"] == pytest.approx(min(each), abs=0.03)
    assert interval["high"] == pytest.approx(max(each), abs=0.03)


def test_a_region_without_background_gives_numbers():
    labels, weights, scores, _ = make_events(200)
    region = (labels == 1) & (scores > 2)
    found = compare_paired({"a": scores}, labels, weights, signal_region=region, n_replicas=10)
    assert 0 <= found.nominal["a"] <= 1
    assert np.isfinite(found.ratio("a", "signal_region")["value"])


def test_negative_weights_give_no_nan():
    labels, weights, scores, rng = make_events(500)
    weights = weights * np.where(rng.random(len(weights)) < 0.1, -1, 1)
    found = compare_paired({"a": scores}, labels, weights, background_efficiency=0.01, n_replicas=30)
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
    # binomial of the background, whose weights have n_eff = n / 2, and of the signal through the slope of the curve
    slope = np.exp(2.0 - 2.0 * threshold)
    variance = expected * (1 - expected) / 3000 + slope**2 * at * (1 - at) / 6000
    assert (high - low) / 2 == pytest.approx(np.sqrt(variance), rel=0.3)
