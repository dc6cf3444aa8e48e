"""Collections of the caller (awkward arrays of lists of records) as flat, checked columns.

Awkward knows many layouts of the same lists: offsets that begin anywhere, lists in any order,
options, unions, categories, regular and virtual arrays. This module returns ascending offsets into
columns of plain numbers, as compiled loops need them, or raises one sentence.

A missing list is an empty one, and a missing record is left out; a record that lacks only some of
its numbers is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import awkward as ak
import numpy as np

from calovision.core.errors import EntryError, InputError, NotFiniteError
from calovision.core.record_layouts import (
    AWKWARD_ERRORS,
    as_awkward,
    checked_offsets,
    damage_of,
    field_of,
    not_records,
    numbers_of,
    plain_columns,
    plain_layout,
    record_name_of,
    require_data,
)

LARGEST = 1e12
"""Of energies and momenta in GeV: three times those of the hardest cosmic rays, so that more is no
measurement. Sums over an event stay far from the end of float32, and squares from that of
float64."""


@dataclass(frozen=True)
class FlatRecords:
    """Lists of records as flat arrays.

    Attributes
    ----------
    offsets
        One array a level of lists, from the outside in, int64 ``(n + 1,)``: list i has the elements
        ``offsets[i]:offsets[i + 1]`` of the next level. They may begin above 0 and end before the
        columns do.
    columns
        Field -> numbers of all records, in the type of the collection.
    """

    offsets: tuple[np.ndarray, ...]
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.offsets[0]) - 1

    @property
    def span(self) -> tuple[int, int]:
        """First entry of the columns that belongs to a list, and the one behind the last."""
        first, last = 0, len(self)
        for offsets in self.offsets:
            first, last = int(offsets[first]), int(offsets[last])
        return first, last

    def packed(self) -> "FlatRecords":
        """The same lists with offsets from 0 on, and columns that hold nothing else."""
        packed = []
        first, last = 0, len(self)
        for offsets in self.offsets:
            used = offsets[first : last + 1]
            packed.append(used - used[0])
            first, last = int(used[0]), int(used[-1])
        return FlatRecords(
            tuple(packed), {name: column[first:last] for name, column in self.columns.items()}
        )

    def keep(self, kept: np.ndarray) -> "FlatRecords":
        """Leave out the records that are not kept, bool ``(n,)`` like the columns."""
        n_before = np.concatenate([[0], np.cumsum(kept)])
        *outer, inner = self.offsets
        return FlatRecords(
            (*outer, n_before[inner]), {name: column[kept] for name, column in self.columns.items()}
        )

    def to_awkward(
        self, record_name: str | None = None, behavior: Mapping | None = None
    ) -> ak.Array:
        """Awkward array of these records."""
        parameters = None if record_name is None else {"__record__": record_name}
        contents = [ak.contents.NumpyArray(column) for column in self.columns.values()]
        layout = ak.contents.RecordArray(contents, list(self.columns), parameters=parameters)
        for offsets in reversed(self.offsets):
            layout = ak.contents.ListOffsetArray(ak.index.Index64(offsets), layout)
        return ak.Array(layout, behavior=behavior)

    def row_of(self, entry: int) -> int:
        """Outermost list of an entry of the columns."""
        for offsets in reversed(self.offsets):
            entry = int(np.searchsorted(offsets, entry, side="right")) - 1
        return entry


def flat_records(
    collection: object, fields: Sequence[str], name: str, *, depth: int = 1, of: str = "event"
) -> FlatRecords:
    """Take fields out of a collection, without a copy where it is laid out plainly.

    Parameters
    ----------
    collection
        Lists of records, ``n * var``, or ``n * var * var`` for ``depth`` 2: an awkward array or
        what it takes.
    fields
        The fields that are needed.
    name, of
        Of the collection, and what the outermost lists belong to (event or jet), for the errors.

    Raises
    ------
    InputError
        If it is anything else, a field is missing or no number, or a record lacks some of its
        numbers.
    """
    array = as_awkward(collection, name, depth, of)
    layout = plain_layout(array, depth)
    found = None if layout is None else plain_columns(layout, fields)
    if found is None:
        return _rebuilt(array, fields, name, depth, of)
    offsets = []
    for _ in range(depth):
        offsets.append(checked_offsets(layout.offsets.data, len(layout.content), name))
        layout = layout.content
    return FlatRecords(tuple(offsets), found)


def plain_records(
    collection: object, fields: Sequence[str], name: str, *, depth: int = 1
) -> ak.Array:
    """Collection with all its fields, checked as `flat_records` does: the very array if it is laid
    out plainly.

    Else it is rebuilt from the fields that are needed and the others that hold numbers in all
    records.
    """
    array = as_awkward(collection, name, depth)
    flat = flat_records(array, fields, name, depth=depth)
    layout = plain_layout(array, depth)
    if (
        layout is not None
        and set(fields) <= set(array.fields)
        and plain_columns(layout, fields) is not None
    ):
        return array
    return _with_others(array, flat, name, depth).to_awkward(
        record_name_of(array.layout), array.behavior
    )


def is_plain(collection: object, depth: int = 1) -> bool:
    """Tell whether a collection is nothing but lists of records, none of them missing."""
    return isinstance(collection, ak.Array) and plain_layout(collection, depth) is not None


def n_lists(collection: object, name: str) -> int:
    """Number of events (or jets) of a collection; InputError for what has no length."""
    require_data(collection, name)
    try:
        return len(collection)
    except AWKWARD_ERRORS:
        raise not_records(name, type(collection).__name__, 1) from None


def require_finite(
    flat: FlatRecords, fields: Sequence[str], name: str, *, of: str = "event"
) -> None:
    """Raise NotFiniteError or EntryError for the first energy or momentum that is not finite or
    beyond `LARGEST`.
    """
    first, last = flat.span
    for field in fields:
        column = flat.columns[field][first:last]
        # both comparisons are false for NaN
        if len(column) == 0 or (column.max() <= LARGEST and column.min() >= -LARGEST):
            continue
        value = column.astype(np.float64)
        entry = int(np.argmax(~(np.abs(value) <= LARGEST)))
        raise bad_number(flat.row_of(first + entry), f"{name}.{field}", value[entry], of=of)


def bad_number(row: int, field: str, value: float, *, of: str = "event") -> EntryError:
    """Error that says why an energy or a momentum cannot be used."""
    if not np.isfinite(value):
        return NotFiniteError(row, field, of=of)
    return EntryError(
        row,
        field,
        f"is {value:.3g} GeV, more than anything has; give energies and momenta in GeV",
        of=of,
    )


def _rebuilt(
    array: ak.Array, fields: Sequence[str], name: str, depth: int, of: str = "event"
) -> FlatRecords:
    """Flat records of an array of any layout."""
    if broken := damage_of(array):
        raise InputError(f"{name}: the array is damaged: {broken}")
    columns = {}
    missing = {}
    all_offsets = []
    for field in fields:
        offsets, columns[field], missing[field] = numbers_of(
            field_of(array, field, name, depth, of), field, name, depth, of
        )
        all_offsets.append(offsets)
    if any(
        not np.array_equal(a, b)
        for other in all_offsets
        for a, b in zip(all_offsets[0], other, strict=True)
    ):
        raise InputError(f"{name}: its fields {', '.join(fields)} are lists of different lengths")
    flat = FlatRecords(all_offsets[0], columns)
    gone = np.logical_and.reduce(list(missing.values()))
    for field in fields:
        if (lacking := missing[field] & ~gone).any():
            row = flat.row_of(int(np.argmax(lacking)))
            raise EntryError(row, f"{name}.{field}", "is missing (None); give a number", of=of)
    return flat.keep(~gone) if gone.any() else flat


def _with_others(array: ak.Array, flat: FlatRecords, name: str, depth: int) -> FlatRecords:
    """Flat records with all further fields that hold a number wherever the records have one."""
    for field in array.fields:
        if field not in flat.columns:
            try:
                both = _rebuilt(array, [*flat.columns, field], name, depth)
            except InputError:
                continue
            flat = replace(flat, columns=flat.columns | {field: both.columns[field]})
    return flat
