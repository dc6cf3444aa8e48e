"""Trees that numexpr computes as promised, and their text for it.

Whole numbers are int64 there if arrays are among them, else int32; numexpr wraps both without a
word, so that trees whose bounds leave them are not given to it.
"""

import sys

from calovision.selection.expressions.functions import COMPARISONS, MAX_POWER
from calovision.selection.expressions.kinds import CONDITION, INT64, WHOLE, Typed
from calovision.selection.expressions.nodes import Call, Name, Node, Number, names_of, walk, written

_INT32 = (-(2**31), 2**31 - 1)
_MOST_NODES, _MOST_NAMES = 120, 24  # numexpr has 255 registers and takes 31 arrays
_ARITHMETIC = ("+", "-", "*", "/", "**", "negative")
_LOGIC = {"&": "&", "|": "|", "and": "&", "or": "|"}
_FUNCTIONS = (
    "sqrt",
    "exp",
    "expm1",
    "log",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
)
_FUNCTIONS += (
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "arctan2",
    "floor",
    "ceil",
    "abs",
    "where",
)


def is_compiled(found: Typed) -> bool:
    """Tell whether numexpr computes a tree as promised."""
    names = names_of(found.node)
    if not names or isinstance(found.node, Name) or len(names) > _MOST_NAMES:
        return False
    if found.is_whole and _is_abs(found):
        return False
    return sum(1 for _ in walk(found.node)) <= _MOST_NODES and _is_safe(found)


def _is_safe(found: Typed) -> bool:
    """Tell whether no part of a tree is one that numexpr has not, wraps or takes for another
    kind.
    """
    if isinstance(found.node, Number):
        return repr(found.node.value) not in ("True", "False", "-0.0")  # not told from 1 and 0.0
    if isinstance(found.node, Name):
        return True
    function = found.node.function
    arguments = found.arguments
    if not names_of(found.node) or not all(map(_is_safe, arguments)):
        return False
    if function not in COMPARISONS and any(
        argument.is_whole and _is_abs(argument) for argument in arguments
    ):
        # numexpr's absolute values may be floating-point numbers, which can only be compared
        return False
    if function == "/" and not _has_inverse(found.node.arguments[1]):
        return False
    conditions = [argument.kinds == {CONDITION} for argument in arguments]
    if function in _LOGIC or function == "not":
        return True
    if function == "where":
        return not any(conditions[1:]) and (not found.is_whole or _fits(found))
    if any(conditions) or function not in (*_ARITHMETIC, *_FUNCTIONS, *COMPARISONS):
        return False
    if function == "**" and not _is_safe_power(found):
        return False
    if not found.is_whole:
        return True
    return function not in ("floor", "ceil") and _fits(found)


def _has_inverse(divisor: Node) -> bool:
    """Tell whether a divisor is no number, or one whose inverse has all its digits: numexpr
    multiplies by that.
    """
    if not isinstance(divisor, Number):
        return True
    smallest = sys.float_info.min
    return smallest <= abs(divisor.value) <= 1 / smallest


def _is_safe_power(found: Typed) -> bool:
    """Tell whether numexpr finds the power that is meant. It multiplies instead: whole numbers as
    such, also for an exponent 2.0, and by a root for 1.5, of which -inf has none.
    """
    base, exponent = found.arguments
    if WHOLE not in base.kinds:
        if not isinstance(exponent.node, Number):
            return True
        power = exponent.node.value
        return power == 0.5 or (power % 1 == 0 and abs(power) <= MAX_POWER)
    if WHOLE in exponent.kinds:
        return exponent.node == Number(2) and _fits(found)
    return not isinstance(exponent.node, Number)


def _is_abs(found: Typed) -> bool:
    return isinstance(found.node, Call) and found.node.function == "abs"


def _fits(found: Typed) -> bool:
    """Tell whether the bounds lie in the whole numbers that numexpr computes with."""
    low, high = INT64 if _has_array(found) else _INT32
    return low <= found.bounds[0] and found.bounds[1] <= high


def _has_array(found: Typed) -> bool:
    return isinstance(found.node, Name) or any(
        _has_array(part) for part in found.arguments if part.is_whole
    )


def compiled_text(
    found: Typed, single: set[str], *, only_single: bool
) -> tuple[str, dict[str, str]]:
    """Text for numexpr, and the symbols of the names.

    Parameters
    ----------
    found
        A tree for which `is_compiled`.
    single
        Names of float32 arrays. Times 1.0 they become float64 block by block, without a copy of the
        whole array.
    only_single
        All names are that. Then one sum, difference or product gives in float32 what float64 gives,
        rounded, since 53 >= 2 * 24 + 2 bits (Figueroa, SIGNUM 30, 21, 1995), and faster.
    """
    symbols = {name: f"v{i}_" for i, name in enumerate(names_of(found.node))}
    node = found.node
    one_operation = node.function in ("+", "-", "*") and all(
        isinstance(part, Name) for part in node.arguments
    )
    doubled = set() if only_single and one_operation else single
    texts = {
        name: f"(1.0 * {symbol})" if name in doubled else symbol for name, symbol in symbols.items()
    }
    return _text(found, texts), symbols


def _text(found: Typed, texts: dict[str, str]) -> str:
    if isinstance(found.node, Name):
        return texts[found.node.text]
    if isinstance(found.node, Number):
        return written(found.node)
    function = found.node.function
    arguments = [_text(argument, texts) for argument in found.arguments]
    if function == "negative":
        return f"(-{arguments[0]})"
    if function == "not":
        return f"(~{arguments[0]})"
    if function in _FUNCTIONS:
        return f"{function}({', '.join(arguments)})"
    if function in _LOGIC and isinstance(found.node.arguments[0], Number):
        arguments.reverse()  # numexpr takes a number behind & and | only
    return f"({arguments[0]} {_LOGIC.get(function, function)} {arguments[1]})"
