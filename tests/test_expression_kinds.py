"""Kinds and bounds of expressions, found before anything is computed, and what follows from them:
which trees numexpr computes, and which whole numbers are looked at again.
"""

from itertools import product

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.selection.expressions import MAX_DEPTH, MAX_LENGTH, parse
from calovision.selection.expressions.blocks import is_quicker, vectorized
from calovision.selection.expressions.compiled import is_compiled
from calovision.selection.expressions.kinds import (
    CONDITION,
    FLOATING,
    INT64,
    NUMBER,
    WHOLE,
    Typed,
    typed,
)
from calovision.selection.expressions.nodes import Name, Number, depth, replaced

RANGES = {"a": (-3, 5), "b": (2, 4), "c": (7, 9), "n": (-6, -2), "one": (0, 1)}
KINDS = dict.fromkeys(RANGES, WHOLE) | {"t": CONDITION, "x": FLOATING, "y": FLOATING}
NAMES = {
    name: Typed(Name(name), frozenset({kind}), RANGES.get(name, INT64))
    for name, kind in KINDS.items()
}
LARGE = NAMES | {"i": Typed(Name("i"), frozenset({WHOLE}), (-(2**31), 2**31 - 1))}


def found(text, names=NAMES):
    return typed(parse(text, "here").tree, names)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("a + b", (-1, 9)),
        ("a - b", (-7, 3)),
        ("b - a", (-3, 7)),
        ("a * b", (-12, 20)),
        ("a * n", (-30, 18)),
        ("a << 2", (-12, 20)),
        ("n << 1", (-12, -4)),
        ("a >> 1", (-3, 5)),
        ("a**0", (1, 1)),
        ("a**1", (-3, 5)),
        ("a**2", (0, 25)),
        ("b**2", (4, 16)),
        ("n**2", (4, 36)),
        ("a**3", (-27, 125)),
        ("one**2", (0, 1)),
        ("-a", (-5, 3)),
        ("abs(a)", (0, 5)),
        ("abs(n)", (0, 6)),
        ("sign(c)", (-1, 1)),
        ("a // b", (-5, 5)),
        ("n // b", (-6, 6)),
        ("c % b", (-4, 4)),
        ("b % n", (-6, 6)),
        ("b & c", (-16, 15)),
        ("a | b", (-8, 7)),
        ("n | n", (-8, 7)),
        ("one & one", (-2, 1)),
        ("where(t, b, c)", (2, 9)),
        ("where(x > 0, n, b)", (-6, 4)),
        ("maximum(a, c)", (-3, 9)),
        ("clip(a, b, c)", (-3, 9)),
        ("t + b", (2, 5)),
        ("3 + a", (0, 8)),
        ("True + a", (-3, 6)),
        ("floor(a)", (-3, 5)),
    ],
)
def test_bounds_of_whole_numbers(text, bounds):
    assert found(text).kinds == {WHOLE}
    assert found(text).bounds == bounds


