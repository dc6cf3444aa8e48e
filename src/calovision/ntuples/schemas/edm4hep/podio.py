"""Collections of a podio file: names, classes, relations, identifiers.

A collection X is a list of records; in a TTree the leaves are ``X.energy``, ``X.position.x``, in an
RNTuple the fields have the same names. A relation to many objects is a range in the record
(``X.particles_begin``, ``X.particles_end``) of the rows of a list of its own, whose records are the
position in another collection (``index``) and the number of that one (``collectionID``). That list
is ``_X_particles`` since podio 0.17 and ``X#2``, with the number of the relation, before; lists of
values are ``_X_trackStates`` and ``X_1``. A subset of another collection is a list
``Y_objIdx`` of such records alone (AIDASoft/podio: src/rootUtils.h, src/RNTupleWriter.cc).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from calovision.core.errors import InputError
from calovision.ntuples.schemas.links import Subset

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

HIT, SIMULATED_HIT, CLUSTER = "CalorimeterHit", "SimCalorimeterHit", "Cluster"
PARTICLE, TRACK, TRACK_STATE, HEADER = (
    "ReconstructedParticle",
    "Track",
    "TrackState",
    "EventHeader",
)
POSITION = ("position.x", "position.y", "position.z")
MOMENTUM = ("momentum.x", "momentum.y", "momentum.z")
# Entries at the beginning of a file that tell what collections hold; of cells there are many.
LOOKED_AT, LOOKED_AT_CELLS = 100, 5

TREE, _METADATA = "events", "podio_metadata"
_N_IDENTIFIERS = 2**32  # which were written with a sign, and without
_NAMESPACE = re.compile(r"\b(?:edm4\w+|eicd?|podio)::")
_CLASS = re.compile(r"vector<(?:\w+::)+(\w+?)(?:Data)?>$")
# What a record must have to be of use, and what tells the class of one without the name of it.
_DEMANDED = {
    HIT: {"energy", *POSITION},
    SIMULATED_HIT: {"energy", *POSITION},
    CLUSTER: {"energy", *POSITION},
    PARTICLE: {"energy", "charge", *MOMENTUM},
    TRACK: set(),
    TRACK_STATE: {"location", "phi", "omega", "tanLambda"},
    HEADER: {"eventNumber"},
}
_SIGNATURES = {
    HIT: {"cellID", "energy", "time", *POSITION},
    SIMULATED_HIT: {"cellID", "energy", *POSITION},
    CLUSTER: {"energy", "energyError", *POSITION},
    PARTICLE: {"energy", "charge", "mass", *MOMENTUM},
    TRACK_STATE: {"location", "phi", "omega", "tanLambda"},
    TRACK: {"chi2", "ndf", "trackStates_begin"},
    HEADER: {"eventNumber", "runNumber", "timeStamp"},
}
# Branches of the numbers and the names of the collections, as versions of podio have written them.
_TABLES = (
    (_METADATA, "events___CollectionTypeInfo.collectionID", "events___CollectionTypeInfo.name"),
    (_METADATA, "events___idTable/m_collectionIDs", "events___idTable/m_names"),
    (_METADATA, "events___idTable", "events_collectionNames"),
    ("metadata", "CollectionIDs/m_collectionIDs", "CollectionIDs/m_names"),
)
_PARAMETERS = (
    ("metadata", "GPStringKeys", "GPStringValues"),
    ("metadata", "_stringMap.first", "_stringMap.second"),
)
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*")


@dataclass(frozen=True)
class PodioCollection:
    """A list of records of a class.

    Attributes
    ----------
    name, kind
        Its name, and the class without namespace, as ``CalorimeterHit``.
    members
        Names of the numbers in a record, as ``position.x``.
    owner, subset
        Of a subset, the collection that its objects are in, and which of them they are.
    """

    name: str
    kind: str
    members: frozenset[str]
    owner: str | None = None
    subset: Subset | None = None

    @property
    def source(self) -> str:
        """Name of the collection that its branches belong to."""
        return self.name if self.owner is None else self.owner

    @property
    def n_looked_at(self) -> int:
        """Number of entries that tell what it holds."""
        return LOOKED_AT_CELLS if self.kind in (HIT, SIMULATED_HIT) else LOOKED_AT

    def branch(self, member: str) -> str:
        """Branch of a member."""
        return f"{self.source}.{member}"

    def formula(self, member: str) -> str:
        """Branch of a member as a formula."""
        return quoted(self.branch(member))


def quoted(branch: str) -> str:
    """Branch as a formula, in quotes if its name is no plain one."""
    return branch if _PLAIN_NAME.fullmatch(branch) else f"'{branch}'"


@dataclass(frozen=True)
class PodioEvents:
    """The events of a podio file."""

    content: "FileContent"
    tree: str = TREE

    @cached_property
    def collections(self) -> dict[str, PodioCollection]:
        """Name -> collection that images may be made of, in the order of the file."""
        found = {}
        for name, members in self._records.items():
            kind = _kind(self._classes.get(name, ""), members)
            if kind is not None:
                found[name] = PodioCollection(name, kind, frozenset(members))
        return found

    @property
    def is_podio(self) -> bool:
        """Return True if classes, or what they are made of, are those of podio files."""
        return bool(self.collections) or any(map(_NAMESPACE.search, self._classes.values()))

    @cached_property
    def _classes(self) -> dict[str, str]:
        """Branches, the outermost at least -> classes, in the order of the file."""
        return self.content.classes(self.tree) or self.content.types(self.tree)

    @cached_property
    def _records(self) -> dict[str, set[str]]:
        """Lists of records -> their members."""
        records = {name.partition(".")[0]: set() for name in self._classes}
        for branch in self.content.names(self.tree):
            name, _, member = branch.partition(".")
            if member and name in records:
                records[name].add(member)
        return {
            name: members
            for name, members in records.items()
            if members and not (name[0] == "n" and members <= records.get(name[1:], set()))
        }  # uproot writes the length nX.energy of each X.energy

    def of_kind(self, *kinds: str) -> list[PodioCollection]:
        """Collections of the named classes."""
        return [one for one in self.collections.values() if one.kind in kinds]

    @cached_property
    def subsets(self) -> dict[str, PodioCollection | None]:
        """Name -> subset of another collection, in the order of the file; None where the first
        entries do not tell one collection of use.
        """
        suffix = "_objIdx"
        rows = {name.removesuffix(suffix): name for name in self._records if name.endswith(suffix)}
        old = {name.removesuffix("#0"): name for name in self._records if name.endswith("#0")}
        rows |= {name: one for name, one in old.items() if name not in self._records}
        return {name: self._subset(name, one) for name, one in rows.items()}

    def _subset(self, name: str, rows: str) -> PodioCollection | None:
        numbers = {number for of_event in self.owners(rows) for number in of_event}
        owners = [one for one in map(self.identified, numbers) if one is not None]
        if len(numbers) != 1 or not owners:
            return None
        subset = Subset(f"{rows}.index", f"{rows}.collectionID", *numbers)
        return replace(owners[0], name=name, owner=owners[0].name, subset=subset)

    def relation(self, collection: PodioCollection, name: str, number: int) -> str | None:
        """List of the rows of a relation, which before podio 0.17 has a number; None without it."""
        choices = (f"_{collection.source}_{name}", f"{collection.source}#{number}")
        rows = {"index", "collectionID"}
        return next((one for one in choices if rows <= self._records.get(one, set())), None)

    def track_states(self, tracks: PodioCollection) -> PodioCollection | None:
        """Track states of a collection of tracks."""
        names = (f"_{tracks.name}_trackStates", *(f"{tracks.name}_{number}" for number in range(4)))
        found = (self.collections.get(name) for name in names)
        return next((one for one in found if one is not None and one.kind == TRACK_STATE), None)

    @cached_property
    def identifiers(self) -> dict[int, str]:
        """Number of a collection, from 0 to 2^32 -> its name; empty if the file does not say."""
        names: dict[int, str] = {}
        for numbers_and_names in _tables(self.content, _TABLES):
            for signed, name in numbers_and_names:
                number = signed % _N_IDENTIFIERS
                names[number] = name if names.get(number, name) == name else ""
        return {number: name for number, name in names.items() if name}

    def owners(self, rows: str) -> list[list[int]]:
        """Number of the collection that each row of the first entries points to."""
        return [
            [number % _N_IDENTIFIERS for number in of_event]
            for of_event in self.lists(rows, "collectionID")
        ]

    def identified(self, number: int) -> PodioCollection | None:
        """Collection with a number; None if there is none of use, or the file does not say."""
        return self.collections.get(self.identifiers.get(number, ""))

    @cached_property
    def cell_encodings(self) -> dict[str, str]:
        """Collection -> text that says which bits of its ``cellID`` are what."""
        suffix = "__CellIDEncoding"
        return {
            key.removesuffix(suffix): values[0]
            for pairs in _tables(self.content, _PARAMETERS)
            for key, values in pairs
            if key.endswith(suffix) and values
        }

    def lists(self, collection: PodioCollection | str, member: str) -> list[list]:
        """Values of a member in the first entries."""
        name = collection if isinstance(collection, str) else collection.source
        return self.content.first_values(self.tree, f"{name}.{member}", LOOKED_AT)

    def is_empty(self, collection: PodioCollection) -> bool:
        """Return True if the first entries have no objects."""
        member = "energy" if "energy" in collection.members else min(collection.members)
        branch = collection.branch(member)
        return not self.content.count(self.tree, branch, collection.n_looked_at)

    def is_zero(self, collection: PodioCollection, *members: str, whole: bool = False) -> bool:
        """Return True if members are 0 in all objects of the first entries, or of the whole file;
        False without objects.
        """
        stop = None if whole else collection.n_looked_at
        return all(
            self.content.is_zero(self.tree, collection.branch(member), stop) for member in members
        )


def _kind(type_name: str, members: set[str]) -> str | None:
    """Class of a list of records; None for one of no use."""
    match = _CLASS.search(type_name.replace("> >", ">>"))
    if match is not None:
        kind = match[1]
        return kind if kind in _DEMANDED and _DEMANDED[kind] <= members else None
    return next((kind for kind, own in _SIGNATURES.items() if own <= members), None)


def _tables(
    content: "FileContent", choices: Iterable[tuple[str, str, str]]
) -> Iterator[list[tuple]]:
    """Pairs of keys and values, from the first of two branches of a small tree that can be read;
    one list an entry.
    """
    for tree, keys, values in choices:
        if content.has(tree, keys) and content.has(tree, values):
            try:
                found = [content.values(tree, branch).to_list() for branch in (keys, values)]
            except InputError:  # of a class that cannot be read
                continue
            for of_keys, of_values in zip(*found, strict=True):
                yield list(zip(of_keys, of_values, strict=False))
            return
