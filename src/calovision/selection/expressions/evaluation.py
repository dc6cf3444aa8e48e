"""Trees to arrays: by numexpr where it computes what is promised, and no slower, else by numpy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from calovision.core.text import shortened
from calovision.selection.expressions.blocks import in_blocks, is_quicker
from calovision.selection.expressions.compiled import compiled_text, is_compiled
from calovision.selection.expressions.functions import COMPARISONS, TESTS
from calovision.selection.expressions.kinds import (
    CONDITION,
    FLOATING,
    INT64,
    WHOLE,
    KindError,
    Typed,
    typed,
)
from calovision.selection.expressions.nodes import (
    Call,
    Name,
    Node,
    Number,
    names_of,
    walk,
    written,
)

_UFUNCS: dict[str, Callable[..., np.ndarray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "//": np.floor_divide,
    "%": np.mod,
    "**": np.power,
    "<<": np.left_shift,
    ">>": np.right_shift,
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "negative": np.negative,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "clip": lambda values, low, high: np.minimum(np.maximum(values, low), high),
    "round": np.rint,
}


@dataclass(frozen=True)
class Plan:
    """Computation of a tree for arrays of certain types: by numexpr if there is a text for it, by
    numpy in blocks of the arrays if there are to be any.
    """

    names: tuple[str, ...]
    found: Typed
    only_single: bool  # all arrays are float32
    text: str | None = None
    symbols: Mapping[str, str] = field(default_factory=dict)
    in_blocks: bool = False

    @property
    def dtype(self) -> np.dtype:
        """Type of the result of floating-point numbers and conditions."""
        if self.found.kinds == {CONDITION}:
            return np.dtype(bool)
        return np.dtype(np.float32 if self.only_single else np.float64)


def make_plan(tree: Node, dtypes: Mapping[str, np.dtype]) -> Plan:
    """Find out how a tree is computed for arrays of the given types; `KindError` if it cannot
    be.
    """
    found = typed(
        _folded(tree), {name: _typed_array(name, dtype) for name, dtype in dtypes.items()}
    )
    single = {name for name, dtype in dtypes.items() if dtype == np.float32}
    only_single = len(single) == len(dtypes) > 0
    has_bits = any(dtypes[name] == np.uint64 for name in _used_as_bits(tree))
    if has_bits or not is_compiled(found):
        return Plan(tuple(dtypes), found, only_single)
    if is_quicker(found):
        return Plan(tuple(dtypes), found, only_single, in_blocks=True)
    return Plan(
        tuple(dtypes), found, only_single, *compiled_text(found, single, only_single=only_single)
    )


def evaluate_tree(
    tree: Node, values: Mapping[str, np.ndarray], plans: dict[tuple[np.dtype, ...], Plan]
) -> np.ndarray:
    """Evaluate a tree.

    Parameters
    ----------
    tree
        Its names must be keys of ``values``.
    values
        Numbers or conditions, ``(m,)`` or anything that broadcasts to it.
    plans
        What was found for arrays of other types; the plan for these is added.

    Returns
    -------
    Booleans, whole numbers (int64; int32 if they are made of small numbers alone), or float64,
    rounded to float32 if all arrays are that; ``(m,)``, or a scalar if no name occurs.

    Raises
    ------
    KindError
        If an operator or function cannot take what it is given, a whole number leaves 64 bits or is
        divided by 0.
    """
    as_bits = _used_as_bits(tree)
    arrays = {
        name: _known(name, np.asanyarray(values[name]), as_bits=name in as_bits)
        for name in names_of(tree)
    }
    types = tuple(array.dtype for array in arrays.values())
    if types not in plans:
        plans[types] = make_plan(tree, {name: array.dtype for name, array in arrays.items()})
    plan = plans[types]
    if plan.text is not None:
        result = _compiled(plan, arrays)
    elif plan.in_blocks:
        with np.errstate(all="ignore"):
            result = in_blocks(partial(_computed, plan.found), arrays, plan.dtype)
    else:
        with np.errstate(all="ignore"):
            result = np.asarray(_computed(plan.found, arrays))
    if not arrays and plan.found.is_whole and abs(int(result)) < 2**31:
        return result.astype(np.int32)
    # What is made of float32 alone has no more digits than that, and a float64 would double
    # everything it meets.
    return result.astype(np.float32) if plan.only_single and result.dtype == np.float64 else result


def _used_as_bits(tree: Node) -> set[str]:
    """Names that are only shifted to the right or masked, as identifiers of detector cells are."""
    calls = [node for node in walk(tree) if isinstance(node, Call)]
    uses = [
        (argument.text, call.function == "&" or (call.function, position) == (">>", 0))
        for call in calls
        for position, argument in enumerate(call.arguments)
        if isinstance(argument, Name)
    ]
    return {name for name, _ in uses} - {name for name, is_bits in uses if not is_bits}


def _known(name: str, array: np.ndarray, *, as_bits: bool = False) -> np.ndarray:
    """Numbers in a type that formulas are computed in: float32 and float64, int64, and booleans.

    Unsigned numbers that fill their 64 bits may only be shifted or masked.
    """
    if np.ma.is_masked(array):
        raise KindError(f"uses {name}, which has masked values; fill or drop them first")
    if array.dtype.kind == "b" or array.dtype == np.float32:
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False)
    if array.dtype.kind not in "iu":
        raise KindError(f"needs numbers, but {name} holds {array.dtype}; choose another name")
    if not as_bits and array.dtype == np.uint64 and array.size and array.max() > INT64[1]:
        raise KindError(
            f"uses {name}, which has {array.max()}; whole numbers must be below {2**63}"
        )
    return array


def _typed_array(name: str, dtype: np.dtype) -> Typed:
    kind = {"b": CONDITION, "i": WHOLE, "u": WHOLE}.get(dtype.kind, FLOATING)
    bounds = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) if kind == WHOLE else INT64
    return Typed(Name(name), frozenset({kind}), bounds)


def _folded(node: Node) -> Node:
    """The tree with one number in place of a call of numbers alone."""
    if not isinstance(node, Call):
        return node
    node = Call(node.function, tuple(_folded(argument) for argument in node.arguments))
    if not all(isinstance(argument, Number) for argument in node.arguments):
        return node
    with np.errstate(all="ignore"):
        value = np.asarray(_computed(typed(node, {}), {})).item()
    return Number(value) if np.isfinite(value) else node


def _compiled(plan: Plan, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Result of numexpr, which sees the text that is written here and plain symbols, never the
    names.
    """
    import numexpr

    local = {plan.symbols[name]: _for_numexpr(array) for name, array in arrays.items()}
    return numexpr.evaluate(plan.text, local_dict=local, global_dict={}, truediv=True)


