"""Generated events through the detector into a ROOT file, in bounded memory.

Layout: TTree ``events`` with jagged float32 branches ``towers_eta, towers_phi, towers_e_em, towers_e_had,
tracks_pt, tracks_eta, tracks_phi``, int8 ``tracks_charge``, int64 ``event_number``, float64 ``weight``; TTree
``generation`` with one entry: ``n_generated, sum_of_weights, cross_section_pb``. GeV, radians, pb. Every
generated event is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from calovision.atomic import replaced
from calovision.errors import InputError
from calovision.simulation.detector import simulate_detector
from calovision.simulation.pythia import GeneratedBatch, check_integer, generate

EVENT_BRANCHES = {
    "event_number": "int64",
    "weight": "float64",
    "towers": "var * {eta: float32, phi: float32, e_em: float32, e_had: float32}",
    "tracks": "var * {pt: float32, eta: float32, phi: float32, charge: int8}",
}
GENERATION_BRANCHES = {"n_generated": "int64", "sum_of_weights": "float64", "cross_section_pb": "float64"}
# Much faster to write and to read than zlib, and hardly larger.
COMPRESSION = uproot.LZ4(1)
DETECTOR_STREAM = 1  # keeps the detector's random numbers apart from any other use of the same seed


@dataclass(frozen=True)
class NtupleSummary:
    """What a written file says about its generation; the cross-section is Pythia's, in pb."""

    n_generated: int
    sum_of_weights: float
    cross_section_pb: float


def write_ntuple(
    path: Path,
    process: str,
    *,
    n_events: int,
    seed: int,
    first_event_number: int = 0,
    batch_size: int = 250,
    **options: float | None,
) -> NtupleSummary:
    """Generate events and write them to ``path``, which appears only when it is complete.

    Parameters
    ----------
    path
        The ROOT file; its folder must exist.
    process, n_events, seed, batch_size, options
        See `calovision.simulation.pythia.generate`.
    first_event_number
        Number of the first event; chunks of one sample must not overlap in it.

    Raises
    ------
    InputError
        If the folder is missing or an argument does not fit.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; create it first")
    check_integer("first_event_number", first_event_number, 0)
    batches = generate(process, n_events=n_events, seed=seed, batch_size=batch_size, **options)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(DETECTOR_STREAM,)))
    with (
        replaced(path) as temporary,
        uproot.recreate(temporary, compression=COMPRESSION) as file,
    ):
        return _write_trees(file, batches, rng, first_event_number)


def _write_trees(
    file: uproot.WritableDirectory,
    batches: Iterator[GeneratedBatch],
    rng: np.random.Generator,
    first_event_number: int,
) -> NtupleSummary:
    tree = file.mktree("events", EVENT_BRANCHES)
    n_generated, sum_of_weights, cross_section_pb = 0, 0.0, 0.0
    for batch in batches:
        towers, tracks = simulate_detector(batch, rng)
        first = first_event_number + n_generated
        tree.extend(_event_columns(batch, towers, tracks, first))
        n_generated += len(batch.weights)
        sum_of_weights += float(batch.weights.sum())
        cross_section_pb = batch.cross_section_pb
    summary = NtupleSummary(n_generated, sum_of_weights, cross_section_pb)
    columns = {name: np.array([getattr(summary, name)]) for name in GENERATION_BRANCHES}
    file.mktree("generation", GENERATION_BRANCHES).extend(columns)
    return summary


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
