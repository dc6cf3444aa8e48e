"""ROOT files of the layout of JetClass (doi:10.5281/zenodo.6619768), and what is made of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from benchmarks.data import SEED
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe

BATCH = 256
MEAN_PARTICLES = 45
RADIUS = 0.6  # of the particles around the axis, so that the window of the images has them all
GRID = JetGrid(37, 37, 1.6)
RECIPE = JetImageRecipe(GRID, ("et",))
"""Transverse energy around the axis of the jet, as the peers have it."""
LABELS = ("label_QCD", "label_Tbqq")
FLOATS = ("d0val", "d0err", "dzval", "dzerr")  # further branches of the particles, unused here
KINDS = ("ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon")


@dataclass(frozen=True)
class JetFiles:
    """A file of each class, and the number of jets in all of them."""

    paths: tuple[Path, ...]
    n_jets: int

    @property
    def as_texts(self) -> list[str]:
        """Paths as peers take them."""
        return [str(path) for path in self.paths]


def write_jet_files(folder: Path, n_jets: int) -> JetFiles:
    """Write a file of each class with half of the jets, in whole batches, LZ4 as the files of
    JetClass."""
    n_of_class = max(n_jets // (len(LABELS) * BATCH), 1) * BATCH
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, label in enumerate(LABELS):
        path = folder / f"{label}.root"
        with uproot.recreate(path, compression=uproot.LZ4(4)) as file:
            columns = _columns(n_of_class, number)
            tree = file.mktree("tree", {name: _type(one) for name, one in columns.items()})
            tree.extend(columns)
        paths.append(path)
    return JetFiles(tuple(paths), n_of_class * len(LABELS))


def _type(column: object) -> object:
    return ak.type(column).content if isinstance(column, ak.Array) else column.dtype


def _columns(n_jets: int, label: int) -> dict[str, object]:
    rng = np.random.default_rng([SEED, 3, label])
    counts = rng.poisson(MEAN_PARTICLES, n_jets) + 3
    total = int(counts.sum())
    distance, angle = RADIUS * rng.random(total), rng.uniform(-np.pi, np.pi, total)
    # positive, where part_deta has the sign of the coordinates: at negative eta it is mirrored
    eta = np.repeat(rng.uniform(0.1, 2.0, n_jets), counts) + distance * np.cos(angle)
    phi = np.repeat(rng.uniform(-np.pi, np.pi, n_jets), counts) + distance * np.sin(angle)
    pt = rng.exponential(15.0, total) + 0.5
    momenta = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta)}
    momenta["energy"] = pt * np.cosh(eta)
    px, py, pz, energy = (np.add.reduceat(one, _starts(counts)) for one in momenta.values())
    jet_pt = np.hypot(px, py)
    jet_eta, jet_phi = np.arcsinh(pz / jet_pt), np.arctan2(py, px)
    relative = {
        "deta": eta - np.repeat(jet_eta, counts),
        "dphi": _wrapped(phi - np.repeat(jet_phi, counts)),
    }
    further = {name: rng.normal(size=total) for name in FLOATS}
    kind = rng.integers(0, len(KINDS), total)
    flags = {f"is{name}": kind == number for number, name in enumerate(KINDS)}
    charge = {"charge": rng.choice([-1.0, 1.0], total) * np.isin(kind, (0, 3, 4))}
    particles = momenta | relative | further | charge | flags
    return {
        **{f"part_{name}": _lists(values, counts) for name, values in particles.items()},
        **{name: np.full(n_jets, one == label, np.int32) for one, name in enumerate(LABELS)},
        "jet_nparticles": counts.astype(np.float32),
        "jet_pt": jet_pt.astype(np.float32),
        "jet_eta": jet_eta.astype(np.float32),
        "jet_phi": jet_phi.astype(np.float32),
        "jet_energy": energy.astype(np.float32),
        **{f"jet_tau{i}": rng.random(n_jets).astype(np.float32) for i in (1, 2, 3, 4)},
    }


def _lists(values: np.ndarray, counts: np.ndarray) -> ak.Array:
    return ak.unflatten(values.astype(np.int32 if values.dtype == bool else np.float32), counts)


def _starts(counts: np.ndarray) -> np.ndarray:
    return np.cumsum(counts) - counts


def _wrapped(phi: np.ndarray) -> np.ndarray:
    return (phi + np.pi) % (2 * np.pi) - np.pi


def read_particles(path: Path) -> tuple[np.ndarray, ...]:
    """Particles of a file, one after the other: pT, eta and phi relative to the axis, and the
    number of each jet, as a user of uproot reads them."""
    names = ["part_px", "part_py", "part_deta", "part_dphi"]
    with uproot.open(path) as file:
        arrays = file["tree"].arrays(names)
    px, py, eta, phi = (ak.to_numpy(ak.flatten(arrays[name])) for name in names)
    return np.hypot(px, py), eta, phi, ak.to_numpy(ak.num(arrays["part_px"]))


def batches_of(images: np.ndarray, labels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of images that lie in memory, in random order."""
    order = np.random.default_rng(SEED).permutation(len(images))
    for first in range(0, len(order), BATCH):
        rows = order[first : first + BATCH]
        yield images[rows], labels[rows]
