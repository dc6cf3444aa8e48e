"""Layouts of ntuples: our names of the quantities, and the branches that hold them.

A further layout is one more entry of the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calovision.errors import InputError


@dataclass(frozen=True)
class Schema:
    """Where a layout keeps each quantity; collections map our name of a field to its branch."""

    tree: str
    towers: Mapping[str, str]  # without "e" the energy is e_em + e_had
    tracks: Mapping[str, str]
    event_number: str
    weight: str
    weight_may_miss: bool = False
    cross_section_pb: str | None = None
    fat_jets: Mapping[str, str] = field(default_factory=dict)
    trimmed_p4: str | None = None  # TLorentzVector[5] a jet: the trimmed jet, then its leading subjets
    generation_tree: str | None = None  # holds n_generated, sum_of_weights, cross_section_pb


_SCHEMAS = {
    # Delphes 3.5, classes Tower, Track, Jet, HepMCEvent. Leaves are listed because the leaf fBits cannot be read.
    "delphes": Schema(
        tree="Delphes",
        towers={"eta": "Tower.Eta", "phi": "Tower.Phi", "e": "Tower.E", "e_em": "Tower.Eem", "e_had": "Tower.Ehad"},
        tracks={"pt": "Track.PT", "eta": "Track.Eta", "phi": "Track.Phi"},
        event_number="Event.Number",
        weight="Event.Weight",
        weight_may_miss=True,
        cross_section_pb="Event.CrossSection",
        fat_jets={"pt": "FatJet.PT", "eta": "FatJet.Eta", "phi": "FatJet.Phi", "mass": "FatJet.Mass"},
        trimmed_p4="FatJet.TrimmedP4[5]",
    ),
    # What calovision.simulation writes.
    "calovision": Schema(
        tree="events",
        towers={"eta": "towers_eta", "phi": "towers_phi", "e_em": "towers_e_em", "e_had": "towers_e_had"},
        tracks={"pt": "tracks_pt", "eta": "tracks_eta", "phi": "tracks_phi"},
        event_number="event_number",
        weight="weight",
        generation_tree="generation",
    ),
}
SCHEMAS = tuple(_SCHEMAS)


def find_schema(name: str) -> Schema:
    """Look up a schema by its name; InputError lists the known ones."""
    if name not in _SCHEMAS:
        raise InputError(f"unknown schema {name!r} of the ntuples; choose one of {', '.join(SCHEMAS)}")
    return _SCHEMAS[name]
