"""Cells with a size: energies divided among the cells of an image by area."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision import EtaPhiGrid, build_images
from calovision.core.errors import InputError
from calovision.images import areas, build_sparse_images, builder
from calovision.images.area_reference import divide_with_numpy
from calovision.images.awkward_images import build_awkward_images
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe, build_dense_jet_images

GRID = EtaPhiGrid(4, 8, (-2.0, 2.0))
UNEQUAL = EtaPhiGrid.with_eta_edges((-2.0, -1.0, 0.5, 0.75, 2.0), 8)
CELL = 2 * np.pi / 8


def towers_of(*rows):
    """One event with towers of eta, phi, eta_size, phi_size; of 8 GeV, all electromagnetic."""
    names = ("eta", "phi", "eta_size", "phi_size")
    towers = [dict(zip(names, map(float, row), strict=True)) for row in rows]
    return ak.Array([[{**tower, "e": 8.0, "e_em": 8.0, "layer": 1} for tower in towers]])


def energy_of(*rows, grid=GRID, channel="energy"):
    images, overflow = build_images(towers_of(*rows), None, grid, [channel])
    return images[0, 0], overflow[0, 0]


def test_a_tower_on_a_corner_is_in_four_cells():
    image, overflow = energy_of((0, 0, 0.5, 0.4))
    expected = np.zeros((4, 8))
    expected[1:3, 3:5] = 2.0
    assert overflow == 0
    np.testing.assert_allclose(image, expected, rtol=1e-6)


def test_shares_are_those_of_the_area():
    """Of a width of 1 in eta 0.2 above the edge at 1, of 1.5 cells in phi half a cell on each
    side of one."""
    image, overflow = energy_of((0.7, CELL / 2, 1.0, 1.5 * CELL))
    expected = np.zeros((4, 8))
    expected[2, 3:6] = 8 * 0.8 * np.array([1, 4, 1]) / 6
    expected[3, 3:6] = 8 * 0.2 * np.array([1, 4, 1]) / 6
    np.testing.assert_allclose(image, expected, rtol=1e-6)
    assert overflow == 0


@pytest.mark.parametrize("phi", [np.pi, -np.pi, 3 * np.pi, np.float32(np.pi)])
def test_a_tower_astride_pi_is_on_both_sides(phi):
    image, overflow = energy_of((0.5, phi, 0.5, 0.25 * CELL))
    assert image[2, [0, 7]] == pytest.approx([4, 4], rel=1e-5)
    assert image.sum() + overflow == pytest.approx(8, rel=1e-6)


def test_what_reaches_beyond_eta_is_overflow():
    image, overflow = energy_of((1.75, 0.1, 1.0, 0.1))
    assert image.sum() == pytest.approx(6, rel=1e-6)
    assert overflow == pytest.approx(2, rel=1e-6)
    assert energy_of((3.0, 0.1, 1.0, 0.1))[1] == 8
    assert energy_of((0.0, np.nan, 1.0, 0.1))[1] == 8


def test_unequal_cells_and_all_of_phi():
    image, overflow = energy_of((0.5, 1.0, 1.0, 7.0), grid=UNEQUAL)
    np.testing.assert_allclose(image.sum(axis=1), [0, 4, 2, 2], rtol=1e-6)
    np.testing.assert_allclose(image[1], 0.5, rtol=1e-6)
    assert overflow == 0


def test_a_size_of_zero_is_a_point_and_an_edge_by_rounding_is_on_the_edge():
    towers = towers_of((0.5, 0.3, 0, 0), (-0.3, 2.0, 0, 0))
    points, _ = build_images(towers[["eta", "phi", "e"]], None, GRID, ["energy"])
    found, _ = build_images(towers, None, GRID, ["energy"])
    np.testing.assert_array_equal(found, points)
    middle = np.float32(0.5 * CELL) + 1e-5
    image, overflow = energy_of((0.5 + 1e-6, middle, 1.0, CELL))
    assert image[2, 4] == 8
    assert np.count_nonzero(image) == 1
    assert overflow == 0


def test_transverse_energy_is_that_of_the_middle_and_counts_are_whole():
    image, _ = energy_of((1.0, 0.0, 1.0, 0.5), channel="em_et")
    assert image.sum() == pytest.approx(8 / np.cosh(1.0), rel=1e-6)
    image, _ = energy_of((1.1, 0.1, 1.0, 0.5), channel="towers")
    assert image[3, 4] == 1
    assert image.sum() == 1


def random_towers(rng, counts):
    n = int(np.sum(counts))
    fields = {
        "eta": rng.uniform(-2.6, 2.6, n),
        "phi": rng.uniform(-4, 4, n),
        "e": rng.exponential(5, n),
        "eta_size": rng.choice([0, 0.1, 0.37, 1.0, 2.5], n),
        "phi_size": rng.choice([0, 0.05, CELL, 2.0, 6.5], n),
        "layer": rng.integers(0, 3, n),
    }
    return ak.unflatten(ak.zip(fields), counts)


@pytest.mark.parametrize("grid", [GRID, UNEQUAL, EtaPhiGrid(7, 13, (-2.5, 1.0))])
def test_kernel_equals_numpy_and_all_builders_agree(grid, monkeypatch):
    towers = random_towers(np.random.default_rng(1), [30, 0, 5, 40])
    channels = ["et", "energy_layer0-2", "towers"]
    images, overflow = build_images(towers, None, grid, channels)
    sparse, outside = build_sparse_images(towers, None, grid, channels, threads=2)
    records = build_awkward_images(towers, None, grid, channels)
    np.testing.assert_array_equal(sparse.dense(), images)
    np.testing.assert_array_equal(records.image, images)
    np.testing.assert_array_equal(outside, overflow)
    total = images.sum(axis=(2, 3), dtype=np.float64) + overflow
    np.testing.assert_allclose(total[:, 0], ak.sum(towers.e / np.cosh(towers.eta), axis=1), 1e-6)
    np.testing.assert_allclose(total[:, 1:4].sum(axis=1), ak.sum(towers.e, axis=1), rtol=1e-6)
    np.testing.assert_array_equal(total[:, 4], ak.num(towers))
    monkeypatch.setattr("calovision.images.collections.divide", with_numpy)
    monkeypatch.setattr(builder, "_kernels", lambda: None)
    plain, beside = build_images(towers, None, grid, channels, compiled=False)
    np.testing.assert_allclose(plain, images, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(beside, overflow, rtol=1e-9, atol=1e-9)


def with_numpy(eta, phi, eta_size, phi_size, axes):
    x, width = axes.along_phi(phi, phi_size)
    return areas.Pieces(
        *divide_with_numpy(eta, x, eta_size, width, axes.rows, axes.columns, axes.n_phi)
    )


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(-3, 3), st.floats(-7, 7), st.floats(0, 3), st.floats(0, 8)),
        max_size=5,
    ),
    st.integers(1, 9),
    st.integers(1, 9),
    st.booleans(),
)
def test_every_rectangle_is_divided_without_loss(rectangles, n_eta, n_phi, is_jet):
    """Shares add up to 1, agree with numpy's, and turn with the towers by a column of phi."""
    grid = JetGrid(n_eta, n_phi, 1.5) if is_jet else EtaPhiGrid(n_eta, n_phi, (-2.0, 2.0))
    axes = areas.Axes.of(grid)
    columns = np.array(rectangles, dtype=np.float64).reshape(-1, 4).T
    pieces = areas.divide(*columns, axes)
    n = columns.shape[1]
    sums = np.bincount(pieces.member, pieces.share, n)
    np.testing.assert_allclose(sums, 1, rtol=1e-12)
    assert (pieces.share > 0).all()
    found = shares_of(pieces, n, grid)
    np.testing.assert_allclose(found, shares_of(with_numpy(*columns, axes), n, grid), atol=3e-12)


