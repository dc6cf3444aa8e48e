"""Formulas of particles by their PDG number: their kind, and what a calorimeter has of them."""

from calovision.ntuples.schemas.schema import Collection, Constituents

ELECTRON, MUON, PHOTON = 11, 13, 22
MUON_MASS = 0.1056584  # GeV; S. Navas et al. (Particle Data Group), PRD 110, 030001


def is_any(number: str, *kinds: int) -> str:
    """Condition for particles and antiparticles of some kinds."""
    return " | ".join(f"(abs({number}) == {kind})" for kind in kinds)


def energies(e: str, electromagnetic: str, muon: str) -> dict[str, str]:
    """Fields e, e_em and e_had: all energy is electromagnetic for photons and electrons, neither
    for muons (as in the towers of Delphes), hadronic for the others.

    Parameters
    ----------
    e
        Formula of the energy.
    electromagnetic, muon
        Conditions.
    """
    return {
        "e": e,
        "e_em": f"where({electromagnetic}, {e}, 0)",
        "e_had": f"where(({electromagnetic}) | ({muon}), 0, {e})",
    }


def particle_flow(
    item: dict[str, str], electromagnetic: str, muon: str, constituents: dict[str, object]
) -> dict[str, object]:
    """Collections of a schema, made of one list of particle-flow candidates.

    Towers are the candidates, with their `energies`; tracks are the charged ones.

    Parameters
    ----------
    item
        Fields pt, eta, phi, charge and e of the candidates.
    electromagnetic, muon
        Conditions, as in `energies`.
    constituents
        Further attributes of `Constituents`.
    """
    parts = energies(item["e"], electromagnetic, muon)
    position = {name: item[name] for name in ("eta", "phi")}
    momentum = {"pt": item["pt"], **position}
    return {
        "towers": (Collection({**position, **parts}),),
        "tracks": (Collection(momentum, cut=f"({item['charge']}) != 0"),),
        "candidates": (Collection(item),),
        "constituents": (Constituents({**item, **parts}, **constituents),),
    }
