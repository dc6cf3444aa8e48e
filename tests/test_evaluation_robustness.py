"""Fixed thresholds in other detectors: where they are, what they keep, and the table."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.evaluation import efficiencies_of_variation, threshold_at
from calovision.evaluation.results import ClassEfficiencies, Robustness
from calovision.metrics import Efficiency


def threshold(scores, weights=None, target=0.5, labels=None):
    scores = np.asarray(scores, dtype=float)
    labels = np.zeros(len(scores), dtype=int) if labels is None else np.asarray(labels)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    return threshold_at(scores, labels, weights, target)


def passing(scores, cut, weights=None):
    scores = np.asarray(scores, dtype=float)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    return weights[scores >= cut].sum() / weights.sum()


@given(
    st.lists(st.tuples(st.integers(0, 6), st.floats(0.01, 10.0)), min_size=1, max_size=20),
    st.sampled_from([0.001, 0.1, 0.25, 0.5, 0.9]),
)
def test_as_much_as_is_allowed_passes(events, target):
    """With ties: at most the share passes, and one score lower would be more than it."""
    scores, weights = (np.array(values, dtype=float) for values in zip(*events, strict=True))
    cut = threshold(scores, weights, target)
    assert passing(scores, cut, weights) <= target * (1 + 1e-12)
    below = scores[scores < cut]
    assert passing(scores, below.max(), weights) > target


def test_threshold_by_hand():
    scores = [0.1, 0.9, 0.5, 0.7]
    cut = threshold(scores, target=0.5)
    assert cut == np.nextafter(0.5, 1.0)  # 0.9 and 0.7 pass
    assert threshold(scores, target=0.49) == np.nextafter(0.7, 1.0)
    assert threshold(scores, [1, 1, 1, 5], target=0.125) == np.nextafter(0.7, 1.0)


def test_signal_does_not_count():
    scores, labels = [0.1, 0.9, 0.5, 0.7, 0.95, 0.6], [0, 0, 0, 0, 1, 1]
    assert threshold(scores, target=0.5, labels=labels) == threshold(scores[:4], target=0.5)


def test_tied_events_pass_together_or_not_at_all():
    scores = [0.9, 0.7, 0.7, 0.7, 0.1]
    assert passing(scores, threshold(scores, target=0.5)) == 0.2
    assert passing(scores, threshold(scores, target=0.8)) == 0.8


def test_nothing_and_everything_passes():
    scores = [0.2, 0.4, 0.4]
    assert threshold(scores, target=0.1) == np.nextafter(0.4, 1.0)
    assert threshold(scores, target=1.0) == -np.inf
    assert threshold(scores, [1, 0, 0], target=0.5) == np.nextafter(
        0.2, 1.0
    )  # the others weigh nothing


def test_negative_weights_do_not_let_more_pass():
    """1 - 2 + 1 of 4 would be little again, but the first crossing of the share counts."""
    scores, weights = [0.9, 0.8, 0.7, 0.6, 0.5], [2.0, -2.0, 1.0, 1.0, 2.0]
    assert threshold(scores, weights, target=0.25) == np.nextafter(0.9, 1.0)
    assert threshold(scores, weights, target=0.5) == np.nextafter(
        0.5, 1.0
    )  # the share of 2 of 4 is not exceeded


def test_threshold_keeps_the_precision_of_the_scores():
    scores = np.array([0.25, 0.5, 0.75], dtype=np.float32)
    cut = threshold_at(scores, np.zeros(3, dtype=np.int8), np.ones(3), 0.4)
    assert (scores >= cut).tolist() == [False, False, True]


def test_efficiencies_by_hand():
    labels, weights = np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.array([1.0, 1, 1, 1, 4, 3, 2, 1])
    scores = {"a": np.array([0.9, 0.8, 0.3, 0.1, 0.2, 0.1, 0.5, 0.0])}
    region = np.array([True, False, False, False, True, False, False, True])
    found = efficiencies_of_variation(scores, {"a": 0.3}, region, labels, weights)
    assert list(found) == ["signal_region", "a"]
    values = {
        name: [one.value for one in (both.signal, both.background)] for name, both in found.items()
    }
    assert values == {
        "signal_region": [0.25, pytest.approx(0.5)],
        "a": [0.75, pytest.approx(0.2)],
    }  # 0.3 passes itself
    assert found["a"].signal.n_eff == 3.0
    assert found["signal_region"].background.n_eff == pytest.approx(25 / 17)
    # Wilson with z = 1 and three of four
    assert found["a"].signal.low == pytest.approx((0.875 - 0.25) / 1.25)
    result = Robustness(0.2, {"a": 0.3}, {"nominal": found})
    content = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert Robustness.from_json(content) == result


@pytest.mark.parametrize(("cut", "expected"), [(-np.inf, 1.0), (np.inf, 0.0)])
def test_thresholds_that_keep_all_or_nothing(cut, expected):
    labels, scores = np.array([1, 0, 0]), {"a": np.array([0.5, 0.2, 0.9])}
    found = efficiencies_of_variation(
        scores, {"a": cut}, np.ones(3, dtype=bool), labels, np.ones(3)
    )
    assert (found["a"].signal.value, found["a"].background.value) == (
        expected,
        expected,
    )


def test_variation_without_a_class_is_named():
    scores = {"a": np.array([0.5, 0.2])}
    with pytest.raises(InputError, match="the signal has no event"):
        efficiencies_of_variation(
            scores, {"a": 0.3}, np.ones(2, dtype=bool), np.zeros(2, dtype=int), np.ones(2)
        )


def selections(signal, background):
    of_signal, of_background = (
        Efficiency(value, signal / 2, 1.0, 7.0) for value in (signal, background)
    )
    return {"signal_region": ClassEfficiencies(of_signal, of_background)}


def test_table_text():
    variations = {"nominal": selections(0.5, 0.25), "scale_up": selections(0.55, 0.125)}
    text, empty, *rows = Robustness(0.0123, {}, variations).to_markdown().splitlines()
    assert text.endswith("fixed in the nominal detector at background efficiency 0.012.")
    assert empty == ""
    assert rows == [
        "| variation | selection | signal | over nominal | background |",
        "| --- | --- | --- | --- | --- |",
        "| nominal | signal region | 0.500 (0.250 to 1.00) | 1.000 | 0.250 (0.250 to 1.00) |",
        "| scale_up | signal region | 0.550 (0.275 to 1.00) | 1.100 | 0.125 (0.275 to 1.00) |",
    ]


def test_table_without_nominal_signal():
    variations = {"nominal": selections(0.0, 0.1), "b": selections(0.5, 0.1)}
    text = Robustness(0.01, {}, variations).to_markdown()
    assert "| nan |" not in text
    assert text.count("| none |") == 2
