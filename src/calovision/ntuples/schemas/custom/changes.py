"""Changes of the versions of a known schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.keys import COLLECTIONS, CollectionKeys
from calovision.ntuples.schemas.custom.known_parts import (
    are_others,
    changed_part,
    has_new_momenta,
    of_one_part,
)
from calovision.ntuples.schemas.custom.parts import ReadParts, mappings, read_parts
from calovision.ntuples.schemas.custom.sections import NONE, Section
from calovision.ntuples.schemas.custom.tree_schema import (
    OF_CANDIDATES,
    check_jets,
    read_attributes,
    read_radius,
)
from calovision.ntuples.schemas.schema import Collection, Presence, TreeSchema

_MAY_BE_NONE = ("event_number", "weight", "cross_section_pb")


class NotApplicableError(InputError):
    """Changes that a version of the known schema cannot have."""


@dataclass(frozen=True)
class Changes:
    """Changes that a file makes to a known schema.

    Attributes
    ----------
    section
        The whole file.
    known
        Name of the schema.
    """

    section: Section
    known: str

    def check(self) -> None:
        """Raise InputError for what is wrong whatever the version."""
        read_radius(self.section)
        self._attributes()
        for name in self._given:
            for item in mappings(COLLECTIONS[name], self.section):
                item.check_keys(key.name for key in COLLECTIONS[name].keys)

    def radius(self, known: float | None) -> float | None:
        """Radius of the jets, that of the known schema if they are its jets."""
        given = read_radius(self.section)
        return known if given is None and not self._are_others("jets") else given

    def applied(self, versions: tuple[TreeSchema, ...]) -> tuple[TreeSchema, ...]:
        """Changed versions, without those that cannot have the changes.

        Raises
        ------
        InputError
            If none can, or the changes are wrong.
        """
        found, errors = [], []
        for version in versions:
            try:
                found.append(self._of(version))
            except NotApplicableError as error:
                errors.append(error)
        if errors and not found:
            raise errors[0]
        return tuple(found)

    @property
    def _given(self) -> list[str]:
        """Collections that are given, not taken away."""
        every = [name for name in COLLECTIONS if name in self.section]
        return [name for name in every if not self._takes_away(name)]

    def _removed(self, version: TreeSchema) -> set[str]:
        """Collections that are taken away; constituents with their jets, and those that files may
        lack where the jets are others.
        """
        removed = {name for name in COLLECTIONS if name in self.section} - set(self._given)
        if "jets" in removed and "constituents" not in self._given:
            removed.add("constituents")
        may_miss = all(one.presence is Presence.ALL_OR_NONE for one in version.constituents)
        if self._are_others("jets") and "constituents" not in self.section and may_miss:
            removed.add("constituents")
        return removed

    def _of(self, version: TreeSchema) -> TreeSchema:
        """One version, changed."""
        read = {name: self._parts(name, version) for name in self._given}
        parts = {name: one.parts for name, one in read.items()}
        parts |= dict.fromkeys(self._removed(version), ())
        changes = self._attributes() | self._counters(version)
        changes |= {COLLECTIONS[name].attribute: value for name, value in parts.items()}
        if self._are_others("jets"):
            changes["fat_jet_radius"] = None
        if self._any("jets", has_new_momenta):
            changes |= {"trimmed_p4": None, "uncalibrated_pt": None}
        doubts = [doubt for one in read.values() for doubt in one.doubts]
        changed = replace(
            version,
            **changes,
            weighted_collections=self._weighted(version),
            notes=(*self._notes(version), *dict.fromkeys(doubts)),
        )
        self._check(version, changed)
        return changed

    def _notes(self, version: TreeSchema) -> list[str]:
        """Notes of a version, without those on collections that are others now."""
        others = [f"{name} are" for name in COLLECTIONS if self._are_others(name)]
        return [note for note in version.notes if not any(words in note for words in others)]

    def _parts(self, name: str, version: TreeSchema) -> ReadParts:
        """Parts of a collection: those of the version, changed, if there are some."""
        keys, known = COLLECTIONS[name], version.parts(COLLECTIONS[name].attribute)
        has_constituents = "constituents" in self._given or (
            bool(version.constituents) and "constituents" not in self._removed(version)
        )
        if self._are_others(name):
            return read_parts(keys, self.section, has_constituents=has_constituents)
        if not known:
            return self._new(name, has_constituents=has_constituents)
        item = self._item(name, known)
        changed = [
            changed_part(keys, item, part, has_constituents=has_constituents) for part in known
        ]
        doubts = (doubt for _, of_part in changed for doubt in of_part)
        return ReadParts(tuple(part for part, _ in changed), tuple(dict.fromkeys(doubts)))

    def _new(self, name: str, *, has_constituents: bool) -> ReadParts:
        """A collection that the version does not have."""
        try:
            return read_parts(COLLECTIONS[name], self.section, has_constituents=has_constituents)
        except InputError as error:
            raise NotApplicableError(f"{error} ({self.known!r} has no {name})") from error

    def _item(self, name: str, known: tuple[Collection, ...]) -> Section:
        """The mapping that changes a collection."""
        (item,) = mappings(COLLECTIONS[name], self.section)
        whole = f"give {name} as a list of parts, which takes the place of them all"
        if len(known) > 1 and (of_one := of_one_part(COLLECTIONS[name], item, known)):
            raise NotApplicableError(
                f"{item.where(of_one)} is for one part, but {self.known!r} has {len(known)} parts "
                f"of {name}, which only formulas of their fields can change together; {whole}"
            )
        return item

    def _attributes(self) -> dict[str, object]:
        """Attributes that are no collections."""
        taken = [key for key in _MAY_BE_NONE if self._takes_away(key)]
        rest = {key: value for key, value in self.section.content.items() if key not in taken}
        changes = {**read_attributes(self.section.with_content(rest)), **dict.fromkeys(taken)}
        if "weight" in changes:
            changes["weight_may_miss"] = False
        if "cross_section_pb" in changes:
            changes["cross_section_may_miss"] = False
        return changes

    def _counters(self, version: TreeSchema) -> dict[str, object]:
        """Counters of a version, without what is taken away: weights of 1 add up to the number."""
        counters = version.counters
        if counters is None:
            return {}
        if self._takes_away("cross_section_pb"):
            counters = replace(counters, cross_section_pb=None)
        if self._takes_away("weight"):
            counters = replace(counters, sum_of_weights=counters.n_generated)
        return {"counters": counters}

    def _takes_away(self, key: str) -> bool:
        return key in self.section and self.section[key] in NONE

    def _weighted(self, version: TreeSchema) -> tuple[str, ...]:
        """Collections that the candidate weight multiplies: not those that are given whole."""
        whole = {
            COLLECTIONS[name].attribute
            for name in self._given
            if self._are_others(name) or not version.parts(COLLECTIONS[name].attribute)
        }
        if "candidate_weight" in self.section:
            whole -= set(OF_CANDIDATES)
        return tuple(name for name in version.weighted_collections if name not in whole)

    def _are_others(self, name: str) -> bool:
        """Tell whether a collection is taken away, or given whole."""
        return self._any(name, are_others)

    def _any(self, name: str, test: Callable[[CollectionKeys, Section], bool]) -> bool:
        """Tell whether a collection is no mapping (taken away, a list of parts, or of objects), or
        one that passes a test.
        """
        if name not in self.section:
            return False
        value = self.section[name]
        if not isinstance(value, Mapping):
            return True
        (item,) = mappings(COLLECTIONS[name], self.section)
        return any(isinstance(of, list) for of in value.values()) or test(COLLECTIONS[name], item)

    def _check(self, version: TreeSchema, changed: TreeSchema) -> None:
        """Raise InputError for jets and constituents that do not belong to each other."""
        given = self._given
        if changed.constituents and not changed.fat_jets:
            raise InputError(
                f"{self.section.where('constituents')} belong to jets; give the key jets, too"
            )
        if (
            changed.constituents
            and version.fat_jets
            and "constituents" not in given
            and self._are_others("jets")
        ):
            raise InputError(
                f"{self.section.where('jets')} are other jets than those of {self.known!r}, to "
                "which its constituents belong; give constituents, too, or constituents: none"
            )
        check_jets(self.section, changed.fat_jets, changed.constituents)
