"""Parts of known collections, of which keys change something."""

import dataclasses

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.coordinates import MEMBERS
from calovision.ntuples.schemas.custom.formulas import Formula, read_formula
from calovision.ntuples.schemas.custom.keys import CollectionKeys
from calovision.ntuples.schemas.custom.layers import EDGES
from calovision.ntuples.schemas.custom.links import LINK_KEYS
from calovision.ntuples.schemas.custom.part import PartReader
from calovision.ntuples.schemas.custom.sections import NONE, Section
from calovision.ntuples.schemas.schema import Collection, Constituents, Presence

# Key that is given -> fields that are no longer those of the known schema.
_REPLACED = {
    **dict.fromkeys(("px", "py", "pz"), ("pt", "eta", "phi")),
    **dict.fromkeys(("x", "y", "z"), ("eta", "phi")),
    "p4": MEMBERS,
    EDGES: ("layer",),
}


def changed_part(
    keys: CollectionKeys, section: Section, known: Collection, *, has_constituents: bool
) -> tuple[Collection, tuple[str, ...]]:
    """Change one part of a known collection.

    Parameters
    ----------
    keys, section
        Keys of the collection, and those that are given; ``none`` takes one away. The cut is one
        more, beside that of the part.
    known
        The part.
    has_constituents
        As in `read_parts`.

    Returns
    -------
    The part, which a file then must have, and doubts of how the keys were read.

    Raises
    ------
    InputError
        As `PartReader`; if something is taken away that there must be.
    """
    reader = PartReader(
        keys,
        _without_none(keys, section),
        has_constituents=has_constituents,
        known=_kept(known, keys, section),
        before={**known.fields, **known.extra},
    )
    read = reader.read()
    extra = {
        name: known.extra[name] for name in known.extra if name not in _replaced(keys, section)
    }
    changes = {
        "fields": {name: text for name, text in read.fields.items() if name not in extra},
        "extra": extra,
        "cut": _joined_cut(None if _takes_away(section, "cut") else known.cut, read.cut),
        "presence": Presence.REQUIRED,
    }
    if "one_per_entry" in section:
        changes["one_per_entry"] = read.one_per_entry
    if isinstance(known, Constituents) and any(key in section for key in LINK_KEYS):
        changes["link"] = read.link
    doubts = (*reader.definitions.doubts(), *_energy_doubts(known, keys, section))
    return dataclasses.replace(known, **changes), doubts


def are_others(keys: CollectionKeys, section: Section) -> bool:
    """Tell whether the keys of a mapping are those of other objects than the known ones.

    They say anew where the objects are and how hard, without the names of fields.
    """
    names = ("eta", "phi", "e") if keys.name == "towers" else ("pt", "eta", "phi")
    if not set(names) <= _replaced(keys, section):
        return False
    formulas = [name for name in keys.quantities if name in section and name != "p4"]
    return not any(
        _formula(name, section).names & set(keys.fields) for name in formulas if name in names
    )


def has_new_momenta(keys: CollectionKeys, section: Section) -> bool:
    """Tell whether the keys of a mapping change momenta, or which objects there are."""
    return bool(_replaced(keys, section) & {"pt", "eta", "phi", "mass"}) or "cut" in section


def of_one_part(
    keys: CollectionKeys, section: Section, known: tuple[Collection, ...]
) -> str | None:
    """The first key of a mapping that can change one part only, as it names a branch; or None."""
    fields = set.intersection(*({*part.fields, *part.extra} for part in known))
    for name in section.content:
        if _takes_away(section, name):
            continue
        if name not in (*keys.quantities, "cut") or name == "p4":
            return name
        if not _formula(name, section).uses_only({*fields, *section.content}):
            return name
    return None


def _formula(name: str, section: Section) -> Formula:
    where = section.where(name)
    return Formula(read_formula(section[name], where), where)


def _replaced(keys: CollectionKeys, section: Section) -> set[str]:
    """Fields that the keys of a mapping give anew, or take away."""
    found = {name for name in (*keys.quantities, EDGES) if name in section}
    found |= {field for name in found for field in _REPLACED.get(name, ())}
    if "mass" in found and "mass" not in keys.fields:
        found.add("e")
    if "e" in found and "e" not in keys.fields:
        found.add("mass")
    if {"e_em", "e_had"} <= found:
        found.add("e")
    return found


def _kept(known: Collection, keys: CollectionKeys, section: Section) -> dict[str, Formula]:
    """Fields of a known part that stay, in terms of branches."""
    replaced = _replaced(keys, section)
    every = {**known.fields, **known.extra}
    return {
        name: Formula(text, section.where(), is_given=False, is_final=True)
        for name, text in every.items()
        if name not in replaced
    }


def _energy_doubts(known: Collection, keys: CollectionKeys, section: Section) -> tuple[str, ...]:
    """Sentence on energies of which some are changed and others are not."""
    replaced = _replaced(keys, section)
    energies = [name for name in ("e", "e_em", "e_had") if name in known.fields]
    changed = [name for name in energies if name in replaced]
    kept = [name for name in energies if name not in replaced]
    if not changed or not kept:
        return ()
    return (
        f"{section.where()}: the new {' and '.join(changed)} and the known "
        f"{' and '.join(kept)} are read side by side",
    )


def _without_none(keys: CollectionKeys, section: Section) -> Section:
    """The mapping without keys that take something away, which must not be demanded."""
    for key in keys.demanded:
        if _takes_away(section, key.name):
            raise InputError(
                f"{section.where(key.name)} is none, but {keys.name} must have it; give a branch "
                "or a formula"
            )
    names = [name for name in section.content if not _takes_away(section, name)]
    return section.with_content({name: section[name] for name in names})


def _takes_away(section: Section, key: str) -> bool:
    return key in section and section[key] in NONE


def _joined_cut(known: str | None, given: str | None) -> str | None:
    """Condition of both."""
    if known is None or given is None:
        return known if given is None else given
    return f"({known}) & ({given})"
