"""The layouts that are known by name. A further one is one more entry of the table."""

from dataclasses import replace
from pathlib import Path

from calovision.core.errors import InputError
from calovision.ntuples.schemas import Collection, Constituents, Counters, Presence, Schema

_TAUS = ("tau1", "tau2", "tau3")

# Delphes 3.5, classes Tower, Track, Jet, HepMCEvent. Leaves are listed because the leaf fBits
# cannot be read. The particle-flow towers are massless, hence ET is pT. Track.Mass is that of
# releases from 3.5 on. A track without momentum has the pseudorapidity 999.9.
_EFLOW_MOMENTUM = "where(EFlowTrack.PT > 0, EFlowTrack.PT * cosh(EFlowTrack.Eta), 0)"
_EFLOW_ENERGY = f"sqrt(EFlowTrack.Mass**2 + {_EFLOW_MOMENTUM}**2)"
_EFLOW_NEUTRAL = ("EFlowPhoton", "EFlowNeutralHadron")
_DELPHES = Schema(
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
            extra={tau: f"FatJet.Tau[5][{i}]" for i, tau in enumerate(_TAUS)},
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


def _delphes_of_energy_flow(tracks: str, energy: str) -> Schema:
    """Cards that write energy flow but no towers: its objects are the towers, as in
    `_particle_flow`.

    Parameters
    ----------
    tracks
        Track, or EFlowTrack in files without it.
    energy
        Of the tracks of the energy flow.
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
        _DELPHES,
        towers=(
            Collection(charged),
            Collection({**photons, "e_em": photons["e"], "e_had": "0"}),
            Collection({**hadrons, "e_em": "0", "e_had": hadrons["e"]}),
        ),
        tracks=(
            Collection({"pt": f"{tracks}.PT", "eta": f"{tracks}.Eta", "phi": f"{tracks}.Phi"}),
        ),
        without=tuple(_DELPHES.towers[0].fields.values()),
    )


# Releases before 3.5 do not write the mass of a track, which they took as massless.
_DELPHES_OF_ENERGY_FLOW = tuple(
    _delphes_of_energy_flow(tracks, energy)
    for tracks in ("Track", "EFlowTrack")
    for energy in (_EFLOW_ENERGY, _EFLOW_MOMENTUM)
)

# What calovision.simulation writes.
_CALOVISION = Schema(
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


def _particle_flow(
    item: dict[str, str], electromagnetic: str, muon: str, constituents: dict[str, str | bool]
) -> dict[str, object]:
    """Collections made of one list of particle-flow candidates.

    Towers are the candidates, all of whose energy is electromagnetic for photons and electrons,
    neither for muons (as in the towers of Delphes), hadronic for the others; tracks are the charged
    candidates.
    """
    energies = {
        "e": item["e"],
        "e_em": f"where({electromagnetic}, {item['e']}, 0)",
        "e_had": f"where(({electromagnetic}) | ({muon}), 0, {item['e']})",
    }
    position = {name: item[name] for name in ("eta", "phi")}
    momentum = {"pt": item["pt"], **position}
    return {
        "towers": (Collection({**position, **energies}),),
        "tracks": (Collection(momentum, cut=f"({item['charge']}) != 0"),),
        "candidates": (Collection(item),),
        "constituents": Constituents({**item, **energies}, **constituents),
    }


# With an underscore in the productions of 2016 to 2018 (NanoAOD v5 to v7).
_RUNS = Counters(
    "Runs", ("genEventCount", "genEventCount_"), ("genEventSumw", "genEventSumw_"), may_miss=True
)


def _nanoaod(candidates: str, table: str, item_index: str, charge: str = "{}_charge") -> Schema:
    """NanoAOD with particle-flow candidates; the index table gives the jet and the candidate of
    each constituent.
    """
    item = {name: f"{candidates}_{name}" for name in ("pt", "eta", "phi")}
    item["charge"] = charge.format(candidates)
    item["e"] = f"sqrt({candidates}_mass**2 + ({candidates}_pt * cosh({candidates}_eta))**2)"
    particle = f"abs({candidates}_pdgId)"
    index = {
        "jet_index": f"{table}_jetIdx",
        "item_index": f"{table}_{item_index}",
        "presence": Presence.OPTIONAL,
    }
    return Schema(
        tree="Events",
        **_particle_flow(
            item, f"({particle} == 11) | ({particle} == 22)", f"{particle} == 13", index
        ),
        fat_jets=(
            Collection(
                {name: f"FatJet_{name}" for name in ("pt", "eta", "phi", "mass")},
                extra={tau: f"FatJet_{tau}" for tau in _TAUS},
                presence=Presence.ALL_OR_NONE,
            ),
        ),
        event_number="event",
        weight="genWeight",
        weight_may_miss=True,  # collision data have none
        weight_factors=("LHEScaleWeight", "PSWeight"),
        counters=_RUNS,
        uncalibrated_pt="FatJet_pt * (1 - FatJet_rawFactor)",
        # The second one leaves leptons as they are: for missing energy; jets are made with the
        # first.
        puppi_weights=tuple(f"{candidates}_{name}" for name in ("puppiWeight", "puppiWeightNoLep")),
    )


# Charged hadrons 211; the charge of leptons is opposite to the sign of their number.
_CHARGE_OF_PARTICLE = (
    "where(abs({0}_pdgId) == 211, where({0}_pdgId > 0, 1, -1), "
    "where((abs({0}_pdgId) == 11) | (abs({0}_pdgId) == 13), where({0}_pdgId > 0, -1, 1), 0))"
)
_NANOAOD = (
    # PFNano for UL (github.com/cms-jet/PFNano; coffea.nanoevents.PFNanoAODSchema has the same cross
    # references).
    _nanoaod("PFCands", "FatJetPFCands", "pFCandsIdx"),
    # The first PFNano of release 10_6_X.
    _nanoaod("JetPFCands", "JetPFCandsAK8", "candIdx"),
    # Central NanoAOD from v15 on (PFCand, FatJetPFCand in its list of branches): no charge.
    _nanoaod("PFCand", "FatJetPFCand", "pfCandIdx", charge=_CHARGE_OF_PARTICLE),
)

# JetClass (doi:10.5281/zenodo.6619768): one jet an entry. part_deta is mirrored for jets at
# negative eta, therefore the coordinates are computed from the momenta.
_JETCLASS = Schema(
    tree="tree",
    **_particle_flow(
        {
            "pt": "sqrt(part_px**2 + part_py**2)",
            "eta": "arcsinh(part_pz / sqrt(part_px**2 + part_py**2))",
            "phi": "arctan2(part_py, part_px)",
            "charge": "part_charge",
            "e": "part_energy",
        },
        "(part_isPhoton != 0) | (part_isElectron != 0)",
        "part_isMuon != 0",
        {},
    ),
    fat_jets=(
        Collection(
            {
                "pt": "jet_pt",
                "eta": "jet_eta",
                "phi": "jet_phi",
                # Rounding may take the square of a light jet's mass below zero.
                "mass": "sqrt(where({0} > {1}, {0}**2 - ({1})**2, 0))".format(
                    "jet_energy", "jet_pt * cosh(jet_eta)"
                ),
            },
            extra={tau: f"jet_{tau}" for tau in _TAUS},
            one_per_entry=True,
        ),
    ),
)

# Several layouts under one name: the first one that fits a file is taken.
_LAYOUTS = {
    "delphes": (_DELPHES, *_DELPHES_OF_ENERGY_FLOW),
    "calovision": (_CALOVISION,),
    "nanoaod": _NANOAOD,
    "jetclass": (_JETCLASS,),
}
SCHEMAS = tuple(_LAYOUTS)


def candidate_layouts(
    schema: str | Path | None, *, tree: str | None = None
) -> dict[str, tuple[Schema, ...]]:
    """Layouts that a file may have.

    Parameters
    ----------
    schema
        One of `SCHEMAS`, the path of a YAML file (`calovision.ntuples.custom`), or None for all of
        `SCHEMAS`.
    tree
        Name of the tree, in place of the schema's.

    Returns
    -------
    Name of a schema -> its layouts, most recent first.

    Raises
    ------
    InputError
        If there is no such schema, or the YAML file is wrong.
    """
    if schema is None:
        found = _LAYOUTS
    elif Path(schema).suffix in (".yaml", ".yml"):
        from calovision.ntuples.custom import read_layouts

        found = {str(schema): read_layouts(Path(schema), _LAYOUTS)}
    elif schema in _LAYOUTS:
        found = {str(schema): _LAYOUTS[schema]}
    else:
        raise InputError(
            f"unknown schema {schema!r} of the ntuples; choose one of {', '.join(SCHEMAS)} or give "
            "a YAML file"
        )
    if tree is None:
        return dict(found)
    return {
        name: tuple(replace(layout, tree=tree) for layout in layouts)
        for name, layouts in found.items()
    }
