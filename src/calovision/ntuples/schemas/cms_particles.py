"""Formulas of the particle-flow candidates of CMS: kind, charge, mass and energy.

The kind of a candidate is its PDG number: 211 charged and 130 neutral hadrons, 11 electrons, 13
muons, 22 photons; in the forward calorimeter 1 hadronic and 2 electromagnetic
(`PFCandidate::translatePdgIdToType` in DataFormats/ParticleFlowCandidate of CMSSW).
"""

from collections.abc import Collection as Names

from calovision.ntuples.schemas import kinematics, particles

# pion, K0L and muon, GeV (PDG 2024); electrons, photons and towers of the forward calorimeter 0
_MASSES = {211: 0.13957, 130: 0.49761, particles.MUON: particles.MUON_MASS}


def is_electromagnetic(kind: str) -> str:
    """Condition for electrons, photons and electromagnetic towers of the forward calorimeter, of
    the branch ``kind``.
    """
    return particles.is_any(kind, particles.ELECTRON, particles.PHOTON, 2)


def is_muon(kind: str) -> str:
    """Condition for muons."""
    return particles.is_any(kind, particles.MUON)


def charge_of(kind: str) -> str:
    """Charge; that of leptons is opposite to the sign of their number."""
    lepton = particles.is_any(kind, particles.ELECTRON, particles.MUON)
    return (
        f"where(abs({kind}) == 211, where({kind} > 0, 1, -1), "
        f"where({lepton}, where({kind} > 0, -1, 1), 0))"
    )


def mass_of(kind: str) -> str:
    """Mass, GeV."""
    formula = "0"
    for number, mass in _MASSES.items():
        formula = f"where(abs({kind}) == {number}, {mass}, {formula})"
    return f"({formula})"


def candidate_fields(prefix: str, names: Names[str]) -> dict[str, str]:
    """Fields of candidates of NanoAOD whose branches begin with a prefix.

    Parameters
    ----------
    prefix
        As ``PFCands`` of ``PFCands_pt``.
    names
        Branches of the file. Without the charge or the mass of the candidates it is that of their
        kind.

    Returns
    -------
    Formulas of pt, eta, phi, charge and e; momenta in GeV.
    """
    kind, charge, mass = (f"{prefix}_{name}" for name in ("pdgId", "charge", "mass"))
    return {
        **{name: f"{prefix}_{name}" for name in ("pt", "eta", "phi")},
        "charge": charge if charge in names else charge_of(kind),
        "e": energy(prefix, mass if mass in names else mass_of(kind)),
    }


def energy(prefix: str, mass: str) -> str:
    """Energy of objects of NanoAOD with the given mass."""
    return kinematics.energy(f"{prefix}_pt", f"{prefix}_eta", mass)
