"""Event numbers, labels and generator weights of a chunk."""

import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.expressions import branches_in, evaluate, names_in
from calovision.ntuples.schemas.schema import TreeSchema

LARGEST = 1e100
"""Of a generator weight: squares of more, and their sums, leave float64."""


def first_of_event(chunk: BranchArrays, branch: str) -> np.ndarray:
    """Return the first value of each event of a branch that may hold lists."""
    column = chunk.column(branch)
    if column.offsets is None:
        return column.values
    _check_not_empty(chunk, branch, np.diff(column.offsets))
    return column.values[column.offsets[:-1]]


def event_number_branches(schema: TreeSchema, present: set[str]) -> list[str]:
    """Branches that hold the event number, the label and the process of the entries, whether they
    exist or not.
    """
    texts = (schema.event_number, schema.label, schema.process_id)
    return branches_in([text for text in texts if text is not None], present)


def event_numbers(chunk: BranchArrays, schema: TreeSchema) -> np.ndarray:
    """Event numbers, int64 ``(n,)``: those of the file, else of the entries."""
    if schema.event_number is None:
        return np.arange(chunk.start, chunk.start + chunk.n_events, dtype=np.int64)
    return whole_numbers(
        chunk,
        schema.event_number,
        "event number",
        "without the key event_number the entries are numbered",
    )


def whole_numbers(chunk: BranchArrays, text: str, what: str, remedy: str) -> np.ndarray:
    """Whole numbers of a branch or formula, int64 ``(n,)``.

    Parameters
    ----------
    chunk, text
        The entries, and the branch or formula.
    what, remedy
        What is numbered, and what else would do, for the sentences of errors.

    Raises
    ------
    InputError
        If an entry has several numbers or none, or its number is not whole.
    """
    names = names_in(text)
    values = {name: _in_double(_only_of_event(chunk, name, what)) for name in names}
    result = evaluate(text, values, chunk.where)
    return np.broadcast_to(_whole(result, text, chunk, what, remedy), chunk.n_events)


def _in_double(values: np.ndarray) -> np.ndarray:
    """Floating-point numbers in float64: what is computed of float32 alone would be rounded to
    that.
    """
    return values.astype(np.float64, copy=False) if values.dtype.kind == "f" else values


def _only_of_event(chunk: BranchArrays, name: str, what: str) -> np.ndarray:
    """Return the only value of each event of a branch that may hold lists."""
    column = chunk.column(name)
    if column.offsets is not None and len(longer := np.flatnonzero(np.diff(column.offsets) > 1)):
        raise InputError(
            f"{chunk.where}: {name} has several values in entry {chunk.start + longer[0]}, but one "
            f"{what} is needed; write {name}[0] for the first"
        )
    return first_of_event(chunk, name)


def _whole(
    numbers: np.ndarray, text: str, chunk: BranchArrays, what: str, remedy: str
) -> np.ndarray:
    """Numbers in int64, none of them changed."""
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64)
    exact = (
        np.abs(numbers) <= 2.0**53
        if numbers.dtype.kind == "f"
        else whole >= 0
        if numbers.dtype == np.uint64
        else True
    )
    if len(wrong := np.flatnonzero(~(exact & (whole == numbers)))):
        raise InputError(
            f"{chunk.where}: the {what} {text} is {np.ravel(numbers)[wrong[0]]} in entry "
            f"{chunk.start + wrong[0]}; it must be a whole number of at most 63 bits ({remedy})"
        )
    return whole


def weight_branches(schema: TreeSchema, present: set[str], *, factors: bool) -> set[str]:
    """Branches that hold weights, with or without further factors; demanded ones whether they exist
    or not.
    """
    if schema.weight is None:
        return set()
    branches = set(branches_in([schema.weight], present))
    if schema.weight_may_miss and not branches <= present:
        return set()
    return branches | (set(schema.weight_factors) & present if factors else set())


