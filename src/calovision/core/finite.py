"""Finite numbers among the values of a file or caller; without numpy, for those who load little."""

from math import isfinite
from numbers import Real


def is_number(value: object) -> bool:
    """True for a finite number that float64 holds, but not for True or False: whole numbers of a
    file may have any number of digits.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return isfinite(float(value))
    except OverflowError:
        return False
