"""Collections of a Delphes file by their class, and the formulas of our quantities for each class.

The card names the collections (``add Branch Calorimeter/towers Tower Tower``: array, name, class).
They are found by the class that the branch of their TClonesArray tells; in files that were written
anew without it, by well-known names and by their leaves. Classes, leaves and what fills them:
classes/DelphesClasses.h and modules/TreeWriter.cc of Delphes, releases 3.0 to 3.5.1.

The momenta of towers are massless (ET is pT). Track.Mass is that of releases from 3.5 on; tracks of
others are taken as massless. A track without momentum has the pseudorapidity 999.9.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from calovision.ntuples.schemas.particles import (
    ELECTRON,
    MUON,
    MUON_MASS,
    PHOTON,
    energies,
    is_any,
)

TOWER_LEAVES = ("Eta", "Phi", "E", "Eem", "Ehad")

_BY_NAME = {
    **dict.fromkeys(("Tower", "EFlowPhoton", "EFlowNeutralHadron", "EFlowTower"), "Tower"),
    **dict.fromkeys(("Track", "EFlowTrack"), "Track"),
    **dict.fromkeys(("Jet", "FatJet", "GenJet"), "Jet"),
    "Particle": "GenParticle",
    **{name: name for name in ("ParticleFlowCandidate", "Electron", "Muon", "Photon")},
}
# Class -> leaves that tell it from the others, in the order in which they are tried.
_BY_LEAVES = (
    ("ParticleFlowCandidate", ("PID", "Charge", "E", "PT", "Eta", "Phi", "Eem", "Ehad")),
    ("Tower", ("E", "Eta", "Phi", "Eem", "Ehad")),
    ("Jet", ("PT", "Eta", "Phi", "Mass", "BTag")),
    ("GenParticle", ("PID", "Status", "PT", "Eta", "Phi", "E")),
    ("Track", ("PT", "Eta", "Phi", "CtgTheta", "D0")),
)


@dataclass(frozen=True)
class Collections:
    """Collections of a Delphes tree.

    Attributes
    ----------
    classes
        Name -> class, in the order of the file.
    leaves
        Name -> names of its leaves, as ``PT`` and ``Tau[5]``.
    """

    classes: Mapping[str, str]
    leaves: Mapping[str, frozenset[str]]

    def of(self, *classes: str) -> tuple[str, ...]:
        """Names of the collections of some classes."""
        return tuple(name for name, kind in self.classes.items() if kind in classes)

    def has(self, name: str, *leaves: str) -> bool:
        """Return True if a collection has all of these leaves."""
        return self.leaves.get(name, frozenset()).issuperset(leaves)

    def with_any(self, names: Iterable[str], leaves: Iterable[str]) -> tuple[str, ...]:
        """Those of some collections that have one of the leaves at least."""
        wanted = frozenset(leaves)
        return tuple(name for name in names if wanted & self.leaves[name])


def collections_of(
    branches: Iterable[str], classes: Mapping[str, str] | None = None
) -> Collections:
    """Collections of a tree with these branches, of which the outermost ones have these classes."""
    names, classes = set(branches), classes or {}
    leaves: dict[str, set[str]] = {name: set() for name in classes}
    for branch in sorted(names):
        name, _, leaf = branch.partition(".")
        is_count = name.startswith("n") and branch[1:] in names  # as uproot writes them
        if leaf and not is_count:
            leaves.setdefault(name, set()).add(leaf)
    found = {
        name: classes.get(name) or _BY_NAME.get(name) or _class_by_leaves(of)
        for name, of in leaves.items()
        if of
    }
    return Collections(found, {name: frozenset(leaves[name]) for name in found})


def _class_by_leaves(leaves: set[str]) -> str:
    return next((name for name, needed in _BY_LEAVES if leaves.issuperset(needed)), "")


def is_energy_flow(name: str) -> bool:
    """Return True for the name of a collection of the energy flow."""
    return name.lower().startswith(("eflow", "pflow", "pf"))


def objects(found: Collections, name: str) -> dict[str, str]:
    """Formulas of pt, eta, phi, charge, e, e_em, e_had of the objects of a collection, those that
    its class has.

    All energy of photons and electrons is electromagnetic, that of muons neither (as in the towers
    of Delphes), that of others hadronic, as in `calovision.ntuples.schemas.particles.energies`.
    """
    fields = {axis.lower(): f"{name}.{axis}" for axis in ("Eta", "Phi")}
    return {**fields, **_FORMULAS[class_of(found, name)](found, name)}


def available(found: Collections, name: str) -> dict[str, str]:
    """Formulas of `objects` whose leaves the file has."""
    leaf = re.compile(rf"\b{re.escape(name)}\.(\w+)")
    return {
        field: text
        for field, text in objects(found, name).items()
        if found.has(name, *leaf.findall(text))
    }


def class_of(found: Collections, name: str) -> str:
    """Class of a collection, which may be missing if it has one of the usual names."""
    return found.classes.get(name) or _BY_NAME[name]


def energy_of_track(name: str, mass: str | float | None) -> str:
    """Energy of a track; massless without a mass, and not a number if its momentum is none."""
    momentum = f"where({name}.PT <= 0, 0, {name}.PT * cosh({name}.Eta))"
    return momentum if mass is None else f"sqrt({mass}**2 + {momentum}**2)"


def _tower(found: Collections, name: str) -> dict[str, str]:
    """Calorimeter tower, or neutral object of the energy flow, whose kind its name tells."""
    energy = f"{name}.E"
    only_energy = found.has(name, "E") and not found.has(name, "ET")
    fields = {
        "pt": f"{name}.ET" if not only_energy else f"{energy} / cosh({name}.Eta)",
        "e": energy,
        "e_em": f"{name}.Eem",
        "e_had": f"{name}.Ehad",
    }
    if not is_energy_flow(name):
        return fields
    fields["charge"] = "0"
    if "photon" in name.lower():
        return {**fields, "e_em": energy, "e_had": "0"}
    if "hadron" in name.lower():
        return {**fields, "e_em": "0", "e_had": energy}
    return fields


def _track(found: Collections, name: str) -> dict[str, str]:
    energy = energy_of_track(name, f"{name}.Mass" if found.has(name, "Mass") else None)
    kind = f"{name}.PID"
    return {
        "pt": f"{name}.PT",
        "charge": f"{name}.Charge",
        **energies(energy, is_any(kind, ELECTRON), is_any(kind, MUON)),
    }


def _candidate(found: Collections, name: str) -> dict[str, str]:
    """Candidate, whose shares of energy are those of the calorimeter if it is neutral: Delphes sets
    the number of photons (22), but not that of neutral hadrons.
    """
    energy, kind = f"{name}.E", f"{name}.PID"
    if found.has(name, "Eem", "Ehad"):
        sum_ = f"({name}.Eem + {name}.Ehad)"
        share = f"where({sum_} <= 0, 0, {energy} * {name}.Eem / where({sum_} <= 0, 1, {sum_}))"
        rest = f"where({name}.Charge == 0, {share}, 0)"
    else:
        rest = "0"
    electromagnetic = f"where({is_any(kind, ELECTRON, PHOTON)}, {energy}, {rest})"
    return {
        "pt": f"{name}.PT",
        "charge": f"{name}.Charge",
        "e": energy,
        "e_em": electromagnetic,
        "e_had": f"where({is_any(kind, MUON)}, 0, {energy} - {electromagnetic})",
    }


def _particle(found: Collections, name: str) -> dict[str, str]:
    """Generated particle."""
    kind = f"{name}.PID"
    return {
        "pt": f"{name}.PT",
        "charge": f"{name}.Charge",
        **energies(f"{name}.E", is_any(kind, ELECTRON, PHOTON), is_any(kind, MUON)),
    }


def _jet(found: Collections, name: str) -> dict[str, str]:
    """Jet; EhadOverEem is 999.9 without electromagnetic energy."""
    energy = energy_of_track(name, f"{name}.Mass")
    ratio = f"{name}.EhadOverEem"
    electromagnetic = f"where({ratio} >= 999, 0, {energy} / (1 + {ratio}))"
    return {
        "pt": f"{name}.PT",
        "e": energy,
        "e_em": electromagnetic,
        "e_had": f"{energy} - {electromagnetic}",
    }


def _photon(found: Collections, name: str) -> dict[str, str]:
    energy = f"{name}.E"
    return {"pt": f"{name}.PT", "charge": "0", "e": energy, "e_em": energy, "e_had": "0"}


def _electron(found: Collections, name: str) -> dict[str, str]:
    energy = energy_of_track(name, None)
    return _lepton(name, energy, energy)


def _muon(found: Collections, name: str) -> dict[str, str]:
    return _lepton(name, energy_of_track(name, MUON_MASS), "0")


def _lepton(name: str, energy: str, electromagnetic: str) -> dict[str, str]:
    return {
        "pt": f"{name}.PT",
        "charge": f"{name}.Charge",
        "e": energy,
        "e_em": electromagnetic,
        "e_had": "0",
    }


_FORMULAS = {
    "Tower": _tower,
    "Track": _track,
    "ParticleFlowCandidate": _candidate,
    "GenParticle": _particle,
    "Jet": _jet,
    "Photon": _photon,
    "Electron": _electron,
    "Muon": _muon,
}
