"""Formulas of momenta and energies, in GeV, of the variables of a container of ATLAS."""

from calovision.ntuples.schemas.kinematics import energy, momentum
from calovision.ntuples.schemas.particles import MUON_MASS
from calovision.ntuples.schemas.physlite.containers import LAYERS_OF_ENERGY, Container

_MUON_MASS_MEV = round(1000 * MUON_MASS, 4)
ENERGIES = ("e_em", "e_had")


def quantities(container: Container) -> dict[str, str]:
    """Formulas of what the variables of a container give: pt, eta, phi, mass, charge, e, e_em and
    e_had, or some of them; GeV.
    """
    for signal in ("cal", "raw"):
        if container.has(f"{signal}E", f"{signal}Eta", f"{signal}Phi"):
            e, eta = f"{container[f'{signal}E']} / 1000", container[f"{signal}Eta"]
            pt = f"{e} / cosh({eta})"
            found = {"pt": pt, "eta": eta, "phi": container[f"{signal}Phi"], "e": e}
            return found | _by_layers(container, e)
    if container.has("theta", "qOverP", "phi"):
        theta, phi = container["theta"], container["phi"]
        pt = f"sin({theta}) / abs({container['qOverP']}) / 1000"
        return {"pt": pt, "eta": f"-log(tan({theta} / 2))", "phi": phi}
    if container.has("px", "py", "pz", "e"):
        px, py, pz, e = (container[name] for name in ("px", "py", "pz", "e"))
        in_mev = momentum(px, py, pz)
        return {**in_mev, "pt": f"{in_mev['pt']} / 1000", "e": f"{e} / 1000"}
    return _of_momentum(container, "") or _of_momentum(container, "JetConstitScaleMomentum_")


def _by_layers(container: Container, e: str) -> dict[str, str]:
    """Split the energy of clusters as that of their layers, which are not calibrated; not at all
    where the layers are not known.

    The share of electromagnetic layers is kept in [0, 1], since noise makes energies negative.
    """
    if not container.has(LAYERS_OF_ENERGY):
        return {}
    layers = container[LAYERS_OF_ENERGY]
    total = f"sum({layers})"
    share = f"clip((sum({layers}[0:8]) + {layers}[21]) / {total}, 0, 1)"
    e_em = f"where({total} != 0, {share}, 0) * {e}"
    return {"e_em": e_em, "e_had": f"{e} - {e_em}"}


def _of_momentum(container: Container, prefix: str) -> dict[str, str]:
    """Formulas from pt, eta, phi and the mass m, if there is one; none without the former."""
    if not container.has(*(f"{prefix}{name}" for name in ("pt", "eta", "phi"))):
        return {}
    pt, eta, phi = (container[f"{prefix}{name}"] for name in ("pt", "eta", "phi"))
    found = {"pt": f"{pt} / 1000", "eta": eta, "phi": phi}
    is_muon = container.name.endswith("Muons")
    mass = str(_MUON_MASS_MEV) if is_muon else "0"
    if container.has(f"{prefix}m"):
        mass = container[f"{prefix}m"]
        found["mass"] = f"{mass} / 1000"
    found["e"] = e = f"{energy(pt, eta, mass)} / 1000"
    if is_muon:
        found |= dict.fromkeys(ENERGIES, "0")
    elif container.name.endswith(("Electrons", "Photons")):
        found |= {"e_em": e, "e_had": "0"}
    elif container.has("EMFrac"):
        share = container["EMFrac"]
        found |= {"e_em": f"{share} * {e}", "e_had": f"(1 - {share}) * {e}"}
    if container.has("charge"):
        found["charge"] = container["charge"]
    elif "Neutral" in container.name:
        found["charge"] = "0"
    return found
