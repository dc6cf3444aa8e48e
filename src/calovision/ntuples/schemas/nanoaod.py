"""NanoAOD of CMS with particle-flow candidates; its fat jets are AK8."""

from calovision.ntuples.schemas.links import IndexTable
from calovision.ntuples.schemas.schema import (
    SUBJETTINESS,
    Collection,
    Counters,
    Presence,
    Schema,
    TreeSchema,
    particle_flow,
)

# With an underscore in the productions of 2016 to 2018 (NanoAOD v5 to v7).
_RUNS = Counters(
    "Runs", ("genEventCount", "genEventCount_"), ("genEventSumw", "genEventSumw_"), may_miss=True
)


def _events(candidates: str, table: str, item_index: str, charge: str = "{}_charge") -> TreeSchema:
    """Tree of events whose index table gives the jet and the candidate of each constituent."""
    item = {name: f"{candidates}_{name}" for name in ("pt", "eta", "phi")}
    item["charge"] = charge.format(candidates)
    item["e"] = f"sqrt({candidates}_mass**2 + ({candidates}_pt * cosh({candidates}_eta))**2)"
    particle = f"abs({candidates}_pdgId)"
    index = {
        "link": IndexTable(f"{table}_jetIdx", f"{table}_{item_index}"),
        "presence": Presence.OPTIONAL,
    }
    return TreeSchema(
        tree="Events",
        **particle_flow(
            item, f"({particle} == 11) | ({particle} == 22)", f"{particle} == 13", index
        ),
        fat_jets=(
            Collection(
                {name: f"FatJet_{name}" for name in ("pt", "eta", "phi", "mass")},
                extra={tau: f"FatJet_{tau}" for tau in SUBJETTINESS},
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
_VERSIONS = (
    # PFNano for UL (github.com/cms-jet/PFNano; coffea.nanoevents.PFNanoAODSchema has the same cross
    # references).
    _events("PFCands", "FatJetPFCands", "pFCandsIdx"),
    # The first PFNano of release 10_6_X.
    _events("JetPFCands", "JetPFCandsAK8", "candIdx"),
    # Central NanoAOD from v15 on (PFCand, FatJetPFCand in its list of branches): no charge.
    _events("PFCand", "FatJetPFCand", "pfCandIdx", charge=_CHARGE_OF_PARTICLE),
)

NANOAOD = Schema(
    name="nanoaod",
    title="NanoAOD with candidates",
    versions=_VERSIONS,
    fat_jet_radius=0.8,
)
