"""Branches of a TTree, read by uproot."""

from collections.abc import Iterator, Sequence

import awkward as ak
import numpy as np
import uproot
from uproot.interpretation.grouped import AsGrouped
from uproot.interpretation.objects import AsObjects

from calovision.ntuples.trees.branches import Branches, Member
from calovision.ntuples.trees.samplings import PATTERN_MEMBER, pattern_interpretation

TBranches = uproot.behaviors.TBranch.HasBranches


class TTreeBranches(Branches):
    """Branches of a TTree and those inside them, as ``Tower/Tower.Eta``."""

    kind = "TTree"
    separator = "/"
    is_called_by_path = False

    def __init__(self, tree: uproot.TTree) -> None:
        self.tree = tree
        self.name = tree.name
        found = list(_walk(tree, ""))
        self.paths = tuple(path for path, _ in found)
        self._branches = tuple(branch for _, branch in found)
        self._patterns: dict[int, uproot.AsJagged | None] = {}

    @property
    def n_entries(self) -> int:
        """Number of entries of the tree."""
        return int(self.tree.num_entries)

    def type_of(self, number: int) -> str:
        """C++ type of a branch."""
        return self._branches[number].typename

    @property
    def classes(self) -> dict[str, str]:
        """Outermost branches -> classes."""
        classes: dict[str, str] = {}
        for branch in self.tree.branches:
            classes.setdefault(branch.name, _class_of(branch))
        return classes

    def length_of(self, number: int) -> int | None:
        """Entries of a branch."""
        return int(self._branches[number].num_entries)

    def members_of(self, number: int) -> tuple[Member, ...]:
        """Members of the records of a branch that is not split."""
        branch = self._branches[number]
        if branch.branches:
            return ()
        try:
            if self._pattern(number) is not None:
                return ((PATTERN_MEMBER,),)
            members = tuple(_members(branch.interpretation.awkward_form(branch.file)))
            if members and isinstance(branch.interpretation, AsObjects):
                branch.array(entry_stop=1)
        except Exception:  # uproot cannot read the class, for one of many reasons
            return ()
        return members

    def is_record(self, number: int) -> bool:
        """Return True for a branch without numbers of its own, or that is not split."""
        found = self._branches[number].interpretation
        return isinstance(found, AsGrouped) or bool(self.members_of(number))

    def bytes_per_entry(self, numbers: Sequence[int]) -> float:
        """Uncompressed size of the branches over the number of entries."""
        total = sum(self._branches[number].uncompressed_bytes for number in numbers)
        return total / max(self.n_entries, 1)

    def has_checksums(self, number: int) -> bool:
        """Return False if no basket is compressed, or all are by Zstandard, which ROOT writes
        without its checksum.
        """
        branch = self._branches[number]
        stored, unpacked = branch.member("fZipBytes"), branch.member("fTotBytes")
        is_plain = 0 < unpacked <= stored
        # uproot writes branches that say 0 for the compression of the file
        compression = branch.compression or branch.file.compression
        return not is_plain and not isinstance(compression, uproot.ZSTD)

    def boundaries(self, numbers: Sequence[int]) -> np.ndarray:
        """Entries where baskets of all branches begin, and the number of entries."""
        common = np.unique([0, self.n_entries]).astype(np.int64)
        offsets = [
            np.asarray(self._branches[number].entry_offsets, dtype=np.int64) for number in numbers
        ]
        shared = offsets[0] if offsets else common
        for other in offsets[1:]:
            shared = np.intersect1d(shared, other)
        return np.union1d(common, shared)

    def iterate(
        self, numbers: Sequence[int], start: int, stop: int, step: int
    ) -> Iterator[dict[int, ak.Array]]:
        """Read by ``iterate`` of uproot what it finds by its path, and the rest one by one."""
        asked = {number: "/" + self.paths[number] for number in numbers}
        named = {n: name for n, name in asked.items() if self._is_named(n, name)}
        alone = [number for number in numbers if number not in named]
        chunks = self.tree.iterate(
            list(named.values()),
            entry_start=start,
            entry_stop=stop,
            step_size=step,
            library="ak",
            how=dict,
        )
        for first in range(start, stop, step):
            arrays = next(chunks) if named else {}
            found = {number: arrays[name] for number, name in named.items()}
            for number in alone:
                found[number] = self._array(number, first, min(first + step, stop))
            yield found

    def _is_named(self, number: int, name: str) -> bool:
        """Return True if uproot finds a branch by its path, and reads it by itself."""
        return self.tree.get(name) is self._branches[number] and self._pattern(number) is None

    def _array(self, number: int, start: int, stop: int) -> ak.Array:
        pattern = self._pattern(number)
        array = self._branches[number].array(pattern, entry_start=start, entry_stop=stop)
        return array if pattern is None else ak.zip({PATTERN_MEMBER: array})

    def _pattern(self, number: int) -> uproot.AsJagged | None:
        """Interpretation of a branch of clusters, in place of that of uproot."""
        if number not in self._patterns:
            self._patterns[number] = pattern_interpretation(self._branches[number])
        return self._patterns[number]


def _class_of(branch: uproot.TBranch) -> str:
    """Class of the objects of a branch, or of the elements of its TClonesArray."""
    names = (branch.member(name, none_if_missing=True) for name in ("fClonesName", "fClassName"))
    return next((name for name in names if name), "")


def _walk(outer: TBranches, beginning: str) -> Iterator[tuple[str, uproot.TBranch]]:
    """Path of each branch, and the branch."""
    for branch in outer.branches:
        path = beginning + branch.name
        yield path, branch
        yield from _walk(branch, f"{path}/")


def _members(form: ak.forms.Form, outer: Member = ()) -> Iterator[Member]:
    """Fields of records inside lists that end in numbers, or lists of them."""
    while form.is_list or form.is_option:
        form = form.content
    if form.is_record:
        for name in form.fields:
            yield from _members(form.content(name), (*outer, name))
    elif outer:
        yield outer