@pytest.mark.parametrize(
    "text",
    ["a + n", "a - n", "a * n", "a * a", "n * n", "n**3", "a % b", "c // n", "a & n", "a | n",
     "n & c", "b | c", "abs(a)", "sign(a)", "-n", "a >> 2", "a << 3", "minimum(a, n)",
     "clip(c, n, b)", "where(a > b, n, c)", "a**2 - n * (b | c) + (t & t)"],
)  # fmt: skip
def test_bounds_hold_what_is_computed(text):
    names = parse(text, "here").names
    ranges = [(0, 1) if name == "t" else RANGES[name] for name in names]
    values = np.array(list(product(*(range(low, high + 1) for low, high in ranges))))
    arrays = {
        name: column.astype(bool if name == "t" else np.int64)
        for name, column in zip(names, values.T, strict=True)
    }
    result = parse(text, "here").evaluate(arrays, "here")
    low, high = found(text).bounds
    assert low <= result.min()
    assert result.max() <= high


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("t & t", CONDITION),
        ("a & b", WHOLE),
        ("t and t", CONDITION),
        ("not t", CONDITION),
        ("a > x", CONDITION),
        ("isnan(x)", CONDITION),
        ("isfinite(a)", CONDITION),
        ("isinf(x)", CONDITION),
        ("where(t, t, t)", CONDITION),
        ("where(t, t, a)", WHOLE),
        ("where(t, a, b)", WHOLE),
        ("where(t, x, b)", FLOATING),
        ("where(t, a, x)", FLOATING),
        ("a**0", WHOLE),
        ("a**64", WHOLE),
        ("a**-1", FLOATING),
        ("a**2.0", FLOATING),
        ("a**b", FLOATING),
        ("x**2", FLOATING),
        ("a / b", FLOATING),
        ("a // b", WHOLE),
        ("a + x", FLOATING),
        ("abs(a)", WHOLE),
        ("sqrt(a)", FLOATING),
        ("hypot(a, b)", FLOATING),
        ("maximum(a, b)", WHOLE),
        ("maximum(a, x)", FLOATING),
        ("a << 1", WHOLE),
        ("-t", WHOLE),
    ],
)
def test_kinds_of_results(text, kind):
    assert found(text).kinds == {kind}
    assert found(text).is_whole == (kind == WHOLE)


def test_kinds_of_names_that_are_not_known_yet():
    unknown = {"u": Typed(Name("u"), NUMBER)}
    assert found("u + 1", unknown).kinds == NUMBER
    assert found("u + 0.5", unknown).kinds == {FLOATING}
    assert found("u >> 1", unknown).kinds == {WHOLE}
    assert found("u > 1", unknown).kinds == {CONDITION}


@pytest.mark.parametrize(
    ("text", "may_overflow"),
    [
        ("i * i", False),
        ("i * i * 2", True),  # 2**63 at most
        ("i * i * -2", False),  # -2**63 at least
        ("i << 32", False),
        ("i << 33", True),
        ("i * 1.0 * i * i", False),
        ("i**2", False),
        ("i**3", True),
    ],
)
def test_whole_numbers_that_may_leave_64_bits(text, may_overflow):
    assert found(text, LARGE).may_overflow == may_overflow


@pytest.mark.parametrize(
    ("value", "fits"), [(2**31 - 1, True), (-(2**31), True), (2**31, False), (-(2**31) - 1, False)]
)
def test_numbers_alone_are_of_32_bits_in_numexpr(value, fits):
    assert is_compiled(found(f"where(x > 0, {value}, 0)")) == fits


@pytest.mark.parametrize(
    ("text", "compiled"),
    [
        ("abs(x)", True),
        ("abs(a)", False),
        ("abs(a) > 1", True),
        ("abs(a) * x", False),
        ("where(t, t, t)", False),
        ("where(t, x, t)", False),
        ("where(t, x, y)", True),
        ("x", False),
        ("2 + 3", False),
        ("floor(x)", True),
        ("a**2", True),
        ("a**3", False),
        ("x**3", True),
        ("t + a", False),
        ("t & (x > 1)", True),
        ("~t", True),
        ("x % 2", False),
        (" + ".join(["x"] * 60), True),  # 119 nodes
        (" + ".join(["x"] * 61), False),
    ],
)
def test_trees_that_numexpr_computes(text, compiled):
    assert is_compiled(found(text)) == compiled


def test_more_names_than_numexpr_takes():
    names = {f"v{i}": Typed(Name(f"v{i}"), frozenset({FLOATING})) for i in range(25)}
    assert is_compiled(found(" + ".join(list(names)[:24]), names))
    assert not is_compiled(found(" + ".join(names), names))


