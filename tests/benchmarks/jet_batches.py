"""jet_batches: from ROOT files of the layout of JetClass to shuffled batches of jet images, beside
the loaders of others.

``calovision_first`` converts the files to image files and reads a shuffled pass of them;
``calovision_later`` is another pass of a training, ``calovision_sparse`` its rows alone, which a
GPU makes dense. Loaders of others that keep no images have one name: all of their passes are alike.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
import uproot

from benchmarks.harness import Benchmark, Settings, installed, require_equal
from benchmarks.jet_batch_peers import PEERS, Batches
from benchmarks.jetclass_files import BATCH, GRID, RECIPE, JetFiles, write_jet_files
from calovision import ImageRecipe
from calovision.conversion import Sample, Source, convert_ntuples
from calovision.datasets import ImageLoader
from calovision.jets import FatJetDefinition
from calovision.storage import ImageCollection

READ = ("part_px", "part_py", "part_pz", "part_energy", "part_isPhoton", "part_isElectron")
"""Branches that no image of these jets can do without, for the time of reading alone."""
CPU_ROUNDS = 3
JETS_OF_AN_EVENT = 4  # of other benchmarks: a jet is small, and files have a hundred thousand
OF_FILES = ImageRecipe(
    jets=RECIPE, jets_per_event=1, fat_jets=FatJetDefinition(radius=0.8, pt_min=10.0, eta_max=3.0)
)


def convert_jets(files: JetFiles, folder: Path) -> list[Path]:
    """Image files of the jets, one of each class."""
    outputs = [folder / f"{path.stem}.h5" for path in files.paths]
    for label, (path, output) in enumerate(zip(files.paths, outputs, strict=True)):
        sample = Sample(path.stem, label, cross_section_required=False)
        convert_ntuples(Source([path], schema="jetclass"), output, OF_FILES, sample=sample)
    return outputs


def loader_of(paths: list[Path]) -> ImageLoader:
    """Loader of a training on image files, in another order each time."""
    collection = ImageCollection(paths)
    return ImageLoader(collection, np.arange(len(collection)), batch_size=BATCH, shuffle=True)


def dense_batches(loader: ImageLoader) -> Iterator[np.ndarray]:
    """A pass of dense images, made in one array."""
    target = torch.empty((BATCH, len(RECIPE.channels), GRID.n_eta, GRID.n_phi))
    loader.set_epoch(loader.epoch + 1)
    for batch in loader:
        yield batch.dense(out=target[: len(batch)]).numpy()


def jet_batches(settings: Settings) -> Benchmark:
    """All ways, a pass over all jets each."""
    files = write_jet_files(settings.scratch / "jets", JETS_OF_AN_EVENT * settings.n_events)
    folder = settings.scratch / "images"
    folder.mkdir()
    kept = settings.scratch / "kept"
    kept.mkdir()
    loader = loader_of(convert_jets(files, kept))
    ours: dict[str, Batches] = {
        "calovision_first": lambda: dense_batches(loader_of(convert_jets(files, folder))),
        "calovision_later": lambda: dense_batches(loader),
    }
    peers = {name: make(files, settings.scratch / name) for name, make in PEERS.items()}
    timed = {**ours, "calovision_sparse": lambda: iter(loader), "weaver": peers["weaver"]}
    return Benchmark(
        title=f"a pass over JetClass-like jets in shuffled batches of {BATCH} images "
        f"{GRID.n_eta}x{GRID.n_phi}",
        n_events=files.n_jets,
        methods={
            **{name: partial(_use, batches) for name, batches in ours.items()},
            "calovision_sparse": partial(_use, lambda: iter(loader)),
            "uproot": lambda: _read(files),
        },
        peers={name: partial(_use, batches) for name, batches in peers.items()},
        check=lambda: _check(ours, files),
        check_peer=lambda name: _check_totals(name, peers[name], ours["calovision_later"]),
        measure_values=lambda: _cpu_times(timed, files.n_jets),
    )


def _use(batches: Callable[[], Iterator[object]]) -> None:
    for _ in batches():
        pass


def _cpu_times(timed: dict[str, Batches], n_jets: int) -> dict[str, dict[str, float]]:
    """Microseconds of CPU time a jet, of all threads, the least of `CPU_ROUNDS` passes: it hardly
    changes with what others do on the machine. Without weaver, for whom that is not installed."""
    found = {}
    for name, batches in timed.items():
        if name == "weaver" and not installed("weaver"):
            continue
        times = []
        for _ in range(CPU_ROUNDS):
            start = time.process_time()
            _use(batches)
            times.append(time.process_time() - start)
        found[name] = {"cpu_us_a_jet": 1e6 * min(times) / n_jets}
    return found


def _read(files: JetFiles) -> None:
    for path in files.paths:
        with uproot.open(path) as file:
            file["tree"].arrays(READ)


def _check(ours: dict[str, Batches], files: JetFiles) -> None:
    for name, batches in ours.items():
        require_equal(name, [len(totals(batches))], [files.n_jets])


def _check_totals(name: str, batches: Batches, reference: Batches) -> None:
    """The same jets have the same transverse energy, in any order."""
    found, expected = np.sort(totals(batches)), np.sort(totals(reference))
    require_equal(name, [found.shape], [expected.shape])
    require_equal(name, [np.allclose(found, expected, rtol=1e-3)], [True])


def totals(batches: Callable[[], Iterator[np.ndarray]]) -> np.ndarray:
    """Sum of the cells of each image of a pass."""
    return np.concatenate([images.reshape(len(images), -1).sum(axis=1) for images in batches()])
