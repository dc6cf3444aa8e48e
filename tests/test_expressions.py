"""Expressions against a second implementation in Python's own numbers, element by element."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calovision.selection.expressions as expressions_package
from calovision.core.errors import InputError
from calovision.selection.expressions import blocks, evaluation, functions, parse
from calovision.selection.expressions.evaluation import evaluate_tree, make_plan
from calovision.selection.expressions.functions import ALIASES, FUNCTIONS, INFIX, MAX_POWER
from calovision.selection.expressions.kinds import KindError
from calovision.selection.expressions.nodes import written

LIMIT = 2**63


class BeyondError(Exception):
    """A whole number left 64 bits, or was divided by 0."""


class Part(NamedTuple):
    """A text and what it is of the values of one element."""

    text: str
    value: Callable[[dict], object]


def whole(value):
    """The number itself, if it is one of 64 bits."""
    if isinstance(value, int) and not -LIMIT <= value < LIMIT:
        raise BeyondError
    return value


def number(value):
    return int(value) if isinstance(value, bool) else value


def computed(function, *values):
    """Function of whole numbers if all are, else of np.float64."""
    values = [number(value) for value in values]
    if all(isinstance(value, int) for value in values):
        try:
            return whole(function(*values))
        except ZeroDivisionError:
            raise BeyondError from None
    with np.errstate(all="ignore"):
        return function(*(np.float64(value) for value in values))


def divided(a, b):
    with np.errstate(all="ignore"):
        return np.float64(number(a)) / np.float64(number(b))


def extreme(choose, a, b):
    values = [number(a), number(b)]
    if all(isinstance(value, int) for value in values):
        return choose(*values)
    return {max: np.maximum, min: np.minimum}[choose](
        *map(np.float64, values)
    )  # of two zeros either


def compared(function, a, b):
    a, b = number(a), number(b)
    if not (isinstance(a, int) and isinstance(b, int)):
        a, b = np.float64(a), np.float64(b)
    return bool(function(a, b))


ARITHMETIC = {
    "+": lambda a, b: computed(lambda x, y: x + y, a, b),
    "-": lambda a, b: computed(lambda x, y: x - y, a, b),
    "*": lambda a, b: computed(lambda x, y: x * y, a, b),
    "//": lambda a, b: computed(lambda x, y: x // y, a, b),
    "%": lambda a, b: computed(lambda x, y: x % y, a, b),
    "/": divided,
}
COMPARISONS = {
    "<": lambda a, b: compared(lambda x, y: x < y, a, b),
    ">=": lambda a, b: compared(lambda x, y: x >= y, a, b),
    "==": lambda a, b: compared(lambda x, y: x == y, a, b),
    "!=": lambda a, b: compared(lambda x, y: x != y, a, b),
}
TYPES = {
    "f": "f8",
    "s": "f4",
    "h": "f2",
    "i": "i4",
    "j": "i8",
    "k": "i1",
    "u": "u8",
    "w": "u4",
    "b": "?",
    "x.y": ">f8",
}
FLOATS = st.floats(width=16) | st.sampled_from([0.1, 1e300, -1e-300])


def names(of):
    return st.sampled_from(of).map(lambda name: Part(name, lambda values: values[name]))


def constants():
    return (st.integers(-9, 9) | st.integers(-(2**40), 2**40)).map(
        lambda n: Part(f"({n})", lambda _: n)
    )


@st.composite
def combined(draw, numbers, conditions):
    """A number that is made of others."""
    a, b, c = draw(numbers), draw(numbers), draw(conditions)
    kind = draw(
        st.sampled_from(
            [*ARITHMETIC, *ARITHMETIC, "max", "min", "where", "-", "abs", "sqrt", "**", "clip"]
        )
    )
    if kind == "where":
        return Part(
            f"where({c.text}, {a.text}, {b.text})",
            lambda v: chosen(c.value(v), a.value(v), b.value(v)),
        )
    if kind == "abs":
        return Part(f"abs({a.text})", lambda v: computed(abs, a.value(v)))
    if kind == "**":
        return Part(f"(({a.text})**2)", lambda v: computed(lambda x: x * x, a.value(v)))
    if kind == "sqrt":
        return Part(f"sqrt({a.text})", lambda v: computed(np.sqrt, np.float64(number(a.value(v)))))
    if kind in ("max", "min"):
        choose = max if kind == "max" else min
        return Part(
            f"{kind}({a.text}, {b.text})", lambda v: extreme(choose, a.value(v), b.value(v))
        )
    if kind == "clip":
        return Part(f"clip({a.text}, 2, 5)", lambda v: extreme(min, extreme(max, a.value(v), 2), 5))
    return Part(f"({a.text} {kind} {b.text})", lambda v: ARITHMETIC[kind](a.value(v), b.value(v)))


def chosen(condition, a, b):
    """One of two numbers, as a float if one of them is."""
    a, b = number(a), number(b)
    if isinstance(a, int) and isinstance(b, int):
        return a if condition else b
    return np.float64(a if condition else b)


@st.composite
def decided(draw, numbers, conditions):
    """A condition that is made of numbers or of conditions."""
    a, b, c, d = draw(numbers), draw(numbers), draw(conditions), draw(conditions)
    name = draw(st.sampled_from([*COMPARISONS, "&", "|", "and", "or", "~", "not"]))
    if name in COMPARISONS:
        return Part(
            f"({a.text} {name} {b.text})", lambda v: COMPARISONS[name](a.value(v), b.value(v))
        )
    if name in ("~", "not"):
        return Part(f"({name} {c.text})", lambda v: not c.value(v))
    join = (lambda x, y: x and y) if name in ("&", "and") else (lambda x, y: x or y)
    return Part(f"({c.text} {name} {d.text})", lambda v: join(c.value(v), d.value(v)))


def expressions(of):
    conditions = (
        names([name for name in of if name == "b"])
        if "b" in of
        else st.just(Part("(1 < 2)", lambda _: True))
    )
    numbers = names(of) | constants()
    for _ in range(3):
        numbers, conditions = (
            numbers | combined(numbers, conditions),
            conditions | decided(numbers, conditions),
        )
    return numbers | conditions


def column(dtype):
    """Values of six elements in Python's numbers and as an array of a type."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        elements = FLOATS.map(lambda x: np.float64(dtype.type(x)))
    elif dtype.kind == "b":
        elements = st.booleans()
    else:
        info = np.iinfo(dtype)
        elements = st.integers(-9 if dtype.kind == "i" else 0, 9) | st.integers(
            int(info.min), int(info.max)
        )
    return st.lists(elements, min_size=6, max_size=6)


