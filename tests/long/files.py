"""A data set of very many small image files: opened, read, counted, trained on, scored."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fakes import make_images, write_image_file

from calovision.datasets import ImageLoader, Reading
from calovision.datasets.statistics import channel_maxima
from calovision.models import load_model
from calovision.scoring import score_collection
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions, train_network
from long.outcome import LongRun
from long.readings import Readings

N_FILES, STEPS, WARM_UP = 10_000, 20, 2
IMAGES_OF_A_FILE = 4


def run_files(
    folder: Path, seed: int, n: int = N_FILES, steps: int = STEPS, warm_up: int = WARM_UP
) -> LongRun:
    """Everything on n files; then again and again, to see that nothing of it stays."""
    paths, written = _timed(lambda: [_write(folder, number, seed) for number in range(n)])
    per_file, sums = {"written": 1000 * written / n}, []
    _times(ImageCollection(paths[:4]), folder / "warm", seed, Readings())  # imports, compilation
    for share in (4, 1):
        collection = ImageCollection(paths[: max(n // share, 4)])
        found = _times(collection, folder / f"of_{share}", seed, Readings())
        per_file |= {f"{name} of {len(collection.files)}": ms for name, ms in found.items()}
    readings = Readings()
    part = paths[: max(n // 10, 4)]
    for _ in range(steps):
        sums.append(_sum_of(ImageCollection(part), readings))
        readings.read()
    expected = sum(_images(number, seed).sum(dtype=np.float64) for number in range(len(part)))
    wrong = sum(abs(one / expected - 1) > 1e-9 for one in sums)
    words = ", ".join(f"{name}: {ms:.2f}" for name, ms in per_file.items())
    return LongRun(
        f"{n} image files as one data set (seed {seed}); steps: opened and read, a tenth of them",
        readings,
        warm_up,
        f"processor ms a file: {words}",
        ([f"{wrong} steps read other images than were written"] if wrong else [])
        + _slower(per_file),
    )


def _images(number: int, seed: int) -> np.ndarray:
    return make_images(IMAGES_OF_A_FILE, (1, 8, 8), seed=seed * 10**6 + number)


def _write(folder: Path, number: int, seed: int) -> Path:
    label = number % 2
    return write_image_file(
        folder / f"{number:05d}.h5",
        images=_images(number, seed),
        seed=seed * 10**6 + number,
        label=label,
        sample=("qcd", "rpv")[label],
        source_files=[(f"{number}.root", f"uuid-{number}")],
    )


def _timed(call: Callable[[], object]) -> tuple[object, float]:
    """Result of a call, and its processor seconds."""
    start = time.process_time()
    return call(), time.process_time() - start


def _times(
    collection: ImageCollection, folder: Path, seed: int, readings: Readings
) -> dict[str, float]:
    """Processor milliseconds a file of each thing that is done with a data set."""
    n, every = len(collection.files), np.arange(len(collection))
    paths = [file.path for file in collection.files]
    options = TrainingOptions(epochs=1, seed=seed, device="cpu", batch_size=256)
    model, seconds = _timed(
        lambda: train_network(collection, folder, options, luminosity_fb=1.0, progress_bar=False)
    )
    found = {
        "opened": _timed(lambda: ImageCollection(paths))[1],
        "read": _timed(lambda: _sum_of(collection, readings))[1],
        "counted": _timed(lambda: channel_maxima(collection, every))[1],
        "trained": seconds,
        "scored": _timed(
            lambda: score_collection(load_model(model), collection, every, device="cpu")
        )[1],
    }
    return {name: 1000 * seconds / n for name, seconds in found.items()}


def _sum_of(collection: ImageCollection, readings: Readings) -> float:
    """Sum of all pixels, in random order (``shuffle`` would leave out a short last batch)."""
    order = np.random.default_rng(1).permutation(len(collection))
    loader = ImageLoader(collection, order, batch_size=64, reading=Reading(in_memory=False))
    total = 0.0
    for batch in loader:
        total += float(batch.dense().double().sum())
        readings.watch()
    return total


def _slower(per_file: dict[str, float]) -> list[str]:
    """Sentences on what takes more than half as long again a file of all files as of some."""
    names = [name for name in per_file if " of " in name]
    by_kind: dict[str, list[float]] = {}
    for name in names:
        by_kind.setdefault(name.split(" of ")[0], []).append(per_file[name])
    return [
        f"{kind}: {few:.2f} ms a file of few, {many:.2f} of all"
        for kind, (few, many) in by_kind.items()
        if many > 1.5 * few + 0.2
    ]
