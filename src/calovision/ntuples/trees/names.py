"""Names by which the branches of a tree and of its friends can be called.

- the full path, ``Jets/Jets.fCoordinates.fPt`` (``jets.pt`` in an RNTuple);
- any end of it that no other branch has, as ``Jets.fCoordinates.fPt``; a branch of the tree whose
  full path is the name comes before all others;
- for a friend: the same, unless the tree itself has such a branch; or with the name of the friend
  in front, ``friend/x`` or ``friend.x``;
- a member of what is read as records, ``EventInfo.m_event`` (`Branches.members_of`);
- a component of Lorentz vectors, ``Jets.pt`` (`calovision.ntuples.trees.lorentz`);
- the layers of clusters, ``CaloCalTopoClustersAuxDyn.e_sampl.layers``
  (`calovision.ntuples.trees.samplings`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

from calovision.ntuples.trees.branches import Branches, Member
from calovision.ntuples.trees.lorentz import COMPONENTS, coordinates, needed
from calovision.ntuples.trees.samplings import LAYERS, pattern_names

_SEPARATOR = re.compile(r"[./]")


class Branch(NamedTuple):
    """Position of a branch: its tree, the friends behind it, and its number in this."""

    tree: int
    number: int


class Source(NamedTuple):
    """A branch, or a member of the records that it holds."""

    branch: Branch
    member: Member = ()


@dataclass(frozen=True)
class Quantity:
    """Sources of what a name stands for: one, or the coordinates of Lorentz vectors of which the
    component is computed.
    """

    sources: tuple[Source, ...]
    component: str = ""
    coordinates: tuple[str, ...] = ()


class Names(Set):
    """All names that stand for one quantity.

    ``in`` knows every name; the iteration gives one a branch, the shortest that is unique.

    Parameters
    ----------
    trees
        The tree, then its friends.
    prefixes
        Names of each of them, of which one may stand in front.
    """

    def __init__(self, trees: Sequence[Branches], prefixes: Sequence[Sequence[str]]) -> None:
        self._trees, self._prefixes = trees, prefixes
        self._found: dict[str, Quantity | tuple[str, ...]] = {}

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._shortest.values())

    def __len__(self) -> int:
        return len(self._shortest)

    def __ge__(self, others: Iterable[str]) -> bool:
        return all(name in self for name in others)

    @classmethod
    def _from_iterable(cls, names: Iterable[str]) -> set[str]:
        return set(names)

    def find(self, name: str) -> Quantity | None:
        """Quantity that a name stands for; None if there is none, or there are several."""
        found = self._look_up(name)
        return found if isinstance(found, Quantity) else None

    def several(self, name: str) -> tuple[str, ...]:
        """Paths of the branches that a name may stand for, if it is not clear which; else none."""
        found = self._look_up(name)
        return () if isinstance(found, Quantity) else found

    def path(self, branch: Branch) -> str:
        """Full path of a branch, with the name of a friend in front."""
        path = self._trees[branch.tree].paths[branch.number]
        return f"{self._prefixes[branch.tree][0]}/{path}" if branch.tree else path

    def near(self, name: str, n: int = 1) -> list[str]:
        """Names that resemble one."""
        of_paths = {self.path(branch): None for branch in self._shortest}
        base = name.rpartition(".")[0]
        components = [one for one in (f"{base}.{of}" for of in COMPONENTS) if one in self]
        return get_close_matches(name, [*components, *self._shortest.values(), *of_paths], n=n)

    @property
    def branches(self) -> dict[Branch, str]:
        """Each branch, once -> its shortest name."""
        return self._shortest

    @cached_property
    def _shortest(self) -> dict[Branch, str]:
        every = (
            Branch(tree, numbers[0])
            for tree, of in enumerate(self._trees)
            for numbers in of.exact.values()
        )
        return {branch: self._shortest_of(branch) for branch in every}

    def _shortest_of(self, branch: Branch) -> str:
        tree = self._trees[branch.tree]
        parts = tree.paths[branch.number].split(tree.separator)
        shortest = 0 if tree.is_called_by_path else len(parts) - 1
        ends = (tree.separator.join(parts[i:]) for i in range(shortest, -1, -1))
        return next((end for end in ends if self._candidates(end) == [branch]), self.path(branch))

    def _look_up(self, name: str) -> Quantity | tuple[str, ...]:
        if name not in self._found:
            self._found[name] = self._resolve(name)
        return self._found[name]

    def _resolve(self, name: str) -> Quantity | tuple[str, ...]:
        candidates = self._candidates(name)
        if len(candidates) == 1:
            return Quantity((Source(candidates[0]),))
        if candidates:
            return tuple(self.path(branch) for branch in candidates)
        for match in reversed(list(_SEPARATOR.finditer(name))):
            found = self._member(name[: match.start()], name[match.end() :])
            if found:
                return found
        return ()

    def _candidates(self, name: str) -> list[Branch]:
        """Branches of a name: that of the tree with this path, else all others."""
        first, *_ = self._trees
        if name in first.exact:
            return [Branch(0, first.exact[name][0])]
        found: dict[Branch, None] = {}
        for tree, branches in enumerate(self._trees):
            numbers = _in_tree(branches, name) or self._behind_prefix(tree, name)
            found |= dict.fromkeys(Branch(tree, number) for number in numbers)
        return list(found)

    def _behind_prefix(self, tree: int, name: str) -> list[int]:
        """Branches of a name with that of their tree in front."""
        for prefix in self._prefixes[tree]:
            if name.startswith((f"{prefix}/", f"{prefix}.")):
                return _in_tree(self._trees[tree], name[len(prefix) + 1 :])
        return []

    def _member(self, base: str, member: str) -> Quantity | tuple[str, ...]:
        """Member of the records of a branch, or component of its vectors."""
        candidates = self._candidates(base) or self._candidates(f"{base}.")
        if not candidates:
            return _component(self._split_parts(base), member) or ()
        found = {branch: self._member_of(base, branch, member) for branch in candidates}
        having = [(branch, quantity) for branch, quantity in found.items() if quantity]
        if len(having) == 1:
            return having[0][1]
        return tuple(f"{self.path(branch)}.{member}" for branch, _ in having)

    def _member_of(self, base: str, branch: Branch, member: str) -> Quantity | None:
        members = self._trees[branch.tree].members_of(branch.number)
        for names in members:
            if ".".join(names) == member:
                return Quantity((Source(branch, names),))
        if member == LAYERS:
            return self._in_layers(base, branch)
        of_records = ((".".join(names), Source(branch, names)) for names in members)
        return _component((*self._parts_below(branch), *of_records), member)

    def _in_layers(self, base: str, branch: Branch) -> Quantity | None:
        """Numbers of each cluster at the places of their layers, where the file has the pattern."""
        patterns = (self.find(name) for name in pattern_names(base))
        pattern = next((found for found in patterns if found is not None), None)
        return pattern and Quantity((Source(branch), *pattern.sources), LAYERS)

    def _parts_below(self, branch: Branch) -> Iterator[tuple[str, Source]]:
        """Path from a branch to each of those below it, and the source of this."""
        tree = self._trees[branch.tree]
        path = tree.paths[branch.number]
        last = path.rsplit(tree.separator, 1)[-1].rstrip(".")
        for number in tree.below(branch.number):
            below = tree.paths[number][len(path) + 1 :].removeprefix(f"{last}.")
            yield below, Source(Branch(branch.tree, number))

    def _split_parts(self, base: str) -> Iterator[tuple[str, Source]]:
        """Path from an object that has no branch, only its members do, to each of these."""
        for branch, name in self._shortest.items():
            if name.startswith(f"{base}."):
                yield name[len(base) + 1 :], Source(branch)


def _component(parts: Iterable[tuple[str, Source]], component: str) -> Quantity | None:
    """Component of the Lorentz vectors that have these parts; None if they are none."""
    if component not in COMPONENTS:
        return None
    vector = coordinates(parts)
    if not vector:
        return None
    names = needed(component, vector)
    return Quantity(tuple(vector[name] for name in names), component, names)


def _in_tree(branches: Branches, name: str) -> list[int]:
    """Branches of one tree: that with the path, else those with this end of it."""
    return branches.exact[name][:1] if name in branches.exact else branches.tails.get(name, [])
