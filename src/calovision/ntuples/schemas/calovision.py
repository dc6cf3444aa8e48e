"""Ntuples that calovision.simulation writes."""

from calovision.ntuples.schemas.schema import Collection, Counters, Schema, TreeSchema

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
    event_number="event_number",
    weight="weight",
    counters=Counters("generation", ("n_generated",), ("sum_of_weights",), "cross_section_pb"),
)

CALOVISION = Schema(name="calovision", title="simulation of calovision", versions=(_EVENTS,))
