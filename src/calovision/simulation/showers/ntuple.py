"""Showers in a ROOT file.

Layout: TTree ``showers``, an entry an event, with int64 ``event_number``, float64 ``weight`` (1),
float32 ``truth_energy, truth_eta, truth_phi``, int32 ``truth_pdg_id``; the cells in jagged
branches, float32 ``cells_eta, cells_phi, cells_e, cells_eta_size, cells_phi_size``, int32
``cells_layer``; one cluster of all of them, float32 ``clusters_pt, clusters_eta, clusters_phi,
clusters_mass``, int32 ``clusters_n_cells``; none where there are no cells; float32 ``shape_...``,
the shower shapes of `shapes`. TTree ``generation`` as in `calovision.simulation.ntuple`, with a
cross-section of 1 pb for each sample. GeV, radians.
"""

from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from calovision.core.errors import InputError
from calovision.core.kinematics import wrap_phi
from calovision.core.registry import nearest
from calovision.jobs.atomic import replaced
from calovision.simulation.processes import check_integer, check_number, require
from calovision.simulation.showers.cells import Cells, measure
from calovision.simulation.showers.geometry import ATLAS_LIKE, STRIP, Calorimeter
from calovision.simulation.showers.gun import PARTICLES, Particle, Truth, shoot
from calovision.simulation.showers.shapes import SHAPES, shower_shapes

SHOWER = "shower"
"""Name of the particle gun among the processes of a configuration."""

BRANCHES = {
    "event_number": "int64",
    "weight": "float64",
    "truth_pdg_id": "int32",
    **{f"truth_{name}": "float32" for name in ("energy", "eta", "phi")},
    **{f"shape_{name}": "float32" for name in SHAPES},
    "cells": "var * {eta: float32, phi: float32, e: float32, eta_size: float32, "
    "phi_size: float32, layer: int32}",
    "clusters": "var * {pt: float32, eta: float32, phi: float32, mass: float32, n_cells: int32}",
}
GENERATION = {"n_generated": "int64", "sum_of_weights": "float64", "cross_section_pb": "float64"}
COMPRESSION = uproot.LZ4(1)
STREAM = 3  # beside those of detector and pile-up of the same seed
LARGEST_ETA = 0.8  # of the part of the barrel whose cells and depths are these [DET, table 1.3]
AXIS_LAYER = "middle"
HALF_CLUSTER = 4.5 * 0.025
"""Cells are of the cluster this far from its axis: nine cells of the middle layer."""


