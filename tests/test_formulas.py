"""Formulas of variables: values by hand, and what each sentence of a refusal is for."""

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.jets.variables import VARIABLES, own_variable
from calovision.selection.formulas import (
    all_names,
    check_formula,
    compute_formula,
    compute_formulas,
    needed_variables,
)

OWN = {
    one.name: one
    for one in (
        own_variable("x", "branch_x"),
        own_variable("twice", formula="2 * x"),
        own_variable("more", formula="twice + x"),
        own_variable("jet_x", "branch_of_jets", per="fat_jet"),
        own_variable("share", formula="jet_x / x", per="fat_jet"),
    )
}
ALL = {**VARIABLES, **OWN}
COLUMNS = {
    "event_number": np.arange(3),
    "n_fat_jets": np.array([5, 2, 0]),
    "x": np.array([1.0, 2.0, 4.0], np.float32),
    "jet_x": np.array([[1, 2, 3, 4, 5], [6, 8, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32),
}


def test_values_by_hand():
    found = compute_formulas(["more", "share"], ALL, COLUMNS)
    assert list(found) == ["twice", "more", "share"]
    np.testing.assert_array_equal(found["twice"], [2, 4, 8])
    np.testing.assert_array_equal(found["more"], [3, 6, 12])
    np.testing.assert_array_equal(
        found["share"], [[1, 2, 3, 4, 5], [3, 4, 0, 0, 0], [0, 0, 0, 0, 0]]
    )
    assert {values.dtype.name for values in found.values()} == {"float64"}


@pytest.mark.parametrize(
    ("formula", "per", "expected"),
    [
        ("jet_x[1]", "event", [2, 8, 0]),
        ("jet_x[0] + jet_x[1]", "event", [3, 14, 0]),
        ("jet_x[1] + 1", "fat_jet", [[3] * 5, [9, 9, 0, 0, 0], [0] * 5]),
        ("x + 1", "fat_jet", [[2] * 5, [3, 3, 0, 0, 0], [0] * 5]),
        ("jet_x + 1", "fat_jet", [[2, 3, 4, 5, 6], [7, 9, 0, 0, 0], [0] * 5]),
        ("7", "event", [7, 7, 7]),
        ("event_number * 2", "event", [0, 2, 4]),
        ("n_fat_jets & 1", "event", [1, 0, 0]),  # whole numbers stay whole
        ("x / 0", "event", [np.inf] * 3),
    ],
)
def test_numbers_of_a_formula(formula, per, expected):
    found = compute_formula(own_variable("y", formula=formula, per=per), COLUMNS.__getitem__)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float64


def test_single_precision_is_computed_in_double():
    columns = COLUMNS | {"x": np.array([0.1, 0.2, 0.3], np.float32)}
    found = compute_formula(own_variable("y", formula="x + 1e-9"), columns.__getitem__)
    np.testing.assert_array_equal(found, columns["x"].astype(np.float64) + 1e-9)


def test_what_there_is_already_is_not_computed_again():
    there = COLUMNS | {"twice": np.array([7.0, 7.0, 7.0])}
    found = compute_formulas(["more"], ALL, there)
    assert list(found) == ["more"]
    np.testing.assert_array_equal(found["more"], [8, 9, 11])


def test_what_a_variable_needs_comes_before_it():
    assert needed_variables(["more", "other"], ALL) == ["x", "twice", "more"]
    assert needed_variables(["x", "x"], ALL) == ["x"]
    assert all_names(["more", "other"], ALL) == {"more", "twice", "x", "other"}


@pytest.mark.parametrize(
    ("formula", "per", "sentence"),
    [
        ("tiwce + 1", "event", r"uses the unknown variable 'tiwce'; did you mean 'twice'\?"),
        ("x[0]", "event", r"uses 'x\[0\]', but x is one number: leave the index"),
        ("jet_x", "event", r"uses 'jet_x', but jet_x has 5 numbers .* jet_x\[0\] to jet_x\[4\]"),
        ("jet_x[5]", "event", r"uses 'jet_x\[5\]', but jet_x has 5 numbers"),
        ("jet_x[5]", "fat_jet", r"uses 'jet_x\[5\]', but jet_x has 5 numbers"),
        ("jet_pt", "fat_jet", "uses 'jet_pt', but jet_pt has 10 numbers"),
        ("y + 1", "event", "'y' needs itself .y -> y.: write it without"),
        ("tower_pt", "event", "uses "),
    ],
)
def test_formulas_that_are_refused(formula, per, sentence):
    with pytest.raises(InputError, match=sentence):
        check_formula(own_variable("y", formula=formula, per=per), ALL)


@pytest.mark.parametrize(
    ("formula", "per"),
    [("x", "event"), ("jet_x[4]", "event"), ("jet_x * x", "fat_jet"), ("jet_pt[9]", "event")],
)
def test_formulas_that_are_right(formula, per):
    check_formula(own_variable("y", formula=formula, per=per), ALL)


def test_circles_are_shown_from_where_they_begin():
    circle = {
        name: own_variable(name, formula=f"{needs} + 1") for name, needs in ("ab", "bc", "cb")
    }
    with pytest.raises(InputError, match=r"variable 'b' needs itself .b -> c -> b."):
        needed_variables(["a"], circle)


def test_a_column_that_is_missing_is_named():
    with pytest.raises(
        InputError, match=r"'twice' .* uses 'x', which is not there.*choose from jet_x"
    ):
        compute_formulas(["twice"], ALL, {"jet_x": COLUMNS["jet_x"]})
