"""Cuts and cut flows: the signal region by hand, and expressions that are none."""

import subprocess
import sys

import awkward as ak
import numpy as np
import pytest

from calovision import jets as of_jets
from calovision.core.errors import InputError
from calovision.jets import event_variables
from calovision.selection import (
    apply_selection,
    check_configured_cut,
    evaluate_cut,
)

SIGNAL_REGION = (
    "(delta_eta_12 < 1.4) & (((n_fat_jets >= 4) & (mj_sum > 800)) | ((n_fat_jets >= "
    "5) & (mj_sum > 600)))"
)
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
    selection = {
        "five jets": "n_fat_jets >= 5",
        "heavy": "mj_sum > 600",
        "close": "delta_eta_12 < 1.4",
    }
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
    nearest = "did you mean n_fat_jets? Else " if name == "fat_jets" else ""
    assert str(caught.value) == (
        f"cut 'my cut' ({name} > 3) uses the unknown variable '{name}': {nearest}choose from "
        "delta_eta_12, mj_sum, "
        "n_fat_jets"
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("n_fat_jets >= 4 and mj_sum > 800", [True, False, False, False, False, True, True]),
        ("900 >= mj_sum > 700 >= 3", [True, True, False, False, False, True, True]),
        ("600 < mj_sum < 801", [False, True, True, False, False, False, False]),
        ("not n_fat_jets >= 4", [False, False, False, False, True, False, False]),
        (
            "~(n_fat_jets >= 4) | (delta_eta_12 > 1.2)",
            [False, False, False, False, True, True, True],
        ),
        (
            "(n_fat_jets >= 5) + (mj_sum > 700) == 2",
            [False, False, False, False, False, True, False],
        ),
        ("max(mj_sum, 900) == 900", [True, True, True, True, False, True, True]),
        ("n_fat_jets / 2 > 2.4", [False, False, True, True, False, True, False]),
        ("-n_fat_jets % 3 == 1", [False, False, True, True, False, True, False]),
        ("jet_pt[1] > 2", [False, False, False, True, True, True, True]),
    ],
)
def test_operators_by_hand(expression, expected):
    variables = VARIABLES | {"jet_pt": np.stack([np.zeros(7), np.arange(7.0)], axis=1)}
    assert evaluate_cut("cut", expression, variables).tolist() == expected


def test_large_event_numbers_are_exact():
    numbers = np.array([2**53, 2**53 + 1, 2**53 + 2], dtype=np.uint64)
    assert evaluate_cut(
        "one", f"event_number == {2**53 + 1}", {"event_number": numbers}
    ).tolist() == [0, 1, 0]
    assert evaluate_cut("odd", "event_number % 2 == 1", {"event_number": numbers}).tolist() == [
        0,
        1,
        0,
    ]
    with pytest.raises(
        InputError, match=r"cut 'one': the expression .* has whole numbers beyond 64 bits"
    ):
        evaluate_cut("one", "event_number * event_number > 3", {"event_number": numbers})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "cannot be read; write names"),
        ("n_fat_jets >", "cannot be read; write names"),
        ("(n_fat_jets > 3", "cannot be read; write names"),
        (
            "n_fat_jets >= 4 & mj_sum > 800",
            r"joins comparisons without parentheses; write \(a > 3\) & \(b < 4\)",
        ),
        ("(mj_sum > 1) & n_fat_jets", "joins n_fat_jets, which is no condition, by and"),
        ("~n_fat_jets > 3", "has ~ of a number"),
        ("mj_sum > 800 == n_fat_jets > 3", "compares in several ways without parentheses"),
        ("3 < n_fat_jets > 4", "compares in several ways without parentheses"),
        ("n_fat_jets != 3 != 4", "compares in several ways without parentheses"),
        ("n_fat_jets^2 > 3", r"has \^; write \*\* for a power"),
        ("mj_sum > 800 && n_fat_jets > 3", "write & for and"),
        ("n_fat_jets = 4", "write == to compare"),
        ("unknown_function(mj_sum) > 3", "has the unknown function unknown_function; choose from"),
        ("sqr(mj_sum) > 3", "has the unknown function sqr; did you mean sqrt?"),
        ("sum(mj_sum) > 3", "has sum.*write a \\+ b"),
        ("max(mj_sum) > 3", r"has max of 1 argument.* write max\(a, b\)"),
        ("__import__('os').getcwd()", r"calls __import__\('os'\).getcwd; only functions"),
        ("sqrt(*(exec('x') for x in (1,))) > 0", r"calls sqrt with \* or ="),
        (
            "(n_fat_jets > 3) & (().__class__ > 0)",
            r"has \(\).__class__; dots and brackets may only follow names",
        ),
    ],
)
def test_expression_that_cannot_be_read(expression, reason):
    with pytest.raises(InputError, match=f"cut 'my cut': the expression .* {reason}"):
        evaluate_cut("my cut", expression, VARIABLES)


