"""Trees of an open file and the types of their branches, from which a schema may be found."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from calovision.core.errors import InputError
from calovision.jobs.failures import require_memory
from calovision.ntuples.root_file import find_tree, has_tree, tree_kinds
from calovision.ntuples.trees.event_tree import EventTree


@dataclass(frozen=True)
class FileContent:
    """Content of a ROOT file, each answer computed once.

    Attributes
    ----------
    file, path
        The open file, and where it is.
    other_names
        Name by which a tree is asked for -> its name in the file, where a user names it.
    """

    file: uproot.ReadOnlyDirectory
    path: Path | str
    other_names: Mapping[str, str] = field(default_factory=dict)
    _read: dict[tuple[str, str, int | None], ak.Array] = field(default_factory=dict, repr=False)

    @cached_property
    def trees(self) -> dict[str, str]:
        """Name of each tree, with its folders -> TTree or RNTuple."""
        return tree_kinds(self.file)

    def has_tree(self, tree: str) -> bool:
        """Return True for the name of a tree, with or without its cycle."""
        return has_tree(self.file, self._own_name(tree))

    def renamed(self, tree: str, names: Iterable[str]) -> "FileContent":
        """Content in which a tree is found by any of the names by which a schema asks for it."""
        return replace(self, other_names=dict.fromkeys(names, self._own_name(tree)))

    def names(self, tree: str, friends: Sequence[str] = ()) -> Set[str]:
        """Names of the branches of a tree and its friends; none if there is no such tree."""
        return self._find(tree, friends).names if self.has_tree(tree) else frozenset()

    def types(self, tree: str) -> dict[str, str]:
        """Shortest name of each branch of a tree -> its C++ type, as
        ``vector<edm4hep::ClusterData>``; none without the tree.
        """
        return self._find(tree).types if self.has_tree(tree) else {}

    def classes(self, tree: str) -> dict[str, str]:
        """Outermost branches of a TTree, in their order -> class of the objects that each holds, as
        ``Jet`` of a TClonesArray of jets; empty where the file does not say it.
        """
        return self._find(tree).classes if self.has_tree(tree) else {}

    def has(self, tree: str, branch: str) -> bool:
        """Return True if a tree has a branch of this name or path."""
        return branch in self.names(tree)

    def values(self, tree: str, branch: str, n_entries: int | None = None) -> ak.Array:
        """Values of a branch in the first entries; None reads all, for small trees.

        Raises
        ------
        InputError
            If the branch cannot be read.
        """
        key = (self._own_name(tree), branch, n_entries)
        if key not in self._read:
            try:
                self._read[key] = self._find(tree).arrays([branch], 0, n_entries)[branch]
            except Exception as error:
                require_memory(error)
                raise InputError(
                    f"{self.path}: the branch {branch} in the tree {tree!r} cannot be read; the "
                    "file is damaged, copy or write it again"
                ) from error
        return self._read[key]

    def first_values(self, tree: str, branch: str, n_entries: int) -> list:
        """Values of a branch in the first entries, as lists, numbers and dictionaries."""
        return self.values(tree, branch, n_entries).to_list()

    def count(self, tree: str, branch: str, n_entries: int) -> int:
        """Number of values in the first entries."""
        return int(ak.count(self.values(tree, branch, n_entries)))

    def is_zero(self, tree: str, branch: str, n_entries: int | None = None) -> bool:
        """Return True if there are values in the first entries, all of which are 0."""
        values = self.values(tree, branch, n_entries)
        return ak.count(values) > 0 and not np.any(ak.flatten(values, axis=None))

    def _find(self, tree: str, friends: Sequence[str] = ()) -> EventTree:
        return find_tree(self.file, self._own_name(tree), self.path, friends)

    def _own_name(self, tree: str) -> str:
        """Name of a tree in the file."""
        return self.other_names.get(tree, tree)
