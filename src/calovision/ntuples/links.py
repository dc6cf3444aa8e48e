"""Links of constituents in a chunk: the jet and the object of each row, in the order of the file.

Positions count from 0 in the whole chunk, where jets and objects are flat arrays. A further kind of
link is a class in `calovision.ntuples.schemas.links` and a function in ``_READERS``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.branch_arrays import BranchArrays, consecutive
from calovision.ntuples.indices import (
    LIST,
    Objects,
    check_jets,
    check_rows,
    is_number,
    other_kind,
    positions_of,
    rows_of,
    whole_numbers,
)
from calovision.ntuples.references import referenced, references_of
from calovision.ntuples.schemas.links import (
    Counts,
    IndexTable,
    Link,
    NestedIndices,
    Ranges,
    References,
    Subset,
)

_NUMBER_OF_JET = "one whole number a jet"
_LIST_OF_JET = "one list of whole numbers a jet"


@dataclass(frozen=True)
class Rows:
    """Rows of a link: positions of the jet and of the object of each, negative where there is
    none.
    """

    jet: np.ndarray
    item: np.ndarray


def read_rows(chunk: BranchArrays, link: Link, jets: Objects, items: Objects) -> Rows:
    """Read the rows of a link.

    Parameters
    ----------
    chunk, link
        Where its branches are.
    jets, items
        All jets and objects, before any cut.

    Raises
    ------
    InputError
        If a branch holds something else than whole numbers; if a row points to a jet or an object
        that its entry does not have; if there are more or fewer values than jets, or rows than they
        say.
    """
    return _READERS[type(link)](chunk, link, jets, items)


def read_subset(
    chunk: BranchArrays, subset: Subset, objects: Objects
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the objects of a subset in the whole chunk, and the offsets of its lists.

    Raises
    ------
    InputError
        As `read_rows`.
    """
    rows = rows_of(chunk, subset.index)
    check_rows(chunk, rows_of(chunk, subset.owner), rows)
    index = whole_numbers(chunk, subset.index)
    owners = whole_numbers(chunk, subset.owner)
    is_foreign = (index >= 0) & ~is_number(owners, subset.owner_id)
    _check_owners(chunk, subset.owner, is_foreign, np.arange(len(index)))
    position = positions_of(chunk, subset.index, index, rows.entries, objects)
    is_there = position >= 0
    return position[is_there], np.concatenate([[0], np.cumsum(is_there)])[rows.offsets]


def read_jet_offsets(chunk: BranchArrays, link: Link) -> np.ndarray | None:
    """Offsets of the jets of each entry, where the link has one value a jet; None if it has not.

    Raises
    ------
    InputError
        If the branch does not hold a list an event (lists in lists, for lists of each jet).
    """
    if link.per_jet is None:
        return None
    offsets = chunk.outer_offsets(link.per_jet)
    is_nested = isinstance(link, NestedIndices)
    if offsets is None or (is_nested and chunk.column(link.per_jet).inner is None):
        raise other_kind(chunk, link.per_jet, _LIST_OF_JET if is_nested else LIST)
    return offsets


def _from_table(chunk: BranchArrays, link: IndexTable, jets: Objects, items: Objects) -> Rows:
    """One row for each pair of a jet and an object."""
    table = rows_of(chunk, link.jet_index)
    entry = table.entries
    jet = positions_of(chunk, link.jet_index, whole_numbers(chunk, link.jet_index), entry, jets)
    if link.item_index is None:
        check_rows(chunk, items, table)
        return Rows(jet, np.arange(len(jet)))
    check_rows(chunk, rows_of(chunk, link.item_index), table)
    index = whole_numbers(chunk, link.item_index)
    return Rows(jet, positions_of(chunk, link.item_index, index, entry, items))


def _from_ranges(chunk: BranchArrays, link: Ranges, jets: Objects, items: Objects) -> Rows:
    """Rows ``begin:end`` of each jet, of the objects themselves or of their indices."""
    rows = items if link.index is None else rows_of(chunk, link.index)
    begin, end = (_number_of_jets(chunk, name, jets) for name in (link.begin, link.end))
    entry = jets.entries
    n_rows = rows.counts[entry]
    wrong = np.flatnonzero((begin < 0) | (begin > end) | (end > n_rows))
    if len(wrong):
        j = wrong[0]
        raise InputError(
            f"{chunk.where}: {link.begin} and {link.end} are {begin[j]} and {end[j]} in entry "
            f"{chunk.start + entry[j]}, where {rows.name} has {n_rows[j]} values; each jet must "
            "have a range of them"
        )
    jet = np.repeat(np.arange(len(begin)), end - begin)
    row = consecutive(rows.offsets[entry] + begin, end - begin)
    if link.owner is not None:
        check_rows(chunk, rows_of(chunk, link.owner), rows)
        owners = whole_numbers(chunk, link.owner)[row]
        is_own = is_number(owners, link.owner_id)
        if link.other_ids is not None:
            is_used = whole_numbers(chunk, link.index)[row] >= 0
            is_foreign = is_used & ~is_own & ~_is_any(owners, link.other_ids)
            _check_owners(chunk, link.owner, is_foreign, row)
        jet, row = jet[is_own], row[is_own]
    if link.index is None:
        return Rows(jet, row)
    index = whole_numbers(chunk, link.index)[row]
    _check_one_collection(chunk, link, row[index >= 0], "owner and owner_id")
    return Rows(jet, positions_of(chunk, link.index, index, entry[jet], items))


