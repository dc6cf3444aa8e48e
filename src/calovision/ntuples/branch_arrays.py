"""Branches of one chunk as flat values and offsets, without copies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.expressions import Indices, find_branch

Content = ak.contents.Content


@dataclass(frozen=True)
class Column:
    """A branch: ``values[offsets[i]:offsets[i + 1]]`` belong to entry i; one value an entry if
    ``offsets`` is None.

    ``inner`` are the offsets of lists in the lists, whose values then are ``values``.
    """

    values: np.ndarray
    offsets: np.ndarray | None = None
    inner: np.ndarray | None = None


@dataclass(frozen=True)
class BranchArrays:
    """The arrays of some branches, and where they come from, for the sentences of errors."""

    arrays: Mapping[str, ak.Array]
    path: object
    start: int
    n_events: int
    columns: dict[str, Column] = field(default_factory=dict)
    looked_up: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Beginning of the sentence of an error."""
        return f"{self.path}, chunk from entry {self.start}"

    def column(self, name: str) -> Column:
        """Flat values of a branch, or of what an index behind its name takes of it.

        Of arrays of fixed size in lists, and of lists in lists, ``x[i]`` is the component i of
        each; of numbers in lists, the element i of the event, ``x[i][j]`` of the first kind the
        component j of that. ``sum(x)`` and ``sum(x[i:j])`` add up what ``x[i]`` would take one of.
        """
        if name not in self.columns:
            branch, indices = find_branch(name, self.arrays)
            column = flat_column(self.arrays[branch])
            if column is not None and indices and isinstance(indices[-1], slice):
                self.columns[name] = self._sum(name, column, indices)
                return self.columns[name]
            if (
                column is not None
                and column.offsets is not None
                and len(indices) == column.values.ndim
            ):
                column, indices = self._element(name, column, indices[0]), indices[1:]
            if column is None or column.values.ndim != 1 + len(indices):
                raise InputError(f"{self.where}: {_not_lists(name, self.arrays[branch])}")
            self._check_components(name, column.values.shape[1:], indices)
            values = column.values[(slice(None), *indices)] if indices else column.values
            self.columns[name] = Column(values, column.offsets, column.inner)
        return self.columns[name]

    def _element(self, name: str, column: Column, index: int) -> Column | None:
        """The element ``index`` of each event, or of each object with a list of numbers; None for
        lists of lists of arrays.
        """
        if column.inner is not None and column.values.ndim > 1:
            return None
        bounds = column.offsets if column.inner is None else column.inner
        counts = np.diff(bounds)
        if len(short := np.flatnonzero(counts <= index)):
            branch, first = find_branch(name, self.arrays)[0], short[0]
            of_object, remedy = "", ""
            if column.inner is not None:
                of_object = "for an object "
                remedy = f", and sum({branch}[{index}:{index + 1}]) is 0 where there is none"
                first = np.searchsorted(column.offsets, first, side="right") - 1
            raise InputError(
                f"{self.where}: {name} is beyond the {counts[short[0]]} values that {branch} has "
                f"{of_object}in entry {self.start + first}; indices count from 0{remedy}"
            )
        values = column.values[bounds[:-1] + index]
        return Column(values) if column.inner is None else Column(values, column.offsets)

    def _sum(self, name: str, column: Column, indices: Indices) -> Column:
        """Sum of each object's inner list or array of fixed size, or of a list an event."""
        *before, summed = indices
        is_list = column.offsets is not None
        n_axes = column.values.ndim + (column.inner is not None)
        if before or not is_list or n_axes > 2:
            branch = find_branch(name, self.arrays)[0]
            raise InputError(
                f"{self.where}: {name} adds up nothing, as {branch} holds {self.kind(name)}; it "
                "must hold a list of numbers for each object, of which at most a range is added up"
            )
        if column.values.ndim == 2:
            self._check_components(name, column.values.shape[1:], (summed.start or 0,))
            bounds = np.arange(len(column.values) + 1) * column.values.shape[1]
            return Column(_sums(column.values.ravel(), bounds, summed), column.offsets)
        if column.inner is not None:
            return Column(_sums(column.values, column.inner, summed), column.offsets)
        return Column(_sums(column.values, column.offsets, summed))

    def _check_components(
        self, name: str, lengths: tuple[int, ...], indices: tuple[int, ...]
    ) -> None:
        for length, index in zip(lengths, indices, strict=True):
            if index >= length:
                branch = find_branch(name, self.arrays)[0]
                raise InputError(
                    f"{self.where}: {name} is beyond the {length} components that {branch} has; "
                    "indices count from 0"
                )

    def kind(self, name: str) -> str:
        """Type of the branch of a name, for the sentence of an error."""
        return str(self.arrays[find_branch(name, self.arrays)[0]].type)

    def outer_offsets(self, name: str) -> np.ndarray | None:
        """Offsets of the outermost lists of a branch, whatever they hold; None if it has none."""
        layout = self.arrays[find_branch(name, self.arrays)[0]].layout
        return _offsets_and_content(layout)[0] if layout.is_list else None

    def entry_of_value(self, column: Column, position: int) -> int:
        """Number of the entry of one of the flat values."""
        for offsets in (column.inner, column.offsets):
            if offsets is not None:
                position = int(np.searchsorted(offsets, position, side="right")) - 1
        return self.start + position

    def entry_of_difference(self, first: np.ndarray, second: np.ndarray) -> int:
        """Number of the first entry whose lists differ in length."""
        return self.start + int(np.flatnonzero(np.diff(first) != np.diff(second))[0])


