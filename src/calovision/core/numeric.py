"""Numbers and arrays of the caller, checked and converted to float64; missing numbers as None or
NaN.
"""

import operator

import numpy as np
from numpy.typing import ArrayLike

from calovision.core.errors import InputError


def float_array(values: ArrayLike, name: str) -> np.ndarray:
    """Numbers of any real type, byte order and layout as float64, without a copy where they are
    that already.

    Raises
    ------
    InputError
        If something is masked or missing, or no real number; ``name`` says what the values are.
    """
    if isinstance(values, np.ma.MaskedArray):
        if np.ma.is_masked(values):
            raise InputError(
                f"{name}: {np.ma.count_masked(values)} numbers are masked; leave them out or give "
                "them"
            )
        values = values.data
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name}: must be an array of numbers ({error})") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name}: must be real numbers, all of them given, not {array.dtype}")
    with np.errstate(over="ignore"):  # of long doubles
        return np.asarray(array, dtype=np.float64)


def same_shape(**values: ArrayLike) -> tuple[np.ndarray, ...]:
    """Arrays as `float_array` gives them, broadcast to one shape; InputError if that cannot be."""
    arrays = [float_array(value, name) for name, value in values.items()]
    try:
        return tuple(np.broadcast_arrays(*arrays))
    except ValueError:
        shapes = ", ".join(
            f"{name} {array.shape}" for name, array in zip(values, arrays, strict=True)
        )
        raise InputError(f"the shapes differ: {shapes}; give one of each number") from None


def whole_number(
    value: object, name: str, *, at_least: int | None = None, at_most: int | None = None
) -> int:
    """An int, of whatever integer type; InputError for anything else and beyond the limits."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_):
        raise InputError(f"{name}={value!r}: must be a whole number")
    if at_least is not None and number < at_least:
        raise InputError(f"{name}={number}: give at least {at_least}")
    if at_most is not None and number > at_most:
        raise InputError(f"{name}={number}: give at most {at_most}")
    return number


def finite_number(value: object, name: str) -> float:
    """A float that is finite, of whatever type of number; InputError for anything else."""
    array = float_array(value, name) if not isinstance(value, bool | str) else np.zeros(2)
    if array.ndim or not np.isfinite(array):
        raise InputError(f"{name}={value!r}: must be a finite number")
    return float(array)


def finite_or_none(value: float) -> float | None:
    """Number for JSON: None for NaN and infinities."""
    return float(value) if np.isfinite(value) else None


def number_or_nan(value: float | None) -> float:
    """Number for numpy: NaN for None."""
    return np.nan if value is None else value
