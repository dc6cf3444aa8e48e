"""Collections of the caller (awkward arrays of lists of records) as flat columns, or one sentence
why they are none.

Awkward knows many layouts of the same lists: offsets that begin anywhere, lists in any order,
options, unions, categories, regular and virtual arrays. Whatever comes, what leaves this module are
offsets that ascend within columns of plain numbers, so that compiled loops may rely on them.

A missing list is an empty one, and a missing record is left out; a record that lacks only some of
its numbers is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import awkward as ak
import numpy as np

from calovision.core.errors import EntryError, InputError, NotFiniteError

LARGEST = 1e12
"""Of energies and momenta in GeV: three times those of the hardest cosmic rays, so that more is no
measurement. Sums over an event stay far from the end of float32, and squares from that of
float64."""
AWKWARD_ERRORS = (
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
)


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
        packed, (first, last) = [], (0, len(self))
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
    array = _as_array(collection, name, depth, of)
    layout = _plain_layout(array, depth)
    found = None if layout is None else _plain_columns(layout, fields)
    if found is None:
        return _rebuilt(array, fields, name, depth, of)
    offsets = []
    for _ in range(depth):
        offsets.append(_checked_offsets(layout.offsets.data, len(layout.content), name))
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
    array = _as_array(collection, name, depth)
    flat = flat_records(array, fields, name, depth=depth)
    layout = _plain_layout(array, depth)
    if (
        layout is not None
        and set(fields) <= set(array.fields)
        and _plain_columns(layout, fields) is not None
    ):
        return array
    return _with_others(array, flat, name, depth).to_awkward(
        _record_name(array.layout), array.behavior
    )


def n_lists(collection: object, name: str) -> int:
    """Number of events (or jets) of a collection; InputError for what has no length."""
    try:
        return len(collection)
    except AWKWARD_ERRORS:
        raise _no_records(name, type(collection).__name__, 1) from None


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


def _as_array(collection: object, name: str, depth: int, of: str = "event") -> ak.Array:
    """Awkward array of whatever the caller gave."""
    if isinstance(collection, ak.Array):
        return collection
    if isinstance(collection, np.ndarray):
        collection = collection.astype(collection.dtype.newbyteorder("="), copy=False)
    try:
        array = ak.Array(collection)
    except AWKWARD_ERRORS:
        array = None
    if not isinstance(array, ak.Array) or isinstance(collection, Mapping | str | bytes):
        raise _no_records(name, type(collection).__name__, depth, of)
    return array


def _plain_layout(array: ak.Array, depth: int) -> ak.contents.ListOffsetArray | None:
    """Layout of an array that is nothing but lists of records, as nearly always; else None."""
    layout = content = array.layout
    for _ in range(depth):
        if not isinstance(content, ak.contents.ListOffsetArray) or content.parameters:
            return None
        if not isinstance(content.offsets.data, np.ndarray) or len(content.offsets.data) < 1:
            return None
        content = content.content
    return layout if isinstance(content, ak.contents.RecordArray) else None


def _plain_columns(
    layout: ak.contents.ListOffsetArray, fields: Sequence[str]
) -> dict[str, np.ndarray] | None:
    """Fields of lists of records that hold nothing but numbers; None if one of them holds anything
    else.
    """
    records = layout
    while not isinstance(records, ak.contents.RecordArray):
        records = records.content
    columns = {}
    for field in fields:
        content = records.content(field) if field in records.fields else None
        if not isinstance(content, ak.contents.NumpyArray):
            return None
        column = content.data
        if (
            not isinstance(column, np.ndarray)
            or column.ndim != 1
            or column.dtype.kind not in "biuf"
        ):
            return None
        columns[field] = column
    return columns


def _checked_offsets(offsets: np.ndarray, n_elements: int, name: str) -> np.ndarray:
    """Offsets as int64; InputError unless they ascend within the elements of the next level."""
    offsets = np.asarray(offsets, dtype=np.int64)
    if offsets[0] < 0 or offsets[-1] > n_elements or np.any(offsets[1:] < offsets[:-1]):
        raise InputError(
            f"{name}: the offsets of the lists must ascend within the {n_elements} elements that "
            "there are"
        )
    return offsets


def _rebuilt(
    array: ak.Array, fields: Sequence[str], name: str, depth: int, of: str = "event"
) -> FlatRecords:
    """Flat records of an array of any layout."""
    if broken := _what_is_broken(array):
        raise InputError(f"{name}: the array is damaged: {broken}")
    columns, missing, all_offsets = {}, {}, []
    for field in fields:
        offsets, columns[field], missing[field] = _numbers(
            _field(array, field, name, depth, of), field, name, depth, of
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


def _field(array: ak.Array, field: str, name: str, depth: int, of: str) -> ak.Array:
    """Field of an array of records, or what the behavior of its records computes under this
    name.
    """
    try:
        if field not in array.fields and _has_no_records(array, depth):
            return array
        found = array[field] if field in array.fields else getattr(array, field)
    except AWKWARD_ERRORS:
        found = None
    if isinstance(found, ak.Array):
        return found
    if array.fields and not ak.is_tuple(array):
        raise InputError(f"{name} lack the field '{field}': they have {', '.join(array.fields)}")
    raise _no_records(name, _type_of(array), depth, of)


def _has_no_records(array: ak.Array, depth: int) -> bool:
    """Whether all lists are empty, so that nobody knows what they would hold."""
    content = array.layout
    while content.is_list or content.is_option or content.is_indexed:
        content = content.content
        depth -= content.is_list
    return content.is_unknown


def _numbers(
    array: ak.Array, field: str, name: str, depth: int, of: str
) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """Offsets of the lists, numbers, and which of these are missing, of an array of one field."""
    try:
        content, offsets = ak.to_layout(ak.materialize(ak.to_backend(array, "cpu"))), []
        for _ in range(depth):
            starts, stops, content = _list_ends(content)
            lists = ak.contents.ListArray(
                ak.index.Index64(starts), ak.index.Index64(stops), content
            )
            lists = lists.to_ListOffsetArray64(True)  # in their order, without what belongs to none
            offsets.append(_checked_offsets(lists.offsets.data, len(lists.content), name))
            content = lists.content[: offsets[-1][-1]]
        values, missing = _optional_numbers(content)
    except InputError:
        raise
    except AWKWARD_ERRORS:
        values = None
    if values is None or values.ndim != 1 or values.dtype.kind not in "biuf":
        if array.ndim == depth + 1:
            raise InputError(f"{name}.{field} are {_type_of(array)}: they must be numbers")
        raise _no_records(name, f"{_type_of(array)} in the field {field}", depth, of)
    return tuple(offsets), values, missing


def _list_ends(content: ak.contents.Content) -> tuple[np.ndarray, np.ndarray, ak.contents.Content]:
    """Starts and stops of lists, some of which may be missing and are empty then, and what they are
    lists of.
    """
    if content.is_unknown:  # no list at all
        return np.zeros(0, np.int64), np.zeros(0, np.int64), content
    if content.is_option:
        index = np.asarray(content.to_IndexedOptionArray64().index.data)
        starts, stops, inner = _list_ends(content.to_IndexedOptionArray64().content)
        # one empty list more, where the index of what is missing points to
        starts, stops = (
            np.append(ends, 0)[np.where(index < 0, -1, index)] for ends in (starts, stops)
        )
        return starts, stops, inner
    if content.is_indexed:
        return _list_ends(content.project())
    if content.is_numpy and content.purelist_depth > 1:
        return _list_ends(content.to_RegularArray())
    if (
        not content.is_list or content.parameter("__array__") is not None
    ):  # strings are lists of letters
        raise TypeError(f"{content.form.type} is no list")
    if content.is_regular:
        content = content.to_ListOffsetArray64(True)
    starts, stops = (
        np.asarray(ends.data, dtype=np.int64) for ends in (content.starts, content.stops)
    )
    return starts, stops, content.content


def _optional_numbers(content: ak.contents.Content) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, 0 where they are missing, and where that is."""
    missing = np.zeros(len(content), dtype=bool)
    if content.is_option:
        missing = np.asarray(content.mask_as_bool(valid_when=False)).astype(bool)[: len(content)]
        content = content.project()
    if content.is_indexed:
        content = content.project()
    if content.is_unknown:
        return np.zeros(len(missing)), missing
    given = np.asarray(content.data)
    if not missing.any():
        return given, missing
    values = np.zeros((len(missing), *given.shape[1:]), dtype=given.dtype)
    values[~missing] = given
    return values, missing


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


def _record_name(layout: ak.contents.Content) -> str | None:
    """Name of the records, which gives them their behavior."""
    while layout.is_list or layout.is_option or layout.is_indexed:
        layout = layout.content
    return layout.parameter("__record__") if layout.is_record else None


def _what_is_broken(array: ak.Array) -> str:
    try:
        return ak.validity_error(array).split(" (in compiled code")[0]
    except AWKWARD_ERRORS as error:
        return str(error)


def _no_records(name: str, found: str, depth: int, of: str = "event") -> InputError:
    kind = (
        f"one list of records for each {of}"
        if depth == 1
        else f"lists of lists of records for each {of}"
    )
    return InputError(f"{name} are {found}: they must be {kind}")


def _type_of(array: ak.Array) -> str:
    """Type of an array, shortened where it has many fields."""
    text = " ".join(str(ak.type(array)).split())
    return text if len(text) <= 120 else text[:117] + "..."
