"""The particle gun: particles with an energy and a direction, and the showers that they start."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calovision.simulation.showers.electromagnetic import Particles, develop
from calovision.simulation.showers.geometry import Calorimeter
from calovision.simulation.showers.hadronic import develop_pions
from calovision.simulation.showers.lateral import Deposits

PION_MASS = 0.1349768  # GeV, of the neutral one [RPP]


@dataclass(frozen=True)
class Truth:
    """Particles of some events, ``(n,)`` each: energy in GeV, direction at the origin."""

    energy: np.ndarray
    eta: np.ndarray
    phi: np.ndarray


def shoot(
    n: int, energy_range: tuple[float, float], eta_max: float, rng: np.random.Generator
) -> Truth:
    """Particles with the logarithm of the energy, eta and phi even in their ranges."""
    low, high = np.log(energy_range)
    energy = np.exp(low + (high - low) * rng.random(n))
    return Truth(energy, eta_max * (2 * rng.random(n) - 1), np.pi * (2 * rng.random(n) - 1))


def decay(truth: Truth, rng: np.random.Generator) -> Particles:
    """Two photons of each neutral pion.

    In its rest frame the first goes in an even direction, at the cosine c to the pion's. Energies
    are E (1 +- beta c) / 2, and sin(angle / 2) = m / (2 sqrt(E1 E2)) is the opening angle, which is
    2 m / E at least.
    """
    n = len(truth.energy)
    cosine = 2 * rng.random(n) - 1
    beta = np.sqrt(np.maximum(1 - (PION_MASS / truth.energy) ** 2, 0))
    energies = truth.energy[:, np.newaxis] * (1 + np.stack([beta, -beta], 1) * cosine[:, None]) / 2
    # transverse momenta cancel, so that the smaller angle is that of the harder photon
    momentum = PION_MASS / 2 * np.sqrt(1 - cosine**2)
    angles = np.arcsin(np.minimum(momentum[:, np.newaxis] / energies, 1.0))
    turn = 2 * np.pi * rng.random(n)
    sides = np.array([1.0, -1.0])
    eta = truth.eta[:, np.newaxis] + sides * angles * (np.cos(turn) * np.cosh(truth.eta))[:, None]
    phi = truth.phi[:, np.newaxis] + sides * angles * (np.sin(turn) * np.cosh(truth.eta))[:, None]
    event = np.repeat(np.arange(n), 2)
    is_photon = np.ones(2 * n, dtype=bool)
    return Particles(event, is_photon, energies.ravel(), eta.ravel(), phi.ravel())


def _single(is_photon: bool) -> Callable[..., tuple[Deposits, ...]]:
    def showers(
        truth: Truth, calorimeter: Calorimeter, rng: np.random.Generator
    ) -> tuple[Deposits, ...]:
        n = len(truth.energy)
        of_kind = np.full(n, is_photon)
        particles = Particles(np.arange(n), of_kind, truth.energy, truth.eta, truth.phi)
        return (develop(particles, calorimeter, rng),)

    return showers


def _neutral_pion(
    truth: Truth, calorimeter: Calorimeter, rng: np.random.Generator
) -> tuple[Deposits, ...]:
    return (develop(decay(truth, rng), calorimeter, rng),)


def _charged_pion(
    truth: Truth, calorimeter: Calorimeter, rng: np.random.Generator
) -> tuple[Deposits, ...]:
    return develop_pions(truth.energy, truth.eta, truth.phi, calorimeter, rng)


@dataclass(frozen=True)
class Particle:
    """A kind of particle: its PDG number, and the showers of particles of it."""

    name: str
    pdg_id: int
    showers: Callable[[Truth, Calorimeter, np.random.Generator], tuple[Deposits, ...]]


_ALL = (
    Particle("electron", 11, _single(is_photon=False)),
    Particle("photon", 22, _single(is_photon=True)),
    Particle("charged_pion", 211, _charged_pion),
    Particle("neutral_pion", 111, _neutral_pion),
)
PARTICLES = {particle.name: particle for particle in _ALL}
"""Kinds of particles by name."""
