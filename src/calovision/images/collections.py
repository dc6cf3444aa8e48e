"""Awkward collections as the flat arrays that the kernels read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.records import FlatRecords, flat_records, n_lists, require_finite
from calovision.images.areas import (
    SIZES,
    Axes,
    coordinates_of,
    divide,
    have_sizes,
    require_sizes,
)
from calovision.images.channels import CHANNELS, CellSum, is_of_charge, needed_fields
from calovision.images.grid import EtaPhiGrid
from calovision.images.layer_split import split_by_layer


class FlatCollections(NamedTuple):
    """Flat arrays of the towers, tracks and candidates that some channels need; all floats are of
    one type.

    ``etas``, ``phis`` and ``offsets`` ``(n_events + 1,)`` have one array a collection, ``contents``
    one a channel, of the collection ``collection_of[channel]``; ``transverse`` says which channels
    are divided by cosh(eta). The members of a layer that a channel asks for are a collection of
    their own, and so are the pieces of towers that have a size.
    """

    etas: tuple[np.ndarray, ...]
    phis: tuple[np.ndarray, ...]
    offsets: tuple[np.ndarray, ...]
    contents: tuple[np.ndarray, ...]
    collection_of: np.ndarray
    transverse: np.ndarray


def flatten_collections(
    collections: Mapping[str, ak.Array | None], channels: Sequence[str], grid: EtaPhiGrid
) -> FlatCollections:
    """Take out of the collections what the channels need, without a copy where the layout allows
    it; towers with a size are divided among the cells of the grid.

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
        name: flat_records(given[name], _in_order(fields, given[name], name), name)
        for name, fields in needed_fields(channels).items()
    }
    keys = [_part_of(one, whole[one.collection]) for one in sums]
    parts = _split(whole, keys)
    contents = [_content(parts[key], one) for key, one in zip(keys, sums, strict=True)]
    if any(key.has_sizes for key in keys):
        contents, parts = _divided(contents, parts, keys, sums, Axes.of(grid))
    coordinates = [(records.columns["eta"], records.columns["phi"]) for records in parts.values()]
    arrays = (*contents, *(axis for axes in coordinates for axis in axes))
    one_type = np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64
    return FlatCollections(
        etas=tuple(_plain(eta, one_type) for eta, _ in coordinates),
        phis=tuple(_plain(phi, one_type) for _, phi in coordinates),
        offsets=tuple(_plain(records.offsets[0], np.int64) for records in parts.values()),
        contents=tuple(_plain(content, one_type) for content in contents),
        collection_of=np.array([list(parts).index(key) for key in keys], dtype=np.int64),
        transverse=np.array(
            [one.transverse and not key.has_sizes for key, one in zip(keys, sums, strict=True)]
        ),
    )


class _Part(NamedTuple):
    """Members of a collection that some channels sum over: of one layer (None: of all), divided
    among the cells by their sizes or not.
    """

    collection: str
    layer: int | None
    has_sizes: bool


def _part_of(summed: CellSum, records: FlatRecords) -> _Part:
    """Counts are those of the middles of towers, so that they stay whole numbers."""
    has_sizes = summed.field is not None and SIZES[0] in records.columns
    return _Part(summed.collection, summed.layer, has_sizes)


def _split(whole: Mapping[str, FlatRecords], keys: Sequence[_Part]) -> dict[_Part, FlatRecords]:
    """Members of each part, in the order of the collections."""
    found = {}
    for name, records in whole.items():
        own = [key for key in dict.fromkeys(keys) if key.collection == name]
        by_layer = {None: records}
        if layers := list(dict.fromkeys(key.layer for key in own if key.layer is not None)):
            by_layer |= split_by_layer(records, layers, name)
        found |= {key: by_layer[key.layer] for key in own}
    return found


def _divided(
    contents: Sequence[np.ndarray],
    parts: Mapping[_Part, FlatRecords],
    keys: Sequence[_Part],
    sums: Sequence[CellSum],
    axes: Axes,
) -> tuple[list[np.ndarray], dict[_Part, FlatRecords]]:
    """Contents and members of parts with sizes, divided among the cells, in whose middles they
    then are; those of other parts as they are.
    """
    found, divided = dict(parts), list(contents)
    for key, records in parts.items():
        if not key.has_sizes:
            continue
        first, last = records.span
        packed = records.packed()
        require_sizes(packed, key.collection)
        eta, phi, *sizes = (packed.columns[name] for name in ("eta", "phi", *SIZES))
        pieces = divide(eta, phi, *sizes, axes)
        middles = coordinates_of(pieces, axes)
        found[key] = FlatRecords(
            (pieces.ends[packed.offsets[0]],), dict(zip(("eta", "phi"), middles, strict=True))
        )
        for at, (other, one) in enumerate(zip(keys, sums, strict=True)):
            if other == key:
                content = contents[at][first:last].astype(np.float64)
                content = content * inverse_cosh(eta) if one.transverse else content
                divided[at] = content[pieces.member] * pieces.share
    return divided, found


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


def _in_order(fields: set[str], collection: object, name: str) -> list[str]:
    """Coordinates first, as kernels and errors name them; with the sizes of towers that have
    some.
    """
    if name == "towers" and have_sizes(getattr(collection, "fields", ()), name):
        fields = fields | {*SIZES}
    return sorted(fields, key=lambda field: (field not in ("eta", "phi"), field))


def inverse_cosh(eta: np.ndarray) -> np.ndarray:
    """1/cosh(eta) in float64; 0 where eta is infinite or no number."""
    with np.errstate(
        over="ignore"
    ):  # beyond |eta| = 710 nothing is transverse in float64; Delphes writes 999.9
        return np.nan_to_num(1 / np.cosh(eta.astype(np.float64)), nan=0.0)


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