def expected_of(part, elements):
    """Values of all elements; None if one of them leaves 64 bits."""
    try:
        return [part.value(element) for element in elements]
    except BeyondError:
        return None


def evaluated(expression, arrays):
    """Result; None if a part lies so near to 64 bits that it is refused although it would fit."""
    try:
        return np.broadcast_to(expression.evaluate(arrays, "here"), 6)
    except InputError as error:
        if "beyond 64 bits" not in str(error):
            raise
        return None


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("of", ["fijb", "sfkh", "s", "juwb"])
@settings(max_examples=min(settings.default.max_examples, 2500))  # `make fuzz`: 10,000 of all sets
@given(data=st.data())
def test_agrees_with_python(of, data):
    of = [*of, "x.y"] if "f" in of else list(of)
    part = data.draw(expressions(of))
    values = {name: data.draw(column(TYPES[name])) for name in of}
    elements = [{name: values[name][i] for name in of} for i in range(6)]
    expected = expected_of(part, elements)
    expression = parse(part.text, "here")
    arrays = {name: np.array(values[name], dtype=TYPES[name]) for name in expression.names}
    if expected is None or any(
        np.any(array > LIMIT - 1025) for array in arrays.values() if array.dtype == "u8"
    ):
        if not expression.is_name and expected is None:
            with pytest.raises(
                InputError,
                match=r"here: the expression .* (beyond 64 bits|divides by 0|must be below)",
            ):
                expression.evaluate(arrays, "here")
        return
    if any(isinstance(value, int) and abs(value) > LIMIT - 1025 for value in expected):
        return  # refused although it would just fit
    result = evaluated(expression, arrays)
    if result is None:
        return
    only_single = arrays and all(array.dtype == np.float32 for array in arrays.values())
    if only_single and result.dtype.kind == "f":
        assert result.dtype == np.float32
        expected = [np.float64(np.float32(value)) for value in expected]
    assert [number(value) for value in result.tolist()] == pytest.approx(
        [number(value) for value in expected], rel=4e-16, abs=0, nan_ok=True
    )  # powers of other processors and versions round otherwise


