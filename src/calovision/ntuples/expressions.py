"""Quantities as expressions of branches: ``cl_e / 1000``, ``arctan2(part_py, part_px)``, ``FatJet.Tau[5][0]``.

An expression is either the name of a branch or a formula of numexpr. Whole numbers stay what they are, floating-point
values enter formulas in float64, and ``/`` is the true division. A trailing ``[i]`` after the name of a branch that
holds arrays of fixed size takes their component i.
"""

import re
from collections.abc import Collection, Mapping

import numexpr
import numpy as np

from calovision.errors import InputError

# A name: dots as in Tower.Eta, dimensions as in Tau[5]; neither part of a number (1e5) nor a function (sqrt(...)).
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)*+(?:\[\d+\])*+(?!\s*\()")
# In float32 these give what float64 gives, rounded, since 53 >= 2 * 24 + 2 bits (Figueroa, SIGNUM 30, 21, 1995).
_ONE_OPERATION = re.compile(rf"\s*{_NAME.pattern}\s*[-+*]\s*{_NAME.pattern}\s*")
_FUNCTION = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(")
_COMPONENT = re.compile(r"(?P<branch>.+)\[(?P<index>\d+)\]")
_CONSTANTS = {"True", "False"}
# What numexpr raises for a text that is no formula.
_UNREADABLE = (SyntaxError, TypeError, ValueError, NotImplementedError, AttributeError, RuntimeError, KeyError)


def names_in(expression: str) -> tuple[str, ...]:
    """Names of an expression, each once, in their order."""
    return tuple(dict.fromkeys(name for name in _NAME.findall(expression) if name not in _CONSTANTS))


def branch_and_component(name: str, present: set[str]) -> tuple[str, int | None]:
    """Split ``FatJet.Tau[5][0]`` into the branch and the component, unless the whole is the name of a branch."""
    match = _COMPONENT.fullmatch(name)
    if name in present or match is None:
        return name, None
    return match["branch"], int(match["index"])


def substitute(expression: str, definitions: Mapping[str, str]) -> str:
    """Put definitions, in parentheses, in place of the names that have one."""
    return _NAME.sub(lambda match: f"({definitions[match[0]]})" if match[0] in definitions else match[0], expression)


def check_expression(expression: str, where: str) -> None:
    """Raise InputError, which begins with ``where``, if an expression is no formula or has unknown functions."""
    unknown = [name for name in _FUNCTION.findall(expression) if name not in numexpr.expressions.functions]
    try:
        compile(_with_symbols(expression)[0], expression, "eval")
    except SyntaxError as error:
        raise InputError(_sentence(where, expression)) from error
    if unknown:
        raise InputError(f"{where}: {_sentence(f'there is no function {unknown[0]}', expression)}")


def evaluate(expression: str, values: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    """Evaluate an expression.

    Parameters
    ----------
    expression
        Its names must be keys of ``values``.
    values
        Arrays ``(m,)``, or anything that broadcasts to it.
    where
        How the sentence of an error begins.

    Returns
    -------
    The array itself if the expression is a mere name, else a new one; ``(m,)``, or a scalar if no name occurs. Numbers
    are computed in float64, and rounded to float32 if all arrays are that.

    Raises
    ------
    InputError
        If numexpr cannot read the expression.
    """
    if expression in values:
        return values[expression]
    names = names_in(expression)
    single = {name for name in names if values[name].dtype == np.float32}
    only_single = len(single) == len(names) > 0
    # Times 1.0, float32 becomes float64 block by block, without a copy of the whole array; float32 itself is faster.
    text, symbols = _with_symbols(expression, () if only_single and _ONE_OPERATION.fullmatch(expression) else single)
    arrays = {symbol: _known_to_numexpr(values[name]) for name, symbol in symbols.items()}
    try:
        result = numexpr.evaluate(text, local_dict=arrays, global_dict={}, truediv=True)
    except _UNREADABLE as error:
        raise InputError(_sentence(where, expression)) from error
    # What is made of float32 alone has no more digits than that, and a float64 would double everything it meets.
    return result.astype(np.float32) if only_single and result.dtype == np.float64 else result


def _with_symbols(expression: str, single: Collection[str] = ()) -> tuple[str, dict[str, str]]:
    """Replace each name, which may have dots and brackets, by a plain one, and those in ``single`` by 1.0 times it."""
    symbols = {name: f"v{i}_" for i, name in enumerate(names_in(expression))}
    texts = {name: f"(1.0 * {symbol})" if name in single else symbol for name, symbol in symbols.items()}
    return _NAME.sub(lambda match: texts.get(match[0], match[0]), expression), symbols


def _known_to_numexpr(values: np.ndarray) -> np.ndarray:
    """Half precision and small or unsigned whole numbers in a type that numexpr knows."""
    if values.dtype.kind == "f":
        return values if values.dtype == np.float32 else values.astype(np.float64, copy=False)
    return values if values.dtype.kind == "b" else values.astype(np.int64, copy=False)


def _sentence(where: str, expression: str) -> str:
    return (
        f"{where}: the expression {expression!r} cannot be evaluated; write branch names, numbers and functions of "
        "numexpr such as sqrt, arctan2, arcsinh, where, and comparisons in parentheses joined by & and |"
    )
