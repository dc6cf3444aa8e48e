"""Strategies of hypothesis for arrays as other programs hand them over: the same numbers, laid out
otherwise."""

import numpy as np
from hypothesis import strategies as st


def _plain(array):
    return np.array(array)


def _reversed_twice(array):
    return array[::-1].copy()[::-1]


def _every_other(array):
    spread = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    spread[::2] = array
    return spread[::2]


def _other_endian(array):
    return array.astype(array.dtype.newbyteorder())


def _read_only(array):
    array = np.array(array)
    array.flags.writeable = False
    return array


def _field_of_a_record(array):
    """Column of a structured array, whose numbers lie at odd addresses."""
    records = np.zeros(array.shape, [("flag", np.int8), ("value", array.dtype)])
    records["value"] = array
    return records["value"]


def _fortran(array):
    return np.asfortranarray(array)


LAYOUTS = (
    _plain,
    _reversed_twice,
    _every_other,
    _other_endian,
    _read_only,
    _field_of_a_record,
    _fortran,
)


def laid_out(array):
    """Strategy of views and copies of a numpy array with equal numbers and another layout in
    memory."""
    return st.sampled_from(LAYOUTS).map(lambda layout: layout(array))
