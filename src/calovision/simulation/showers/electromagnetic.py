"""Showers of electrons and photons: where they start, how deep and how wide they are."""

from dataclasses import dataclass, replace

import numpy as np

from calovision.simulation.showers.geometry import LEAD_ARGON, Calorimeter
from calovision.simulation.showers.lateral import CoreAndTail, Deposits
from calovision.simulation.showers.profiles import Profile

SLOPE = 0.5  # b of the profile, about the same for all heavy materials [RPP]
ELECTRON_SHIFT, PHOTON_SHIFT = -0.5, 0.5  # of the maximum, ln(E/Ec) + shift [RPP]
CONVERSION_LENGTH = 9 / 7  # mean free path of a photon before it makes a pair, in X0 [RPP]
LEAST_MAXIMUM = 0.5  # of soft photons, whose maximum the formula puts before their start, in X0
EFFECTIVE_Z = 70.0  # of lead and argon, for the radial profile
SMALLEST_Y = 25.0  # E/Ec below which the fluctuations stay, since their formulas diverge


@dataclass(frozen=True)
class Particles:
    """Electrons or photons at the calorimeter's face or at a depth in it, ``(n,)`` each.

    Attributes
    ----------
    event
        Position of their event.
    is_photon
        A photon; else an electron.
    energy, eta, phi
        GeV; directions from the origin.
    depth
        Where they are made, in radiation lengths behind the face along their direction.
    """

    event: np.ndarray
    is_photon: np.ndarray
    energy: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    depth: np.ndarray | float = 0.0


def mean_maximum(energy: np.ndarray, is_photon: np.ndarray) -> np.ndarray:
    """Depth of the maximum behind the start in radiation lengths, without fluctuations [RPP].

    ln(E/Ec) - 0.5 for an electron. For a photon ln(E/Ec) + 0.5 counts from the face, and the
    conversion, which is drawn, is on average at 9/7.
    """
    shift = np.where(is_photon, PHOTON_SHIFT - CONVERSION_LENGTH, ELECTRON_SHIFT)
    maximum = np.log(energy * 1e3 / LEAD_ARGON.critical_energy) + shift
    return np.maximum(maximum, LEAST_MAXIMUM)


def shower_profiles(energy: np.ndarray, is_photon: np.ndarray, rng: np.random.Generator) -> Profile:
    """Profiles in radiation lengths, with the conversion of photons and the fluctuations of maximum
    and shape.

    ln T and ln a are Gaussian around their means with the widths and the correlation of sampling
    calorimeters [GP, appendix].
    """
    log_y = np.log(np.maximum(energy * 1e3 / LEAD_ARGON.critical_energy, SMALLEST_Y))
    sigma_maximum, sigma_shape = 1 / (-2.5 + 1.25 * log_y), 1 / (-0.82 + 0.79 * log_y)
    correlation = 0.784 - 0.023 * log_y
    first, second = rng.standard_normal((2, len(energy)))
    second = correlation * first + np.sqrt(1 - correlation**2) * second
    maximum = mean_maximum(energy, is_photon)
    shape = 1 + SLOPE * maximum
    # the means of ln T and ln a are such that T and a keep theirs
    maximum = maximum * np.exp(sigma_maximum * first - sigma_maximum**2 / 2)
    shape = 1 + (shape - 1) * np.exp(sigma_shape * second - sigma_shape**2 / 2)
    start = np.where(is_photon, rng.exponential(CONVERSION_LENGTH, len(energy)), 0.0)
    return Profile(start, shape, (shape - 1) / maximum)


def radial_profile(energy: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, ...]:
    """Radii of core and tail in Moliere radii, and the share of the core.

    Both are 2 r R^2 / (r^2 + R^2)^2 in the distance r from the axis; appendix of [GP], homogeneous
    media.

    Parameters
    ----------
    energy
        GeV, ``(n,)``.
    tau
        Depth in units of that of the maximum, ``(n, n_layers)``.
    """
    log_e = np.log(energy)[:, np.newaxis]
    tau = np.clip(tau, 0.0, 4.0)  # the formulas are of 0 to 3 or so
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * EFFECTIVE_Z) * tau
    rise = np.exp(-2.59 * (tau - 0.645)) + np.exp((0.3585 + 0.0421 * log_e) * (tau - 0.645))
    tail = (0.659 - 0.00309 * EFFECTIVE_Z) * rise
    scaled = (0.401 + 0.00187 * EFFECTIVE_Z - tau) / np.maximum(1.313 - 0.0686 * log_e, 0.5)
    share = (2.632 - 0.00094 * EFFECTIVE_Z) * np.exp(scaled - np.exp(scaled))
    return np.maximum(core, 0.01), tail, np.clip(share, 0.0, 1.0)


def develop(particles: Particles, calorimeter: Calorimeter, rng: np.random.Generator) -> Deposits:
    """Energies of the showers in the layers, and their widths there."""
    profile = shower_profiles(particles.energy, particles.is_photon, rng)
    profile = replace(profile, start=profile.start + particles.depth)
    edges = calorimeter.edges("radiation_length", particles.eta)
    energy = particles.energy[:, np.newaxis] * profile.shares(edges)
    maximum = (profile.a - 1) / profile.b
    tau = profile.mean_depths(edges) / maximum[:, np.newaxis]
    core, tail, share = radial_profile(particles.energy, tau)
    moliere = np.array([layer.material.moliere_radius for layer in calorimeter.layers])
    return Deposits(
        particles.event,
        particles.eta,
        particles.phi,
        energy,
        CoreAndTail(core * moliere, tail * moliere, share),
    )
