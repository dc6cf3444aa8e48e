"""Fields of an RNTuple, read by uproot.

uproot 5.7 finds the fields below a field by a look at all of them, so that a list of all names
takes a time that grows with the square of their number. Here the names are those of the records of
all fields, and each field is read by itself.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np
import uproot

from calovision.ntuples.trees.branches import Branches, Member
from calovision.ntuples.trees.page_checksums import verify_checksums

LIST_WITHOUT_TYPE = "std::vector<>"  # of records that the writer gave no class
_MISREAD = re.compile(r"[./\\]")  # in a name that uproot takes for a path


class RNTupleFields(Branches):
    """Fields of an RNTuple and those inside them, as ``towers.eta``; without those that have no
    name. Checksums of pages are verified (`verify_checksums`).
    """

    kind = "RNTuple"
    separator = "."
    is_called_by_path = True

    def __init__(self, tree: uproot.behaviors.RNTuple.RNTuple) -> None:
        self.tree = tree
        self.name = tree.name
        verify_checksums(tree.ntuple)
        every = tree.ntuple.all_fields  # uproot sorts them at each call
        fields = [(every[number], every[number].path) for number in _in_order(tree)]
        self._fields = tuple(field for field, path in fields if path is not None)
        self.paths = tuple(path for _, path in fields if path is not None)

    @property
    def n_entries(self) -> int:
        """Number of entries of the RNTuple."""
        return int(self.tree.num_entries)

    def type_of(self, number: int) -> str:
        """C++ type of a field; empty for a record without a class."""
        record = self._fields[number].record
        is_list = record.struct_role == uproot.const.RNTupleFieldRole.COLLECTION
        return record.type_name or (LIST_WITHOUT_TYPE if is_list else "")

    @property
    def classes(self) -> dict[str, str]:
        """None, since the types of fields tell them."""
        return {}

    def length_of(self, number: int) -> int | None:
        """Elements of the first column of the field at the top, an array of fixed size counted
        once; None where it cannot be told, as of records.
        """
        field = self._fields[number]
        while not field.top_level:
            field = field.parent
        columns = self._columns.get(field.field_id, [])
        records = self.tree.ntuple.column_records
        # a field that was added later begins later
        if not columns or records[columns[0]].first_element_index != 0:
            return None
        total = 0
        for column_lists in self.tree.ntuple.page_link_list:
            stored = [column_lists[column] for column in columns if column < len(column_lists)]
            pages = next((column.pages for column in stored if not column.suppressed), [])
            total += sum(page.num_elements for page in pages)
        return total // max(field.record.repetition, 1)

    @cached_property
    def _columns(self) -> dict[int, list[int]]:
        """Field -> its columns."""
        found: dict[int, list[int]] = {}
        for column, record in enumerate(self.tree.ntuple.column_records):
            found.setdefault(record.field_id, []).append(column)
        return found

    def members_of(self, number: int) -> tuple[Member, ...]:
        """None, since the members of a record are fields themselves."""
        return ()

    def is_record(self, number: int) -> bool:
        """Return True for a field with others inside it."""
        return self.paths[number] in self._outer

    @cached_property
    def _outer(self) -> frozenset[str]:
        """Paths of the fields that have others inside them."""
        return frozenset(path.rpartition(self.separator)[0] for path in self.paths)

    def bytes_per_entry(self, numbers: Sequence[int]) -> float:
        """Uncompressed size of the columns of the fields, of those inside them and of the lists
        around, over the number of entries.
        """
        bits = sum(
            self._elements_of(column) * max(self.tree.ntuple.column_records[column].nbits, 8)
            for field in self._read_with(numbers)
            for column in self._columns.get(field, [])
        )
        return bits / 8 / max(self.n_entries, 1)

    def _read_with(self, numbers: Sequence[int]) -> set[int]:
        """Identifiers of some fields, of those inside them and of those that they are inside."""
        chosen = {self._fields[number].field_id for number in numbers}
        around = [self._outward(field) for field in range(len(self.tree.ntuple.field_records))]
        inside = {field for field, path in enumerate(around) if not chosen.isdisjoint(path)}
        return inside.union(*(around[field] for field in chosen))

    def _outward(self, field: int) -> list[int]:
        """Identifiers of a field and of those that it is inside."""
        records, path = self.tree.ntuple.field_records, [field]
        while records[path[-1]].parent_field_id != path[-1]:
            path.append(records[path[-1]].parent_field_id)
        return path

    def has_checksums(self, number: int) -> bool:
        """Return False if a page of the field, or of those that are read with it, has none."""
        return all(
            page.has_checksum
            for field in self._read_with([number])
            for column in self._columns.get(field, [])
            for page in self._pages_of(column)
        )

    def _elements_of(self, column: int) -> int:
        """Number of elements that a column has in all clusters."""
        return sum(page.num_elements for page in self._pages_of(column))

    def _pages_of(self, column: int) -> Iterator[Any]:
        """Pages of a column in all clusters."""
        return (
            page
            for column_lists in self.tree.ntuple.page_link_list
            if column < len(column_lists) and not column_lists[column].suppressed
            for page in column_lists[column].pages
        )

    def boundaries(self, numbers: Sequence[int]) -> np.ndarray:
        """Entries where clusters begin, and the number of entries."""
        starts = [cluster.num_first_entry for cluster in self.tree.cluster_summaries]
        return np.unique([0, *starts, self.n_entries]).astype(np.int64)

    def iterate(
        self, numbers: Sequence[int], start: int, stop: int, step: int
    ) -> Iterator[dict[int, ak.Array]]:
        """Read field by field."""
        for first in range(start, stop, step):
            last = min(first + step, stop)
            yield {number: self._read(number, first, last) for number in numbers}

    def _read(self, number: int, start: int, stop: int) -> ak.Array:
        field = self._fields[number]
        if not (field.top_level and _MISREAD.search(field.name)):
            return field.array(entry_start=start, entry_stop=stop)
        # as a pattern, whose characters lose their meaning in brackets
        pattern = re.sub(r"[*?\[/]", r"[\g<0>]", field.name)
        return self.tree.arrays(pattern, entry_start=start, entry_stop=stop)[field.name]


def _in_order(tree: uproot.behaviors.RNTuple.RNTuple) -> Iterator[int]:
    """Numbers of all fields, each followed by those inside it."""
    inside: dict[int | None, list[int]] = {}
    for number, record in enumerate(tree.ntuple.field_records):
        outer = record.parent_field_id
        inside.setdefault(None if outer == number else outer, []).append(number)

    def fields_of(outer: int | None) -> Iterator[int]:
        for number in inside.get(outer, ()):
            yield number
            yield from fields_of(number)

    return fields_of(None)