def shares_of(pieces, n, grid):
    """Share of each rectangle in each cell, the last one outside, ``(n, n_cells + 1)``."""
    flat = pieces.member * (grid.n_cells + 1) + np.where(pieces.cell < 0, grid.n_cells, pieces.cell)
    return np.bincount(flat, pieces.share, n * (grid.n_cells + 1)).reshape(n, grid.n_cells + 1)


def jets_of(*rows):
    names = ("eta", "phi", "eta_size", "phi_size", "pt")
    return ak.Array([[dict(zip(names, map(float, row), strict=True)) for row in rows]])


def test_constituents_of_jets_are_divided():
    """A window of 2 x 2 cells around the axis; the first constituent has a quarter beyond it."""
    recipe = JetImageRecipe(JetGrid(2, 2, 2.0), ("et", "towers"))
    jets = jets_of((1.75, 3.0, 1.0, 0.5, 8.0), (1.0, 3.0, 0.2, 0.2, 4.0))
    images, overflow = build_dense_jet_images(jets, recipe, axes=[[1.0, 3.0]])
    np.testing.assert_allclose(images[0, 0], [[1, 1], [4, 4]], rtol=1e-6)
    np.testing.assert_allclose(overflow[0], [2, 0], rtol=1e-12)
    np.testing.assert_array_equal(images[0, 1], [[0, 0], [0, 2]])


def test_normalized_and_mirrored_jets_are_divided():
    recipe = JetImageRecipe(
        JetGrid(2, 2, 2.0), ("et",), center=None, flip="quadrant", normalize="l1"
    )
    jets = jets_of((-0.25, -0.25, 1.0, 1.0, 16.0))
    images, overflow = build_dense_jet_images(jets, recipe)
    np.testing.assert_allclose(images[0, 0] * 16, [[1, 3], [3, 9]], rtol=1e-6)
    assert overflow.sum() == pytest.approx(0, abs=1e-12)


def test_sizes_that_cannot_be_are_told():
    with pytest.raises(InputError, match="towers have eta_size but no phi_size; give both"):
        build_images(
            towers_of((0, 0, 1, 1))[["eta", "phi", "e", "eta_size"]], None, GRID, ["energy"]
        )
    for wrong in (-0.1, np.nan, np.inf):
        with pytest.raises(InputError, match=r"event 0: towers.phi_size is .*the full width"):
            energy_of((0, 0, 1, 1), (0, 0, 1, wrong))
    recipe = JetImageRecipe(JetGrid(2, 2, 2.0), rotate="principal_axis", center="centroid")
    with pytest.raises(InputError, match="rotate is 'principal_axis', but the constituents have"):
        build_dense_jet_images(jets_of((0, 0, 1, 1, 8)), recipe)
