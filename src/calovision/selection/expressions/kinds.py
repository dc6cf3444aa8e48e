"""Kinds of quantities, found before anything is computed: conditions, whole numbers, floating-point
numbers.

A quantity whose array is not known yet may be of several kinds. Bounds of whole numbers follow from
the number types of the arrays, never from their values, so that nothing depends on what else is in
memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from calovision.core.text import shortened
from calovision.selection.expressions.functions import COMPARISONS, KEEP_WHOLE, MAX_POWER, TESTS
from calovision.selection.expressions.nodes import Call, Name, Node, Number, written

CONDITION, WHOLE, FLOATING = "condition", "whole", "floating"
NUMBER = frozenset({WHOLE, FLOATING})
ANY = frozenset({CONDITION, WHOLE, FLOATING})
INT64 = (-(2**63), 2**63 - 1)


class KindError(ValueError):
    """An operator or function that cannot take what it is given; the sentence goes on behind the
    text.
    """


@dataclass(frozen=True)
class Typed:
    """A node with the kinds that it may have and, of whole numbers, the bounds that its types
    allow.
    """

    node: Node
    kinds: frozenset[str]
    bounds: tuple[int, int] = INT64
    arguments: tuple["Typed", ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whole for sure."""
        return self.kinds == {WHOLE}

    @property
    def may_overflow(self) -> bool:
        """Whole numbers whose 64 bits may not suffice."""
        return self.is_whole and not (INT64[0] <= self.bounds[0] and self.bounds[1] <= INT64[1])


def typed(node: Node, names: Mapping[str, Typed]) -> Typed:
    """Find the kinds of a tree from those of its names; `KindError` if there are none."""
    if isinstance(node, Number):
        kind = {bool: CONDITION, int: WHOLE, float: FLOATING}[type(node.value)]
        bounds = (int(node.value),) * 2 if kind != FLOATING else INT64
        return Typed(node, frozenset({kind}), bounds)
    if isinstance(node, Name):
        return names[node.text]
    arguments = tuple(typed(argument, names) for argument in node.arguments)
    found = {
        _kind(node, kinds) for kinds in product(*(argument.kinds for argument in arguments))
    } - {None}
    if not found:
        raise KindError(_why_none(node, arguments))
    bounds = (
        _bounds(node, [_whole_bounds(argument) for argument in arguments])
        if found == {WHOLE}
        else INT64
    )
    return Typed(node, frozenset(found), bounds, arguments)


def _kind(node: Call, kinds: tuple[str, ...]) -> str | None:
    """Kind of a result for arguments of one kind each; None if they do not fit."""
    function = node.function
    number = FLOATING if FLOATING in kinds else WHOLE
    if function in ("and", "or", "not"):
        return CONDITION if set(kinds) == {CONDITION} else None
    if function in ("&", "|"):
        return kinds[0] if kinds[0] == kinds[1] != FLOATING else None
    if function in ("<<", ">>"):
        return WHOLE if kinds[0] == WHOLE else None
    if function in COMPARISONS or function in TESTS:
        return CONDITION
    if function == "where":
        if kinds[0] != CONDITION:
            return None
        choice = set(kinds[1:])
        return CONDITION if choice == {CONDITION} else FLOATING if FLOATING in choice else WHOLE
    if function == "**":
        exponent = node.arguments[1]
        counts = (
            isinstance(exponent, Number)
            and type(exponent.value) is int
            and 0 <= exponent.value <= MAX_POWER
        )
        return number if counts else FLOATING
    keeps = function in KEEP_WHOLE or function in (
        "+",
        "-",
        "*",
        "//",
        "%",
        "negative",
        "maximum",
        "minimum",
        "clip",
    )
    return number if keeps else FLOATING


def _why_none(node: Call, arguments: tuple[Typed, ...]) -> str:
    text = shortened(written(node))
    function = node.function
    if function == "not":
        return (
            f"has ~ of a number, {text}; write ~ (or not) before a comparison in parentheses, "
            "or x == 0"
        )
    if function == "where":
        return f"has {text}, whose first argument is no condition; write where(x != 0, a, b)"
    if function in ("<<", ">>"):
        return f"has {text}; only whole numbers can be shifted"
    wrong = next((a for a in arguments if CONDITION not in a.kinds), arguments[0])
    word = {"&": "and", "|": "or"}.get(function, function)
    return (
        f"joins {shortened(written(wrong.node))}, which is no condition, by {word}; write "
        "comparisons in parentheses, "
        "such as (x != 0)"
    )


def _whole_bounds(argument: Typed) -> tuple[int, int]:
    """Bounds inside 64 bits, beyond which nothing is computed; conditions count as 0 and 1."""
    if argument.kinds == {CONDITION}:
        return 0, 1
    return max(argument.bounds[0], INT64[0]), min(argument.bounds[1], INT64[1])


def _bounds(node: Call, bounds: list[tuple[int, int]]) -> tuple[int, int]:
    """Bounds of a whole result."""
    function = node.function
    (low, high) = bounds[0]
    corners = [low, high, *(bound for pair in bounds[1:] for bound in pair)]
    if function == "+":
        return low + bounds[1][0], high + bounds[1][1]
    if function == "-":
        return low - bounds[1][1], high - bounds[1][0]
    if function == "*":
        ends = [a * b for a, b in product(*bounds)]
    elif function == "<<":
        ends = [low << bounds[1][0], high << bounds[1][0]]
    elif function == "**":
        exponent = bounds[1][0]
        ends = [low**exponent, high**exponent, *([0] if low < 0 < high and exponent else [])]
    elif function == "negative":
        ends = [-low, -high]
    elif function == "sign":
        ends = [-1, 1]
    elif function == "abs":
        ends = [0, abs(low), abs(high)]
    elif function in ("//", "%"):
        largest = max(map(abs, bounds[0] if function == "//" else bounds[1]))
        ends = [-largest, largest]
    elif function in ("&", "|"):
        bits = max((~corner if corner < 0 else corner).bit_length() for corner in corners)
        ends = [-(1 << bits), (1 << bits) - 1]
    elif function == "where":
        ends = corners[2:]
    else:
        ends = corners
    return min(ends), max(ends)
