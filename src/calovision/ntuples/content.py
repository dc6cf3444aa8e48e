"""Trees of an open file and the types of their branches, from which a schema may be found."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from calovision.core.errors import InputError
from calovision.ntuples.root_file import (
    Tree,
    branch_names,
    find_tree,
    has_tree,
    is_rntuple,
    tree_kinds,
)

LIST_WITHOUT_TYPE = "std::vector<>"  # of records that the writer gave no class
_BASE_CLASS = re.compile(r":_\d+")  # name of the field of one, in an RNTuple
_MEMBER_OF_PAIR = re.compile(r"^_(\d+)$")  # which uproot names by its number
_COLLECTION = 1  # structural role of a field (RNTuple specification, field description)


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

    def names(self, tree: str) -> set[str]:
        """Names of the branches of a tree; none if there is no such tree."""
        if not self.has_tree(tree):
            return set()
        return branch_names(self._find(tree))

    def types(self, tree: str) -> dict[str, str]:
        """Branches of a tree -> C++ types, as ``vector<edm4hep::ClusterData>``, in the order of the
        file; none without it.
        """
        if not self.has_tree(tree):
            return {}
        found = self._find(tree)
        if is_rntuple(found):
            return dict(_field_types(found))
        return {branch.name: branch.typename for branch in found.itervalues()}

    def classes(self, tree: str) -> dict[str, str]:
        """Outermost branches of a TTree, in their order -> class of the objects that each holds, as
        ``Jet`` of a TClonesArray of jets; empty where the file does not say it.
        """
        if not self.has_tree(tree) or is_rntuple(found := self._find(tree)):
            return {}
        classes: dict[str, str] = {}
        for branch in found.branches:
            classes.setdefault(branch.name, _class_of(branch))
        return classes

    def has(self, tree: str, branch: str) -> bool:
        """Return True if a tree has a branch of this name or path."""
        return self.has_tree(tree) and branch in self._find(tree)

    def values(self, tree: str, branch: str, n_entries: int | None = None) -> ak.Array:
        """Values of a branch in the first entries; None reads all, for small trees.

        Raises
        ------
        InputError
            If the branch cannot be read.
        """
        key = (self._own_name(tree), branch, n_entries)
        if key not in self._read:
            found = self._find(tree)
            stop = int(found.num_entries)
            try:
                self._read[key] = found[branch].array(
                    entry_stop=stop if n_entries is None else min(n_entries, stop)
                )
            except Exception as error:
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

    def _find(self, tree: str) -> Tree:
        return find_tree(self.file, self._own_name(tree), self.path)

    def _own_name(self, tree: str) -> str:
        """Name of a tree in the file."""
        return self.other_names.get(tree, tree)


def _field_types(tree: Tree) -> Iterator[tuple[str, str]]:
    """Fields of an RNTuple and those inside of them, named as by uproot, with their types."""
    records = tree.ntuple.field_records
    children: dict[int, list[int]] = {number: [] for number in range(-1, len(records))}
    for number, record in enumerate(records):
        is_outer = record.parent_field_id == number
        children[-1 if is_outer else record.parent_field_id].append(number)

    def fields_of(parent: int, prefix: str) -> Iterator[tuple[str, str]]:
        in_list = parent >= 0 and int(records[parent].struct_role) == _COLLECTION
        for number in children[parent]:
            record = records[number]
            name = record.field_name
            if parent >= 0 and ((in_list and name == "_0") or _BASE_CLASS.fullmatch(name)):
                yield from fields_of(number, prefix)
                continue
            own = prefix + (_MEMBER_OF_PAIR.sub(r"\1", name) if parent >= 0 else name)
            is_list = int(record.struct_role) == _COLLECTION
            yield own, record.type_name or (LIST_WITHOUT_TYPE if is_list else "")
            yield from fields_of(number, f"{own}.")

    return fields_of(-1, "")


def _class_of(branch: uproot.TBranch) -> str:
    """Class of the objects of a branch, or of the elements of its TClonesArray."""
    names = (branch.member(name, none_if_missing=True) for name in ("fClonesName", "fClassName"))
    return next((name for name in names if name), "")
