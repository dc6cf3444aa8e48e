"""Samples of a particle gun in a configuration: which keys they have."""

from typing import Any

from calovision.core.errors import InputError

SHOWER = "shower"
"""Process of `simulate` that is a particle gun in front of a layered calorimeter."""

PARTICLE_NAMES = ("electron", "photon", "charged_pion", "neutral_pion")

NEEDED = ("particle", "energy_min", "energy_max")
OF_GUN = (*NEEDED, "eta_max")


def check_gun(sample: str, simulate: Any) -> None:
    """Raise InputError unless a gun has its keys and no others, and other processes none of them.

    Parameters
    ----------
    sample
        Name of the sample.
    simulate
        Its `calovision.workflow.samples.Simulate`.
    """
    where = f"configuration key 'samples.{sample}.simulate"
    is_gun = simulate.process == SHOWER
    given = simulate.given()
    for name in given:
        if name not in ("process", "n_events") and (name in OF_GUN) != is_gun:
            what = "the particle gun" if is_gun else f"the process {simulate.process}"
            instead = f"it has {', '.join(OF_GUN)}" if is_gun else f"it is one of {SHOWER}"
            raise InputError(f"{where}.{name}': {what} has no such key; {instead}")
    if not is_gun:
        return
    for name in NEEDED:
        if name not in given:
            raise InputError(f"{where}': 'process: {SHOWER}' needs '{name}'")
    if simulate.energy_max <= simulate.energy_min:
        raise InputError(
            f"{where}.energy_max': {simulate.energy_max:g} GeV is not above energy_min = "
            f"{simulate.energy_min:g} GeV"
        )
