"""Cuts and cut flows: the signal region by hand, and expressions that are none."""

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.selection import apply_selection, evaluate_cut

SIGNAL_REGION = "(delta_eta_12 < 1.4) & (((n_fat_jets >= 4) & (mj_sum > 800)) | ((n_fat_jets >= 5) & (mj_sum > 600)))"
VARIABLES = {
    "n_fat_jets": np.array([4, 4, 5, 5, 3, 5, 4]),
    "mj_sum": np.array([801.0, 800.0, 601.0, 600.0, 2000.0, 900.0, 900.0]),
    "delta_eta_12": np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.4, np.inf]),
    "fat_jets": np.zeros((7, 5, 4)),
}


def test_signal_region_by_hand():
    passed = evaluate_cut("signal_region", SIGNAL_REGION, VARIABLES)
    assert passed.tolist() == [True, False, True, False, False, False, False]


def test_cut_flow_by_hand():
    weights = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, -64.0])
    selection = {"five jets": "n_fat_jets >= 5", "heavy": "mj_sum > 600", "close": "delta_eta_12 < 1.4"}
    passed, cut_flow = apply_selection(selection, VARIABLES, weights)
    assert passed.tolist() == [False, False, True, False, False, False, False]
    assert cut_flow == [("five jets", 3, 44.0), ("heavy", 2, 36.0), ("close", 1, 4.0)]


def test_cut_flow_follows_the_order_of_the_cuts():
    weights = np.ones(7)
    cuts = {"heavy": "mj_sum > 600", "five jets": "n_fat_jets >= 5"}
    _, cut_flow = apply_selection(cuts, VARIABLES, weights)
    assert cut_flow == [("heavy", 6, 6.0), ("five jets", 2, 2.0)]


def test_no_cut_passes_all():
    passed, cut_flow = apply_selection({}, VARIABLES, np.ones(7))
    assert passed.all()
    assert cut_flow == []


def test_no_events():
    empty = {name: values[:0] for name, values in VARIABLES.items()}
    passed, cut_flow = apply_selection({"signal": SIGNAL_REGION}, empty, np.zeros(0))
    assert passed.shape == (0,)
    assert cut_flow == [("signal", 0, 0.0)]


@pytest.mark.parametrize(("expression", "expected"), [("1 > 0", True), ("1 < 0", False)])
def test_constant_cut_holds_for_every_event(expression, expected):
    assert evaluate_cut("all", expression, VARIABLES).tolist() == [expected] * 7


def test_events_are_not_modified():
    before = {name: values.copy() for name, values in VARIABLES.items()}
    apply_selection({"signal": SIGNAL_REGION}, VARIABLES, np.ones(7))
    for name, values in before.items():
        assert np.array_equal(VARIABLES[name], values)


@pytest.mark.parametrize("name", ["missing_et", "fat_jets", "np"])
def test_unknown_variable_names_the_known_ones(name):
    with pytest.raises(InputError) as caught:
        evaluate_cut("my cut", f"{name} > 3", VARIABLES)
    assert str(caught.value) == (
        f"cut 'my cut' ({name} > 3) uses the unknown variable '{name}': choose from delta_eta_12, mj_sum, n_fat_jets"
    )


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "n_fat_jets >",
        "n_fat_jets >= 4 and mj_sum > 800",
        "n_fat_jets >= 4 & mj_sum > 800",
        "600 < mj_sum < 800",
        "(n_fat_jets > 3",
        "unknown_function(mj_sum) > 3",
        "mj_sum[0] > 3",
        "sum(mj_sum) > 3",
        "mj_sum > 'heavy'",
        "__import__('os').getcwd()",
        None,
    ],
)
def test_expression_that_cannot_be_read(expression):
    with pytest.raises(InputError, match=r"cut 'my cut' \(.*\) cannot be read: write comparisons in parentheses"):
        evaluate_cut("my cut", expression, VARIABLES)


@pytest.mark.parametrize("expression", ["mj_sum", "n_fat_jets + 1", "1"])
def test_expression_that_is_no_comparison(expression):
    with pytest.raises(InputError, match="gives numbers: it must be a comparison"):
        evaluate_cut("my cut", expression, VARIABLES)
