"""Members of collections by the layer of the calorimeter that they are in."""

from collections.abc import Sequence

import numpy as np

from calovision.core.depth import LAYER
from calovision.core.errors import EntryError
from calovision.core.records import FlatRecords

LARGEST_LAYER = 2**40
"""Beyond any number of a layer, also of identifiers that are taken for one."""


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
