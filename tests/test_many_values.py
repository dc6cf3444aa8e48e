"""Sums of millions of float32 numbers are right to 1e-6, as no float32 sum of them is."""

import awkward as ak
import numpy as np
import pytest

from calovision.datasets import training_weights
from calovision.images import SparseImages, build_images, build_sparse_images
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe, build_jet_images
from calovision.jets.padded import sums_of_constituents
from calovision.metrics import efficiency, n_effective
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.run_sums import RunSums
from calovision.storage.statistics import PixelStatistics

N = 2 * 10**6
VALUE = np.float32(0.1)
TOTAL = N * float(VALUE)
GRID = EtaPhiGrid(n_eta=1, n_phi=1)


@pytest.fixture(scope="module")
def values():
    """Many of one value, whose sum is known; one by one in float32 it is 1.5 % off."""
    found = np.full(N, VALUE)
    assert abs(np.cumsum(found)[-1] / TOTAL - 1) > 0.01
    return found


@pytest.fixture(scope="module")
def rows(values):
    """Images of one cell each."""
    return SparseImages(np.arange(N + 1), np.zeros(N, np.uint16), values, (1, 1, 1))


def one_event(**columns):
    return ak.unflatten(ak.zip(columns), [len(next(iter(columns.values())))])


@pytest.mark.parametrize("n", [4095, 4096, N])
@pytest.mark.parametrize("channel", ["energy", "et"])
def test_objects_of_an_event(values, n, channel):
    towers = one_event(e=values[:n], eta=np.zeros(n, np.float32), phi=np.ones(n, np.float32))
    images, _ = build_images(towers, None, GRID, (channel,))
    rows, _ = build_sparse_images(towers, None, GRID, (channel,))
    # what is summed in float32 is right to half a unit in the last place a number
    error = 1e-6 if n > 4095 else n * 2**-25
    assert images[0, 0, 0, 0] == pytest.approx(n * float(VALUE), rel=error)
    assert rows.values == images[0, 0, 0]


def test_constituents_of_a_jet(values):
    n = N // 4
    zeros = np.zeros(n, np.float32)
    jet = one_event(pt=values[:n], eta=zeros, phi=zeros, e=values[:n])
    recipe = JetImageRecipe(JetGrid(1, 1, 1.0), ("et",), center=None, normalize=None)
    images, _ = build_jet_images(jet, recipe)
    assert images.values[0] == pytest.approx(n * float(VALUE), rel=1e-6)
    assert sums_of_constituents(jet)["pt"][0] == pytest.approx(n * float(VALUE), rel=1e-6)


def test_statistics_of_pixels(rows):
    found = PixelStatistics.empty((1, 1, 1))
    found.add(rows, np.ones(N, bool))
    assert found.mean[0, 0, 0] == pytest.approx(float(VALUE), rel=1e-12)
    assert found.std[0, 0, 0] == 0


def test_spread_of_a_pixel_that_hardly_changes():
    """Float64 sums alone would be percents off."""
    values = (1 + 2e-5 * np.random.default_rng(1).normal(size=N)).astype(np.float32)
    found = PixelStatistics.empty((1, 1, 1))
    rows = SparseImages(np.arange(N + 1), np.zeros(N, np.uint16), values, (1, 1, 1))
    found.add(rows, np.ones(N, bool))
    assert found.std[0, 0, 0] == pytest.approx(values.astype(np.float64).std(), rel=1e-6)


def test_maps_of_a_run(rows):
    layout = MapLayout.of_names(GRID, ("energy",), ("GeV",), 0.0)
    n = N // 10
    with RunSums(layout) as sums:
        sums.add(rows.part(0, n), np.ones(n, np.int64), np.zeros(n, np.int64))
        for _ in range(4):
            sums.add_maps(sums.maps())
        maps = sums.maps()
    assert maps.occupancy[0, 0, 0, 0] == 16 * n
    assert maps.total[0, 0, 0, 0] == pytest.approx(16 * n * float(VALUE), rel=1e-9)


def test_weights_of_events(values):
    assert n_effective(values) == pytest.approx(N, rel=1e-9)
    values = values[: N // 4]
    first = np.arange(len(values)) < len(values) // 4
    assert efficiency(first, values).value == pytest.approx(0.25, rel=1e-9)
    weights = training_weights(first, values, "raw")
    assert weights[[0, -1]] == pytest.approx([2.0, 2 / 3], rel=1e-9)
