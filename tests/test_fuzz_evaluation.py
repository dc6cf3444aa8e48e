"""Any scores, labels, weights and regions, in any layout, for evaluation and reach: numbers or an
InputError."""

import json

import numpy as np
import pytest
from fakes_arrays import laid_out
from fakes_events import ANY_FLOAT, KINDS, SPOILT, event_columns, two_columns
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calovision.core.errors import InputError
from calovision.evaluation import (
    bootstrap_roc,
    compare_models,
    compare_paired,
    compare_with_cuts,
    diagnose,
    efficiencies_of_variation,
    ensemble_scores,
    threshold_at,
)
from calovision.evaluation.reach import (
    ExpectedEvents,
    SearchBins,
    SearchOptions,
    asimov_significance,
    choose_edges,
    choose_threshold,
    fill_bins,
    search_reach,
)
from calovision.evaluation.reach.statistics import profiled_limits
from calovision.evaluation.results import CutComparison, Reach, TrainingRecord

OPTIONS = {"expected_signal": 3.0, "expected_background": 20.0, "background_uncertainty": 0.2}


@pytest.fixture(scope="module", autouse=True)
def few_toys():
    """Toys enough for numbers of any precision."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("calovision.evaluation.sculpting.N_TOYS", 20)
        patch.setattr("calovision.evaluation.reach.few_events.N_TOYS", 200)
        yield


def table_of(scores, labels, weights, region):
    return {
        "label": labels,
        "weight": weights,
        "signal_region": region,
        "cnn": scores,
        "mj_sum": np.full(len(region), 9.0),
    }


def compared(scores, labels, weights, region):
    found = compare_with_cuts(
        table_of(scores, labels, weights, region),
        {"a": scores, "b": region},
        reference="a",
        seed=1,
        n_replicas=5,
    )
    for part in (found.at_signal_region, found.unweighted):
        assert part.background_efficiency > 0
        for numbers in part.classifiers.values():
            value = numbers.signal_efficiency
            assert 0 <= value.low <= value.value <= value.high <= 1
    return found


def diagnosed(scores, labels, weights, region):
    return diagnose(table_of(scores, labels, weights, region), ["cnn"])


def models(scores, labels, weights, region):
    return compare_models({"a": scores}, labels, weights, [0.3], runs={"a": {1: TrainingRecord(1)}})


def band(scores, labels, weights, region):
    low, high = bootstrap_roc(scores, labels, weights, [0.2, 0.9], n_replicas=5)
    assert ((low <= high) | np.isnan(low)).all()
    return [*low, *high]


def varied(scores, labels, weights, region):
    cut = threshold_at(scores, labels, weights, 0.3)
    return efficiencies_of_variation({"a": scores}, {"a": cut}, region, labels, weights)


def paired(scores, labels, weights, region):
    found = compare_paired({"a": scores}, labels, weights, signal_region=region, n_replicas=4)
    assert (
        np.isfinite(found.replicas["a"]).any() == np.isfinite(found.replicas["signal_region"]).any()
    )
    return found.value("a"), found.ratio("a", "signal_region")


def binned(scores, labels, weights, region):
    threshold = choose_threshold(scores, labels, weights, **OPTIONS, least_n_eff=0.5)
    edges = choose_edges(scores, labels, weights, threshold=threshold, least_n_eff=0.5)
    assert threshold in edges
    signal, background, error, is_limit = fill_bins(region, labels, weights, 1, empty=0.5)
    if (
        (signal > 1e-30).all()
        and (background > 1e-30).all()
        and max(*signal, *background, *error) < 1e30
    ):
        limits = profiled_limits(SearchBins(signal, background, error, 0.2), (-1, 0, 1))
        assert (np.diff(limits) > 0).all()
    return threshold, edges.tolist(), signal, background, error, is_limit


FUNCTIONS = (compared, diagnosed, models, band, varied, paired, binned)
QUICK = (diagnosed, models, band, varied, paired, binned)


def outcome(function, columns):
    """Numbers as text, or the class of error."""
    try:
        return str(function(*columns))
    except InputError:
        return InputError


@given(event_columns(), st.sampled_from(QUICK), st.data())
def test_layout_and_kind_change_nothing(columns, function, data):
    expected = outcome(function, columns)
    laid = [data.draw(st.sampled_from(KINDS))(data.draw(laid_out(one))) for one in columns]
    assert outcome(function, laid) == expected


@given(event_columns(st.floats(-10, 10, width=32), smallest=2), st.sampled_from(QUICK), st.data())
def test_what_is_no_column_is_refused(columns, function, data):
    place, spoil = data.draw(st.integers(0, 2)), data.draw(st.sampled_from(SPOILT))
    if spoil is two_columns and place == 0 and function in (band, models, paired):
        return  # scores of two networks
    columns[place] = spoil(columns[place])
    assert outcome(function, columns) is InputError


@given(
    event_columns(st.sampled_from([-2.0, -1.0, 0.25, 1.0, 3.0]), smallest=4),
    st.sampled_from([-300, 0, 300]),
)
def test_comparison_of_weights_of_any_sign_and_scale_is_json(columns, power):
    columns[2] = columns[2].astype(np.float64) * 2.0**power
    try:
        found = compared(*columns)
    except InputError:
        return
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert CutComparison.from_json(content) == found


@settings(max_examples=15)  # pyhf fits each
@given(event_columns(st.sampled_from([-1.0, 0.25, 1.0, 3.0]), smallest=4))
def test_reach_of_any_signs_is_json(columns):
    table, expected = table_of(*columns), ExpectedEvents(3.0, 20.0, cross_section_pb=1.0)
    options = SearchOptions(0.2, seed=1, n_bootstrap=3, least_n_eff=0.5)
    try:
        found = search_reach(table, table, ["cnn"], expected, options)
    except InputError:
        return
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert Reach.from_json(content) == found


@given(arrays(np.float64, st.tuples(st.integers(0, 3), st.integers(0, 3)), elements=ANY_FLOAT))
def test_ensembles_are_finite_or_refused(networks):
    try:
        found = ensemble_scores(networks)
    except InputError:
        return
    assert found.shape == (len(networks),)
    assert np.isfinite(found).all()


@given(*[ANY_FLOAT | st.sampled_from([None, "a", 1e-300, 1e300]) for _ in range(3)])
def test_asimov_significance_is_a_number_or_refused(signal, background, uncertainty):
    try:
        found = asimov_significance(signal, background, uncertainty)
    except InputError:
        return
    assert found >= 0