def consecutive(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Positions ``starts[i], starts[i] + 1, ...``, of which there are ``counts[i]``, for all i."""
    ends = np.cumsum(counts)
    return np.repeat(starts - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)


def _sums(values: np.ndarray, bounds: np.ndarray, summed: slice) -> np.ndarray:
    """Sums over a slice of each list, of which short ones have less; in float64 (whole numbers in
    int64), rounded to the number type of floating-point values.
    """
    starts, stops = bounds[:-1], bounds[1:]
    first = np.minimum(starts + (summed.start or 0), stops)
    last = stops if summed.stop is None else np.minimum(starts + summed.stop, stops)
    if values.dtype.kind != "f":
        before = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
        return before[last] - before[first]
    counts = last - first
    owners = np.repeat(np.arange(len(counts)), counts)
    sums = np.bincount(owners, values[consecutive(first, counts)], len(counts))
    return sums.astype(values.dtype, copy=False)


def _not_lists(name: str, array: ak.Array) -> str:
    kind = str(array.type)
    missing = ", some of which are missing" if "?" in kind or "option[" in kind else ""
    return f"{name} holds {kind}{missing}; it must hold one list of numbers an event"


def flat_column(array: ak.Array) -> Column | None:
    """Flat values and offsets of numbers, lists or lists of lists; None if it is something else, as
    text, or if a value is missing.
    """
    layout = _without_options(array.layout)
    if isinstance(layout, ak.contents.NumpyArray):
        if layout.purelist_depth == 1:
            return Column(layout.data)
        layout = layout.to_RegularArray()
    if layout is None or not layout.is_list:
        return None
    offsets, content = _offsets_and_content(layout)
    content = _without_options(content)
    inner = None
    if content is not None and content.is_list and not content.is_regular:
        inner, content = _offsets_and_content(content)
        content = _without_options(content)
    if not isinstance(content, ak.contents.NumpyArray | ak.contents.RegularArray):
        return None
    return Column(ak.to_numpy(content), offsets, inner)


def _without_options(layout: Content) -> Content | None:
    """Content whose values may be missing, but are all there; None if one is missing, and for
    text. What has no type, being empty, is numbers.
    """
    if layout.is_option or layout.is_indexed:
        if layout.is_option and np.any(layout.mask_as_bool(valid_when=False)):
            return None
        layout = layout.project()
    if layout.is_unknown:
        return ak.contents.NumpyArray(np.zeros(0))
    is_text = layout.parameter("__array__") in ("string", "bytestring")
    return None if is_text else layout


def _offsets_and_content(layout: Content) -> tuple[np.ndarray, Content]:
    """Offsets that begin at 0, and the content that they cover, without a copy of the values."""
    layout = layout.to_ListOffsetArray64(False)
    offsets = layout.offsets.data
    content = layout.content[offsets[0] : offsets[-1]]
    return (offsets - offsets[0] if offsets[0] else offsets), content
