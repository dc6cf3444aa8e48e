"""Awkward collections as the flat arrays that the kernels read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.records import FlatRecords, flat_records, n_lists, require_finite
from calovision.images.channels import CHANNELS, CellSum, is_of_charge, needed_fields


class FlatCollections(NamedTuple):
    """Flat arrays of the towers, tracks and candidates that some channels need; all floats are of
    one type.

    ``etas``, ``phis`` and ``offsets`` ``(n_events + 1,)`` have one array a collection, ``contents``
    one a channel, of the collection ``collection_of[channel]``; ``transverse`` says which channels
    are divided by cosh(eta).
    """

    etas: tuple[np.ndarray, ...]
    phis: tuple[np.ndarray, ...]
    offsets: tuple[np.ndarray, ...]
    contents: tuple[np.ndarray, ...]
    collection_of: np.ndarray
    transverse: np.ndarray


def flatten_collections(
    collections: Mapping[str, ak.Array | None], channels: Sequence[str]
) -> FlatCollections:
    """Take out of the collections what the channels need, without a copy where the layout allows
    it.

    Raises
    ------
    InputError
        If a collection or a field that a channel needs is missing, or the collections differ in
        their number of events.
    """
    sums = [CHANNELS[channel].of_event for channel in channels]
    given = {name: collection for name, collection in collections.items() if collection is not None}
    for channel, one in zip(channels, sums, strict=True):
        if one.collection not in given:
            raise InputError(
                f"the image channel '{channel}' needs {one.collection}, of which there are none: "
                "leave it out"
            )
    _require_same_length(given)
    flat = {
        name: flat_records(given[name], _in_order(fields), name)
        for name, fields in needed_fields(channels).items()
    }
    contents = [_content(flat[one.collection], one) for one in sums]
    coordinates = {
        name: (records.columns["eta"], records.columns["phi"]) for name, records in flat.items()
    }
    arrays = (*contents, *(axis for axes in coordinates.values() for axis in axes))
    one_type = np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64
    return FlatCollections(
        etas=tuple(_plain(eta, one_type) for eta, _ in coordinates.values()),
        phis=tuple(_plain(phi, one_type) for _, phi in coordinates.values()),
        offsets=tuple(_plain(records.offsets[0], np.int64) for records in flat.values()),
        contents=tuple(_plain(content, one_type) for content in contents),
        collection_of=np.array([list(flat).index(one.collection) for one in sums], dtype=np.int64),
        transverse=np.array([one.transverse for one in sums]),
    )


def _require_same_length(collections: Mapping[str, ak.Array]) -> None:
    """Raise InputError if the collections differ in their number of events."""
    (first, n_events), *others = (
        (name, n_lists(collection, name)) for name, collection in collections.items()
    )
    for name, n in others:
        if n != n_events:
            raise InputError(
                f"{first} have {n_events} events but {name} {n}: both must have the same"
            )


def _in_order(fields: set[str]) -> list[str]:
    """Coordinates first, as kernels and errors name them."""
    return sorted(fields, key=lambda field: (field not in ("eta", "phi"), field))


def _content(records: FlatRecords, summed: CellSum) -> np.ndarray:
    """Contents of the towers, tracks or candidates, not yet divided by cosh(eta)."""
    columns = records.columns
    if summed.field is None:
        content = np.ones(len(columns["eta"]), dtype=np.float32)
    else:
        content = columns[summed.field]
    if summed.charge is None:
        return content
    # NaN is not 0, as if it were charged
    require_finite(records, ["charge"], summed.collection)
    chosen = is_of_charge(columns["charge"], summed.charge)
    return np.where(chosen, content, content.dtype.type(0))


def _plain(array: np.ndarray, dtype: type) -> np.ndarray:
    """Array as the kernels take it: read-only like some arrays of the caller, so that all are of
    one type to numba.
    """
    plain = np.require(array, dtype, ["C", "A"]).view(np.ndarray)
    plain.flags.writeable = False
    return plain
