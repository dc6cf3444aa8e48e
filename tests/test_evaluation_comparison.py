"""Comparison with the cuts: working points against the metrics, ratios, and the table."""

import json

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.evaluation import compare_with_cuts
from calovision.evaluation.results import (
    ComparedClassifier,
    ComparisonPoint,
    CutComparison,
    Interval,
)
from calovision.metrics import Efficiency, region_point, signal_efficiency_at


def make_test(n=600, seed=0):
    """Half signal; weights of the background spread over a decade; cuts on a blurred version of the
    score."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], n)
    hidden = rng.normal(2.0 * labels, 1.0)
    test = {"label": labels, "weight": np.where(labels == 1, 0.01, rng.exponential(1.0, 2 * n))}
    test["signal_region"] = hidden + rng.normal(0, 1.0, 2 * n) > 2.5
    networks = hidden[:, None] + rng.normal(0, 0.3, (2 * n, 2))
    return test, {"jets": np.round(hidden), "referee": hidden, "cnn": networks}


def share(passed, members, weights):
    return weights[passed & members].sum() / weights[members].sum()


@pytest.fixture(scope="module")
def made():
    return make_test()


@pytest.fixture(scope="module")
def found(made):
    return compare_with_cuts(*made, reference="referee", seed=3)


def test_values_are_those_of_the_working_points(made, found):
    test, scores = made
    is_signal, weights, region = test["label"] == 1, test["weight"], test["signal_region"]
    at_region, unweighted = found.at_signal_region, found.unweighted
    point = share(region, ~is_signal, weights)
    assert at_region.background_efficiency == pytest.approx(point)
    assert unweighted.background_efficiency == 1e-3
    assert list(at_region.classifiers) == ["signal_region", *scores]
    assert list(unweighted.classifiers) == list(scores)
    of_region = at_region.classifiers["signal_region"].signal_efficiency.value
    assert of_region == pytest.approx(share(region, is_signal, weights))
    for name, columns in scores.items():
        columns = columns.reshape(len(region), -1).T
        for numbers, of_events, efficiency in (
            (at_region, weights, point),
            (unweighted, np.ones(1200), 1e-3),
        ):
            each = [
                signal_efficiency_at(one, test["label"], of_events, efficiency).value
                for one in columns
            ]
            value = numbers.classifiers[name].signal_efficiency
            assert value.value == pytest.approx(np.mean(each))
            assert value.low <= value.value <= value.high


def test_ratios_are_those_of_the_values(found):
    classifiers = found.at_signal_region.classifiers
    values = {name: numbers.signal_efficiency.value for name, numbers in classifiers.items()}
    for name, numbers in classifiers.items():
        assert numbers.over_cuts.value == pytest.approx(values[name] / values["signal_region"])
        assert numbers.over_reference.value == pytest.approx(values[name] / values["referee"])
    one = Interval(1.0, 1.0, 1.0)
    assert classifiers["signal_region"].over_cuts == classifiers["referee"].over_reference == one
    # the hidden variable without the noise of the cuts is better than these by much more than the
    # errors
    assert classifiers["referee"].over_cuts.low > 1.1
    assert 0.8 < classifiers["cnn"].over_reference.value < 1.02


def test_every_event_counts_one_where_nothing_is_weighted(found):
    """There the signal region is no classifier: its own point depends on the weights."""
    for numbers in found.unweighted.classifiers.values():
        assert numbers.over_cuts is None
        assert numbers.over_reference is not None


def test_without_a_referee_there_is_no_ratio_to_it(made, found):
    test, scores = made
    alone = compare_with_cuts(test, {"jets": scores["jets"]}, reference=None, seed=3)
    assert alone.at_signal_region.classifiers["jets"].over_cuts is not None
    assert alone.at_signal_region.classifiers["jets"].over_reference is None
    assert set(alone.to_json()["unweighted"]["classifiers"]["jets"]) == {"signal_efficiency"}
    assert "referee" not in alone.to_markdown()


def test_the_same_seed_gives_the_same_numbers(made, found):
    assert compare_with_cuts(*made, reference="referee", seed=3) == found
    assert compare_with_cuts(*made, reference="referee", seed=4) != found


def test_cuts_without_signal_give_none_and_no_nan(made):
    test, scores = made
    empty = test | {"signal_region": np.zeros(1200, dtype=bool)}
    found = compare_with_cuts(empty, scores, reference="referee", seed=1)
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert CutComparison.from_json(content) == found
    classifiers = found.at_signal_region.classifiers
    assert classifiers["cnn"].over_cuts == Interval(None, None, None)
    assert "| none |" in found.to_markdown()


def test_negative_weights_give_no_nan(made):
    test, scores = made
    weights = test["weight"] * np.where(np.arange(1200) % 10 == 0, -1.0, 1.0)
    found = compare_with_cuts(test | {"weight": weights}, scores, reference="referee", seed=1)
    for numbers in found.at_signal_region.classifiers.values():
        for part in (numbers.signal_efficiency, numbers.over_cuts, numbers.over_reference):
            assert all(np.isfinite(value) for value in vars(part).values())


def test_a_region_without_background_is_at_its_upper_limit_as_in_the_summary(made):
    """Wilson's interval of none of 600 events; no event between, so that nothing bounds the ratio
    from below."""
    test, scores = made
    is_signal = test["label"] == 1
    empty = test | {"signal_region": test["signal_region"] & is_signal, "weight": np.ones(1200)}
    found = compare_with_cuts(empty, scores, reference="referee", seed=1).at_signal_region
    assert (found.background_efficiency, found.background_is_limit) == (
        pytest.approx(1 / 601),
        True,
    )
    cuts = found.classifiers["signal_region"]
    assert cuts.over_cuts.value == 1.0
    for name in ("jets", "referee"):
        numbers = found.classifiers[name]
        expected = signal_efficiency_at(scores[name], test["label"], np.ones(1200), 1 / 601)
        assert numbers.signal_efficiency == expected
        ratio = numbers.signal_efficiency.value / cuts.signal_efficiency.value
        assert numbers.over_cuts == Interval(pytest.approx(ratio), None, None)
        assert numbers.over_reference.low is not None  # both at one background efficiency
    text = compare_with_cuts(empty, scores, reference="referee", seed=1).to_markdown()
    assert "**No background survives in the signal region**" in text
    assert "background (below 0.0017)" in text
    assert f"| below {ratio:.3g} |" in text


def test_a_region_that_negative_weights_cancel_is_an_empty_one(made):
    test, scores = made
    background = np.flatnonzero((test["label"] == 0) & test["signal_region"])
    weights = np.ones(1200)
    weights[background[::2]] = -1.0
    weights[background[-1]] = -1.0
    found = compare_with_cuts(
        test | {"weight": weights}, scores, reference=None, seed=1
    ).at_signal_region
    assert found.background_is_limit
    assert 0 < found.background_efficiency < 1


def test_what_rests_on_less_than_one_event_has_a_mark(made):
    test, scores = made
    few = compare_with_cuts(test, scores, reference=None, seed=1)
    assert "†" in few.to_markdown()  # 0.001 of 600 events
    rows = few.to_markdown().splitlines()
    marked = [row for row in rows if "†" in row]
    assert marked[-1].startswith("† rests on less than one effective background event")
    assert all(row.count("†") == 1 for row in marked)  # the signal region has events enough
    content = few.to_json()
    for part in content.values():
        for name in ("jets", "referee", "cnn"):
            part["classifiers"][name]["signal_efficiency"]["n_eff"] = 1.0
    assert "†" not in CutComparison.from_json(content).to_markdown()


def test_one_network_has_the_interval_of_the_metrics_and_several_also_their_spread(made, found):
    test, scores = made
    region = test["signal_region"]
    point = region_point(region, test["label"], test["weight"])
    each = [
        signal_efficiency_at(one, test["label"], test["weight"], point) for one in scores["cnn"].T
    ]
    value = found.at_signal_region.classifiers["cnn"].signal_efficiency
    mean, spread = (
        (each[0].value + each[1].value) / 2,
        abs(each[0].value - each[1].value) / np.sqrt(2),
    )
    below = mean - (each[0].low + each[1].low) / 2
    assert value.low == pytest.approx(mean - np.hypot(below, spread))
    assert value.n_eff == pytest.approx((each[0].n_eff + each[1].n_eff) / 2)
    alone = compare_with_cuts(
        test, {"one": scores["cnn"][:, :1]}, reference=None, seed=3
    ).at_signal_region
    assert alone.classifiers["one"].signal_efficiency == each[0]


def test_unknown_reference_and_columns_are_named(made):
    test, scores = made
    with pytest.raises(
        InputError, match="reference 'refere' has no scores; choose one of jets, referee, cnn"
    ):
        compare_with_cuts(test, scores, reference="refere", seed=1)
    with pytest.raises(InputError, match="no column 'weight'; it has label, signal_region"):
        compare_with_cuts(
            {k: v for k, v in test.items() if k != "weight"}, scores, reference=None, seed=1
        )


def test_table_text():
    value, over_cuts = Efficiency(0.85312, 0.841, 0.8619, 5.0), Interval(1.5, None, None)
    one = ComparedClassifier(value, over_cuts, Interval(0.85312, 0.841, 0.8619))
    comparison = CutComparison(
        ComparisonPoint(
            background_efficiency=2.2345e-4, classifiers={"signal_region": one, "n_fat_jets": one}
        ),
        ComparisonPoint(
            background_efficiency=1e-3, classifiers={"n_fat_jets": ComparedClassifier(value)}
        ),
    )
    text, empty, *rows = comparison.to_markdown().splitlines()
    assert text.startswith("Signal efficiency at equal background efficiency with 68 % intervals")
    assert empty == ""
    interval = "0.853 (0.841 to 0.862)"
    assert rows == [
        "| classifier | signal at the signal region's background (2.2 × 10⁻⁴) | "
        "relative to the cuts | relative to boosted trees on high-level variables "
        "| signal at background 0.001, every event counts 1 |",
        "| --- | --- | --- | --- | --- |",
        f"| signal region | {interval} | 1.5 | {interval} |  |",
        f"| n fat jets | {interval} | 1.5 | {interval} | {interval} |",
    ]
