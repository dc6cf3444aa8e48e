"""Links between jets and their constituents, found by names, lengths and values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np

from calovision.ntuples.shapes import Shape
from calovision.ntuples.suggestions.formulas import Line, branch
from calovision.ntuples.suggestions.groups import Group
from calovision.ntuples.suggestions.measurements import Measured
from calovision.ntuples.suggestions.quantities import words_of
from calovision.ntuples.suggestions.roles import Role, role_of

_COUNTS = ("count", "counts", "multiplicity", "nconst", "nconstituents", "num", "n", "size", "len")
_JET_NUMBER = re.compile(
    r"(i|my)?[a-z]*(jet|fj)s?\d*(idx|index|indices|ind|number|i)|i[a-z]*jet\d*"
)
_NUMBER = re.compile(r".*(idx|index|indices|ind)")


@dataclass(frozen=True)
class JetLink:
    """Jets, their constituents, and the lines of the link.

    Attributes
    ----------
    jets, constituents
        The groups.
    lines
        Keys of the link; none for lists in lists, or for one jet an entry.
    reason
        For a comment.
    """

    jets: Measured
    constituents: Measured
    lines: tuple[Line, ...]
    reason: str


def index_branches(shapes: Mapping[str, Shape]) -> list[str]:
    """Branches of whole numbers in lists whose name says that they number or count objects."""
    return [
        name
        for name, shape in shapes.items()
        if shape.lists == 1
        and shape.is_whole
        and not shape.array
        and (_is_index(name) or _is_count(name))
    ]


def _is_index(name: str) -> bool:
    return _NUMBER.fullmatch(_last(name)) is not None or _names_jet(name)


def _names_jet(name: str) -> bool:
    """Return True for the number of a jet: ``pf_jetIdx``, ``ijet``, ``trk_fatjet_index``."""
    words = words_of(name)
    return any(_JET_NUMBER.fullmatch("".join(words[-n:])) for n in range(1, min(len(words), 5) + 1))


def _last(name: str) -> str:
    """Part of a name behind its last separator, in lower case."""
    return name[len(_stem(name)) :].lower()


def _counts_objects(name: str, group: Group) -> bool:
    """Return True for the number of constituents of each jet, or of these objects."""
    words = words_of(name)
    marks = (
        "const",
        "cand",
        "part",
        "pf",
        *(word for word in words_of(group.label) if len(word) > 2),
    )
    return _is_count(name) and any(mark in word for word in words for mark in marks)


def _is_count(name: str) -> bool:
    words = words_of(name)
    return any(word in _COUNTS for word in words[-2:]) or words[-1].startswith("nconst")


def find_links(groups: Sequence[Measured], indices: Mapping[str, ak.Array | str]) -> list[JetLink]:
    """Links of the jets of a file, the likeliest first.

    Parameters
    ----------
    groups
        What was measured.
    indices
        First entries of the branches of `index_branches`.
    """
    jets = [one for one in groups if one.group.role is Role.JET and one.group.has_momentum]
    items = [one for one in groups if one.group.has_momentum and _may_be_in_jets(one)]
    tables = [_Rows.of(name, of) for name, of in indices.items() if not isinstance(of, str)]
    found = [
        link
        for jet in jets
        if jet.n_objects
        for item in items
        if item is not jet
        for link in _links(jet, item, tables)
    ]
    return sorted(found, key=_rank)


def _may_be_in_jets(one: Measured) -> bool:
    """Return True for filled groups; of jets, for those that are subjets."""
    is_jet = one.group.role is Role.JET
    is_sub = any(word.startswith("sub") for word in words_of(one.group.label))
    return one.n_objects > 0 and (not is_jet or is_sub or one.group.lists == 2)


@dataclass(frozen=True)
class _Rows:
    """A branch that numbers or counts objects: its values, and how many there are in each entry."""

    name: str
    values: ak.Array
    counts: np.ndarray

    @classmethod
    def of(cls, name: str, values: ak.Array) -> "_Rows":
        """Count the rows."""
        return cls(name, values, ak.to_numpy(ak.num(values)))

    def is_row_of(self, other: "_Rows") -> bool:
        """Return True if another branch may be the column of objects beside this one of jets."""
        beside = _stem(other.name) == _stem(self.name) != ""
        is_number = _NUMBER.fullmatch(_last(other.name)) and not _names_jet(other.name)
        return bool(beside and is_number and np.array_equal(other.counts, self.counts))

    def are_below(self, counts: np.ndarray) -> bool:
        """Return True if there are values, all below the number of objects of their event."""
        flat = ak.to_numpy(ak.ravel(self.values)).astype(np.int64)
        return bool(np.any(flat >= 0) and np.all(flat < np.repeat(counts, self.counts)))


def _links(jet: Measured, item: Measured, tables: Sequence[_Rows]) -> list[JetLink]:
    if jet.group.lists == 0 and jet.group.n_objects == 1:
        is_part = item.group.lists == 1 and item.group.role is Role.CANDIDATE
        return [JetLink(jet, item, (), "the lists of the one jet of an entry")] if is_part else []
    if jet.group.lists != 1:
        return []
    if item.group.lists == 2:
        is_nested = np.array_equal(item.counts, jet.counts)
        reason = f"lists in lists, as many as {jet.group.label} has jets in every event"
        return [JetLink(jet, item, (), reason)] if is_nested else []
    return [*_tables(jet, item, tables), *_counted(jet, item, tables)]


def _tables(jet: Measured, item: Measured, tables: Sequence[_Rows]) -> list[JetLink]:
    """Index tables: the number of the jet beside each object, or of jet and object in each row."""
    found = []
    for rows in tables:
        is_generated = role_of(words_of(rows.name)) is Role.GENERATOR
        if is_generated or not _names_jet(rows.name) or not rows.are_below(jet.counts):
            continue
        own = Line("jet_index", branch(rows.name))
        if np.array_equal(rows.counts, item.counts) and _share_stem(rows.name, item.group):
            reason = (
                f"{rows.name} gives the jet of {jet.group.label} for each of {item.group.label}"
            )
            found.append(JetLink(jet, item, (own,), reason))
            continue
        for other in tables:
            if rows.is_row_of(other) and other.are_below(item.counts):
                lines = (own, Line("item_index", branch(other.name)))
                reason = f"a table of the jets {jet.group.label} and of {item.group.label}"
                found.append(JetLink(jet, item, lines, reason))
    return found


def _counted(jet: Measured, item: Measured, tables: Sequence[_Rows]) -> list[JetLink]:
    """Numbers of constituents of each jet, which follow one another."""
    return [
        JetLink(
            jet,
            item,
            (Line("counts", branch(rows.name)),),
            f"{rows.name} adds up to the number of {item.group.label} in every event",
        )
        for rows in tables
        if _counts_objects(rows.name, item.group)
        and np.array_equal(rows.counts, jet.counts)
        and np.array_equal(ak.to_numpy(ak.sum(rows.values, axis=1)), item.counts)
    ]


def _stem(name: str) -> str:
    """Beginning of a name up to its last separator."""
    return name[: max(name.rfind("_"), name.rfind("."), name.rfind(":"), name.rfind("/")) + 1]


def _share_stem(name: str, group: Group) -> bool:
    """Return True if a branch stands beside those of a group."""
    words = words_of(group.label)
    return words_of(name)[: len(words)] == words


def _rank(link: JetLink) -> tuple[bool, bool, bool, int]:
    """Order of links: of a table named after its jets, of fat jets, of more objects first."""
    label = "".join(words_of(link.jets.group.label))
    named = [str(line.value).lower().replace("_", "") for line in link.lines]
    is_named = not named or any(name.startswith(label) for name in named)
    return (
        not is_named,
        not is_fat(link.jets.group),
        link.constituents.group.role is Role.JET,
        -link.constituents.n_objects,
    )


def is_fat(group: Group) -> bool:
    """Return True for jets with a large radius, by their name."""
    words = words_of(group.label)
    text = "".join(words)
    marks = ("fat", "ak8", "ak10", "ak15", "ca8", "ca10", "ca15", "kt10", "kt8", "large")
    return any(mark in text for mark in marks) or not {"fj", "fjs", "fjet"}.isdisjoint(words)
