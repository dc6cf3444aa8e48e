"""The collections of one chunk of events: towers, tracks, candidates, fat jets and their
constituents.
"""

from collections.abc import Collection as Names

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.kinematics import pt_eta_phi_mass
from calovision.ntuples.branch_arrays import BranchArrays, Column
from calovision.ntuples.expressions import find_branch
from calovision.ntuples.parts import Lists, listed, read_part
from calovision.ntuples.schemas.schema import Constituents, TreeSchema


def read_collection(
    chunk: BranchArrays, schema: TreeSchema, collection: str, names: Names[str]
) -> ak.Array:
    """Return the named fields of a collection, ``n * var`` (constituents ``n * var * var``)."""
    if collection == "constituents":
        return read_constituents(chunk, schema, names)
    parts = [read_part(chunk, part, names) for part in schema.parts(collection)]
    if collection == "fat_jets":
        return (
            ak.concatenate([_momenta(part) for part in parts], axis=1)
            if len(parts) > 1
            else _momenta(parts[0])
        )
    return (
        parts[0].array()
        if len(parts) == 1
        else ak.concatenate([part.array() for part in parts], axis=1)
    )


def _momenta(jets: Lists) -> ak.Array:
    """Jets in float64, as vectors."""
    fields = {name: values.astype(np.float64, copy=False) for name, values in jets.fields.items()}
    return Lists(fields, jets.offsets).array("Momentum4D")


def read_trimmed_jets(momenta: ak.Array) -> ak.Array:
    """Trimmed jets from the branch TrimmedP4 of Delphes."""
    trimmed = ak.flatten(momenta, axis=1)[:, 0]
    components = (ak.to_numpy(component) for component in (*ak.unzip(trimmed.fP), trimmed.fE))
    jets = ak.zip(pt_eta_phi_mass(*components), with_name="Momentum4D")
    return ak.unflatten(jets, ak.num(momenta, axis=1))


def read_constituents(chunk: BranchArrays, schema: TreeSchema, names: Names[str]) -> ak.Array:
    """Return the constituents of each fat jet, ``n * var * var``, aligned with ``fat_jets``.

    Raises
    ------
    InputError
        If an index table points to a jet or an object that its event does not have; if there are
        not as many lists as jets.
    """
    (part,) = schema.constituents
    (jet_part,) = schema.fat_jets
    jets = read_part(chunk, jet_part, list(jet_part.fields)[:1], cut=False)
    if part.link is not None:
        content = _from_index_table(chunk, part, names, jets.offsets)
    else:
        content = _from_nested_lists(chunk, part, names, jets)
    constituents = listed(jets.offsets, content)
    if jet_part.cut is None:
        return constituents
    kept = read_part(chunk, jet_part, list(jet_part.fields)[:1]).kept
    return constituents[listed(jets.offsets, ak.contents.NumpyArray(kept))]


def _from_nested_lists(
    chunk: BranchArrays, part: Constituents, names: Names[str], jets: Lists
) -> ak.contents.ListOffsetArray:
    """Constituents of all jets of the chunk where the branches hold lists of lists, or one jet an
    entry.
    """
    items = read_part(chunk, part, names)
    per_event = items.offsets if items.inner is not None else np.arange(chunk.n_events + 1)
    if not np.array_equal(per_event, jets.offsets):
        entry = chunk.entry_of_difference(per_event, jets.offsets)
        found = np.diff(per_event)[entry - chunk.start]
        raise InputError(
            f"{chunk.where}: entry {entry} has constituents of {found} jets, but "
            f"{np.diff(jets.offsets)[entry - chunk.start]} jets; the two must agree in every event"
        )
    inner = items.offsets if items.inner is None else items.inner
    return ak.contents.ListOffsetArray(ak.index.Index64(inner), items.records())


def _from_index_table(
    chunk: BranchArrays, part: Constituents, names: Names[str], jet_offsets: np.ndarray
) -> ak.contents.ListOffsetArray:
    """Gather constituents from a table with one row for each pair of a jet and an object.

    Rows with a negative index (no jet, or an object that was not stored) are left out; the
    constituents of a jet keep the order of the table.
    """
    items = read_part(chunk, part, names, cut=False)
    jet_column = _index_column(chunk, part.link.jet_index)
    event = np.repeat(np.arange(chunk.n_events), np.diff(jet_column.offsets))
    jet = _position(chunk, part.link.jet_index, event, jet_offsets)
    item = _items_of_rows(chunk, part, event, items)
    used = (jet >= 0) & (item >= 0)
    jet, item = jet[used], item[used]
    if part.cut is not None:
        kept = read_part(chunk, part, names).kept[item]
        jet, item = jet[kept], item[kept]
    if np.any(np.diff(jet) < 0):
        order = np.argsort(jet, kind="stable")
        jet, item = jet[order], item[order]
    offsets = np.searchsorted(jet, np.arange(jet_offsets[-1] + 1))
    picked = Lists({name: values[item] for name, values in items.fields.items()}, offsets)
    return ak.contents.ListOffsetArray(ak.index.Index64(offsets), picked.records())


def _items_of_rows(
    chunk: BranchArrays, part: Constituents, event: np.ndarray, items: Lists
) -> np.ndarray:
    """Position, in the whole chunk, of the object of each row of an index table; negative if there
    is none.
    """
    table = chunk.column(part.link.jet_index)
    if part.link.item_index is None:
        own = items.offsets
        name = next(iter(part.fields.values()))
    else:
        own = _index_column(chunk, part.link.item_index).offsets
        name = part.link.item_index
    if not np.array_equal(own, table.offsets):
        entry = chunk.entry_of_difference(own, table.offsets)
        raise InputError(
            f"{chunk.where}: {name} and {part.link.jet_index} differ in length at entry {entry}; "
            "they must agree in every event"
        )
    if part.link.item_index is None:
        return np.arange(len(event))
    return _position(chunk, part.link.item_index, event, items.offsets)


def _index_column(chunk: BranchArrays, name: str) -> Column:
    """One list of whole numbers an event."""
    column = chunk.column(name)
    is_list = column.offsets is not None and column.inner is None
    if not (
        is_list
        and (column.values.dtype.kind in "iu" or np.all(column.values == np.round(column.values)))
    ):
        kind = chunk.arrays[find_branch(name, chunk.arrays)[0]].type
        raise InputError(
            f"{chunk.where}: {name} holds {kind}; it must hold one list of whole numbers an event"
        )
    return column


def _position(chunk: BranchArrays, name: str, event: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Positions in the whole chunk, of indices that count from 0 in each event; -1 for negative
    ones.
    """
    index = chunk.column(name).values.astype(np.int64)
    beyond = np.flatnonzero(index >= np.diff(offsets)[event])
    if len(beyond):
        row = beyond[0]
        raise InputError(
            f"{chunk.where}: {name} is {index[row]} in entry {chunk.start + event[row]}, which has "
            "only "
            f"{np.diff(offsets)[event[row]]}; the indices must be below the number of objects in "
            "the event"
        )
    return np.where(index < 0, -1, offsets[event] + index)