def read_weights(
    chunk: BranchArrays, schema: TreeSchema, index: int = 0, *, variations: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Generator weights.

    Parameters
    ----------
    chunk
        Holds the branches `weight_branches`, or none of them.
    index
        Which of several weights.
    variations
        Whether the other weights are wanted; without them, events may differ in their number if
        ``index`` is 0.

    Returns
    -------
    weight
        float64 ``(n,)``; 1 if the file has none.
    variations
        All weights, float64 ``(n, k)``; None if k is 1 or they are not wanted.

    Raises
    ------
    InputError
        If events differ in the number of weights, one has none, there are no more than ``index``,
        or the chosen weight of an event is not finite or beyond `LARGEST`.
    """
    every = None
    if not _has_weights(chunk, schema):
        weight = np.ones(chunk.n_events)
        _check_index(chunk, index, 1)
    elif variations or index > 0:
        every = _all_weights(chunk, schema)
        _check_index(chunk, index, every.shape[1])
        weight = np.ascontiguousarray(every[:, index])
    else:
        first = {name: first_of_event(chunk, name) for name in names_in(schema.weight)}
        weight = np.broadcast_to(
            evaluate(schema.weight, first, chunk.where), chunk.n_events
        ).astype(np.float64)
    if len(wrong := np.flatnonzero(~(np.abs(weight) <= LARGEST))):
        raise InputError(
            f"{chunk.where}: {schema.weight} is {weight[wrong[0]]} in entry "
            f"{chunk.start + wrong[0]}; weights must be finite numbers of at most {LARGEST:g}"
        )
    return weight, every if every is not None and every.shape[1] > 1 else None


def count_weights(chunk: BranchArrays, schema: TreeSchema) -> int | None:
    """Number of weights of every event, without further factors; None if events differ in it."""
    if not _has_weights(chunk, schema):
        return 1
    columns = [chunk.column(name) for name in names_in(schema.weight)]
    numbers = [
        set(np.diff(column.offsets).tolist()) for column in columns if column.offsets is not None
    ]
    if any(len(counts) > 1 for counts in numbers):
        return None
    return max((counts.pop() for counts in numbers if counts), default=1)


def _has_weights(chunk: BranchArrays, schema: TreeSchema) -> bool:
    return schema.weight is not None and set(branches_in([schema.weight], chunk.arrays)) <= set(
        chunk.arrays
    )


def _check_index(chunk: BranchArrays, index: int, n_weights: int) -> None:
    if not 0 <= index < n_weights:
        raise InputError(
            f"{chunk.where}: there is no weight {index}, as the events have {n_weights}; choose a "
            "weight from 0 to "
            f"{n_weights - 1}"
        )


def _all_weights(chunk: BranchArrays, schema: TreeSchema) -> np.ndarray:
    """Weights ``(n, k)``: of the branch or formula, then the nominal one times the factors."""
    names = names_in(schema.weight)
    if not names:
        return np.full(
            (chunk.n_events, 1), evaluate(schema.weight, {}, chunk.where), dtype=np.float64
        )
    columns = np.broadcast_arrays(*_tables(chunk, names))
    values = {name: column.ravel() for name, column in zip(names, columns, strict=True)}
    flat = evaluate(schema.weight, values, chunk.where).astype(np.float64)
    every = flat.reshape(columns[0].shape)
    factors = [
        _table(chunk, name, may_be_empty=True)
        for name in schema.weight_factors
        if name in chunk.arrays
    ]
    return np.concatenate([every, *(every[:, :1] * factor for factor in factors)], axis=1)


def _tables(chunk: BranchArrays, names: tuple[str, ...]) -> list[np.ndarray]:
    """Values ``(n, k)`` or ``(n, 1)`` of several branches."""
    tables = [_table(chunk, name) for name in names]
    numbers = {
        name: table.shape[1]
        for name, table in zip(names, tables, strict=True)
        if table.shape[1] > 1
    }
    if len(set(numbers.values())) > 1:
        counts = ", ".join(f"{name} {number}" for name, number in numbers.items())
        raise InputError(
            f"{chunk.where}: the branches of the weight have different numbers of values ({counts})"
        )
    return tables


def _table(chunk: BranchArrays, branch: str, *, may_be_empty: bool = False) -> np.ndarray:
    """Values ``(n, k)`` of a branch with as many values in each event."""
    column = chunk.column(branch)
    if column.offsets is None:
        return column.values[:, np.newaxis]
    counts = np.diff(column.offsets)
    if not may_be_empty:
        _check_not_empty(chunk, branch, counts)
    if len(different := np.flatnonzero(counts != counts[:1])):
        entry = different[0]
        raise InputError(
            f"{chunk.where}: {branch} has {counts[entry]} values in entry {chunk.start + entry}, "
            f"but {counts[0]} in "
            f"entry {chunk.start}; each event must have as many weights, or only the first may be "
            "asked for (weight "
            "index 0, no variations)"
        )
    return column.values.reshape(chunk.n_events, counts[0])


def _check_not_empty(chunk: BranchArrays, branch: str, counts: np.ndarray) -> None:
    if len(empty := np.flatnonzero(counts == 0)):
        raise InputError(
            f"{chunk.where}: {branch} has no value for some event (entry "
            f"{chunk.start + empty[0]}); each event "
            "must have one"
        )
