"""The tree of the events, with friends that are joined to it on their entries."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

import awkward as ak
import numpy as np

from calovision.ntuples.trees.branches import Branches
from calovision.ntuples.trees.lorentz import COMPONENTS, compute
from calovision.ntuples.trees.names import Branch, Names, Quantity
from calovision.ntuples.trees.samplings import LAYERS, by_layer


class EventTree:
    """A TTree or RNTuple and its friends: names, types and arrays of their branches.

    Parameters
    ----------
    trees
        The tree, then its friends.
    prefixes
        Names of each of them, of which one may stand in front of a name.

    Attributes
    ----------
    names
        Names of the branches (`Names`).
    """

    def __init__(
        self, trees: Sequence[Branches], prefixes: Sequence[Sequence[str]] = ((),)
    ) -> None:
        self._trees = tuple(trees)
        self.names = Names(self._trees, prefixes)

    @property
    def name(self) -> str:
        """Name of the tree, without its folders."""
        return self._trees[0].name

    @property
    def kind(self) -> str:
        """TTree or RNTuple."""
        return self._trees[0].kind

    @property
    def num_entries(self) -> int:
        """Number of entries."""
        return self._trees[0].n_entries

    @cached_property
    def types(self) -> dict[str, str]:
        """Shortest name of each branch -> its C++ type."""
        return {name: self._type_of(branch) for branch, name in self.names.branches.items()}

    @cached_property
    def paths(self) -> dict[str, str]:
        """Shortest name of each branch -> its full path."""
        return {name: self.names.path(branch) for branch, name in self.names.branches.items()}

    @property
    def classes(self) -> dict[str, str]:
        """Outermost branches of the tree -> classes of their objects (`Branches.classes`)."""
        return self._trees[0].classes

    def members(self, name: str) -> list[str]:
        """Names of the members of what holds records, first the components of Lorentz vectors; none
        for numbers.
        """
        quantity = self._quantity(name)
        branch, member = quantity.sources[0]
        tree = self._trees[branch.tree]
        if quantity.component or member or not tree.is_record(branch.number):
            return []
        below = [f"{name}.{'.'.join(names)}" for names in tree.members_of(branch.number)]
        below += [self.names.branches[Branch(branch.tree, n)] for n in tree.below(branch.number)]
        return [one for one in (f"{name}.{of}" for of in COMPONENTS) if one in self.names] + below

    def repeated(self, names: Collection[str]) -> list[str]:
        """Those of some names whose branch the file has several times, by the same path."""
        found = []
        for name in sorted(names):
            for branch, _ in self._quantity(name).sources:
                tree = self._trees[branch.tree]
                if len(tree.exact[tree.paths[branch.number]]) > 1:
                    found.append(self.names.path(branch))
        return list(dict.fromkeys(found))

    def lengths(self, names: Collection[str]) -> dict[str, int]:
        """Name -> entries of its branch, for branches that have entries of their own."""
        found = {}
        for name in names:
            quantity = self._quantity(name)
            for branch, _ in quantity.sources:
                length = self._trees[branch.tree].length_of(branch.number)
                if length is not None:
                    found[self.names.path(branch) if quantity.component else name] = length
        return found

    def without_checksums(self, names: Collection[str]) -> list[str]:
        """Those of some names in whose branch nothing tells that a bit is another one."""
        return [
            name
            for name in sorted(names)
            if not all(
                self._trees[branch.tree].has_checksums(branch.number)
                for branch, _ in self._quantity(name).sources
            )
        ]

    def bytes_per_entry(self, names: Collection[str]) -> float:
        """Uncompressed size of branches over the number of entries."""
        numbers = self._numbers(names)
        return sum(self._trees[tree].bytes_per_entry(of) for tree, of in numbers.items())

    def boundaries(self, names: Collection[str]) -> np.ndarray:
        """Entries, from 0 to their number, between which the branches are compressed together."""
        common: np.ndarray | None = None
        for tree, numbers in self._numbers(names).items():
            of_tree = self._trees[tree].boundaries(numbers)
            common = of_tree if common is None else np.intersect1d(common, of_tree)
        return np.unique([0, self.num_entries]) if common is None else common

    def iterate(
        self, names: Collection[str], start: int, stop: int, step: int
    ) -> Iterator[dict[str, ak.Array]]:
        """Yield the arrays of names, ``step`` entries at a time."""
        wanted = {name: self._quantity(name) for name in names}
        numbers = self._numbers(names)
        readers = [
            (tree, self._trees[tree].iterate(of, start, stop, step)) for tree, of in numbers.items()
        ]
        for _ in range(start, stop, step):
            arrays = {
                Branch(tree, number): array
                for tree, reader in readers
                for number, array in next(reader).items()
            }
            yield {name: _value(quantity, arrays) for name, quantity in wanted.items()}

    def arrays(
        self, names: Collection[str], start: int = 0, stop: int | None = None
    ) -> dict[str, ak.Array]:
        """Arrays of names, from the entry ``start`` to before ``stop``, or to the end."""
        stop = self.num_entries if stop is None else min(stop, self.num_entries)
        if stop <= start:
            return {name: ak.Array([]) for name in names}
        return next(self.iterate(names, start, stop, stop - start))

    def _type_of(self, branch: Branch) -> str:
        return self._trees[branch.tree].type_of(branch.number)

    def _quantity(self, name: str) -> Quantity:
        quantity = self.names.find(name)
        if quantity is None:
            raise KeyError(name)
        return quantity

    def _numbers(self, names: Collection[str]) -> dict[int, list[int]]:
        """Tree -> branches of it that names stand for, each once."""
        found: dict[int, dict[int, None]] = {}
        for name in names:
            for branch, _ in self._quantity(name).sources:
                found.setdefault(branch.tree, {})[branch.number] = None
        return {tree: list(numbers) for tree, numbers in found.items()}


def _value(quantity: Quantity, arrays: Mapping[Branch, ak.Array]) -> ak.Array:
    """Array of a quantity."""
    values = [
        arrays[branch][member] if member else arrays[branch] for branch, member in quantity.sources
    ]
    if not quantity.component:
        return values[0]
    if quantity.component == LAYERS:
        return by_layer(*values)
    return compute(quantity.component, quantity.coordinates, values)
