"""A schema's file that changes a known schema."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.changes import Changes
from calovision.ntuples.schemas.custom.keys import COLLECTIONS, KEYS
from calovision.ntuples.schemas.custom.sections import Section, did_you_mean, shown
from calovision.ntuples.schemas.schema import Chosen, Schema, TreeSchema

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent


def extended(section: Section, known: Mapping[str, Schema]) -> Schema:
    """Schema of a file that changes a known one.

    Versions of the known schema to which the changes do not apply, as a field of a collection that
    has several parts there, are left out.

    Parameters
    ----------
    section
        The whole file.
    known
        Schemas by name.

    Raises
    ------
    InputError
        As `read_schema`; if the changes apply to no version.
    """
    section.check_keys(key.name for key in KEYS)
    name = section["extends"]
    if not isinstance(name, str) or name not in known:
        raise InputError(
            f"{section.where('extends')} is {shown(name)}{did_you_mean(name, known)}; choose one "
            f"of {', '.join(known)}"
        )
    changes = Changes(section, name)
    changes.check()
    schema = replace(
        known[name],
        name=section.origin,
        title=section.origin,
        fat_jet_radius=changes.radius(known[name].fat_jet_radius),
    )
    if schema.find_versions is None:
        if "choose" in section:
            raise InputError(
                f"{section.where('choose')} belongs to schemas that find their collections by "
                f"type, but {name!r} names its branches; give the collections' fields"
            )
        return replace(schema, versions=changes.applied(schema.versions))
    given = {"tree": section["tree"]} if "tree" in section else {}
    return replace(
        schema,
        chosen={**schema.chosen, **read_choice(section)},
        find_versions=FoundVersions(known[name].with_changes(**given), changes),
        trees=(section["tree"],) if given else schema.trees,
    )


def read_choice(section: Section) -> dict[str, tuple[str, ...]]:
    """Collections of the file that the user chose, by the names of ours (`COLLECTIONS`)."""
    if "choose" not in section:
        return {}
    where, given = section.where("choose"), section["choose"]
    if not isinstance(given, Mapping) or not given:
        raise InputError(
            f"{where} is {shown(given)}; it must hold collections and their names in the file, as "
            "towers: [EcalBarrel]"
        )
    inside = section.inside("choose", content=given)
    inside.check_keys(COLLECTIONS)
    return {COLLECTIONS[name].attribute: _names(inside, name) for name in given}


def _names(section: Section, key: str) -> tuple[str, ...]:
    value = section[key]
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise InputError(
            f"{section.where(key)} is {shown(value)}; it must be the name of a collection of the "
            "file, or a list of them"
        )
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True)
class FoundVersions:
    """Finds the versions of a known schema in a file, and changes them.

    Attributes
    ----------
    known
        The schema.
    changes
        What is changed.
    """

    known: Schema
    changes: Changes

    def __call__(self, content: "FileContent", chosen: Chosen) -> tuple[TreeSchema, ...]:
        """Versions as `Schema.find_versions` gives them."""
        return self.changes.applied(replace(self.known, chosen=chosen).versions_in(content))