def _from_counts(chunk: BranchArrays, link: Counts, jets: Objects, items: Objects) -> Rows:
    """The next rows of the entry, as many as each jet has."""
    rows = items if link.index is None else rows_of(chunk, link.index)
    counts = _number_of_jets(chunk, link.counts, jets)
    if len(negative := np.flatnonzero(counts < 0)):
        raise InputError(
            f"{chunk.where}: {link.counts} is {counts[negative[0]]} in entry "
            f"{chunk.start + jets.entries[negative[0]]}; it must hold numbers from 0"
        )
    counted = np.concatenate([[0], np.cumsum(counts)])[jets.offsets]
    if not np.array_equal(counted, rows.offsets):
        entry = chunk.entry_of_difference(counted, rows.offsets)
        i = entry - chunk.start
        raise InputError(
            f"{chunk.where}: {link.counts} adds up to {np.diff(counted)[i]} in entry {entry}, "
            f"where {rows.name} has {rows.counts[i]} values; the two must agree in every event"
        )
    jet = np.repeat(np.arange(len(counts)), counts)
    if link.index is None:
        return Rows(jet, np.arange(len(jet)))
    index = whole_numbers(chunk, link.index)
    return Rows(jet, positions_of(chunk, link.index, index, rows.entries, items))


def _from_nested(chunk: BranchArrays, link: NestedIndices, jets: Objects, items: Objects) -> Rows:
    """A list of indices of each jet; one jet an entry has the lists of its entry."""
    per_jet = _lists_of_jets(chunk, link.index, jets)
    jet = np.repeat(np.arange(len(per_jet) - 1), np.diff(per_jet))
    index = whole_numbers(chunk, link.index)
    if link.key is not None:
        if not np.array_equal(_lists_of_jets(chunk, link.key, jets), per_jet):
            raise InputError(
                f"{chunk.where}: the lists of {link.key} and {link.index} differ in length; they "
                "must agree for every jet"
            )
        keys = whole_numbers(chunk, link.key)
        is_own = is_number(keys, link.key_value)
        if link.other_values is not None:
            is_foreign = ~is_own & ~_is_any(keys, link.other_values)
            _check_owners(chunk, link.key, is_foreign, np.arange(len(keys)))
        jet, index = jet[is_own], index[is_own]
    _check_one_collection(chunk, link, slice(None), "key and key_value")
    return Rows(jet, positions_of(chunk, link.index, index, jets.entries[jet], items))


def _from_references(chunk: BranchArrays, link: References, jets: Objects, items: Objects) -> Rows:
    """References of each jet by the unique numbers of objects."""
    column = references_of(chunk, link.references)
    check_jets(chunk, link.references, column.offsets, jets)
    check_rows(chunk, rows_of(chunk, link.ids), items)
    jet = np.repeat(np.arange(len(column.inner) - 1), np.diff(column.inner))
    return Rows(jet, referenced(chunk, link))


_READERS: dict[type[Link], Callable[[BranchArrays, Link, Objects, Objects], Rows]] = {
    IndexTable: _from_table,
    Ranges: _from_ranges,
    Counts: _from_counts,
    NestedIndices: _from_nested,
    References: _from_references,
}


def _number_of_jets(chunk: BranchArrays, name: str, jets: Objects) -> np.ndarray:
    """One whole number a jet."""
    column = chunk.column(name)
    if column.inner is not None:
        raise other_kind(chunk, name, _NUMBER_OF_JET)
    check_jets(chunk, name, _or_one_an_entry(chunk, column.offsets), jets)
    return whole_numbers(chunk, name)


def _lists_of_jets(chunk: BranchArrays, name: str, jets: Objects) -> np.ndarray:
    """Offsets of the lists of the jets."""
    column = chunk.column(name)
    if column.offsets is None:
        raise other_kind(chunk, name, _LIST_OF_JET)
    if column.inner is None:
        check_jets(chunk, name, _or_one_an_entry(chunk, None), jets)
        return column.offsets
    check_jets(chunk, name, column.offsets, jets)
    return column.inner


def _or_one_an_entry(chunk: BranchArrays, offsets: np.ndarray | None) -> np.ndarray:
    return np.arange(chunk.n_events + 1) if offsets is None else offsets


def _check_one_collection(
    chunk: BranchArrays, link: Link, rows: np.ndarray | slice, keys: str
) -> None:
    """Raise InputError for rows that point to several collections, where the link names none."""
    name = link.unnamed_owner
    if name not in chunk.arrays:
        return
    numbers = np.unique(whole_numbers(chunk, name)[rows])
    if len(numbers) > 1:
        raise InputError(
            f"{chunk.where}: {link.index} points to objects of {len(numbers)} collections, whose "
            f"numbers in {name} are {', '.join(map(str, numbers[:5]))}; give {keys} to say which "
            "are meant"
        )


def _is_any(values: np.ndarray, numbers: Iterable[int]) -> np.ndarray:
    """Compare with several identifiers."""
    found = np.zeros(len(values), dtype=bool)
    for number in numbers:
        found |= is_number(values, number)
    return found


def _check_owners(chunk: BranchArrays, name: str, is_foreign: np.ndarray, rows: np.ndarray) -> None:
    """Raise InputError for a row that points to a collection which none of the parts is made of.

    Parameters
    ----------
    name
        Branch of the numbers of the collections.
    is_foreign, rows
        Whether a row does so, and the positions of the rows in the branch.
    """
    if not is_foreign.any():
        return
    row = rows[np.flatnonzero(is_foreign)[0]]
    column = chunk.column(name)
    raise InputError(
        f"{chunk.where}: {name} is {column.values[row]} in entry "
        f"{chunk.entry_of_value(column, row)}, a collection that the first entries of the file do "
        "not point to, so that its objects would be missing; give the collection, or each of its "
        "parts, in a schema that extends this one (constituents: none clusters jets anew)"
    )
