"""Branches of one chunk as flat values and offsets, without copies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.expressions import find_branch

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

    @property
    def where(self) -> str:
        """Beginning of the sentence of an error."""
        return f"{self.path}, chunk from entry {self.start}"

    def column(self, name: str) -> Column:
        """Flat values of a branch, or of what an index behind its name takes of it.

        Of arrays of fixed size in lists, ``x[i]`` is the component i of each; of numbers in lists,
        the element i of the event, ``x[i][j]`` of the first kind the component j of that.
        """
        if name not in self.columns:
            branch, indices = find_branch(name, self.arrays)
            column = _flat(self.arrays[branch].layout)
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
        """The element ``index`` of each event; None for lists of lists."""
        if column.inner is not None:
            return None
        counts = np.diff(column.offsets)
        if len(short := np.flatnonzero(counts <= index)):
            branch, entry = find_branch(name, self.arrays)[0], short[0]
            raise InputError(
                f"{self.where}: {name} is beyond the {counts[entry]} values that {branch} has in "
                "entry "
                f"{self.start + entry}; indices count from 0"
            )
        return Column(column.values[column.offsets[:-1] + index])

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


def _not_lists(name: str, array: ak.Array) -> str:
    return f"{name} holds {array.type}; it must hold one list of numbers an event"


def _flat(layout: Content) -> Column | None:
    """Flat values and offsets of numbers, lists or lists of lists; None if it is something else, as
    text.
    """
    if layout.is_list and layout.parameter("__array__") in ("string", "bytestring"):
        return None
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
