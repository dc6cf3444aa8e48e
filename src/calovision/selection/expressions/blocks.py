"""Arrays block by block through numpy, where its loops are quicker than numexpr's.

A block and what is made of it stay in the cache.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from calovision.selection.expressions.kinds import Typed
from calovision.selection.expressions.nodes import Call, walk

BLOCK = 32768  # elements
_SLOW = (
    *("exp", "expm1", "log", "log10", "log1p"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2"),
    *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
)
"""Functions for which numexpr, unless it is built with a library of vectors, calls that of C for
each element."""
_LEAST_VERSION = (2, 1)  # of numpy, which tells its loops from then on


@cache
def vectorized() -> frozenset[str]:
    """Functions of numbers that numpy has vector instructions for on this processor, in float64."""
    if tuple(map(int, np.__version__.split(".")[:2])) < _LEAST_VERSION:
        return frozenset()
    from numpy.lib import introspect

    found = introspect.opt_func_info(func_name=f"^({'|'.join(_SLOW)})$", signature="float64")
    return frozenset(
        name
        for name, loops in found.items()
        if all(not loop["current"].startswith("baseline") for loop in loops.values())
    )


def is_quicker(found: Typed) -> bool:
    """Tell whether a tree has functions that numexpr is slow with, and numpy with none of them."""
    calls = {node.function for node in walk(found.node) if isinstance(node, Call)}
    slow = calls & set(_SLOW)
    return bool(slow) and not found.is_whole and slow <= vectorized()


def in_blocks(
    compute: Callable[[Mapping[str, np.ndarray]], np.ndarray],
    arrays: Mapping[str, np.ndarray],
    dtype: np.dtype,
) -> np.ndarray:
    """Result of ``compute`` for arrays, in a type.

    Parameters
    ----------
    compute
        Element by element.
    arrays
        ``(m,)``, or anything that broadcasts to it.
    dtype
        Of the result.

    Returns
    -------
    Array ``(m,)``, or of any other shape that the arrays have together.
    """
    shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    if len(shape) != 1 or shape[0] <= BLOCK:
        return np.asarray(compute(arrays)).astype(dtype, copy=False)
    result = np.empty(shape, dtype=dtype)
    for first in range(0, shape[0], BLOCK):
        part = slice(first, first + BLOCK)
        result[part] = compute(
            {name: one[part] if one.shape == shape else one for name, one in arrays.items()}
        )
    return result