@given(data=st.data())
def test_what_is_written_is_read_again(data):
    part = data.draw(expressions(["f", "b", "x.y"]))
    tree = parse(part.text, "here").tree
    again = parse(written(tree), "here")
    assert again.tree == tree
    assert written(again.tree) == written(tree)


@pytest.mark.parametrize(
    ("text", "compiled"),
    [
        ("sqrt(a**2 + (b * cosh(a))**2)", True),
        ("a / 1000", True),
        ("where((abs(i) == 11) | (abs(i) == 22), a, 0)", True),
        ("where(i > 0, 1, -1)", True),
        ("where(i > 0, 1, -1) * 2000000000", True),
        ("where(i > 0, 1, -1) * 2000000000 * 2", False),
        ("i * i", True),
        ("i * i * i", False),
        ("abs(i) + 1", False),
        ("max(a, b)", False),
        ("(a > 1) * b", False),
        ("i % 3", False),
        ("a * 2**3", True),
        ("a * 9**9**9", False),
    ],
)
def test_numexpr_computes_what_it_computes_as_promised(text, compiled):
    types = {"a": np.dtype("f4"), "b": np.dtype("f4"), "i": np.dtype("i4")}
    expression = parse(text, "here")
    plan = make_plan(expression.tree, {name: types[name] for name in expression.names})
    assert (plan.text is not None or plan.in_blocks) == compiled


@pytest.mark.parametrize(
    "divisor", ["0", "0.0", "-0.0", "(0 / 1)", "sqrt(0)", "1e-310", "1.7e308", "1000.0", "(2 / 4)"]
)
def test_division_by_any_number(divisor):
    values = np.array([1e-300, 2.0, -3.0, 0.0, np.inf, np.nan])
    with np.errstate(all="ignore"):
        expected = values / np.float64(eval(divisor, {"sqrt": np.sqrt}))  # ours
    found = parse(f"f / {divisor}", "here").evaluate({"f": values}, "here")
    np.testing.assert_allclose(found, expected, rtol=4e-16, atol=0)
    assert np.array_equal(np.signbit(found[:4]), np.signbit(expected[:4]))


CONSTANTS = "0 1 2 3 7 50 -1 -2 -3 3000000000 10**18 10**25 0.0 -0.0 0.5 -0.5 1.5 2.0 3.0 -2.0"
CONSTANTS = [*CONSTANTS.split(), "1 / 3", "1e154 * 1e154", "1e-310"]
EXTREME = {
    "f": np.array([0, -0.0, 1, -1, 2, -3.5, 1e-300, 1e300, 1e-10, np.inf, -np.inf, np.nan, 5e-324]),
    "i": np.array([0, 1, -1, 2, -3, 2**31, 2**53 + 1, -(2**40), 2**62, 7, -(2**63), 2**63 - 1, 12]),
    "k": np.array([0, 1, -1, 2, -3, 2**31 - 1, -(2**31), 4, 5, 6, 7, 8, 9], dtype=np.int32),
    "b": np.arange(13) % 3 == 0,
}
with np.errstate(over="ignore"):
    EXTREME["s"] = EXTREME["f"].astype(np.float32)