def _for_numexpr(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int64, copy=False) if array.dtype.kind in "iu" else array


def _computed(found: Typed, arrays: Mapping[str, np.ndarray]) -> np.ndarray | np.generic:
    """Result of numpy in booleans, int64 and float64."""
    if isinstance(found.node, Number):
        return _in_kind(np.asarray(found.node.value), found)
    if isinstance(found.node, Name):
        return _in_kind(arrays[found.node.text], found)
    function = found.node.function
    arguments = [_computed(argument, arrays) for argument in found.arguments]
    if function == "where":
        return np.where(arguments[0], *_alike(arguments[1:]))
    if function in COMPARISONS or function not in ("&", "|", "and", "or", "not", *TESTS):
        arguments = _numbers(arguments)
    if not found.is_whole:
        if CONDITION not in found.kinds:
            arguments = [argument.astype(np.float64, copy=False) for argument in arguments]
        if function == "**" and found.node.arguments[1] == Number(0.5):
            return np.sqrt(arguments[0])  # as numexpr does: of -inf there is none
        return _ufunc(function)(*arguments)
    if function in ("floor", "ceil", "round", "trunc"):
        return arguments[0]
    if function in (">>", "&") and any(_is_unsigned(one, arrays) for one in found.arguments):
        return _bits(found.node, arguments)
    return _whole(found, arguments)


def _is_unsigned(found: Typed, arrays: Mapping[str, np.ndarray]) -> bool:
    return isinstance(found.node, Name) and arrays[found.node.text].dtype == np.uint64


def _bits(node: Call, arguments: list[np.ndarray]) -> np.ndarray:
    """Shift or mask of unsigned numbers, the highest of whose 64 bits may be set."""
    result = _ufunc(node.function)(*(argument.astype(np.uint64) for argument in arguments))
    if np.any(result > INT64[1]):
        raise KindError(
            f"has {result.max()} in {shortened(written(node))}; whole numbers must be below {2**63}"
        )
    return result.astype(np.int64)


def _whole(found: Typed, arguments: list[np.ndarray]) -> np.ndarray:
    """Result in int64 of whole numbers."""
    function = found.node.function
    node = found.node
    if function in ("//", "%") and np.any(arguments[1] == 0):
        raise KindError(
            f"divides by 0 in {shortened(written(node))}; write where(x != 0, ..., 0) or divide by "
            "/"
        )
    result = _ufunc(function)(*arguments)
    if found.may_overflow:
        approximate = np.abs(_approximate(function, arguments))
        if np.any(approximate >= 2.0**63):
            raise KindError(
                f"has whole numbers beyond 64 bits in {shortened(written(node))} "
                f"({approximate.max():.3g}); multiply "
                "by 1.0 for floating-point numbers"
            )
    return result


def _ufunc(function: str) -> Callable[..., np.ndarray]:
    """Numpy's function, of the same name unless it is listed above."""
    return _UFUNCS[function] if function in _UFUNCS else getattr(np, function)


def _approximate(function: str, arguments: list[np.ndarray]) -> np.ndarray:
    """Result in float64, which does not wrap."""
    first, *rest = (argument.astype(np.float64) for argument in arguments)
    if function == "<<":
        return first * 2.0 ** rest[0]
    return _ufunc(function)(first, *rest)


def _in_kind(array: np.ndarray, found: Typed) -> np.ndarray:
    (kind,) = found.kinds
    return array.astype(
        {CONDITION: np.bool_, WHOLE: np.int64, FLOATING: np.float64}[kind], copy=False
    )


def _numbers(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Conditions become 0 and 1."""
    return [array.astype(np.int64) if array.dtype.kind == "b" else array for array in arrays]


def _alike(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Two alternatives, as conditions if both are."""
    return arrays if all(array.dtype.kind == "b" for array in arrays) else _numbers(arrays)
