"""Collections of a schema's file: one part, a list of parts, or objects of one branch each."""

from collections.abc import Mapping
from dataclasses import dataclass

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.keys import CollectionKeys, Value
from calovision.ntuples.schemas.custom.part import PartReader
from calovision.ntuples.schemas.custom.sections import Section, shown, shown_path
from calovision.ntuples.schemas.schema import Collection

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
    found = [
        PartReader(keys, one, has_constituents=has_constituents)
        for item in mappings(keys, section)
        for one in _each(keys, item)
    ]
    parts = tuple(one.read() for one in found)
    _check_same_fields(found, parts)
    return ReadParts(
        parts,
        tuple(dict.fromkeys(doubt for one in found for doubt in one.definitions.doubts())),
    )


def _check_same_fields(readers: list[PartReader], parts: tuple[Collection, ...]) -> None:
    """Raise InputError unless all parts have the same fields: others would be dropped."""
    every = dict.fromkeys(name for part in parts for name in part.fields)
    for name in every:
        having = [name in part.fields for part in parts]
        if not all(having):
            first, lacking = having.index(True), having.index(False)
            raise InputError(
                f"{readers[lacking].section.where()} has no {name}, which "
                f"{shown_path(readers[first].section.path)} has; give it in each part or in none"
            )


def mappings(keys: CollectionKeys, section: Section) -> list[Section]:
    """The mapping of a collection, or those of its parts; InputError if there are none."""
    value = section[keys.name]
    if not isinstance(value, list):
        return [section.inside(keys.name, content=_mapping(keys, value, section.where(keys.name)))]
    if not value:
        raise InputError(f"{section.where(keys.name)} is an empty list; give its parts")
    places = [(keys.name, str(number)) for number in range(len(value))]
    return [
        section.inside(*place, content=_mapping(keys, item, section.where(*place)))
        for place, item in zip(places, value, strict=True)
    ]


def _mapping(keys: CollectionKeys, value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        demanded = ", ".join(key.name for key in keys.demanded)
        raise InputError(f"{where} is {shown(value)}; it must hold the keys {demanded}")
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
                f"{section.where(name)} is a list of {len(values)}, but {first} one of "
                f"{len(numbers)}; give a branch for each object"
            )
    if section.content.get("one_per_entry", True) is not True:
        raise InputError(
            f"{section.where('one_per_entry')} is {shown(section['one_per_entry'])}; it must be "
            f"true, or left out, as {first} lists one branch for each object"
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