def both_ways(text):
    """Result of an expression, and of numpy alone; a sentence where one of them refuses it."""
    expression = parse(text, "here")
    arrays = {name: EXTREME[name] for name in expression.names}
    results = []
    for is_compiled in (evaluation.is_compiled, lambda found: False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(evaluation, "is_compiled", is_compiled)
            try:
                results.append(np.broadcast_to(evaluate_tree(expression.tree, arrays, {}), 13))
            except KindError as error:
                results.append(str(error))
    return results


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("operator", [*INFIX, *functions.COMPARISONS])
def test_operators_with_extreme_numbers(operator):
    """Numexpr and numpy give the same for numbers of all kinds in front and behind."""
    seen = 0
    for name in EXTREME:
        for other in (*CONSTANTS, *EXTREME):
            for text in (f"{name} {operator} ({other})", f"({other}) {operator} {name}"):
                try:
                    found, expected = both_ways(text)
                except InputError:
                    continue  # no expression
                if isinstance(expected, str):
                    assert found == expected, text
                    continue
                seen += 1
                assert found.dtype == expected.dtype, text
                np.testing.assert_allclose(
                    found, expected, rtol=3e-7 if name == "s" else 1e-14, atol=0, err_msg=text
                )
    assert seen >= 2  # conditions that are joined


def joined(parts):
    """Texts of operators and functions of parts."""
    infix = st.tuples(parts, st.sampled_from([*INFIX, *functions.COMPARISONS]), parts)
    calls = st.sampled_from(list(FUNCTIONS)).flatmap(
        lambda name: st.tuples(*[parts] * FUNCTIONS[name]).map(
            lambda arguments: f"{name}({', '.join(arguments)})"
        )
    )
    binary = infix.map(lambda of: f"({' '.join(of)})")
    return binary | binary | calls | parts.map(lambda part: f"(-{part})")


LEAVES = st.sampled_from([*EXTREME, *EXTREME, *(f"({text})" for text in CONSTANTS)])


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@given(joined(LEAVES | joined(LEAVES)))
def test_numexpr_agrees_with_numpy(text):
    try:
        parse(text, "here")
    except InputError:
        return
    found, expected = both_ways(text)
    if isinstance(expected, str):
        assert found == expected
        return
    assert found.dtype.kind == expected.dtype.kind
    rtol = 1e-5 if found.dtype == np.float32 else 1e-9  # what is taken from another may be near
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=0)


def test_whole_numbers_that_numexpr_wraps():
    values = {"i": np.array([2**31 - 1, 5], dtype=np.int32), "b": np.array([True, False])}
    for text, expected in {
        "i + i + i": [3 * (2**31 - 1), 15],
        "i * i": [(2**31 - 1) ** 2, 25],
        "where(b, 1, -1) * 2000000000 * 2": [4 * 10**9, -4 * 10**9],
        "b + b": [2, 0],
        "i << 8": [(2**31 - 1) << 8, 5 << 8],
        "(i >> 30) & 1": [1, 0],
        "i // 2": [2**30 - 1, 2],
        "-i % 3": [2, 1],
        "i**2": [(2**31 - 1) ** 2, 25],
        "i**-1": [1 / (2**31 - 1), 0.2],
        "i / 2": [(2**31 - 1) / 2, 2.5],
        "i ** 0": [1, 1],
    }.items():
        found = parse(text, "").evaluate(values, "").tolist()
        assert found == pytest.approx(expected, rel=4e-16, abs=0), text


