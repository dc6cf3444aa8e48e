"""A tree of a file, and the groups of branches in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import awkward as ak

from calovision.ntuples.branch_listing import read_or_reason, shapes_in
from calovision.ntuples.content import FileContent
from calovision.ntuples.root_file import find_tree
from calovision.ntuples.shapes import Shape
from calovision.ntuples.suggestions.groups import Group, find_groups
from calovision.ntuples.suggestions.roles import Role
from calovision.ntuples.trees.event_tree import EventTree

MEASURED_ENTRIES = 1000
OF_DETECTOR = (Role.TOWER, Role.TRACK, Role.CANDIDATE, Role.JET)


@dataclass(frozen=True)
class ScannedTree:
    """A tree, the shapes of its branches, and the groups among them."""

    name: str
    path: object
    tree: EventTree
    shapes: Mapping[str, Shape]
    groups: Sequence[Group]

    @property
    def n_entries(self) -> int:
        """Number of entries."""
        return int(self.tree.num_entries)

    @property
    def score(self) -> tuple[int, int, int]:
        """Order of trees: roles that occur in lists, roles that occur, entries."""
        listed = {one.role for one in self.groups if one.lists and one.role in OF_DETECTOR}
        any_ = {one.role for one in self.groups if one.role in OF_DETECTOR}
        return (len(listed), len(any_), self.n_entries)

    def first_entries(self, names: Sequence[str]) -> Mapping[str, ak.Array | str]:
        """Branch -> its first entries, or the reason why it cannot be read."""
        last = min(self.n_entries, MEASURED_ENTRIES)
        if not last:
            return dict.fromkeys(names, "the tree has no entries")
        return read_or_reason(self.tree, names, self.path, (0, last))


def scan_trees(content: FileContent, tree: str | None) -> list[ScannedTree]:
    """Scan a tree, or all that can be read; InputError if there is no such tree, or none of those
    that are there can be read.
    """
    readable = [name for name in content.trees if content.has_tree(name)]
    names = [tree] if tree is not None else readable or list(content.trees)
    return [scan(content, name) for name in names]


def best_tree(content: FileContent, tree: str | None) -> ScannedTree | None:
    """Scan a tree, or the one with most of what can be imaged; None in a file without trees.

    Raises
    ------
    InputError
        As `scan_trees`.
    """
    return max(scan_trees(content, tree), key=lambda one: one.score, default=None)


def scan(content: FileContent, name: str) -> ScannedTree:
    """Find the groups of a tree."""
    found = find_tree(content.file, name, content.path)
    shapes = shapes_in(content, name)
    groups = find_groups(shapes)
    if not any(one.lists and one.role in OF_DETECTOR for one in groups):
        groups = [one.guessed() if one.lists else one for one in groups]
    return ScannedTree(name, content.path, found, shapes, groups)
