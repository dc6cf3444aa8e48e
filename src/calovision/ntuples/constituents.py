"""Constituents of the fat jets of a chunk, whose parts are linked to the jets in their own ways.

Jets that the schema cuts away take their constituents with them.
"""

from collections.abc import Collection as Names
from collections.abc import Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.indices import Objects, check_jets
from calovision.ntuples.links import read_jet_offsets, read_rows
from calovision.ntuples.lists import Lists, joined, listed
from calovision.ntuples.parts import has_own_lists, passing, read_part
from calovision.ntuples.references import check_found
from calovision.ntuples.schemas.links import References
from calovision.ntuples.schemas.schema import Collection, Constituents, TreeSchema


@dataclass(frozen=True)
class JetLists:
    """Jets of a chunk before the cut, and which of them pass it; None if there is none."""

    objects: Objects
    kept: np.ndarray | None = None

    @property
    def n_jets(self) -> int:
        """Number before the cut."""
        return int(self.objects.offsets[-1])


def read_constituents(chunk: BranchArrays, schema: TreeSchema, names: Names[str]) -> ak.Array:
    """Return the constituents of each fat jet, ``n * var * var``, aligned with ``fat_jets``.

    Those of a jet stand in the order of the parts, and inside of each in the order of the file.

    Raises
    ------
    InputError
        If the links do not fit the jets and the objects (`read_rows`); if the number of jets cannot
        be told.
    """
    jets = read_jet_lists(chunk, schema)
    parts = linked_parts(chunk, schema.constituents, names, jets.objects)
    content = joined(_referenced_parts(parts) if check_references(chunk, schema) else parts)
    offsets = jets.objects.offsets
    constituents = listed(offsets, content.offsets, content.records())
    if jets.kept is None:
        return constituents
    return constituents[listed(offsets, ak.contents.NumpyArray(jets.kept))]


def check_references(chunk: BranchArrays, schema: TreeSchema) -> bool:
    """Return True for constituents by reference; InputError if one is in none of the parts."""
    links = [part.link for part in schema.constituents if isinstance(part.link, References)]
    if links:
        check_found(chunk, links)
    return bool(links)


def _referenced_parts(parts: Sequence[Lists]) -> Sequence[Lists]:
    """Parts that references point to, since the fields of others do not matter; if nothing is
    referenced, the part with the most fields.
    """
    used = [part for part in parts if part.offsets[-1] > 0]
    return used or [max(parts, key=lambda part: len(part.fields))]


def linked_parts(
    chunk: BranchArrays, parts: Sequence[Constituents], names: Names[str], jets: Objects
) -> list[Lists]:
    """Constituents of all jets of the chunk, ``n_jets * var``, for each part."""
    return [
        _nested(chunk, part, names, jets)
        if part.link is None
        else _linked(chunk, part, names, jets)
        for part in parts
    ]


def read_jet_lists(chunk: BranchArrays, schema: TreeSchema) -> JetLists:
    """Number of the fat jets of each entry: that of their branches, else of their constituents."""
    parts = [_jets_of_part(chunk, part, schema) for part in schema.fat_jets]
    lists = joined(parts)
    kept = None
    if any(part.cut is not None for part in schema.fat_jets):
        kept = lists.fields["kept"]
    return JetLists(Objects("the jets", lists.offsets), kept)


def _jets_of_part(chunk: BranchArrays, part: Collection, schema: TreeSchema) -> Lists:
    """Jets of one part of ``fat_jets``, with a field ``kept``."""
    if has_own_lists(part):
        offsets = read_part(chunk, part, list(part.fields)[:1], cut=False).offsets
    else:
        offsets = _offsets_of_constituents(chunk, schema.constituents)
    kept = passing(chunk, part, offsets)
    n_jets = int(offsets[-1])
    return Lists({"kept": np.ones(n_jets, dtype=bool) if kept is None else kept}, offsets)


def _offsets_of_constituents(chunk: BranchArrays, parts: Sequence[Constituents]) -> np.ndarray:
    """Offsets of jets without branches of their own, from the first link that tells them."""
    for part in parts:
        if part.link is None:
            first = list(part.fields)[:1]
            lists = read_part(chunk, part, first, cut=False, may_be_nested=True)
            if lists.inner is not None:
                return lists.offsets
        elif (offsets := read_jet_offsets(chunk, part.link)) is not None:
            return offsets
    raise InputError(
        f"{chunk.where}: the number of fat jets cannot be told, as they have no branches of their "
        "own, and their constituents no list for each of them; give one of pt, eta, phi and mass, "
        "or, for one jet an entry, the key one_per_entry"
    )


def _nested(chunk: BranchArrays, part: Constituents, names: Names[str], jets: Objects) -> Lists:
    """Constituents in lists of lists, or, of one jet an entry, in lists."""
    items = read_part(chunk, part, names, may_be_nested=True)
    name = next(iter(part.fields.values()))
    if items.inner is None:
        check_jets(chunk, name, np.arange(chunk.n_events + 1), jets)
        return items
    check_jets(chunk, name, items.offsets, jets)
    return Lists(items.fields, items.inner)


def _linked(chunk: BranchArrays, part: Constituents, names: Names[str], jets: Objects) -> Lists:
    """Gather constituents by a link.

    Rows without a jet or without an object, or whose object the cut drops, are left out. The
    constituents of a jet keep the order of the rows.
    """
    items = read_part(chunk, part, names, cut=False)
    name = next(iter(part.fields.values()))
    jet, item = _used_rows(chunk, part, jets, Objects(name, items.offsets))
    if np.any(np.diff(jet) < 0):
        order = np.argsort(jet, kind="stable")
        jet, item = jet[order], item[order]
    offsets = np.searchsorted(jet, np.arange(jets.offsets[-1] + 1))
    return Lists({name: values[item] for name, values in items.fields.items()}, offsets)


def _used_rows(
    chunk: BranchArrays, part: Constituents, jets: Objects, items: Objects
) -> tuple[np.ndarray, np.ndarray]:
    """Jet and object of the rows that have both, where the object passes the cut."""
    rows = read_rows(chunk, part.link, jets, items)
    used = (rows.jet >= 0) & (rows.item >= 0)
    if (kept := passing(chunk, part, items.offsets)) is not None:
        used[used] = kept[rows.item[used]]
    return (rows.jet, rows.item) if np.all(used) else (rows.jet[used], rows.item[used])
