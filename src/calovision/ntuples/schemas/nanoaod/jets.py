"""Towers and tracks of NanoAOD files without candidates: jets, and the leptons outside of them.

The energy of a jet is shared between the calorimeters by its fractions, which are those of its
constituents; the neutral ones contain the forward calorimeter (JetSpecific.cc in
RecoJets/JetProducers of CMSSW; their sum with that of muons is 1 in files of PFNano and of the
versions 12 and 15). A lepton or photon is a tower where no jet contains it (``jetIdx`` is -1:
PATObjectCrossLinker.cc compares what they are made of), so that no energy counts twice; a photon
may be the cluster of an electron. Taus are jets of the list. Isolated tracks have a veto of leptons
(isotracks_cff.py of CMSSW).

Jets of scouting have no such indices, therefore their leptons are left out. Of ``ScoutingPFJet``,
the jets of the trigger, the neutral hadron energy contains that of the forward calorimeter, the
photon energy does not; ``ScoutingJet`` counts muons as charged electromagnetic, too (all seen in
files).
"""

from collections.abc import Collection as Names

from calovision.ntuples.schemas.cms_particles import energy
from calovision.ntuples.schemas.schema import Collection

SCOUTING_JETS = ("ScoutingPFJetRecluster", "ScoutingJet", "ScoutingPFJet")
JETS = ("Jet", *SCOUTING_JETS)
LEPTONS = ("Electron", "Muon", "Photon")
_POSITION = ("eta", "phi")
_MOMENTUM = ("pt", *_POSITION)
_TRACKS = ("Electron", "Muon", "IsoTrack")
_LINKS = {"Electron": ("jetIdx",), "Muon": ("jetIdx",), "Photon": ("jetIdx", "electronIdx")}


def found_jets(names: Names[str]) -> list[str]:
    """Prefixes of the small-R jets of a file with these branches, those to be taken first."""
    return [jets for jets in JETS if has_momenta(jets, names) and _mass(jets, names)]


def has_momenta(prefix: str, names: Names[str]) -> bool:
    """Return True if a file has pT, eta and phi of the objects with this prefix."""
    return all(f"{prefix}_{of}" in names for of in _MOMENTUM)


def found_leptons(names: Names[str]) -> list[str]:
    """Kinds of leptons (photons are among them) that a file has with their links to jets."""
    return [
        kind
        for kind in LEPTONS
        if has_momenta(kind, names) and all(f"{kind}_{link}" in names for link in _LINKS[kind])
    ]


def jet_towers(jets: str, leptons: list[str], names: Names[str]) -> tuple[Collection, ...]:
    """Towers of the jets with a prefix, and of leptons outside of them; GeV."""
    return (_jets(jets, names), *(_leptons(kind, names) for kind in leptons))


def lepton_tracks(names: Names[str]) -> dict[str, Collection]:
    """Kind -> its tracks: those of electrons and muons, and isolated ones."""
    return {
        kind: Collection({of: f"{kind}_{of}" for of in _MOMENTUM})
        for kind in _TRACKS
        if has_momenta(kind, names)
    }


def _jets(prefix: str, names: Names[str]) -> Collection:
    e = energy(prefix, _mass(prefix, names) or f"{prefix}_mass")
    share = {name: f"{prefix}_{name}" for name in ("chEmEF", "neEmEF", "chHEF", "neHEF")}
    muons = f"{prefix}_muEmEF"
    em = f"{share['chEmEF']} + {share['neEmEF']}" + (f" - {muons}" if muons in names else "")
    parts = {"e_em": f"({em}) * {e}", "e_had": f"({share['chHEF']} + {share['neHEF']}) * {e}"}
    if prefix == "ScoutingPFJet":
        em, had = (
            [f"{prefix}_{name}Energy" for name in of]
            for of in (("photon", "electron", "HFEM"), ("chargedHadron", "neutralHadron"))
        )
        parts = {"e_em": " + ".join(em), "e_had": " + ".join(had)}
    return Collection({**{of: f"{prefix}_{of}" for of in _POSITION}, "e": e}, extra=parts)


def _leptons(kind: str, names: Names[str]) -> Collection:
    mass = f"{kind}_mass"
    is_massive = kind != "Photon" and mass in names
    e = energy(kind, mass) if is_massive else f"{kind}_pt * cosh({kind}_eta)"
    return Collection(
        {**{of: f"{kind}_{of}" for of in _POSITION}, "e": e},
        extra={"e_em": "0" if kind == "Muon" else e, "e_had": "0"},
        cut=" & ".join(f"({kind}_{link} < 0)" for link in _LINKS[kind]),
    )


def _mass(prefix: str, names: Names[str]) -> str | None:
    return next((name for of in ("mass", "m") if (name := f"{prefix}_{of}") in names), None)
