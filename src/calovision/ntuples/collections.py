"""The collections of one chunk of events: towers, tracks, candidates, fat jets and their
constituents.
"""

from collections.abc import Collection as Names

import awkward as ak

from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.constituents import read_constituents
from calovision.ntuples.fat_jets import read_fat_jets
from calovision.ntuples.lists import joined
from calovision.ntuples.parts import read_part
from calovision.ntuples.schemas.schema import TreeSchema


def read_collection(
    chunk: BranchArrays, schema: TreeSchema, collection: str, names: Names[str]
) -> ak.Array:
    """Return the named fields of a collection, ``n * var`` (constituents ``n * var * var``)."""
    if collection == "constituents":
        return read_constituents(chunk, schema, names)
    if collection == "fat_jets":
        return read_fat_jets(chunk, schema, names)
    return joined([read_part(chunk, part, names) for part in schema.parts(collection)]).array()
