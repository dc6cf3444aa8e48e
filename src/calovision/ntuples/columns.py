"""Branches of one chunk to collections: flat values and offsets, checked once, joined without copies."""

from collections.abc import Collection as Names
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import awkward as ak
import numpy as np

from calovision.errors import InputError
from calovision.ntuples.expressions import branch_and_component, evaluate, names_in
from calovision.ntuples.schemas import Collection

Content = ak.contents.Content


@dataclass(frozen=True)
class Column:
    """A branch: ``values[offsets[i]:offsets[i + 1]]`` belong to entry i; one value an entry if ``offsets`` is None.

    ``inner`` are the offsets of lists in the lists, whose values then are ``values``.
    """

    values: np.ndarray
    offsets: np.ndarray | None = None
    inner: np.ndarray | None = None


@dataclass(frozen=True)
class Chunk:
    """The arrays of some branches, and where they come from, for the sentences of errors."""

    arrays: Mapping[str, ak.Array]
    path: object
    start: int
    n_events: int
    columns: dict[str, Column] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """How the sentence of an error begins."""
        return f"{self.path}, chunk from entry {self.start}"

    def column(self, name: str) -> Column:
        """Flat values of a branch, or of one component of a branch with arrays of fixed size."""
        if name not in self.columns:
            branch, component = branch_and_component(name, set(self.arrays))
            column = _flat(self.arrays[branch].layout)
            if component is not None and column is not None and column.values.ndim == 2:
                column = Column(column.values[:, component], column.offsets, column.inner)
            if column is None or column.values.ndim != 1:
                raise InputError(f"{self.where}: {_not_lists(name, self.arrays[branch])}")
            self.columns[name] = column
        return self.columns[name]

    def entry_of_difference(self, first: np.ndarray, second: np.ndarray) -> int:
        """Number of the first entry whose lists differ in length."""
        return self.start + int(np.flatnonzero(np.diff(first) != np.diff(second))[0])


def _not_lists(name: str, array: ak.Array) -> str:
    return f"{name} holds {array.type}; it must hold one list of numbers an event"


def _flat(layout: Content) -> Column | None:
    """Flat values and offsets of numbers, lists or lists of lists; None if it is something else."""
    if isinstance(layout, ak.contents.NumpyArray):
        if layout.purelist_depth == 1:
            return Column(layout.data)
        layout = layout.to_RegularArray()
    if not layout.is_list:
        return None
    offsets, content = _offsets_and_content(layout)
    inner = None
    if content.is_list and not isinstance(content, ak.contents.RegularArray):
        inner, content = _offsets_and_content(content)
    if not isinstance(content, ak.contents.NumpyArray | ak.contents.RegularArray):
        return None
    return Column(ak.to_numpy(content), offsets, inner)


def _offsets_and_content(layout: Content) -> tuple[np.ndarray, Content]:
    """Offsets that begin at 0, and the content that they cover, without a copy of the values."""
    layout = layout.to_ListOffsetArray64(False)
    offsets = layout.offsets.data
    content = layout.content[offsets[0] : offsets[-1]]
    return (offsets - offsets[0] if offsets[0] else offsets), content


def available_fields(parts: Iterable[Collection], present: set[str]) -> tuple[str, ...]:
    """Fields of a collection that a file with these branches has; none unless all branches of its parts are there."""
    parts = tuple(parts)
    if not parts or missing_branches(parts, present):
        return ()
    fields = [
        [*part.fields, *(name for name, text in part.extra.items() if not _missing([text], present))] for part in parts
    ]
    return tuple(name for name in fields[0] if all(name in of_part for of_part in fields))


def missing_branches(parts: Iterable[Collection], present: set[str]) -> list[str]:
    """Branches that the parts of a collection demand and the file lacks."""
    return [name for part in parts for name in _missing(_demanded(part), present)]


def branches_of(parts: Iterable[Collection], names: Names[str], present: set[str]) -> set[str]:
    """Branches that give the named fields of a collection."""
    return {
        branch_and_component(name, present)[0]
        for part in parts
        for name in (*_names(part, names), *(name for text in _conditions(part) for name in names_in(text)))
    }


def _demanded(part: Collection) -> list[str]:
    return [*part.fields.values(), *_conditions(part)]


def _conditions(part: Collection) -> list[str]:
    """What is read whatever the fields: the cut and the index table."""
    texts = (part.cut, getattr(part, "jet_index", None), getattr(part, "item_index", None))
    return [text for text in texts if text is not None]


def _names(part: Collection, names: Names[str], *, cut: bool = True) -> list[str]:
    """What the named fields are computed from; at least one branch, since it tells the lengths of the lists."""
    texts = [*_chosen(part, names).values(), *([part.cut] if cut and part.cut else [])]
    found = list(dict.fromkeys(name for text in texts for name in names_in(text)))
    return found or [name for text in part.fields.values() for name in names_in(text)][:1]


def _missing(texts: Iterable[str], present: set[str]) -> list[str]:
    names = dict.fromkeys(branch_and_component(name, present)[0] for text in texts for name in names_in(text))
    return [name for name in names if name not in present]


