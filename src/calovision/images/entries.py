"""Awkward collections as the flat arrays that the kernels read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.errors import InputError
from calovision.images.channels import CHANNELS


class Entries(NamedTuple):
    """Flat contents of the collections that some channels need; all floats are of one type.

    ``etas``, ``phis`` and ``offsets`` ``(n_events + 1,)`` have one array a collection, ``contents`` one a channel,
    whose collection is ``collection[channel]``; ``transverse`` says which channels are divided by cosh(eta).
    """

    etas: tuple[np.ndarray, ...]
    phis: tuple[np.ndarray, ...]
    offsets: tuple[np.ndarray, ...]
    contents: tuple[np.ndarray, ...]
    collection: np.ndarray
    transverse: np.ndarray


def flatten_collections(collections: Mapping[str, ak.Array | None], channels: Sequence[str]) -> Entries:
    """Take out of the collections what the channels need, without a copy where the layout allows it.

    Raises
    ------
    InputError
        If a collection or a field that a channel needs is missing, or the collections differ in their number of events.
    """
    given = {name: collection for name, collection in collections.items() if collection is not None}
    for channel in channels:
        if (name := CHANNELS[channel].collection) not in given:
            raise InputError(f"the image channel '{channel}' needs {name}, of which there are none: leave it out")
    (first, n_events), *others = ((name, len(collection)) for name, collection in given.items())
    for name, n in others:
        if n != n_events:
            raise InputError(f"{first} have {n_events} events but {name} {n}: both must have the same")
    names = list(dict.fromkeys(CHANNELS[channel].collection for channel in channels))
    layouts = {name: _list_layout(given[name], name) for name in names}
    fields = {(name, axis): _field(layouts[name], axis, name) for name in names for axis in ("eta", "phi")}
    contents = [_content(layouts[CHANNELS[channel].collection], channel) for channel in channels]
    one_type = np.float32 if all(array.dtype == np.float32 for array in (*fields.values(), *contents)) else np.float64
    fields = {key: _plain(array, one_type) for key, array in fields.items()}
    return Entries(
        etas=tuple(fields[name, "eta"] for name in names),
        phis=tuple(fields[name, "phi"] for name in names),
        offsets=tuple(np.asarray(layouts[name].offsets.data, dtype=np.int64) for name in names),
        contents=tuple(_plain(array, one_type) for array in contents),
        collection=np.array([names.index(CHANNELS[channel].collection) for channel in channels], dtype=np.int64),
        transverse=np.array([CHANNELS[channel].transverse for channel in channels]),
    )


def _list_layout(collection: ak.Array, name: str) -> ak.contents.ListOffsetArray:
    """Layout of a collection as one list an event of records, packed only if it is not laid out so."""
    layout = ak.to_layout(collection)
    if not (layout.is_list and isinstance(layout, ak.contents.ListOffsetArray) and layout.content.is_record):
        layout = ak.to_layout(ak.to_packed(ak.drop_none(layout)))
        if layout.is_list and not isinstance(layout, ak.contents.ListOffsetArray):
            layout = layout.to_ListOffsetArray64()
    if not (layout.is_list and layout.content.is_record):
        raise InputError(f"{name} are {ak.type(collection)}: they must be one list of records an event")
    return layout


def _field(layout: ak.contents.ListOffsetArray, field: str, name: str) -> np.ndarray:
    if field not in layout.content.fields:
        raise InputError(f"{name} lack the field '{field}': they have {', '.join(layout.content.fields)}")
    content = layout.content.content(field)
    if isinstance(content, ak.contents.NumpyArray):  # as nearly always; the general way takes longer than the images
        return content.data
    return ak.to_numpy(content, allow_missing=False)


def _content(layout: ak.contents.ListOffsetArray, channel: str) -> np.ndarray:
    """What every entry of its collection adds to a channel."""
    collection, quantity = CHANNELS[channel][:2]
    if quantity == "count":
        return np.ones(len(layout.content), dtype=np.float32)
    if quantity not in ("charged_pt", "neutral_pt"):
        return _field(layout, quantity, collection)
    pt, charge = _field(layout, "pt", collection), _field(layout, "charge", collection)
    chosen = charge != 0 if quantity == "charged_pt" else charge == 0
    return np.where(chosen, pt, pt.dtype.type(0))


def _plain(array: np.ndarray, dtype: type) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=dtype)
