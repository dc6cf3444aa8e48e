"""Generated events through the detector into a ROOT file, in bounded memory.

Layout: TTree ``events`` with jagged float32 branches ``towers_eta, towers_phi, towers_e_em,
towers_e_had, tracks_pt, tracks_eta, tracks_phi``, int8 ``tracks_charge``, int64 ``event_number``,
float64 ``weight``; TTree ``generation`` with one entry: ``n_generated, sum_of_weights,
cross_section_pb``. GeV, radians, pb. Every generated event is written, unless the process has a
filter: ``n_generated`` and ``sum_of_weights`` count those before it, and event numbers have gaps.

With runs, a further int64 branch ``run``, from 1 on.

With fat jets, further float32 branches ``fat_jets_pt, fat_jets_eta, fat_jets_phi, fat_jets_mass,
fat_jets_radius``, int32 ``fat_jets_n_constituents, fat_jets_flavor`` (`fat_jets`), and of their
constituents, jet after jet, ``constituents_pt, constituents_eta, constituents_phi,
constituents_e_em, constituents_e_had``, int8 ``constituents_charge``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced
from calovision.simulation.detector import simulate_detector, simulate_with_particle_flow
from calovision.simulation.fat_jets import find_fat_jets
from calovision.simulation.faults import DetectorFault, apply_faults
from calovision.simulation.pile_up import generate_pool, overlay
from calovision.simulation.processes import check_integer, check_number, require
from calovision.simulation.pythia import BATCH_SIZE, GeneratedBatch, derive_seed, generate

EVENT_BRANCHES = {
    "event_number": "int64",
    "weight": "float64",
    "towers": "var * {eta: float32, phi: float32, e_em: float32, e_had: float32}",
    "tracks": "var * {pt: float32, eta: float32, phi: float32, charge: int8}",
}
FAT_JET_BRANCHES = {
    "fat_jets": "var * {pt: float32, eta: float32, phi: float32, mass: float32, radius: float32, "
    "n_constituents: int32, flavor: int32}",
    "constituents": "var * {pt: float32, eta: float32, phi: float32, e_em: float32, "
    "e_had: float32, charge: int8}",
}
RUN_BRANCHES = {"run": "int64"}
GENERATION_BRANCHES = {
    "n_generated": "int64",
    "sum_of_weights": "float64",
    "cross_section_pb": "float64",
}
# Much faster to write and to read than zlib, and hardly larger.
COMPRESSION = uproot.LZ4(1)
# They keep the random numbers of detector and pile-up apart from any other use of the same seed.
DETECTOR_STREAM, PILE_UP_STREAM, FAULT_STREAM = 1, 2, 3
# Batches that draw their pile-up from the same pool of minimum-bias events.
BATCHES_PER_POOL = 20


@dataclass(frozen=True)
class NtupleSummary:
    """Generation numbers of a written file; the cross-section is Pythia's, in pb."""

    n_generated: int
    sum_of_weights: float
    cross_section_pb: float


@dataclass(frozen=True)
class RunPeriod:
    """Runs of a sample, which share its events in their order, and the faults of the calorimeter.

    Attributes
    ----------
    n_runs
        Number of runs, from 1 on.
    n_events
        Events of the sample, of all its files.
    faults
        Faults during some of them.
    """

    n_runs: int
    n_events: int
    faults: tuple[DetectorFault, ...] = ()

    def of_event(self, number: np.ndarray) -> np.ndarray:
        """Run of each event by its number in the sample, int64."""
        return 1 + number * self.n_runs // self.n_events


