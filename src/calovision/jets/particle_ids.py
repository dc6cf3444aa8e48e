"""Particles by their PDG number, as a detector sees them: charge, mass, where they leave energy.

Masses: S. Navas et al. (Particle Data Group), PRD 110, 030001 (2024), GeV. Only what lives long
enough to reach a calorimeter is here, and neutral pions, which generators may leave undecayed.
"""

from typing import NamedTuple

import numpy as np

from calovision.core.errors import EntryError


class SeenParticle(NamedTuple):
    """Traces of a particle in a detector; of its antiparticle the charge is the opposite.

    ``calorimeter`` is "em", "had", "" for muons, which leave next to nothing (as in the towers of
    Delphes), or "none" for what no detector sees.
    """

    charge: int
    mass: float
    calorimeter: str


SEEN = {
    11: SeenParticle(-1, 0.00051100, "em"),
    13: SeenParticle(-1, 0.1056584, ""),
    22: SeenParticle(0, 0.0, "em"),
    111: SeenParticle(0, 0.1349768, "em"),
    211: SeenParticle(+1, 0.1395704, "had"),
    321: SeenParticle(+1, 0.493677, "had"),
    **dict.fromkeys((130, 310, 311), SeenParticle(0, 0.497611, "had")),
    2112: SeenParticle(0, 0.9395654, "had"),
    2212: SeenParticle(+1, 0.9382721, "had"),
    3122: SeenParticle(0, 1.115683, "had"),
    3112: SeenParticle(-1, 1.197449, "had"),
    3222: SeenParticle(+1, 1.18937, "had"),
    3322: SeenParticle(0, 1.31486, "had"),
    3312: SeenParticle(-1, 1.32171, "had"),
    3334: SeenParticle(-1, 1.67245, "had"),
    **dict.fromkeys((12, 14, 16), SeenParticle(0, 0.0, "none")),
}
"""PDG number of a particle -> what a detector has of it."""

_NUMBERS = np.array(sorted(SEEN))
_CHARGES = np.array([SEEN[number].charge for number in _NUMBERS.tolist()], dtype=np.float64)
_MASSES = np.array([SEEN[number].mass for number in _NUMBERS.tolist()])
_CALORIMETERS = np.array([SEEN[number].calorimeter for number in _NUMBERS.tolist()])


class SeenParticles(NamedTuple):
    """The same of many particles, flat arrays ``(n,)``."""

    charge: np.ndarray
    mass: np.ndarray
    is_em: np.ndarray
    is_had: np.ndarray
    is_seen: np.ndarray


def seen_particles(pdgid: np.ndarray, row: np.ndarray) -> SeenParticles:
    """Charge, mass and kind of particles.

    Parameters
    ----------
    pdgid
        PDG numbers ``(n,)`` of any number type, antiparticles below zero.
    row
        Jet of each particle, for messages.

    Raises
    ------
    EntryError
        If a number is that of no particle which reaches a detector, as a quark's or 0.1.
    """
    size = np.abs(pdgid)
    place = np.minimum(np.searchsorted(_NUMBERS, size), len(_NUMBERS) - 1)
    known = _NUMBERS[place] == size
    if not known.all():
        wrong = int(np.argmin(known))
        raise EntryError(
            int(row[wrong]),
            "pdgid",
            f"is {pdgid[wrong]:g}, which is no particle that reaches a detector; known are "
            f"{', '.join(map(str, _NUMBERS))} and their antiparticles",
            of="jet",
        )
    calorimeter = _CALORIMETERS[place]
    return SeenParticles(
        charge=_CHARGES[place] * np.sign(pdgid),
        mass=_MASSES[place],
        is_em=calorimeter == "em",
        is_had=calorimeter == "had",
        is_seen=calorimeter != "none",
    )