def test_bits_of_unsigned_numbers_that_fill_64():
    """Identifiers of detector cells; the highest bit is no sign."""
    cells = [5 | 511 << 19 | 1 << 63, 3 | 2 << 19, 2**64 - 1]
    values = {"c": np.array(cells, dtype=np.uint64), "n": np.array([1, 2, 3])}
    for text, expected in {
        "c & 31": [cell & 31 for cell in cells],
        "(c >> 19) & 511": [cell >> 19 & 511 for cell in cells],
        "c >> 48": [cell >> 48 for cell in cells],
        "(c >> 19 & 511) == 511": [True, False, True],
        "c & n": [cell & n for cell, n in zip(cells, (1, 2, 3), strict=True)],
    }.items():
        assert parse(text, "").evaluate(values, "").tolist() == expected, text
    for text in ("c & -1", "c >> 0", "c + 1", "(c >> 1) + c", "c | 1", "where(c > 1, c, 0)"):
        with pytest.raises(InputError, match=f"whole numbers must be below {2**63}"):
            parse(text, "here").evaluate(values, "here")


def test_numbers_of_an_unusual_type_are_refused():
    for array, message in {
        "c": (np.array([1j]), "needs numbers, but x holds complex128"),
        "t": (np.array(["a"]), "needs numbers, but x holds <U1"),
        "o": (np.array([None]), "needs numbers, but x holds object"),
        "d": (np.array(["2020"], dtype="M8[Y]"), "needs numbers, but x holds datetime64"),
        "m": (np.ma.masked_array([1.0, 2.0], [False, True]), "uses x, which has masked values"),
    }.values():
        with pytest.raises(InputError, match=rf"here: the expression 'x \+ 1' {message}"):
            parse("x + 1", "here").evaluate({"x": array}, "here")


def test_definitions_that_grow_are_refused():
    grown = parse(" + ".join(["x"] * 60), "cut")
    with pytest.raises(
        InputError, match=r"cut: the expression .* more than 2000 parts, or 100 in each other"
    ):
        grown.substitute({"x": " * ".join(["y"] * 60)}, "cut")
    assert len(grown.substitute({"x": "y * y"}, "cut").text) > 300


def test_documentation_lists_all_functions_and_operators():
    listed = re.findall(r"[a-z]+[0-9a-z]*", expressions_package.__doc__)
    assert {*FUNCTIONS, *ALIASES, "and", "or", "not"} <= set(listed)
    words = expressions_package.__doc__.replace("``", " ").split()
    assert {*COMPARISONS, *(operator for operator in INFIX if not operator.isalpha())} <= set(words)
    limits = (expressions_package.MAX_LENGTH, expressions_package.MAX_DEPTH, MAX_POWER)
    assert all(str(limit) in words for limit in limits)


@pytest.mark.parametrize("quicker", [True, False])
def test_functions_block_by_block_or_by_numexpr(monkeypatch, quicker):
    """More elements than a block, the last of which is not full; numbers beside arrays, and what is
    made of float32 alone."""
    functions = {"arcsinh", "arctan2", "cosh", "exp"} if quicker else set()
    monkeypatch.setattr(blocks, "vectorized", lambda: frozenset(functions))
    rng = np.random.default_rng(5)
    n = 2 * blocks.BLOCK + 7
    x, y = rng.normal(size=(2, n)).astype(np.float32)
    values = {"x": x, "y": y, "z": rng.normal(size=n), "one": np.float64(0.5), "i": np.arange(n)}
    x64, y64 = x.astype(np.float64), y.astype(np.float64)
    for text, expected in {
        "arcsinh(z / (1.0 + y**2))": np.arcsinh(values["z"] / (1 + y64**2)),
        "arctan2(y, x)": np.arctan2(y64, x64).astype(np.float32),
        "cosh(x) * one > 0.6": np.cosh(x64) * 0.5 > 0.6,
        "where(exp(x) > 1, i, -1)": np.where(x64 > 0, values["i"], -1),
    }.items():
        tree = parse(text, "here").tree
        plans = {}
        result = evaluate_tree(tree, values, plans)
        (plan,) = plans.values()
        assert plan.in_blocks == (quicker and expected.dtype != int)
        assert result.dtype == expected.dtype
        rounding = 1e-15 if expected.dtype == float else 1e-7
        np.testing.assert_allclose(result, expected, rtol=rounding)
