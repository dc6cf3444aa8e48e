"""Materials of a calorimeter: radiation and interaction length, critical energy, Moliere radius."""

from collections.abc import Mapping
from dataclasses import dataclass

SCALE_ENERGY = 21.2052  # MeV, of multiple scattering: Moliere radius = X0 SCALE_ENERGY / Ec [RPP]


@dataclass(frozen=True)
class Material:
    """A material or a mixture.

    Attributes
    ----------
    density
        g/cm^3.
    radiation_length, interaction_length, pion_length
        g/cm^2; the last two are the nuclear ones of protons and of pions.
    critical_energy
        Of electrons, MeV: the energy that a particle loses by ionisation in a radiation length
        (Rossi's definition).
    """

    density: float
    radiation_length: float
    interaction_length: float
    pion_length: float
    critical_energy: float

    @property
    def moliere_radius(self) -> float:
        """Moliere radius in mm."""
        ratio = SCALE_ENERGY / self.critical_energy
        return 10 * self.radiation_length * ratio / self.density

    @property
    def interaction_radius(self) -> float:
        """Nuclear interaction length in mm."""
        return 10 * self.interaction_length / self.density


LEAD = Material(11.35, 6.37, 199.6, 226.2, 7.43)
IRON = Material(7.874, 13.84, 132.1, 160.8, 21.68)
ALUMINIUM = Material(2.699, 24.01, 107.2, 136.7, 42.70)
ARGON = Material(1.396, 19.55, 119.7, 149.0, 32.84)
POLYSTYRENE = Material(1.06, 43.79, 77.1, 113.7, 93.11)
"""Atomic and nuclear properties of materials [RPP]; argon is liquid."""


def mix(volumes: Mapping[Material, float]) -> Material:
    """Mixture of materials by their shares of the volume, which need not add up to 1.

    Lengths add as 1/X = sum of w/X with the shares of the mass w, and the Moliere radius R, in
    g/cm^2, as 1/R = (1 / `SCALE_ENERGY`) sum of w Ec/X0 [RPP, "Passage of particles through
    matter"].
    """
    masses = {one: one.density * volume for one, volume in volumes.items()}
    total = sum(masses.values())
    shares = {one: mass / total for one, mass in masses.items()}

    def length(name: str) -> float:
        return 1 / sum(share / getattr(one, name) for one, share in shares.items())

    loss = sum(w * one.critical_energy / one.radiation_length for one, w in shares.items())
    return Material(
        total / sum(volumes.values()),
        *(length(name) for name in ("radiation_length", "interaction_length", "pion_length")),
        length("radiation_length") * loss,
    )
