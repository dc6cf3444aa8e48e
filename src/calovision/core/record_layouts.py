"""Layouts of awkward arrays: lists of records as offsets and columns, whatever their nodes.

An array is lists of records to ``depth`` levels; ``name`` (of the collection) and ``of`` (event or
jet) are for the messages.
"""

from collections.abc import Mapping, Sequence

import awkward as ak
import numpy as np

from calovision.core.errors import InputError

AWKWARD_ERRORS = (
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
)


def as_awkward(collection: object, name: str, depth: int, of: str = "event") -> ak.Array:
    """Awkward array of whatever the caller gave."""
    if isinstance(collection, ak.Array):
        require_data(collection, name)
        return collection
    if isinstance(collection, np.ndarray):
        collection = collection.astype(collection.dtype.newbyteorder("="), copy=False)
    try:
        array = ak.Array(collection)
    except AWKWARD_ERRORS:
        array = None
    if not isinstance(array, ak.Array) or isinstance(collection, Mapping | str | bytes):
        raise not_records(name, type(collection).__name__, depth, of)
    return array


def require_data(collection: object, name: str) -> None:
    """Raise InputError for an array that has a form only."""
    if isinstance(collection, ak.Array) and ak.backend(collection) == "typetracer":
        raise InputError(
            f"{name} are a typetracer, an array without data, as dask-awkward gives it: call "
            "build_awkward_images or build_awkward_jet_images"
        )


def plain_layout(array: ak.Array, depth: int) -> ak.contents.ListOffsetArray | None:
    """Layout of an array that is nothing but lists of records, as nearly always; else None."""
    layout = content = array.layout
    for _ in range(depth):
        if not isinstance(content, ak.contents.ListOffsetArray) or content.parameters:
            return None
        if not isinstance(content.offsets.data, np.ndarray) or len(content.offsets.data) < 1:
            return None
        content = content.content
    return layout if isinstance(content, ak.contents.RecordArray) else None


def plain_columns(
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


def checked_offsets(offsets: np.ndarray, n_elements: int, name: str) -> np.ndarray:
    """Offsets as int64; InputError unless they ascend within the elements of the next level."""
    offsets = np.asarray(offsets, dtype=np.int64)
    if offsets[0] < 0 or offsets[-1] > n_elements or np.any(offsets[1:] < offsets[:-1]):
        raise InputError(
            f"{name}: the offsets of the lists must ascend within the {n_elements} elements that "
            "there are"
        )
    return offsets


def field_of(array: ak.Array, field: str, name: str, depth: int, of: str) -> ak.Array:
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
    raise not_records(name, _type_of(array), depth, of)


def _has_no_records(array: ak.Array, depth: int) -> bool:
    """Tell whether all lists are empty, so that the type of their entries is unknown."""
    content = array.layout
    while content.is_list or content.is_option or content.is_indexed:
        content = content.content
        depth -= content.is_list
    return content.is_unknown


def numbers_of(
    array: ak.Array, field: str, name: str, depth: int, of: str
) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """Offsets of the lists, numbers, and which of these are missing, of an array of one field."""
    try:
        content = ak.to_layout(ak.materialize(ak.to_backend(array, "cpu")))
        offsets = []
        for _ in range(depth):
            starts, stops, content = _list_ends(content)
            lists = ak.contents.ListArray(
                ak.index.Index64(starts), ak.index.Index64(stops), content
            )
            lists = lists.to_ListOffsetArray64(True)  # in their order, without what belongs to none
            offsets.append(checked_offsets(lists.offsets.data, len(lists.content), name))
            content = lists.content[: offsets[-1][-1]]
        values, missing = _optional_numbers(content)
    except InputError:
        raise
    except AWKWARD_ERRORS:
        values = None
    if values is None or values.ndim != 1 or values.dtype.kind not in "biuf":
        if array.ndim == depth + 1:
            raise InputError(f"{name}.{field} are {_type_of(array)}: they must be numbers")
        raise not_records(name, f"{_type_of(array)} in the field {field}", depth, of)
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


def record_name_of(layout: ak.contents.Content) -> str | None:
    """Name of the records, which gives them their behavior."""
    while layout.is_list or layout.is_option or layout.is_indexed:
        layout = layout.content
    return layout.parameter("__record__") if layout.is_record else None


def damage_of(array: ak.Array) -> str:
    """Awkward's message for an array that is not valid; "" for a valid one."""
    try:
        return ak.validity_error(array).split(" (in compiled code")[0]
    except AWKWARD_ERRORS as error:
        return str(error)


def not_records(name: str, found: str, depth: int, of: str = "event") -> InputError:
    """Error for a collection that is something else: ``found``."""
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
