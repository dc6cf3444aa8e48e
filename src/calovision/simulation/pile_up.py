"""Pile-up: the other collisions of a bunch crossing, overlaid on generated events.

Units: GeV, radians, mm. A pool of minimum-bias events is generated once; every crossing takes a
Poisson number of them at random, each turned about the beam by a random angle and mirrored along it
at random, so that a small pool gives many different crossings. All collisions stay at the origin
for the calorimeter; their distance along the beam decides which tracks can be told from those of
the hard collision. [DEL]: Delphes 3, arXiv:1307.6346, ATLAS card with pile-up.
"""

import awkward as ak
import numpy as np

from calovision.simulation.pythia import generate

POOL = 1000  # minimum-bias events of a job
VERTEX_SPREAD = 53.0  # mm, standard deviation along the beam [DEL, VertexDistributionFormula]


def generate_pool(seed: int, n_events: int = POOL) -> ak.Array:
    """Final-state particles of inelastic collisions, ``n_events * var * {id, px, py, pz, e}``."""
    return ak.concatenate(
        [batch.particles for batch in generate("minimum_bias", n_events=n_events, seed=seed)]
    )


def overlay(particles: ak.Array, pool: ak.Array, mean: float, rng: np.random.Generator) -> ak.Array:
    """Particles of the hard collisions together with those of their pile-up.

    Parameters
    ----------
    particles
        ``n_events * var * {id, px, py, pz, e}``.
    pool
        Minimum-bias events of the same fields.
    mean
        Mean number of collisions beside the hard one.

    Returns
    -------
    ``n_events * var * {id, px, py, pz, e, z}``; ``z`` is the distance along the beam from the hard
    collision, mm, and 0 for its own particles, which come first.
    """
    n_collisions = rng.poisson(mean, len(particles))
    chosen = pool[rng.integers(len(pool), size=n_collisions.sum())]
    counts = ak.to_numpy(ak.num(chosen))
    collision = np.repeat(np.arange(len(counts)), counts)
    of_event = np.add.reduceat(np.append(counts, 0), np.cumsum(n_collisions) - n_collisions) * (
        n_collisions > 0
    )
    columns = _turned(chosen, collision, rng) | {
        "z": rng.normal(0.0, VERTEX_SPREAD, len(counts))[collision]
    }
    hard = ak.with_field(particles, 0.0, "z")
    return ak.concatenate([hard, ak.unflatten(ak.zip(columns), of_event)], axis=1)


def _turned(
    chosen: ak.Array, collision: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Flat columns of the particles, each collision turned about the beam and mirrored along it at
    random.
    """
    flat = {name: ak.to_numpy(ak.flatten(chosen[name])) for name in ("id", "px", "py", "pz", "e")}
    angle = rng.uniform(0.0, 2 * np.pi, len(chosen))
    sign = rng.choice([-1.0, 1.0], len(chosen))
    cosine, sine = np.cos(angle)[collision], np.sin(angle)[collision]
    return flat | {
        "px": cosine * flat["px"] - sine * flat["py"],
        "py": sine * flat["px"] + cosine * flat["py"],
        "pz": sign[collision] * flat["pz"],
    }
