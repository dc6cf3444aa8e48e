"""Collections of a schema's file: the parts of each, with their fields as formulas of branches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.coordinates import derived, members
from calovision.ntuples.schemas.custom.formulas import (
    Definitions,
    Formula,
    read_branch,
    read_formula,
)
from calovision.ntuples.schemas.custom.keys import CollectionKeys, Value
from calovision.ntuples.schemas.custom.links import read_link
from calovision.ntuples.schemas.custom.sections import Section
from calovision.ntuples.schemas.schema import Collection, Constituents
from calovision.selection.expressions import parse

_MOMENTUM, _POSITION = ("px", "py", "pz"), ("x", "y", "z")
_ANGLES = ("pt", "eta", "phi")
_LISTED = (Value.FORMULAS, Value.CONDITION, Value.VECTORS)


@dataclass(frozen=True)
class ReadParts:
    """Parts of a collection, and what a person should know of how they were read."""

    parts: tuple[Collection, ...]
    doubts: tuple[str, ...] = ()


def read_parts(
    keys: CollectionKeys, section: Section, *, has_constituents: bool = False
) -> ReadParts:
    """Read a collection.

    Parameters
    ----------
    keys
        Its keys.
    section
        The mapping that holds it.
    has_constituents
        What is missing of jets can be computed from their constituents.

    Raises
    ------
    InputError
        If a key is unknown, missing or of the wrong kind; if keys contradict each other; if a
        formula cannot be read.
    """
    value = section[keys.name]
    if not isinstance(value, list):
        items = [section.inside(keys.name, content=_mapping(keys, value, section.where(keys.name)))]
    elif value:
        places = [(keys.name, str(number)) for number in range(len(value))]
        items = [
            section.inside(*place, content=_mapping(keys, item, section.where(*place)))
            for place, item in zip(places, value, strict=True)
        ]
    else:
        raise InputError(f"{section.where(keys.name)} is an empty list; give its parts")
    found = [
        _PartReader(keys, one, has_constituents=has_constituents)
        for item in items
        for one in _each(keys, item)
    ]
    return ReadParts(
        tuple(one.read() for one in found),
        tuple(dict.fromkeys(doubt for one in found for doubt in one.definitions.doubts())),
    )


def _mapping(keys: CollectionKeys, value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        demanded = ", ".join(key.name for key in keys.demanded)
        raise InputError(f"{where} is {value!r}; it must hold the keys {demanded}")
    return value


def _each(keys: CollectionKeys, section: Section) -> list[Section]:
    """Mappings of one object each where keys have lists of branches that hold numbers."""
    section.check_keys(key.name for key in keys.keys)
    lists = {
        key.name: section[key.name]
        for key in keys.keys
        if key.value in _LISTED and isinstance(section.content.get(key.name), list)
    }
    if not lists:
        return [section]
    first, numbers = next(iter(lists.items()))
    if not numbers:
        raise InputError(f"{section.where(first)} is an empty list; give a branch for each object")
    for name, values in lists.items():
        if len(values) != len(numbers):
            raise InputError(
                f"{section.where(name)} has {len(values)} branches, but {first} has "
                f"{len(numbers)}; give one for each object"
            )
    if section.content.get("one_per_entry", True) is not True:
        raise InputError(
            f"{section.where('one_per_entry')} is {section['one_per_entry']!r}; it must be true, "
            f"or left out, as {first} lists one branch for each object"
        )
    return [
        section.with_content(
            {
                **section.content,
                **{name: values[number] for name, values in lists.items()},
                "one_per_entry": True,
            }
        )
        for number in range(len(numbers))
    ]


@dataclass
class _PartReader:
    """Reads one part of a collection.

    Attributes
    ----------
    keys, section
        Keys of the collection, and those that are given.
    has_constituents
        As in `read_parts`.
    """

    keys: CollectionKeys
    section: Section
    has_constituents: bool = False
    definitions: Definitions = field(init=False)

    def __post_init__(self) -> None:
        _check_coordinates(self.keys, self.section)
        formulas = self._given()
        formulas |= self._derived(tuple(formulas))
        missing = tuple(key.name for key in self.keys.demanded if key.name not in formulas)
        if missing and not (self.keys.name == "jets" and self.has_constituents):
            raise InputError(
                f"{self.section.where()} lacks the key {missing[0]!r}; it must be given"
                f"{_in_place_of(missing[0], self.keys)}"
            )
        self.definitions = Definitions(formulas, computed=missing)

    def _given(self) -> dict[str, Formula]:
        """Formulas as they stand in the file, and the members of four-momenta."""
        found = {
            name: Formula(read_formula(self.section[name], where), where)
            for name in self.keys.quantities
            if name in self.section and name != "p4"
            for where in [self.section.where(name)]
        }
        if "p4" in self.section:
            where = self.section.where("p4")
            branch = read_branch(self.section["p4"], where)
            for name, text in members(branch, self.keys.quantities):
                found.setdefault(name, Formula(text, where, is_given=False, is_final=True))
        return found

    def _derived(self, given: Sequence[str]) -> dict[str, Formula]:
        where = self.section.where()
        texts = derived(self.keys.fields, given)
        return {name: Formula(text, where, is_given=False) for name, text in texts.items()}

    def read(self) -> Collection:
        """The part."""
        where = self.section.where()
        names = [name for name in self.keys.fields if name in self.definitions]
        fields = {name: self.definitions.resolve(name) for name in names}
        if self.keys.name == "towers" and "e" not in fields:
            raise InputError(f"{where} has no energy; give e, or both e_em and e_had")
        if not any(
            parse(text, where, composed=True, sums=True).names for text in fields.values()
        ) and (fields or not self.definitions.computed):
            raise InputError(
                f"{where} uses no branch; its keys must be branches or formulas of branches"
            )
        options = {"cut": self._cut(), "one_per_entry": self._switch("one_per_entry")}
        if self.keys.name == "constituents":
            return Constituents(fields, **options, link=read_link(self.section))
        return Collection(fields, **options)

    def _cut(self) -> str | None:
        if "cut" not in self.section:
            return None
        where = self.section.where("cut")
        return self.definitions.resolve_condition(
            Formula(read_formula(self.section["cut"], where), where)
        )

    def _switch(self, name: str) -> bool:
        value = self.section.content.get(name, False)
        if not isinstance(value, bool):
            raise InputError(f"{self.section.where(name)} is {value!r}; it must be true or false")
        return value


def _check_coordinates(keys: CollectionKeys, section: Section) -> None:
    """Raise InputError for components that are not complete, or given beside what they are for."""
    known = keys.quantities
    for components, replaced in ((_MOMENTUM, _ANGLES), (_POSITION, _ANGLES[1:])):
        given = [name for name in components if name in section]
        if not given:
            continue
        for name in (*replaced, *(name for name in (*_MOMENTUM, "p4") if name not in components)):
            if name in section and name in known:
                raise InputError(
                    f"{section.where(name)} and {', '.join(given)} are given; give "
                    f"{_joined(components)} in place of {_joined(replaced)}, not both"
                )
        for name in components:
            if name not in section:
                raise InputError(
                    f"{section.where()} lacks the key {name!r}; {_joined(components)} stand in "
                    f"place of {_joined(tuple(one for one in replaced if one in known))} together"
                )


def _in_place_of(name: str, keys: CollectionKeys) -> str:
    """End of the sentence on a missing field: what it may be computed from."""
    ways = []
    if name in _ANGLES:
        ways = [_joined(_MOMENTUM), "p4"]
    if name in _ANGLES[1:] and "x" in keys.quantities:
        ways = [_joined(_POSITION), *ways]
    if name == "mass":
        ways = ["e", "p4"]
    if keys.name == "jets":
        ways += ["the constituents, from which it is computed"]
    return f", or {', or '.join(ways)}" if ways else ""


def _joined(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