def write_showers(
    path: Path,
    particle: str,
    *,
    n_events: int,
    seed: int,
    energy_min: float,
    energy_max: float,
    eta_max: float = LARGEST_ETA,
    first_event_number: int = 0,
    batch_size: int = 250,
) -> None:
    """Write showers of one kind of particle to ``path``, which appears only when it is complete.

    The random numbers start afresh with every batch, so that the events of a sample do not depend
    on how it is cut into files.

    Parameters
    ----------
    path
        The ROOT file; its folder must exist.
    particle
        A name in `PARTICLES`.
    n_events, first_event_number
        Number of events, and of the first one in the sample, a multiple of ``batch_size``.
    seed
        Of the sample.
    energy_min, energy_max
        GeV; the logarithm of the energy is even between them.
    eta_max
        Largest absolute pseudorapidity, at most `LARGEST_ETA`.
    batch_size
        Events a batch.

    Raises
    ------
    InputError
        If the folder is missing or an argument does not fit.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; create it first")
    kind = find_particle(particle)
    check_gun(energy_min, energy_max, eta_max)
    for name, value, least in (
        ("n_events", n_events, 1),
        ("batch_size", batch_size, 1),
        ("first_event_number", first_event_number, 0),
    ):
        check_integer(name, value, least)
    fits = first_event_number % batch_size == 0
    expected = f"a multiple of batch_size = {batch_size}"
    require(fits, "first_event_number", first_event_number, expected)
    with (
        replaced(path) as temporary,
        uproot.recreate(temporary, compression=COMPRESSION) as file,
    ):
        tree = file.mktree("showers", BRANCHES)
        for first in range(first_event_number, first_event_number + n_events, batch_size):
            n = min(batch_size, first_event_number + n_events - first)
            key = np.random.SeedSequence(seed, spawn_key=(STREAM, first // batch_size))
            rng = np.random.default_rng(key)
            truth = shoot(n, (energy_min, energy_max), eta_max, rng)
            tree.extend(simulate(kind, truth, rng) | _event_columns(kind, truth, first))
        counts = {"n_generated": n_events, "sum_of_weights": n_events, "cross_section_pb": 1.0}
        generation = {
            name: np.array([value], dtype=GENERATION[name]) for name, value in counts.items()
        }
        file.mktree("generation", GENERATION).extend(generation)


def find_particle(name: str | None) -> Particle:
    """Particle of a name; raises InputError if there is none."""
    if name not in PARTICLES:
        known = ", ".join(PARTICLES)
        near = nearest(name, PARTICLES) if isinstance(name, str) else ""
        raise InputError(f"particle: must be one of {known}, not {name!r}{near}")
    return PARTICLES[name]


def check_gun(energy_min: float, energy_max: float, eta_max: float) -> None:
    """Raise InputError unless the ranges of a gun are possible."""
    check_number("energy_min", energy_min, 1)
    check_number("energy_max", energy_max, 0)
    require(energy_max > energy_min, "energy_max", energy_max, f"above energy_min = {energy_min:g}")
    check_number("eta_max", eta_max, 0)
    require(eta_max <= LARGEST_ETA, "eta_max", eta_max, f"at most {LARGEST_ETA}")


def simulate(
    kind: Particle,
    truth: Truth,
    rng: np.random.Generator,
    calorimeter: Calorimeter = ATLAS_LIKE,
) -> dict[str, ak.Array | np.ndarray]:
    """``cells``, ``clusters`` and ``shape_...`` of particles of a kind, as in the file."""
    cells = measure(truth, kind.showers(truth, calorimeter, rng), calorimeter, rng)
    axes = find_axes(cells, len(truth.energy), calorimeter)
    cells = cells_around(cells, axes)
    counts = np.bincount(cells.event, minlength=len(truth.energy))
    names = ("eta", "phi", "e", "eta_size", "phi_size")
    columns = {name: getattr(cells, name).astype(np.float32) for name in names}
    columns["layer"] = cells.layer.astype(np.int32)
    shapes = shower_shapes(cells, len(counts))
    return {
        **{f"shape_{name}": values.astype(np.float32) for name, values in shapes.items()},
        "cells": ak.unflatten(ak.zip(columns), counts),
        "clusters": clusters_of(cells, counts, axes),
    }


def find_axes(cells: Cells, n_events: int, calorimeter: Calorimeter) -> np.ndarray:
    """Eta and phi of the axis of each event's cluster, ``(n_events, 2)``; 0 without cells.

    The center of the cell of the middle layer that holds the centroid of the energy, so that cells
    fall into an image around it in the same way in every event; moved by a quarter of a strip in
    eta, so that no center of a cell lies on an edge of such an image's.
    """
    layers = {one.name: one for one in calorimeter.layers}
    middle = layers[AXIS_LAYER]
    energy = np.bincount(cells.event, cells.e, n_events)
    eta = _means(cells, cells.eta, energy)
    phi = np.arctan2(*(_means(cells, f(cells.phi), energy) for f in (np.sin, np.cos)))
    eta = (np.floor(eta / middle.eta_size) + 0.5) * middle.eta_size + STRIP / 4
    column = np.floor((phi + np.pi) / middle.phi_size) % middle.n_phi
    axes = np.stack([eta, (column + 0.5) * middle.phi_size - np.pi], axis=1)
    return np.where(energy[:, np.newaxis] > 0, axes, 0.0)


def cells_around(cells: Cells, axes: np.ndarray) -> Cells:
    """Cells whose centers are within `HALF_CLUSTER` of the axis in eta and in phi."""
    eta, phi = axes[cells.event].T
    near = np.abs(cells.eta - eta) < HALF_CLUSTER
    near &= np.abs(wrap_phi(cells.phi - phi)) < HALF_CLUSTER
    return Cells(**{name: column[near] for name, column in vars(cells).items()})


def clusters_of(cells: Cells, counts: np.ndarray, axes: np.ndarray) -> ak.Array:
    """One massless cluster of all cells of an event that has some."""
    energy = np.bincount(cells.event, cells.e, len(counts))
    has_cells = counts > 0
    columns = {"pt": energy / np.cosh(axes[:, 0]), "eta": axes[:, 0], "phi": axes[:, 1]}
    kept = {name: column[has_cells].astype(np.float32) for name, column in columns.items()}
    kept["mass"] = np.zeros(int(has_cells.sum()), np.float32)
    kept["n_cells"] = counts[has_cells].astype(np.int32)
    return ak.unflatten(ak.zip(kept), has_cells.astype(np.int64))


def _means(cells: Cells, values: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Means of the cells of each event, weighted with their energy; 0 where there are none."""
    sums = np.bincount(cells.event, cells.e * values, len(energy))
    return np.divide(sums, energy, out=np.zeros(len(energy)), where=energy > 0)


def _event_columns(kind: Particle, truth: Truth, first: int) -> dict[str, np.ndarray]:
    n = len(truth.energy)
    columns = {f"truth_{name}": column.astype(np.float32) for name, column in vars(truth).items()}
    return columns | {
        "truth_pdg_id": np.full(n, kind.pdg_id, np.int32),
        "event_number": np.arange(first, first + n, dtype=np.int64),
        "weight": np.ones(n),
    }
