"""Branches of one TTree or RNTuple, numbered in their order; what differs between the two."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property

import awkward as ak
import numpy as np

Member = tuple[str, ...]  # fields of records, the outermost first


class Branches(ABC):
    """Branches of one tree, each with the path to it; no look-up in them takes longer where there
    are more of them.

    Attributes
    ----------
    name
        Name of the tree, without its folders.
    kind
        TTree or RNTuple.
    separator
        Stands between the parts of a path.
    is_called_by_path
        Branches are shown by their full path, not by the shortest end of it that is unique.
    paths
        Full path of each branch.
    """

    kind: str
    separator: str
    is_called_by_path: bool
    name: str
    paths: tuple[str, ...]

    @property
    @abstractmethod
    def n_entries(self) -> int:
        """Number of entries of the tree."""

    @abstractmethod
    def type_of(self, number: int) -> str:
        """C++ type of a branch, as ``vector<float>``."""

    @property
    @abstractmethod
    def classes(self) -> dict[str, str]:
        """Outermost branches -> class of the objects that each holds, or of the elements of its
        TClonesArray; empty where the file does not say it.
        """

    @abstractmethod
    def length_of(self, number: int) -> int | None:
        """Number of entries of a branch; None if it is the tree's by nature."""

    @abstractmethod
    def members_of(self, number: int) -> tuple[Member, ...]:
        """Members, down to numbers, of the records that a branch is read as; none if it has
        branches below it, or holds no records.
        """

    @abstractmethod
    def is_record(self, number: int) -> bool:
        """Return True for a branch that holds records, alone or in lists."""

    @abstractmethod
    def bytes_per_entry(self, numbers: Sequence[int]) -> float:
        """Uncompressed size of the branches, in bytes, over the number of entries."""

    @abstractmethod
    def has_checksums(self, number: int) -> bool:
        """Return False for a branch in whose bytes nothing tells that they are others."""

    @abstractmethod
    def boundaries(self, numbers: Sequence[int]) -> np.ndarray:
        """Entries, in their order, between which the branches are compressed together."""

    @abstractmethod
    def iterate(
        self, numbers: Sequence[int], start: int, stop: int, step: int
    ) -> Iterator[dict[int, ak.Array]]:
        """Yield the arrays of branches, ``step`` entries at a time; what was decompressed is kept
        for the next step.
        """

    @cached_property
    def exact(self) -> dict[str, list[int]]:
        """Full path -> branches; several if the file has a branch twice."""
        return _grouped(enumerate(self.paths))

    @cached_property
    def tails(self) -> dict[str, list[int]]:
        """Last parts of a path, without at least the first -> branches; one of those with the same
        path.
        """
        return _grouped(
            (numbers[0], tail)
            for path, numbers in self.exact.items()
            for tail in _tails(path, self.separator)
        )

    def below(self, number: int) -> list[int]:
        """Branches below a branch."""
        beginning = self.paths[number] + self.separator
        return [i for i, path in enumerate(self.paths) if path.startswith(beginning)]


def _tails(path: str, separator: str) -> Iterator[str]:
    """Ends of a path, shorter and shorter."""
    while separator in path:
        path = path.split(separator, 1)[1]
        yield path


def _grouped(pairs: Iterator[tuple[int, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, name in pairs:
        found.setdefault(name, []).append(number)
    return found