def test_blocks_for_numpy_of_a_version_that_tells_its_loops(monkeypatch):
    for version, told in (("2.0.2", False), ("2.1.0", True), ("2.10.1", True), ("3.0.0", True)):
        asked = []
        monkeypatch.setattr(np, "__version__", version)
        monkeypatch.setattr(
            "numpy.lib.introspect.opt_func_info", lambda asked=asked, **_: asked.append(1) or {}
        )
        vectorized.cache_clear()
        assert vectorized() == frozenset()
        assert bool(asked) == told, version
    vectorized.cache_clear()


def test_blocks_are_for_slow_functions_of_floating_point_numbers(monkeypatch):
    monkeypatch.setattr(
        "calovision.selection.expressions.blocks.vectorized", lambda: frozenset({"exp"})
    )
    quicker = {"exp(x)": True, "exp(x) + log(x)": False, "x + 1": False}
    quicker |= {"where(exp(x) > 1, a, b)": False, "exp(x) > 1": True}
    assert {text: is_quicker(found(text)) for text in quicker} == quicker


def test_length_and_depth_of_a_text():
    assert (MAX_LENGTH, MAX_DEPTH) == (4000, 100)
    parse("x" + " " * 3999, "here")
    with pytest.raises(InputError, match="has 4001 characters; at most 4000 are read"):
        parse("x" + " " * 4000, "here")
    assert depth(parse("x", "here").tree) == 0
    assert depth(parse("sqrt(-x) + y", "here").tree) == 3
    parse("-" * 100 + "x", "here")
    with pytest.raises(InputError, match="has more than 100 operations in each other"):
        parse("-" * 101 + "x", "here")


def test_names_in_quotes_keep_what_they_are():
    definitions = {"x": Number(5), "x[1]": Number(6)}
    for text, expected in {
        "x": Number(5),
        "'x'": Name("x"),
        "x[1]": Number(6),
        "'x'[1]": Name("x", (1,)),
    }.items():
        tree = parse(text, "here").tree
        assert replaced(tree, definitions) == expected, text
    assert parse("'x'", "here").tree == parse("x", "here").tree  # the same quantity
    assert Name("x").is_bare
    assert not Name("x", (0,)).is_bare
    assert not Name("x", summed=(None, None)).is_bare
    with pytest.raises(InputError, match="sum"):
        parse("sum(x)", "here")
    assert parse("sum(x)", "here", sums=True).names == ("sum(x)",)


def test_parentheses_of_comparisons():
    for text in ("(a & b) > 1", "1 < (a & b)", "1 < (a & b) < 3", "(a | b) == (b | c)"):
        parse(text, "here")
    for text in ("a > 3 & b", "3 & b > a", "1 < a & b < 3", "(a > 3 & b)", "(3 & b > a)"):
        with pytest.raises(InputError, match="joins comparisons without parentheses"):
            parse(text, "here")


@pytest.mark.parametrize(
    ("function", "n"),
    [("isnan", 1), ("isfinite", 1), ("sqrt", 1), ("hypot", 2), ("abs", 1),
     ("clip", 3), ("fmod", 2), ("round", 1)],
)  # fmt: skip
def test_functions_take_their_number_of_arguments(function, n):
    for given in range(1, 5):
        text = f"{function}({', '.join(['x'] * given)})"
        if given == n:
            parse(text, "here")
        else:
            with pytest.raises(InputError, match=function):
                parse(text, "here")
    for one in ("maximum", "min"):
        parse(f"{one}(x, 1)", "here")
        with pytest.raises(InputError, match="of 1 argument"):
            parse(f"{one}(x)", "here")


def test_whole_numbers_at_the_end_of_64_bits():
    values = {"i": np.array([3, 2], dtype=np.int64)}
    assert parse("i * 2305843009213693951", "").evaluate(values, "").tolist() == [
        3 * (2**61 - 1),
        2 * (2**61 - 1),
    ]
    with pytest.raises(InputError, match=r"beyond 64 bits in .* \(1\.15e\+19\)"):
        parse("(i + 2) * 2305843009213693951", "").evaluate(values, "")
