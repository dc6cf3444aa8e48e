"""Images of a file, and the same by plain sums over its arrays, an event at a time."""

import awkward as ak
import numpy as np

from calovision.conversion import ImageRecipe, Sample, Source, convert_ntuple
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition
from calovision.storage import ImageFile

GRID = EtaPhiGrid(19, 16, (-4.9, 4.9))
CHANNELS = ("energy", "em_et", "had_et", "tracks")
N, WIDTH = 9, 1.6
JETS = ImageRecipe(
    fat_jets=FatJetDefinition(pt_min=0.0, eta_max=9.0),
    jets=JetImageRecipe(JetGrid(N, N, WIDTH), channels=("et", "em")),
)


def images(path, tmp_path, recipe=None, schema=None):
    """Dense images of a file, in the order of its entries."""
    recipe = recipe or ImageRecipe(GRID, CHANNELS, cluster_jets=False)
    source = Source(path, schema=schema)
    convert_ntuple(source, tmp_path / "a.h5", recipe, sample=Sample("a", 0, cross_section_pb=1.0))
    file = ImageFile(tmp_path / "a.h5")
    return file.dense(np.arange(len(file)))


def cells(values, low, high, n):
    return np.floor((np.asarray(values, dtype=np.float64) - low) / (high - low) * n).astype(int)


def expected_images(events):
    """Sums in cells, an event at a time, of the arrays ``eta, phi, e, em, had`` of towers and
    ``eta, phi`` of tracks."""
    found = np.zeros((len(events), len(CHANNELS), GRID.n_eta, GRID.n_phi))
    for image, (towers, tracks) in zip(found, events, strict=True):
        eta, phi, e, em, had = (ak.to_numpy(values).astype(np.float64) for values in towers)
        t_eta, t_phi = (ak.to_numpy(values) for values in tracks)
        for of_eta, of_phi, values in (
            (eta, phi, np.stack([e, em / np.cosh(eta), had / np.cosh(eta), 0 * e])),
            (t_eta, t_phi, np.repeat([[0], [0], [0], [1]], len(t_eta), axis=1)),
        ):
            i, j = cells(of_eta, -4.9, 4.9, GRID.n_eta), cells(of_phi, -np.pi, np.pi, GRID.n_phi)
            inside = (i >= 0) & (i < GRID.n_eta)
            for channel, of_channel in zip(image, values, strict=True):
                np.add.at(channel, (i[inside], j[inside] % GRID.n_phi), of_channel[inside])
    return found


def expected_jet_image(eta, phi, values):
    """Sums of each of ``values`` in the cells around the axis of a jet, to which the positions are
    relative."""
    i = cells(eta, -WIDTH / 2, WIDTH / 2, N)
    j = cells((phi + np.pi) % (2 * np.pi) - np.pi, -WIDTH / 2, WIDTH / 2, N)
    inside = (i >= 0) & (i < N) & (j >= 0) & (j < N)
    image = np.zeros((len(values), N, N))
    for channel, of_channel in zip(image, values, strict=True):
        np.add.at(channel, (i[inside], j[inside]), np.asarray(of_channel)[inside])
    return image


def energies(pt, eta, mass):
    return np.sqrt(mass**2 + (pt * np.cosh(eta)) ** 2)
