"""Trees of an open file and the types of their branches, from which a schema may be found."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import awkward as ak
import uproot

from calovision.ntuples.root_file import (
    branch_names,
    find_tree,
    has_tree,
    is_rntuple,
    tree_kinds,
)


@dataclass(frozen=True)
class FileContent:
    """Content of a ROOT file, each answer computed once.

    Attributes
    ----------
    file, path
        The open file, and where it is.
    """

    file: uproot.ReadOnlyDirectory
    path: Path | str

    @cached_property
    def trees(self) -> dict[str, str]:
        """Name of each tree, with its folders -> TTree or RNTuple."""
        return tree_kinds(self.file)

    def has_tree(self, tree: str) -> bool:
        """Return True for the name of a tree, with or without its cycle."""
        return has_tree(self.file, tree)

    def names(self, tree: str) -> set[str]:
        """Names of the branches of a tree; none if there is no such tree."""
        if not has_tree(self.file, tree):
            return set()
        return branch_names(find_tree(self.file, tree, self.path))

    def types(self, tree: str) -> dict[str, str]:
        """Branches of a tree -> C++ types, as ``vector<edm4hep::ClusterData>``; none without it."""
        if not has_tree(self.file, tree):
            return {}
        found = find_tree(self.file, tree, self.path)
        if is_rntuple(found):
            return {name: found[name].typename for name in branch_names(found)}
        return {branch.name: branch.typename for branch in found.itervalues()}

    def values(self, tree: str, branch: str) -> ak.Array:
        """Values of a branch of a small tree, all entries."""
        return find_tree(self.file, tree, self.path)[branch].array()
