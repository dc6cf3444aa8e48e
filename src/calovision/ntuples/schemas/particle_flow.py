"""Collections that the schemas with particle-flow candidates have in common."""

from calovision.ntuples.schemas.schema import Collection, Constituents

SUBJETTINESS = ("tau1", "tau2", "tau3")


def particle_flow(
    item: dict[str, str], electromagnetic: str, muon: str, constituents: dict[str, str | bool]
) -> dict[str, object]:
    """Collections of a schema, made of one list of particle-flow candidates.

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
