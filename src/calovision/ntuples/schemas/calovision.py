"""Ntuples that calovision.simulation and its particle gun write."""

from calovision.ntuples.schemas.links import Counts
from calovision.ntuples.schemas.schema import (
    Collection,
    Constituents,
    Counters,
    Presence,
    Schema,
    TreeSchema,
)

_EVENTS = TreeSchema(
    tree="events",
    towers=(
        Collection(
            {
                "eta": "towers_eta",
                "phi": "towers_phi",
                "e_em": "towers_e_em",
                "e_had": "towers_e_had",
                "e": "towers_e_em + towers_e_had",
            }
        ),
    ),
    tracks=(Collection({"pt": "tracks_pt", "eta": "tracks_eta", "phi": "tracks_phi"}),),
    fat_jets=(
        Collection(
            {name: f"fat_jets_{name}" for name in ("pt", "eta", "phi", "mass")},
            presence=Presence.ALL_OR_NONE,
        ),
    ),
    constituents=(
        Constituents(
            {
                name: f"constituents_{name}"
                for name in ("pt", "eta", "phi", "charge", "e_em", "e_had")
            }
            | {"e": "constituents_pt * cosh(constituents_eta)"},
            presence=Presence.ALL_OR_NONE,
            link=Counts("fat_jets_n_constituents"),
        ),
    ),
    event_number="event_number",
    run="run",
    weight="weight",
    counters=Counters("generation", ("n_generated",), ("sum_of_weights",), "cross_section_pb"),
)

_CELLS = {name: f"cells_{name}" for name in ("eta", "phi", "e", "layer")}
_SIZES = {name: f"cells_{name}" for name in ("eta_size", "phi_size")}
_SHOWERS = TreeSchema(
    tree="showers",
    towers=(Collection({**_CELLS, **_SIZES}),),
    fat_jets=(Collection({name: f"clusters_{name}" for name in ("pt", "eta", "phi", "mass")}),),
    constituents=(  # at their centers in images, whose cells are strips and cells around the axis
        Constituents(
            {**_CELLS, "pt": "cells_e / cosh(cells_eta)"},
            presence=Presence.ALL_OR_NONE,
            link=Counts("clusters_n_cells"),
        ),
    ),
    event_number="event_number",
    weight="weight",
    counters=Counters("generation", ("n_generated",), ("sum_of_weights",), "cross_section_pb"),
)

CALOVISION = Schema(
    name="calovision", title="simulation of calovision", versions=(_EVENTS, _SHOWERS)
)