def write_ntuple(
    path: Path,
    process: str,
    *,
    n_events: int,
    seed: int,
    first_event_number: int = 0,
    batch_size: int = BATCH_SIZE,
    pile_up: float = 0.0,
    fat_jet_radius: float | None = None,
    runs: RunPeriod | None = None,
    **options: float | None,
) -> NtupleSummary:
    """Generate events and write them to ``path``, which appears only when it is complete.

    The events of a sample do not depend on how it is cut into files
    (`calovision.simulation.pythia.generate`).

    Parameters
    ----------
    path
        The ROOT file; its folder must exist.
    process, n_events, seed, batch_size, options
        See `calovision.simulation.pythia.generate`.
    first_event_number
        Number of the first event in the sample, a multiple of ``batch_size``; files of a sample
        must not overlap.
    pile_up
        Mean number of minimum-bias collisions overlaid on each event (`pile_up.overlay`).
    fat_jet_radius
        Radius of fat jets of particle-flow candidates, which are written with their constituents
        (`fat_jets.find_fat_jets`); None writes none. Towers and tracks are the same with them.
    runs
        Runs of the sample; None for events without. Faults change its towers, not its fat jets.

    Raises
    ------
    InputError
        If the folder is missing or an argument does not fit.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; create it first")
    check_integer("first_event_number", first_event_number, 0)
    check_number("pile_up", pile_up, 0)
    if fat_jet_radius is not None:
        check_number("fat_jet_radius", fat_jet_radius, 0)
        require(fat_jet_radius > 0, "fat_jet_radius", fat_jet_radius, "positive")
    if runs is not None and runs.faults and fat_jet_radius is not None:
        raise InputError("faults: they change towers, not fat jets; leave fat_jet_radius out")
    numbers = {"first_event": first_event_number, "n_events": n_events, "batch_size": batch_size}
    batches = generate(process, seed=seed, **numbers, **options)
    first_batch = first_event_number // batch_size
    with (
        replaced(path) as temporary,
        uproot.recreate(temporary, compression=COMPRESSION) as file,
    ):
        numbered = enumerate(batches, first_batch)
        return _write_trees(file, numbered, seed, batch_size, pile_up, fat_jet_radius, runs)


def _stream(seed: int, stream: int, batch: int) -> np.random.Generator:
    """Random numbers of one batch for one purpose."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, batch)))


def _with_pile_up(mean: float, seed: int) -> Callable[[ak.Array, int], ak.Array]:
    """Function that adds pile-up to the particles of the events of a batch."""

    @lru_cache(maxsize=1)
    def pool(number: int) -> ak.Array:
        return generate_pool(derive_seed(seed, "pile_up", number))

    def add(particles: ak.Array, batch: int) -> ak.Array:
        return overlay(
            particles, pool(batch // BATCHES_PER_POOL), mean, _stream(seed, PILE_UP_STREAM, batch)
        )

    return add


def _write_trees(
    file: uproot.WritableDirectory,
    batches: Iterator[tuple[int, GeneratedBatch]],
    seed: int,
    batch_size: int,
    pile_up: float,
    fat_jet_radius: float | None,
    runs: RunPeriod | None,
) -> NtupleSummary:
    add_pile_up = _with_pile_up(pile_up, seed) if pile_up else lambda particles, _: particles
    more = {} if fat_jet_radius is None else FAT_JET_BRANCHES
    more = more if runs is None else more | RUN_BRANCHES
    tree = file.mktree("events", EVENT_BRANCHES | more)
    n_generated = 0
    sum_of_weights = 0.0
    cross_section_pb = 0.0
    for number, batch in batches:
        particles = add_pile_up(batch.particles, number)
        rng = _stream(seed, DETECTOR_STREAM, number)
        if fat_jet_radius is None:
            towers, tracks = simulate_detector(particles, rng)
            jets = {}
        else:
            towers, tracks, candidates = simulate_with_particle_flow(particles, rng)
            jets = find_fat_jets(candidates, batch.partons, radius=fat_jet_radius)
        columns = _event_columns(batch, towers, tracks, first=number * batch_size)
        if runs is not None:
            columns |= _of_runs(runs, columns, _stream(seed, FAULT_STREAM, number))
        tree.extend(columns | jets)
        n_generated += batch.n_generated
        sum_of_weights += batch.sum_of_weights
        cross_section_pb = batch.cross_section_pb
    summary = NtupleSummary(n_generated, sum_of_weights, cross_section_pb)
    generation = {name: np.array([getattr(summary, name)]) for name in GENERATION_BRANCHES}
    file.mktree("generation", GENERATION_BRANCHES).extend(generation)
    return summary


def _of_runs(
    runs: RunPeriod, columns: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """Run of each event, and its towers as a faulty calorimeter has them."""
    run = runs.of_event(columns["event_number"])
    towers = apply_faults(columns["towers"], run, runs.faults, last_run=runs.n_runs, rng=rng)
    return {"run": run, "towers": towers}


def _event_columns(
    batch: GeneratedBatch, towers: ak.Array, tracks: ak.Array, first: int
) -> dict[str, ak.Array | np.ndarray]:
    columns = ("eta", "phi", "e_em", "e_had")
    return {
        "event_number": np.arange(first, first + len(batch.weights), dtype=np.int64),
        "weight": batch.weights,
        "towers": ak.zip({name: ak.values_astype(towers[name], np.float32) for name in columns}),
        "tracks": ak.zip(
            {name: ak.values_astype(tracks[name], np.float32) for name in ("pt", "eta", "phi")}
            | {"charge": tracks.charge}
        ),
    }
