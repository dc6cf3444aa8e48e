"""Output of Delphes (classes Tower, Track, Jet, HepMCEvent), with towers or with energy flow alone.

Leaves are listed because the leaf fBits cannot be read. The particle-flow towers are massless,
hence ET is pT. Track.Mass is that of releases from 3.5 on. A track without momentum has the
pseudorapidity 999.9.
"""

from dataclasses import replace

from calovision.ntuples.schemas.schema import SUBJETTINESS, Collection, Presence, Schema, TreeSchema

_EFLOW_MOMENTUM = "where(EFlowTrack.PT > 0, EFlowTrack.PT * cosh(EFlowTrack.Eta), 0)"
_EFLOW_ENERGY = f"sqrt(EFlowTrack.Mass**2 + {_EFLOW_MOMENTUM}**2)"
_EFLOW_NEUTRAL = ("EFlowPhoton", "EFlowNeutralHadron")
_WITH_TOWERS = TreeSchema(
    tree="Delphes",
    towers=(
        Collection(
            {
                "eta": "Tower.Eta",
                "phi": "Tower.Phi",
                "e": "Tower.E",
                "e_em": "Tower.Eem",
                "e_had": "Tower.Ehad",
            }
        ),
    ),
    tracks=(
        Collection(
            {"pt": "Track.PT", "eta": "Track.Eta", "phi": "Track.Phi"},
            presence=Presence.ALL_OR_NONE,
        ),
    ),
    fat_jets=(
        Collection(
            {"pt": "FatJet.PT", "eta": "FatJet.Eta", "phi": "FatJet.Phi", "mass": "FatJet.Mass"},
            extra={tau: f"FatJet.Tau[5][{i}]" for i, tau in enumerate(SUBJETTINESS)},
            presence=Presence.ALL_OR_NONE,
        ),
    ),
    candidates=(
        Collection(
            {
                "pt": "EFlowTrack.PT",
                "eta": "EFlowTrack.Eta",
                "phi": "EFlowTrack.Phi",
                "charge": "EFlowTrack.Charge",
            },
            extra={"e": _EFLOW_ENERGY},
            presence=Presence.OPTIONAL,
        ),
        *(
            Collection(
                {
                    "pt": f"{name}.ET",
                    "eta": f"{name}.Eta",
                    "phi": f"{name}.Phi",
                    "charge": "0",
                    "e": f"{name}.E",
                },
                presence=Presence.OPTIONAL,
            )
            for name in _EFLOW_NEUTRAL
        ),
    ),
    event_number="Event.Number",
    weight="Event.Weight",
    weight_may_miss=True,
    cross_section_pb="Event.CrossSection",
    cross_section_may_miss=True,
    trimmed_p4="FatJet.TrimmedP4[5]",
)


def _of_energy_flow(tracks: str, energy: str) -> TreeSchema:
    """Files with energy flow but no towers: its objects are the towers, as in `particle_flow`.

    Parameters
    ----------
    tracks
        Collection of the tracks: Track, or EFlowTrack in files without it.
    energy
        Formula of the energy of the tracks of the energy flow.
    """
    particle = "abs(EFlowTrack.PID)"
    charged = {
        "eta": "EFlowTrack.Eta",
        "phi": "EFlowTrack.Phi",
        "e": energy,
        "e_em": f"where({particle} == 11, {energy}, 0)",
        "e_had": f"where(({particle} == 11) | ({particle} == 13), 0, {energy})",
    }
    neutral = [
        {"eta": f"{name}.Eta", "phi": f"{name}.Phi", "e": f"{name}.E"} for name in _EFLOW_NEUTRAL
    ]
    photons, hadrons = neutral
    return replace(
        _WITH_TOWERS,
        towers=(
            Collection(charged),
            Collection({**photons, "e_em": photons["e"], "e_had": "0"}),
            Collection({**hadrons, "e_em": "0", "e_had": hadrons["e"]}),
        ),
        tracks=(
            Collection({"pt": f"{tracks}.PT", "eta": f"{tracks}.Eta", "phi": f"{tracks}.Phi"}),
        ),
        without=tuple(_WITH_TOWERS.towers[0].fields.values()),
    )


# Releases before 3.5 do not write the mass of a track, which they took as massless.
_OF_ENERGY_FLOW = tuple(
    _of_energy_flow(tracks, energy)
    for tracks in ("Track", "EFlowTrack")
    for energy in (_EFLOW_ENERGY, _EFLOW_MOMENTUM)
)

DELPHES = Schema(
    name="delphes",
    title="Delphes 3",
    versions=(_WITH_TOWERS, *_OF_ENERGY_FLOW),
)
