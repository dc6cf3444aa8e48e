"""Showers of charged pions: a track up to the first interaction, the neutral pions made there, the
electromagnetic part of later interactions, and the hadronic part.

The parts behind the track are those of Grindhammer, Rudowicz and Peters, NIM A 290 (1990) 469.
"""

import numpy as np

from calovision.simulation.showers.electromagnetic import Particles, develop
from calovision.simulation.showers.geometry import IRON_TILES, Calorimeter
from calovision.simulation.showers.lateral import Deposits, Laplace, Line
from calovision.simulation.showers.profiles import Profile

EM_POWER = 0.82  # k of f_em = 1 - (E/E0)^(k-1); RPP, "Hadronic calorimeters": 0.80 to 0.87
EM_SCALE = 1.0  # E0 in GeV, of pions (same place)
EM_SPREAD = 0.2
"""Standard deviation of the electromagnetic share, broad and almost independent of the energy:
Acosta et al., NIM A 316 (1992) 184, and Wigmans, Calorimetry, chapter 4."""

FIRST_SHARE = 1 / 3
"""Mean share of its energy that one interaction gives to neutral pions, a third of all pions
(Wigmans, Calorimetry, chapter 2)."""

EM_WIDTH, HADRONIC_WIDTH = 23.0, 58.0
"""Scales of the two inner terms of the radial profile of 100 GeV pions in the tiles, mm
(hep-ex/9904032); elsewhere they go with Moliere radius and interaction length."""


def mean_em_share(energy: np.ndarray) -> np.ndarray:
    """Mean electromagnetic share of a pion's shower, 1 - (E/E0)^(k-1) [RPP]."""
    return 1 - np.maximum(energy / EM_SCALE, 1.001) ** (EM_POWER - 1)


def draw_em_shares(energy: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the energy in neutral pions of the first and of the later interactions, ``(n,)``.

    The first is a beta distribution around `FIRST_SHARE`, or the mean of both where that is less.
    Later interactions take the same part of what is left in each shower, so that both have
    `mean_em_share` and `EM_SPREAD` together (above 150 GeV the spread is what fits): the first
    interaction makes the fluctuations. Where it gives nearly all, that is charge exchange.
    """
    both = mean_em_share(energy)
    mean = np.minimum(both, FIRST_SHARE)
    left = (1 - both) / (1 - mean)
    variance = np.minimum((EM_SPREAD / left) ** 2, 0.5 * mean * (1 - mean))
    total = mean * (1 - mean) / variance - 1
    first = rng.beta(mean * total, (1 - mean) * total)
    return first, (1 - first) * (1 - left)


def photons_of_pions(
    energy: np.ndarray,
    eta: np.ndarray,
    phi: np.ndarray,
    depth: np.ndarray,
    rng: np.random.Generator,
) -> Particles:
    """Two photons of a neutral pion in each event with ``energy``, made at a depth in X0.

    One has an even share of the energy. They stay on the axis: from 2 m/E they part by 0.7 mm in
    the next 10 cm at 40 GeV.
    """
    share = rng.random(len(energy))
    energies = np.concatenate([energy * share, energy * (1 - share)])
    made = energies > 0
    event, *places = (np.tile(one, 2)[made] for one in (np.arange(len(eta)), eta, phi, depth))
    return Particles(event, np.ones(len(event), bool), energies[made], *places)


def bock_profiles(
    energy: np.ndarray, starts: tuple[np.ndarray, np.ndarray]
) -> tuple[Profile, Profile]:
    """Electromagnetic profile in radiation lengths and hadronic one in interaction lengths.

    Parametrisation of Bock, Hansl-Kozanecka and Shah, NIM 186 (1981) 533, as in hep-ex/0001027; it
    counts from the first interaction, at ``starts`` in the two lengths. The share of the first is
    drawn (`draw_em_shares`) in place of their mean, 0.46. It is a mean over showers, with neutral
    pions of all interactions; here it stands for those after the first.
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
) -> tuple[Deposits, Deposits, Deposits, Deposits]:
    """Track, neutral pions of the first interaction, later electromagnetic and hadronic part of the
    showers of charged pions, one an event; the second has two showers an event.
    """
    in_x0 = calorimeter.edges("radiation_length", eta)
    in_lambda = calorimeter.edges("interaction_length", eta)
    place = draw_starts(calorimeter.edges("pion_length", eta), rng)
    starts = depth_at(in_x0, place), depth_at(in_lambda, place)
    track = track_energy(in_x0, starts[0], calorimeter, energy)
    interacts = place < len(calorimeter.layers)
    left = np.where(interacts, energy - track.sum(axis=1), 0.0)
    first, later = draw_em_shares(energy, rng)
    photons = photons_of_pions(left * first, eta, phi, starts[0], rng)
    em, hadronic = bock_profiles(np.maximum(energy, 1.0), starts)
    of_em = (left * later)[:, np.newaxis] * em.shares(in_x0)
    of_hadrons = (left * (1 - first - later))[:, np.newaxis] * hadronic.shares(in_lambda)
    event = np.arange(len(energy))
    return (
        Deposits(event, eta, phi, track, Line()),
        develop(photons, calorimeter, rng),
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
