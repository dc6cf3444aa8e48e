"""Chunks of the planned branches, and the events that each holds."""

from collections.abc import Collection as Names
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np

from calovision.ntuples.angles import check_azimuths
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.constituents import read_constituents
from calovision.ntuples.event_variables import read_variables
from calovision.ntuples.events import Events
from calovision.ntuples.fat_jets import read_fat_jets, read_trimmed_jets
from calovision.ntuples.lists import joined
from calovision.ntuples.parts import read_part
from calovision.ntuples.plan import Plan
from calovision.ntuples.schemas.schema import COLLECTIONS, TreeSchema
from calovision.ntuples.trees.event_tree import EventTree
from calovision.ntuples.weights import event_numbers, read_weights, whole_numbers


def read_planned(
    tree: EventTree,
    plan: Plan,
    path: Path | str,
    chunk_size: int | None,
    entry_range: tuple[int, int],
) -> Iterator[BranchArrays]:
    """Yield the arrays of the planned branches, chunk by chunk."""
    for start, arrays in read_chunks(tree, plan.branches, path, chunk_size, entry_range):
        rest = entry_range[1] - start
        n_events = len(next(iter(arrays.values()))) if arrays else min(chunk_size or rest, rest)
        yield BranchArrays(arrays, path, start, n_events)


def read_events(chunk: BranchArrays, plan: Plan, weight_index: int) -> Events:
    """Return the events of one chunk, with the quantities of the plan.

    Parameters
    ----------
    chunk
        Holds the branches of the plan.
    plan
        Collections and weights that are wanted.
    weight_index
        Which of several generator weights.

    Raises
    ------
    InputError
        If branches do not fit each other; if numbers of events or weights cannot be told; if an
        azimuth is no angle.
    """
    schema = plan.schema
    weight, variations = read_weights(chunk, schema, weight_index, variations=plan.with_variations)
    collections: dict[str, ak.Array | None] = dict.fromkeys(COLLECTIONS)
    for name, fields in plan.fields.items():
        collections[name] = read_collection(chunk, schema, name, fields)
    if plan.is_trimmed:
        collections["fat_jets"] = read_trimmed_jets(chunk.arrays[schema.trimmed_p4])
    check_azimuths(collections, chunk.path, chunk.start)
    return Events(
        event_numbers(chunk, schema),
        weight,
        weight_variations=variations,
        row_label=_row_number(chunk, schema.label, "label"),
        process_id=_row_number(chunk, schema.process_id, "process id"),
        variables=read_variables(chunk, schema),
        first_entry=chunk.start,
        **collections,
    )


def read_collection(
    chunk: BranchArrays, schema: TreeSchema, collection: str, names: Names[str]
) -> ak.Array:
    """Return the named fields of a collection, ``n * var`` (constituents ``n * var * var``)."""
    if collection == "constituents":
        return read_constituents(chunk, schema, names)
    if collection == "fat_jets":
        return read_fat_jets(chunk, schema, names)
    return joined([read_part(chunk, part, names) for part in schema.parts(collection)]).array()


def _row_number(chunk: BranchArrays, text: str | None, what: str) -> np.ndarray | None:
    """Whole numbers of a branch or formula of the schema; None without one."""
    if text is None:
        return None
    return whole_numbers(chunk, text, what, "as where(condition, 1, 0)")
