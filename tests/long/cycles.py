"""Cycles of the whole chain: ROOT files to images, a training, scores, numbers."""

import shutil
from pathlib import Path

import numpy as np
from fakes import make_events, write_ntuple

from calovision.conversion import ImageRecipe, Sample, Source, convert_ntuple
from calovision.images.grid import EtaPhiGrid
from calovision.jets import FatJetDefinition
from calovision.metrics import auc, roc
from calovision.models import load_model
from calovision.scoring import score_collection
from calovision.storage import ImageCollection, write_scores
from calovision.training import TrainingOptions, train_network
from long.outcome import LongRun
from long.readings import Readings

RECIPE = ImageRecipe(grid=EtaPhiGrid(16, 16), fat_jets=FatJetDefinition(pt_min=20.0))
N_EVENTS = 60
N_CYCLES, WARM_UP = 200, 20


def run_cycles(folder: Path, seed: int, n: int = N_CYCLES, warm_up: int = WARM_UP) -> LongRun:
    """Build, train, score n times; all cycles of the same seed, so that all scores are the same."""
    ntuples = [_ntuple(folder / f"{label}.root", label, seed) for label in (0, 1)]
    readings, first, n_different = Readings(), None, 0
    for _ in range(n):
        scores = _cycle(ntuples, folder / "cycle", seed, readings)
        first = scores if first is None else first
        n_different += not np.array_equal(scores, first)
        shutil.rmtree(folder / "cycle")
        readings.read()
    faults = [f"{n_different} cycles gave other scores than the first"] if n_different else []
    return LongRun(
        f"build, train, score in one process (seed {seed})",
        readings,
        warm_up,
        f"{n - n_different} cycles with the same {len(first)} scores, bit for bit",
        faults,
    )


def _ntuple(path: Path, label: int, seed: int) -> Path:
    towers, tracks = make_events(N_EVENTS, seed=seed + 1000 * label, mean_towers=30 + 40 * label)
    return write_ntuple(path, towers, tracks)


def _cycle(ntuples: list[Path], folder: Path, seed: int, readings: Readings) -> np.ndarray:
    folder.mkdir()
    paths = [folder / f"{label}.h5" for label in (0, 1)]
    for label, (ntuple, path) in enumerate(zip(ntuples, paths, strict=True)):
        source = Source(ntuple, schema="calovision", chunk_size=50)
        convert_ntuple(source, path, RECIPE, sample=Sample(f"sample_{label}", label))
    collection = ImageCollection(paths)
    options = TrainingOptions(epochs=1, batch_size=32, seed=seed, device="cpu")
    model = train_network(
        collection, folder / "model", options, luminosity_fb=1.0, progress_bar=False
    )
    readings.watch()
    every = np.arange(len(collection))
    scores = score_collection(load_model(model), collection, every, device="cpu")
    write_scores(folder / "scores.h5", collection, every, scores)
    auc(roc(scores, collection.column("label"), collection.column("weight")))
    return scores