@pytest.mark.parametrize("expression", [None, 3, True, ["n_fat_jets > 3"]])
def test_expression_that_is_no_text(expression):
    with pytest.raises(
        InputError, match=r"cut 'my cut': .* is no text; write an expression such as"
    ):
        evaluate_cut("my cut", expression, VARIABLES)


@pytest.mark.parametrize(
    "expression", ["mj_sum", "n_fat_jets + 1", "1", "n_fat_jets & 1", "where(ht > 1, 2, 3)"]
)
def test_expression_that_is_no_comparison(expression):
    with pytest.raises(InputError, match="gives numbers: it must be a comparison"):
        evaluate_cut("my cut", expression, VARIABLES | {"ht": np.ones(7)})


def test_code_of_a_cut_does_not_run(tmp_path):
    """The attack of a configuration that was found somewhere: numexpr ran it."""
    witness = tmp_path / "witness"
    for text in (
        f"sqrt(*(exec('open({str(witness)!r}, \"w\")') for x in (1,))) > 0",
        f"(mj_sum > 3) & (sqrt(*(exec(\"open('{witness}', 'w')\") for x in (1,))) > 0)",
    ):
        with pytest.raises(InputError, match="cut 'my cut': the expression"):
            evaluate_cut("my cut", text, VARIABLES)
    assert not witness.exists()


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "n_fatjets >= 4",
            "uses the unknown variable 'n_fatjets': did you mean n_fat_jets? Else choose from",
        ),
        ("HT > 800", "uses the unknown variable 'HT': did you mean ht? Else choose from"),
        ("met > 200", "uses the unknown variable 'met': choose from delta_eta_12, ht, "),
        (
            "sphericity > 0.2",
            "uses the unknown variable 'sphericity', which needs event_content: set it",
        ),
        ("mj_sum[0] > 3", "uses 'mj_sum[0]', but mj_sum is one number an event: write mj_sum"),
        ("mj_sum", "gives numbers"),
    ],
)
def test_configured_cut_that_is_wrong(expression, message):
    with pytest.raises(InputError) as caught:
        check_configured_cut("signal_region", expression, with_content=False)
    assert message in str(caught.value)


def test_configured_cut_on_the_content_of_events():
    check_configured_cut(
        "c", "(sphericity > 0.2) & (jet_pt[9] > 50) & ((n_jets & 1) == 0)", with_content=True
    )
    with pytest.raises(
        InputError, match=r"uses 'jet_pt\[10\]', but jet_pt has 10 numbers an event"
    ):
        check_configured_cut("c", "jet_pt[10] > 50", with_content=True)
    with pytest.raises(InputError, match="uses 'jet_pt', but jet_pt has 10 numbers"):
        check_configured_cut("c", "jet_pt > 50", with_content=True)


def test_names_of_variables_are_those_of_the_jets():
    jets = ak.zip({name: [[1.0]] for name in ("pt", "eta", "phi", "mass")})
    of_fat_jets = [name for name, one in of_jets.VARIABLES.items() if not one.needs_content]
    assert of_fat_jets == list(event_variables(jets))


def test_check_of_a_cut_loads_neither_numexpr_nor_root_files():
    program = (
        "import sys; from calovision.selection import check_configured_cut as c; c('a', 'ht "
        "> 3', with_content=True)"
    )
    program += (
        "; print([name for name in ('numexpr', 'uproot', 'awkward', 'numba') if name in "
        "sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )
