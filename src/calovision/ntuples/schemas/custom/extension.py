"""A schema's file that changes a known schema."""

from collections.abc import Mapping
from dataclasses import replace

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.keys import COLLECTIONS, KEYS
from calovision.ntuples.schemas.custom.sections import Section, did_you_mean
from calovision.ntuples.schemas.custom.tree_schema import read_attributes, read_radius
from calovision.ntuples.schemas.schema import Schema


def extended(section: Section, known: Mapping[str, Schema]) -> Schema:
    """Schema of a file that changes a known one; InputError as in `read_schema`."""
    section.check_keys(key.name for key in KEYS if key.name not in COLLECTIONS)
    name = section["extends"]
    if name not in known:
        raise InputError(
            f"{section.where('extends')} is {name!r}{did_you_mean(name, known)}; choose one of "
            f"{', '.join(known)}"
        )
    changes = read_attributes(section)
    if "weight" in section:
        changes["weight_may_miss"] = False
    if "cross_section_pb" in section:
        changes["cross_section_may_miss"] = False
    radius = read_radius(section)
    return replace(
        known[name],
        name=section.origin,
        title=section.origin,
        fat_jet_radius=known[name].fat_jet_radius if radius is None else radius,
    ).with_changes(**changes)
