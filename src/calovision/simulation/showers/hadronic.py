"""Showers of charged pions: a track up to the first interaction, then an electromagnetic and a
hadronic part.
"""

import numpy as np

from calovision.simulation.showers.geometry import IRON_TILES, Calorimeter
from calovision.simulation.showers.lateral import Deposits, Laplace, Line
from calovision.simulation.showers.profiles import Profile

EM_POWER = 0.82  # k of f_em = 1 - (E/E0)^(k-1); RPP, "Hadronic calorimeters": 0.80 to 0.87
EM_SCALE = 1.0  # E0 in GeV, of pions (same place)
EM_SPREAD = 0.2
"""Standard deviation of the electromagnetic share, broad and almost independent of the energy:
Acosta et al., NIM A 316 (1992) 184, and Wigmans, Calorimetry, chapter 4. Shares near 1 are those of
charge exchange."""

EM_WIDTH, HADRONIC_WIDTH = 23.0, 58.0
"""Scales of the two inner terms of the radial profile of 100 GeV pions in the tiles, mm
(hep-ex/9904032); elsewhere they go with Moliere radius and interaction length."""


def mean_em_share(energy: np.ndarray) -> np.ndarray:
    """Mean electromagnetic share of a pion's shower, 1 - (E/E0)^(k-1) [RPP]."""
    return 1 - np.maximum(energy / EM_SCALE, 1.001) ** (EM_POWER - 1)


def draw_em_share(energy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Electromagnetic shares, beta distributions around the mean with `EM_SPREAD`, or what fits."""
    mean = mean_em_share(energy)
    variance = np.minimum(EM_SPREAD**2, 0.5 * mean * (1 - mean))
    total = mean * (1 - mean) / variance - 1
    return rng.beta(mean * total, (1 - mean) * total)


def bock_profiles(
    energy: np.ndarray, starts: tuple[np.ndarray, np.ndarray]
) -> tuple[Profile, Profile]:
    """Electromagnetic profile in radiation lengths and hadronic one in interaction lengths.

    Parametrisation of Bock, Hansl-Kozanecka and Shah, NIM 186 (1981) 533, as in hep-ex/0001027; it
    counts from the first interaction, at ``starts`` in the two lengths. The share of the first is
    drawn (`draw_em_share`) in place of their mean, 0.46.
    """
    log_e = np.log(energy)
    a = 0.6165 + 0.3183 * log_e
    slope = np.maximum(0.9099 - 0.0237 * log_e, 0.5)
    return Profile(starts[0], a, np.full(len(energy), 0.2198)), Profile(starts[1], a, slope)


def draw_starts(edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Layer of the first interaction and how far through it, as one number, ``(n,)``.

    Parameters
    ----------
    edges
        Boundaries of the layers in interaction lengths of pions, ``(n, n_layers + 1)``; the depth
        is exponential in them. Behind the last one is the number of layers: no interaction.
    """
    depth = rng.exponential(1.0, len(edges))
    layer = (depth[:, np.newaxis] >= edges[:, 1:]).sum(axis=1)
    inside = np.minimum(layer, edges.shape[1] - 2)
    row = np.arange(len(edges))
    width = edges[row, inside + 1] - edges[row, inside]
    return np.where(layer == inside, layer + (depth - edges[row, inside]) / width, layer)


def depth_at(edges: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Depth in other lengths of a place that `draw_starts` gave, ``(n,)``."""
    row = np.arange(len(edges))
    layer = np.minimum(place.astype(int), edges.shape[1] - 2)
    return edges[row, layer] + (place - layer) * (edges[row, layer + 1] - edges[row, layer])


def track_energy(
    edges: np.ndarray, depth: np.ndarray, calorimeter: Calorimeter, limit: np.ndarray
) -> np.ndarray:
    """Ionisation of a track down to a depth, in each layer, ``(n, n_layers)``, GeV.

    A critical energy a radiation length, by the definition of it; no more than ``limit`` in all.
    """
    crossed = np.diff(np.minimum(edges, depth[:, np.newaxis]), axis=1)
    loss = crossed * 1e-3 * [layer.material.critical_energy for layer in calorimeter.layers]
    total = loss.sum(axis=1)
    return loss * np.minimum(1.0, limit / np.maximum(total, 1e-12))[:, np.newaxis]


def develop_pions(
    energy: np.ndarray,
    eta: np.ndarray,
    phi: np.ndarray,
    calorimeter: Calorimeter,
    rng: np.random.Generator,
) -> tuple[Deposits, Deposits, Deposits]:
    """Track, electromagnetic and hadronic part of the showers of charged pions, one an event."""
    in_x0 = calorimeter.edges("radiation_length", eta)
    in_lambda = calorimeter.edges("interaction_length", eta)
    place = draw_starts(calorimeter.edges("pion_length", eta), rng)
    starts = depth_at(in_x0, place), depth_at(in_lambda, place)
    track = track_energy(in_x0, starts[0], calorimeter, energy)
    interacts = place < len(calorimeter.layers)
    left = np.where(interacts, energy - track.sum(axis=1), 0.0)
    em_share = draw_em_share(energy, rng)
    em, hadronic = bock_profiles(np.maximum(energy, 1.0), starts)
    of_em = (left * em_share)[:, np.newaxis] * em.shares(in_x0)
    of_hadrons = (left * (1 - em_share))[:, np.newaxis] * hadronic.shares(in_lambda)
    event = np.arange(len(energy))
    return (
        Deposits(event, eta, phi, track, Line()),
        Deposits(event, eta, phi, of_em, _spread(calorimeter, "moliere_radius", EM_WIDTH)),
        Deposits(
            event,
            eta,
            phi,
            of_hadrons,
            _spread(calorimeter, "interaction_radius", HADRONIC_WIDTH),
            is_hadronic=True,
        ),
    )


def _spread(calorimeter: Calorimeter, length: str, of_tiles: float) -> Laplace:
    """A width of the tiles, in proportion to a length of the layers' material."""
    lengths = np.array([getattr(layer.material, length) for layer in calorimeter.layers])
    return Laplace(of_tiles * lengths / getattr(IRON_TILES, length))
