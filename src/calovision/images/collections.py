"""Awkward collections as the flat arrays that the kernels read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.core.depth import LAYER
from calovision.core.errors import EntryError, InputError
from calovision.core.records import FlatRecords, flat_records, n_lists, require_finite
from calovision.images.channels import CHANNELS, CellSum, is_of_charge, needed_fields

LARGEST_LAYER = 2**40
"""Beyond any number of a layer, also of identifiers that are taken for one."""


class FlatCollections(NamedTuple):
    """Flat arrays of the towers, tracks and candidates that some channels need; all floats are of
    one type.

    ``etas``, ``phis`` and ``offsets`` ``(n_events + 1,)`` have one array a collection, ``contents``
    one a channel, of the collection ``collection_of[channel]``; ``transverse`` says which channels
    are divided by cosh(eta). The members of a layer that a channel asks for are a collection of
    their own.
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
    whole = {
        name: flat_records(given[name], _in_order(fields), name)
        for name, fields in needed_fields(channels).items()
    }
    flat = _by_layer(whole, sums)
    contents = [_content(flat[one.collection, one.layer], one) for one in sums]
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
        collection_of=np.array(
            [list(flat).index((one.collection, one.layer)) for one in sums], dtype=np.int64
        ),
        transverse=np.array([one.transverse for one in sums]),
    )


def _by_layer(
    whole: Mapping[str, FlatRecords], sums: Sequence[CellSum]
) -> dict[tuple[str, int | None], FlatRecords]:
    """Collections by their name and the layer that a channel asks for, None for all layers."""
    found = {}
    for name, records in whole.items():
        layers = dict.fromkeys(one.layer for one in sums if one.collection == name)
        split = {None: records}
        if asked := [layer for layer in layers if layer is not None]:
            split |= split_by_layer(records, asked, name)
        found |= {(name, layer): split[layer] for layer in layers}
    return found


def split_by_layer(
    records: FlatRecords, layers: Sequence[int], name: str
) -> dict[int, FlatRecords]:
    """Members of some layers, each with the lists of the whole.

    Raises
    ------
    EntryError
        If the layer of a member is no whole number.
    """
    records = records.packed()
    offsets = records.offsets[0]
    layer = layer_numbers(records, name)
    event = np.repeat(np.arange(len(records)), np.diff(offsets))
    order = np.argsort(layer, kind="stable")  # by counting where 16 bits hold them
    ends = np.array([(one, one + 1) for one in layers])
    found = {}
    for one, (first, last) in zip(layers, np.searchsorted(layer, ends, sorter=order), strict=True):
        rows = order[first:last]
        of_events = np.searchsorted(event[rows], np.arange(len(records) + 1))
        columns = {field: column[rows] for field, column in records.columns.items()}
        found[one] = FlatRecords((of_events,), columns)
    return found


def layer_numbers(records: FlatRecords, name: str, of: str = "event") -> np.ndarray:
    """Layer of each member of packed records, int16 where that holds them all, else int64.

    Raises
    ------
    EntryError
        If one is no whole number, or far beyond any layer.
    """
    layer = records.columns[LAYER]
    if len(layer) == 0:
        return np.zeros(0, dtype=np.int16)
    if layer.dtype.kind == "f":
        is_wrong = ~(np.abs(layer) < LARGEST_LAYER) | (layer != np.floor(layer))
    else:
        is_wrong = (layer < -LARGEST_LAYER) | (layer > LARGEST_LAYER)
    if is_wrong.any():
        entry = int(np.argmax(is_wrong))
        raise EntryError(
            records.row_of(entry),
            f"{name}.{LAYER}",
            f"is {layer[entry]:g}; it must be the whole number of a layer, below 0 for none",
            of=of,
        )
    fits = layer.min() >= -(2**15) and layer.max() < 2**15
    return layer.astype(np.int16 if fits else np.int64)


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
