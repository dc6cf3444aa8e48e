"""One part of a collection of a schema's file: its fields as formulas of branches."""

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
from calovision.ntuples.schemas.custom.keys import CollectionKeys
from calovision.ntuples.schemas.custom.layers import (
    EDGES,
    SIZES,
    check_sizes,
    layer_of_edges,
    read_size,
)
from calovision.ntuples.schemas.custom.links import read_link
from calovision.ntuples.schemas.custom.sections import Section, shown
from calovision.ntuples.schemas.schema import Collection, Constituents
from calovision.selection.expressions import parse

_MOMENTUM, _POSITION = ("px", "py", "pz"), ("x", "y", "z")
_ANGLES = ("pt", "eta", "phi")
_NAMED = ("pt",)  # which formulas may name also where it is no field of the collection


@dataclass
class PartReader:
    """Reads one part of a collection.

    Attributes
    ----------
    keys, section
        Keys of the collection, and those that are given.
    has_constituents
        What is missing of jets can be computed from their constituents.
    known
        Fields that are not given, of a schema that is extended, in terms of branches.
    before
        Formulas that fields had in it, in terms of branches.
    definitions
        Formulas of the fields and of what they are computed from.

    Raises
    ------
    InputError
        If a key is missing or of the wrong kind; if keys contradict each other; if a formula cannot
        be read.
    """

    keys: CollectionKeys
    section: Section
    has_constituents: bool = False
    known: Mapping[str, Formula] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    definitions: Definitions = field(init=False)

    def __post_init__(self) -> None:
        _check_coordinates(self.keys, self.section)
        check_sizes(self.section)
        formulas = {**self.known, **self._given()}
        where = self.section.where()
        for name, text in derived((*self.keys.fields, *_NAMED), formulas).items():
            formulas[name] = Formula(text, where, is_given=False)
        missing = tuple(key.name for key in self.keys.demanded if key.name not in formulas)
        if missing and not (self.keys.name == "jets" and self.has_constituents):
            raise InputError(
                f"{where} lacks the key {missing[0]!r}; it must be given"
                f"{_in_place_of(missing[0], self.keys)}"
            )
        self.definitions = Definitions(formulas, computed=missing)

    def _given(self) -> dict[str, Formula]:
        """Formulas as they stand in the file, and the members of four-momenta."""
        found = {
            name: Formula(self._text(name), where, before=self.before.get(name))
            for name in self.keys.quantities
            if name in self.section and name != "p4"
            for where in [self.section.where(name)]
        }
        if "p4" in self.section:
            where = self.section.where("p4")
            branch = read_branch(self.section["p4"], where)
            for name, text in members(branch):
                found.setdefault(name, Formula(text, where, is_given=False, is_final=True))
        if EDGES in self.section:
            found["layer"] = layer_of_edges(self.section)
        return found

    def _text(self, name: str) -> str:
        """Formula of a key as it stands in the file."""
        if name in SIZES:
            return read_size(self.section, name)
        return read_formula(self.section[name], self.section.where(name))

    def _formula(self, name: str) -> Formula:
        where = self.section.where(name)
        text = read_formula(self.section[name], where)
        return Formula(text, where, before=self.before.get(name))

    def read(self) -> Collection:
        """The part."""
        fields = self._fields()
        options = {"cut": self._cut(), "one_per_entry": self._one_per_entry()}
        if self.keys.name == "constituents":
            return Constituents(fields, **options, link=read_link(self.section))
        return Collection(fields, **options)

    def _fields(self) -> dict[str, str]:
        """Formulas of the fields, in terms of branches."""
        where = self.section.where()
        names = [name for name in self.keys.fields if name in self.definitions]
        others = [name for name in self.known if name not in names]
        fields = {name: self.definitions.resolve(name) for name in (*names, *others)}
        if self.keys.name == "towers" and "e" not in fields:
            raise InputError(f"{where} has no energy; give e, or both e_em and e_had")
        uses_branches = any(
            parse(text, where, composed=True, sums=True).names for text in fields.values()
        )
        if not uses_branches and (fields or not self.definitions.computed):
            raise InputError(
                f"{where} uses no branch; its keys must be branches or formulas of branches"
            )
        return fields

    def _cut(self) -> str | None:
        if "cut" not in self.section:
            return None
        return self.definitions.resolve_condition(self._formula("cut"))

    def _one_per_entry(self) -> bool:
        value = self.section.content.get("one_per_entry", False)
        if not isinstance(value, bool):
            raise InputError(
                f"{self.section.where('one_per_entry')} is {shown(value)}; it must be true or false"
            )
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
                    f"{section.where(name)} is given beside {', '.join(given)}, which say the "
                    "same; give one of the two"
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
