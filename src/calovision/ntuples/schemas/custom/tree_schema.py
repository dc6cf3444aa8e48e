"""A schema's file that extends no other one, and the keys of which it shares the meaning with one
that does.
"""

from collections.abc import Callable

from calovision.core.errors import InputError
from calovision.core.finite import is_number
from calovision.ntuples.schemas.custom.formulas import read_formula
from calovision.ntuples.schemas.custom.keys import (
    COLLECTIONS,
    FORMULAS,
    KEYS,
)
from calovision.ntuples.schemas.custom.parts import read_parts
from calovision.ntuples.schemas.custom.sections import NONE, Section, shown
from calovision.ntuples.schemas.links import IndexTable
from calovision.ntuples.schemas.schema import Collection, Constituents, TreeSchema

MOMENTUM = ("pt", "eta", "phi", "mass")
OF_CANDIDATES = ("candidates", "constituents")


def read_tree_schema(section: Section) -> TreeSchema:
    """Schema of a file that extends no other one; InputError as in `read_schema`."""
    section.check_keys(key.name for key in KEYS)
    if "tree" not in section:
        raise InputError(f"{section.where()} lacks the key 'tree'; it must be given")
    if "choose" in section:
        raise InputError(
            f"{section.where('choose')} belongs to a schema that is extended; give extends, too"
        )
    given = [name for name in COLLECTIONS if name in section]
    if not set(given) - {"jets"}:
        raise InputError(
            f"{section.origin} has no collection of which images are made; give towers, tracks, "
            "candidates or constituents"
        )
    if "constituents" in given and "jets" not in given:
        raise InputError(
            f"{section.where('constituents')} belong to jets; give the key jets, too ({{}} if all "
            "of them is computed from the constituents)"
        )
    if "fat_jet_radius" in section and "jets" not in given:
        raise InputError(
            f"{section.where('fat_jet_radius')} belongs to jets; give the key jets, too"
        )
    if "candidate_weight" in section and not set(given) & set(OF_CANDIDATES):
        raise InputError(
            f"{section.where('candidate_weight')} belongs to {' or '.join(OF_CANDIDATES)}; give "
            "one of these, too"
        )
    read = {
        name: read_parts(COLLECTIONS[name], section, has_constituents="constituents" in given)
        for name in given
    }
    jets, constituents = (
        read[name].parts if name in read else () for name in ("jets", "constituents")
    )
    check_jets(section, jets, constituents)
    return TreeSchema(
        weighted_collections=OF_CANDIDATES,
        **{COLLECTIONS[name].attribute: one.parts for name, one in read.items()},
        **read_attributes(section),
        notes=tuple(doubt for one in read.values() for doubt in one.doubts),
    )


def check_jets(
    section: Section, jets: tuple[Collection, ...], constituents: tuple[Constituents, ...]
) -> None:
    """Raise InputError for jets that cannot be computed from their constituents."""
    lacking = [name for name in MOMENTUM for part in jets if name not in part.fields]
    if lacking and len(jets) > 1:
        raise InputError(
            f"{section.where('jets')} has {len(jets)} parts, of which one lacks {lacking[0]}; give "
            "it, since only jets of one part are computed from their constituents"
        )
    counted = any(not isinstance(part.link, IndexTable) for part in constituents)
    if lacking and not counted and not (jets[0].fields or jets[0].one_per_entry):
        raise InputError(
            f"{section.where('jets')} has no branch, and jet_index does not tell the number of "
            "jets of an event; give one of pt, eta, phi and mass"
        )


def read_attributes(section: Section) -> dict[str, object]:
    """Attributes of `TreeSchema` that are no collections; those of keys that are given."""
    found = {name: read(section, name) for name, read in _ATTRIBUTES.items() if name in section}
    if "candidate_weight" in found:
        found["puppi_weights"] = ()
    return found


def read_radius(section: Section) -> float | None:
    """Radius of the jets of the file; None if it is not given."""
    if "fat_jet_radius" not in section:
        return None
    value, where = section["fat_jet_radius"], section.where("fat_jet_radius")
    if not (is_number(value) and value > 0):
        raise InputError(f"{where} is {shown(value)}; it must be a number above 0, in radians")
    return float(value)


def _tree(section: Section, name: str) -> str:
    value = section[name]
    if not isinstance(value, str):
        raise InputError(f"{section.where(name)} is {shown(value)}; it must be the name of a tree")
    return value


def _friends(section: Section, name: str) -> tuple[str, ...]:
    value = section[name]
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(one, str) for one in names):
        raise InputError(
            f"{section.where(name)} is {shown(value)}; it must be the name of a tree, or a list of "
            "them"
        )
    if repeated := [
        one for one in names if names.count(one) > 1 or one == section.content.get("tree")
    ]:
        raise InputError(
            f"{section.where(name)} has the tree {repeated[0]!r} twice; give each tree once"
        )
    return tuple(names)


def _formula(section: Section, name: str) -> str:
    return read_formula(section[name], section.where(name))


def _n_generated(section: Section, name: str) -> int | str:
    value = _number_or_name(section, name)
    if not isinstance(value, str) and not (isinstance(value, int) and value > 0):
        raise InputError(
            f"{section.where(name)} is {shown(value)}; it must be a whole number above 0, or the "
            "name of an object in the file"
        )
    return value


def _number_or_name(section: Section, name: str) -> float | str:
    value = section[name]
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value in NONE:
        raise InputError(
            f"{section.where(name)} is {shown(value)}; it must be a number or the name of an "
            "object in the file"
        )
    if not isinstance(value, str) and not is_number(value):
        raise InputError(f"{section.where(name)} is {shown(value)}; it must be a finite number")
    return value


def _cross_section(section: Section, name: str) -> float | str:
    value = section[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _formula(section, name)
    if not (is_number(value) and value > 0):
        raise InputError(
            f"{section.where(name)} is {shown(value)}; it must be a number above 0, in pb"
        )
    return value


def _candidate_weight(section: Section, name: str) -> str | None:
    return None if section[name] in NONE else _formula(section, name)


_ATTRIBUTES: dict[str, Callable[[Section, str], object]] = {
    "tree": _tree,
    "friends": _friends,
    **{key.name: _formula for key in FORMULAS},
    "n_generated": _n_generated,
    "sum_of_weights": _number_or_name,
    "cross_section_pb": _cross_section,
    "candidate_weight": _candidate_weight,
}
