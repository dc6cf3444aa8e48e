"""Loaders of others from ROOT files of the layout of JetClass to shuffled batches of jet images.

Each peer is imported when it is first used, so that one that is not installed is left out alone.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import torch
import uproot
from torch.utils.data import DataLoader, Dataset

from benchmarks.jetclass_files import BATCH, GRID, LABELS, JetFiles, batches_of, read_particles

Batches = Callable[[], Iterator[np.ndarray]]
N_PARTICLES = 128
"""Particles that weaver keeps of a jet, as its configuration for JetClass."""
HALF = GRID.width / 2
CONFIGURATION = f"""
treename: tree
new_variables:
  part_pt: np.hypot(part_px, part_py)
preprocess: {{method: manual}}
inputs:
  particles:
    length: {N_PARTICLES}
    vars: [[part_deta, null], [part_dphi, null], [part_pt, null]]
labels: {{type: simple, value: [{", ".join(LABELS)}]}}
"""
"""weaver's description of its input: what an image needs, as it is in the file."""


def weaver_loader(
    files: JetFiles, folder: Path, *, batch_size: int = BATCH, in_memory: bool = False
) -> DataLoader:
    """Loader of weaver's training: it reads each file at once, which is its fastest for files of
    this size."""
    from weaver.utils.dataset import SimpleIterDataset

    folder.mkdir(exist_ok=True)
    configuration = folder / "data.yaml"
    configuration.write_text(CONFIGURATION)
    dataset = SimpleIterDataset(
        {"all": files.as_texts},
        str(configuration),
        for_training=True,
        fetch_step=1.0,
        in_memory=in_memory,
        infinity_mode=False,
        name="train",
    )
    return DataLoader(dataset, batch_size=batch_size, num_workers=0)


def pixelated(particles: torch.Tensor) -> torch.Tensor:
    """Images ``(n, 1, n_eta, n_phi)`` of particles ``(n, {eta, phi, pt}, k)`` padded with zeros."""
    eta, phi, pt = particles.unbind(1)
    rows, columns = (
        ((one + HALF) * (n / GRID.width)).floor().long()
        for one, n in ((eta, GRID.n_eta), (phi, GRID.n_phi))
    )
    is_inside = (rows >= 0) & (rows < GRID.n_eta) & (columns >= 0) & (columns < GRID.n_phi)
    cells = torch.where(is_inside, rows * GRID.n_phi + columns, 0)
    images = torch.zeros(len(particles), GRID.n_eta * GRID.n_phi)
    images.scatter_add_(1, cells, pt * is_inside)
    return images.view(-1, 1, GRID.n_eta, GRID.n_phi)


def weaver(files: JetFiles, folder: Path, *, in_memory: bool = False) -> Batches:
    """Every pass reads the ROOT files; in memory all but the first take the particles that are
    there, and make the images again."""
    loaders: list[DataLoader] = []

    def batches() -> Iterator[np.ndarray]:
        loaders[:] = loaders or [weaver_loader(files, folder, in_memory=in_memory)]
        seen = 0
        for inputs, _, _ in loaders[0]:
            yield pixelated(inputs["particles"]).numpy()
            seen += len(inputs["particles"])
            if seen >= files.n_jets:  # in memory there is no end
                break

    return batches


def energyflow_first(files: JetFiles, folder: Path) -> Batches:
    """EnergyFlow's pixelate jet by jet into a file of HDF5, and a pass of that."""

    def batches() -> Iterator[np.ndarray]:
        from energyflow.utils import pixelate

        folder.mkdir(exist_ok=True)
        with h5py.File(folder / "images.h5", "w") as file:
            shape = (files.n_jets, 1, GRID.n_eta, GRID.n_phi)
            images = file.create_dataset("images", shape, np.float32)
            labels = file.create_dataset("labels", files.n_jets, np.int8)
            done = 0
            for label, path in enumerate(files.paths):
                pt, eta, phi, counts = read_particles(path)
                jets = np.split(np.stack([pt, eta, phi], axis=1), np.cumsum(counts)[:-1])
                for jet in jets:
                    image = pixelate(jet, npix=GRID.n_eta, img_width=GRID.width, norm=False)
                    images[done, 0], labels[done] = image[:, :, 0].T, label
                    done += 1
        yield from read_dense(folder / "images.h5")

    return batches


def energyflow_later(files: JetFiles, folder: Path) -> Batches:
    """A pass of the images of `energyflow_first`."""
    return lambda: read_dense(folder.with_name("energyflow_first") / "images.h5")


def read_dense(path: Path) -> Iterator[np.ndarray]:
    """Batches of a DataLoader that reads the images of a dense file one by one."""
    for images, _ in DataLoader(_DenseImages(path), batch_size=BATCH, shuffle=True):
        yield images.numpy()


class _DenseImages(Dataset):
    def __init__(self, path: Path) -> None:
        file = h5py.File(path)
        self._images, self._labels = file["images"], file["labels"]

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(self._images[index]), int(self._labels[index])


def hml_first(files: JetFiles, folder: Path) -> Batches:
    """Image of hep-ml-lab, whose images are stored by numpy, and a pass of these."""

    def batches() -> Iterator[np.ndarray]:
        images = np.concatenate([_images_by_hml(path) for path in files.paths])
        labels = np.repeat(np.arange(len(files.paths)), files.n_jets // len(files.paths))
        folder.mkdir(exist_ok=True)
        np.savez(folder / "images.npz", images=images.astype(np.float32), labels=labels)
        for batch, _ in batches_of(images, labels):
            yield batch

    return batches


def hml_later(files: JetFiles, folder: Path) -> Batches:
    """A pass of the images of `hml_first`, which are all in memory then."""

    def batches() -> Iterator[np.ndarray]:
        with np.load(folder.with_name("hml_first") / "images.npz") as stored:
            for batch, _ in batches_of(stored["images"], stored["labels"]):
                yield batch

    return batches


def _images_by_hml(path: Path) -> np.ndarray:
    """Its Image looks for branches of Delphes; those of JetClass come by observables of one's
    own."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    from hml.observables import Observable
    from hml.representations import Image

    class Particles(Observable):
        def __init__(self, values: Callable[[ak.Array], ak.Array]) -> None:
            super().__init__()
            self._of = values

        def read(self, events: ak.Array) -> "Particles":
            self._value = self._of(events)[:, np.newaxis]  # the image takes this axis away
            return self

    image = Image(
        Particles(lambda events: events.part_dphi),
        Particles(lambda events: events.part_deta),
        Particles(lambda events: np.hypot(events.part_px, events.part_py)),
    )
    window = (-HALF, HALF)
    image.pixelate(size=(GRID.n_phi, GRID.n_eta), range=(window, window))
    with uproot.open(path) as file:
        names = ["part_px", "part_py", "part_deta", "part_dphi"]
        return image.read(file["tree"].arrays(names)).values


PEERS: dict[str, Callable[[JetFiles, Path], Batches]] = {
    "weaver": weaver,
    "weaver_in_memory": partial(weaver, in_memory=True),
    "energyflow_first": energyflow_first,
    "energyflow_later": energyflow_later,
    "hml_first": hml_first,
    "hml_later": hml_later,
}
"""Loaders of others by name; those of later passes follow the first ones, whose files they read."""