def _chosen(part: Collection, names: Names[str]) -> dict[str, str]:
    """Definitions of the named fields, in the schema's order."""
    return {name: text for name, text in {**part.fields, **part.extra}.items() if name in names}


@dataclass(frozen=True)
class Lists:
    """A collection of a chunk: fields ``(m,)`` and the offsets of its lists, before and after its cut."""

    fields: dict[str, np.ndarray]
    offsets: np.ndarray
    kept: np.ndarray | None = None
    inner: np.ndarray | None = None

    def records(self, name: str | None = None) -> ak.contents.RecordArray:
        """Records without their lists."""
        contents = [ak.contents.NumpyArray(values) for values in self.fields.values()]
        parameters = {} if name is None else {"__record__": name}
        return ak.contents.RecordArray(contents, list(self.fields), parameters=parameters)

    def array(self, name: str | None = None) -> ak.Array:
        """Records of the given name, ``n * var``."""
        return listed(self.offsets, self.records(name))


def listed(offsets: np.ndarray, *contents: Content | np.ndarray) -> ak.Array:
    """Lists (of lists, if further offsets are given before the content), without a copy."""
    *inner, content = contents
    for bounds in (*reversed(inner), offsets):
        content = ak.contents.ListOffsetArray(ak.index.Index64(bounds), content)
    return ak.Array(content)


def read_part(chunk: Chunk, part: Collection, names: Names[str], *, cut: bool = True) -> Lists:
    """Compute the named fields of one part of a collection.

    Raises
    ------
    InputError
        If a branch does not hold one list an entry, or two of them differ in length.
    """
    chosen = _chosen(part, names)
    needed = _names(part, names, cut=cut)
    offsets, inner = _common_offsets(chunk, part, needed, set(chosen.values()))
    values = {name: _per_object(chunk.column(name), offsets, inner) for name in needed}
    n_objects = int((offsets if inner is None else inner)[-1])
    computed = {name: _evaluated(text, values, n_objects, chunk.where) for name, text in chosen.items()}
    if not cut or part.cut is None:
        return Lists(computed, offsets, None, inner)
    kept = _evaluated(part.cut, values, n_objects, chunk.where)
    if kept.dtype != bool:
        raise InputError(f"{chunk.where}: the cut {part.cut!r} gives numbers; it must be a comparison, true or false")
    kept_before = np.concatenate([[0], np.cumsum(kept)])
    selected = {name: column[kept] for name, column in computed.items()}
    if inner is None:
        return Lists(selected, kept_before[offsets], kept)
    return Lists(selected, offsets, kept, kept_before[inner])


def _evaluated(text: str, values: Mapping[str, np.ndarray], n_objects: int, where: str) -> np.ndarray:
    result = evaluate(text, values, where)
    return result if result.ndim else np.full(n_objects, result)


def _common_offsets(
    chunk: Chunk, part: Collection, names: list[str], alone: Names[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Offsets shared by the branches of a collection.

    Numbers, one an entry, may only enter formulas with lists, unless the collection consists of such.
    """
    if part.one_per_entry:
        for name in names:
            if chunk.column(name).offsets is not None:
                raise InputError(f"{chunk.where}: {name} holds lists; it must hold one number an event")
        return np.arange(chunk.n_events + 1), None
    lists = {name: chunk.column(name) for name in names if chunk.column(name).offsets is not None}
    if flat := [name for name in names if name not in lists and (name in alone or not lists)]:
        raise InputError(f"{chunk.where}: {_not_lists(flat[0], chunk.arrays[flat[0]])}")
    reference = next(iter(lists))
    for name in lists:
        _check_equal_lengths(chunk, name, reference)
    return lists[reference].offsets, lists[reference].inner


def _check_equal_lengths(chunk: Chunk, name: str, reference: str) -> None:
    """Raise InputError if two branches have lists of different lengths."""
    first, second = chunk.column(name), chunk.column(reference)
    pairs = [(first.offsets, second.offsets)]
    if (first.inner is None) != (second.inner is None):
        raise InputError(f"{chunk.where}: only one of {name} and {reference} holds lists in lists; both must")
    if first.inner is not None:
        pairs.append((first.inner[first.offsets], second.inner[second.offsets]))
    for one, other in pairs:
        if one is not other and not np.array_equal(one, other):
            raise InputError(
                f"{chunk.where}: {name} and {reference} differ in length at entry "
                f"{chunk.entry_of_difference(one, other)}; they must agree in every event"
            )
    if first.inner is not None and not np.array_equal(first.inner, second.inner):
        raise InputError(f"{chunk.where}: the inner lists of {name} and {reference} differ in length; they must agree")


def _per_object(column: Column, offsets: np.ndarray, inner: np.ndarray | None) -> np.ndarray:
    """Values of a branch for each object; a number of the entry is repeated."""
    if column.offsets is not None:
        return column.values
    return np.repeat(column.values, np.diff(offsets if inner is None else inner[offsets]))
