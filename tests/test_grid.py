"""The eta-phi grid: closed forms, both ends of phi, what lies outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.images.grid import OUTSIDE, EtaPhiGrid, JetGrid

SHAPES = [(1, 1), (2, 3), (7, 5), (50, 63), (64, 64), (34, 72), (224, 224)]
grids = st.builds(
    EtaPhiGrid,
    st.integers(1, 300),
    st.integers(1, 300),
    st.tuples(st.floats(-10, -0.1), st.floats(0.1, 10)),
)


def test_default_is_the_grid_of_the_case_study():
    grid = EtaPhiGrid()
    assert (grid.n_eta, grid.n_phi, grid.eta_range, grid.n_cells) == (64, 64, (-2.5, 2.5), 4096)


def test_edges_closed_form():
    grid = EtaPhiGrid(4, 4, (-2.0, 2.0))
    assert grid.edges_in_eta.tolist() == [-2, -1, 0, 1, 2]
    np.testing.assert_allclose(
        grid.edges_in_phi, np.array([-1, -0.5, 0, 0.5, 1]) * np.pi, rtol=0, atol=1e-15
    )


def test_cell_index_closed_form():
    grid = EtaPhiGrid(4, 4, (-2.0, 2.0))
    eta = np.array([-1.5, -0.5, 0.5, 1.5, 0.5])
    phi = np.array([-3.0, -1.0, 1.0, 3.0, -0.1])
    assert grid.eta_index(eta).tolist() == [0, 1, 2, 3, 2]
    assert grid.phi_index(phi).tolist() == [0, 1, 2, 3, 1]
    assert grid.cell_index(eta, phi).tolist() == [0, 5, 10, 15, 9]


@pytest.mark.parametrize(("n_eta", "n_phi"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_center_of_every_cell(n_eta, n_phi, dtype):
    grid = EtaPhiGrid(n_eta, n_phi)
    eta = ((grid.edges_in_eta[1:] + grid.edges_in_eta[:-1]) / 2).astype(dtype)
    phi = ((grid.edges_in_phi[1:] + grid.edges_in_phi[:-1]) / 2).astype(dtype)
    cells = grid.cell_index(*(axis.ravel() for axis in np.meshgrid(eta, phi, indexing="ij")))
    assert np.array_equal(cells, np.arange(grid.n_cells))


@pytest.mark.parametrize(("n_eta", "n_phi"), SHAPES)
def test_both_sides_of_every_edge(n_eta, n_phi):
    grid = EtaPhiGrid(n_eta, n_phi)
    near = 1e-13  # some roundings
    assert np.array_equal(grid.eta_index(grid.edges_in_eta[:-1] + near), np.arange(n_eta))
    assert np.array_equal(grid.eta_index(grid.edges_in_eta[1:] - near), np.arange(n_eta))
    assert np.array_equal(grid.phi_index(grid.edges_in_phi[:-1] + near), np.arange(n_phi))
    assert np.array_equal(grid.phi_index(grid.edges_in_phi[1:] - near), np.arange(n_phi))


@pytest.mark.parametrize(("n_eta", "n_phi"), SHAPES)
def test_edges_belong_to_the_cell_above(n_eta, n_phi):
    grid = EtaPhiGrid(n_eta, n_phi)
    assert np.array_equal(grid.eta_index(grid.edges_in_eta), [*range(n_eta), OUTSIDE])
    assert np.array_equal(grid.phi_index(grid.edges_in_phi), [*range(n_phi), 0])


@pytest.mark.parametrize("n_phi", [1, 3, 16, 63, 64, 224])
@pytest.mark.parametrize(
    ("phi", "column"),
    [
        (-np.pi, 0),
        (np.pi, 0),  # the same direction
        (np.float32(np.pi), 0),  # exceeds pi
        (np.float32(-np.pi), -1),  # lies below -pi
        (np.nextafter(np.float32(np.pi), np.float32(0)), -1),
        (3 * np.pi + 1e-9, 0),
        (-3 * np.pi - 1e-9, -1),
    ],
)
def test_ends_of_phi(n_phi, phi, column):
    assert EtaPhiGrid(8, n_phi).phi_index(phi) == column % n_phi


def test_float32_arrays_are_computed_in_float64():
    phi = np.array([np.pi, -np.pi], dtype=np.float32)
    assert EtaPhiGrid(8, 64).phi_index(phi).tolist() == [0, 63]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_is_outside(value):
    grid = EtaPhiGrid()
    assert grid.phi_index(value) == OUTSIDE
    assert grid.eta_index(value) == OUTSIDE
    assert grid.cell_index(np.array([0.0, value]), np.array([value, 0.0])).tolist() == [
        OUTSIDE,
        OUTSIDE,
    ]


def test_absurdly_large_phi_is_no_error():
    index = EtaPhiGrid().phi_index(np.array([1e30, -1e30, 1e200, np.finfo(float).max]))
    assert np.all((index >= OUTSIDE) & (index < 64))


def test_edges_of_eta():
    grid = EtaPhiGrid(8, 8, (-2.5, 2.5))
    below, above = np.nextafter(-2.5, -3), np.nextafter(2.5, 0)
    eta = np.array([-2.5, below, 2.5, above, 999.9, -999.9])
    assert grid.eta_index(eta).tolist() == [0, OUTSIDE, OUTSIDE, 7, OUTSIDE, OUTSIDE]


@pytest.mark.parametrize("eta_range", [(-2.5, 2.5), (0.1, 0.7), (-3.3, 1.1)])
def test_just_below_the_upper_edge_is_the_last_row(eta_range):
    for n_eta in range(1, 300):
        assert (
            EtaPhiGrid(n_eta, 8, eta_range).eta_index(np.nextafter(eta_range[1], -9)) == n_eta - 1
        )


def test_cells_of_unequal_size_in_eta():
    grid = EtaPhiGrid.with_eta_edges((-4.9, -2.5, -1.0, 1.5, 4.9), 8)
    assert (grid.n_eta, grid.n_phi, grid.eta_range, grid.n_cells) == (4, 8, (-4.9, 4.9), 32)
    eta = [-5.0, -4.9, -2.6, -2.5, -1.1, 0.0, 1.499, 1.5, 4.8, 4.9, np.nan]
    assert grid.eta_index(eta).tolist() == [OUTSIDE, 0, 0, 1, 1, 2, 2, 3, 3, OUTSIDE, OUTSIDE]
    assert grid.edges_in_eta.tolist() == [-4.9, -2.5, -1.0, 1.5, 4.9]
    assert grid == EtaPhiGrid(4, 8, (-4.9, 4.9), (-4.9, -2.5, -1.0, 1.5, 4.9))
    assert grid != EtaPhiGrid(4, 8, (-4.9, 4.9))


@pytest.mark.parametrize(
    "edges", [(), (1.0,), (0.0, 0.0), (0.0, 2.0, 1.0), (0.0, np.nan), (0.0, np.inf)]
)
def test_eta_edges_must_ascend(edges):
    with pytest.raises(
        InputError, match=r"eta_edges .* must be at least two finite, ascending numbers"
    ):
        EtaPhiGrid.with_eta_edges(edges, 8)


def test_eta_edges_must_be_one_more_than_cells():
    with pytest.raises(
        InputError, match="eta_edges: 3 edges for 3 cells; give one more than cells"
    ):
        EtaPhiGrid(3, 8, eta_edges=(0.0, 1.0, 2.0))


def test_jet_grid_closed_form():
    grid = JetGrid(4, 2, 0.8)
    eta = np.array([-0.4, -0.21, 0.0, 0.399, 0.4, -0.401, np.nan, 0.1])
    phi = np.array([-0.4, 0.0, -0.01, 0.399, 0.1, 0.1, 0.1, 0.4])
    assert grid.cell_index(eta, phi).tolist() == [0, 1, 4, 7, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE]
    np.testing.assert_allclose(grid.edges_in_eta, [-0.4, -0.2, 0, 0.2, 0.4], atol=1e-15)
    assert grid.edges_in_phi.tolist() == [-0.4, 0, 0.4]
    assert grid.n_cells == 8


@pytest.mark.parametrize("width", [0.0, -1.0, np.nan, np.inf])
def test_jet_grid_needs_a_width(width):
    with pytest.raises(InputError, match=r"width .* must be positive and finite"):
        JetGrid(4, 4, width)


@given(grids, st.floats(-np.pi, np.pi), st.integers(-5, 5))
def test_full_turns_change_nothing(grid, phi, turns):
    column = grid.n_phi * (phi + np.pi) / (2 * np.pi)
    if abs(column - np.round(column)) > 1e-9:  # elsewhere rounding decides
        assert grid.phi_index(phi + turns * 2 * np.pi) == grid.phi_index(phi)


@given(grids, st.floats(width=64), st.floats(width=64))
def test_index_is_a_cell_or_outside(grid, eta, phi):
    cell = grid.cell_index(eta, phi)
    inside = grid.eta_range[0] <= eta < grid.eta_range[1] and abs(phi) < 1e300
    assert (0 <= cell < grid.n_cells) if inside else (cell == OUTSIDE or abs(phi) >= 1e300)


@given(grids, st.floats(-10, 10), st.floats(-np.pi, np.pi))
def test_cell_contains_the_point(grid, eta, phi):
    row, column = grid.eta_index(eta), grid.phi_index(phi)
    if row != OUTSIDE:
        assert grid.edges_in_eta[row] <= eta < grid.edges_in_eta[row + 1]
    if phi < np.pi:
        assert grid.edges_in_phi[column] <= phi < grid.edges_in_phi[column + 1]


def test_arguments_stay_as_they_are():
    eta, phi = np.array([9.0, 0.1, np.nan]), np.array([9.0, -9.0, np.inf])
    before = eta.copy(), phi.copy()
    EtaPhiGrid().cell_index(eta, phi)
    np.testing.assert_array_equal(eta, before[0])
    np.testing.assert_array_equal(phi, before[1])


def test_no_points():
    cells = EtaPhiGrid().cell_index(np.zeros(0), np.zeros(0))
    assert cells.shape == (0,)
    assert cells.dtype == np.int64


@pytest.mark.parametrize("shape", [(0, 8), (8, 0), (-1, 8)])
def test_number_of_cells_must_be_positive(shape):
    with pytest.raises(
        InputError, match=f"grid {shape[0]}x{shape[1]}: both numbers of cells must be at least 1"
    ):
        EtaPhiGrid(*shape)


@pytest.mark.parametrize(
    "eta_range", [(1.0, 1.0), (2.0, -2.0), (np.nan, 1.0), (-np.inf, 1.0), (0.0, np.inf)]
)
def test_eta_range_must_be_ascending_and_finite(eta_range):
    with pytest.raises(InputError, match=r"eta_range .* must be two finite, ascending numbers"):
        EtaPhiGrid(8, 8, eta_range)


def test_largest_number_of_cells_has_an_index_of_32_bits():
    assert EtaPhiGrid(2047, 2**20).n_cells == 2047 * 2**20
    with pytest.raises(InputError, match="2048x1048576: more than 2147483647 cells"):
        EtaPhiGrid(2048, 2**20)


def test_two_edges_make_one_cell():
    grid = EtaPhiGrid.with_eta_edges((-1.0, 2.0), 8)
    assert grid.n_cells == 8
    assert grid.eta_index([-1.1, -1.0, 1.9, 2.0]).tolist() == [OUTSIDE, 0, 0, OUTSIDE]


@pytest.mark.parametrize("width", [0.6, 0.8, 1.0, 1.2, 1.6, 2.0])
@pytest.mark.parametrize("n_cells", [1, 7, 33])
def test_just_below_the_edge_of_a_jet_is_the_last_cell(width, n_cells):
    below = np.nextafter(width / 2, 0)
    grid = JetGrid(n_cells, n_cells, width)
    assert grid.cell_index([below, below, -width / 2], [below, -width / 2, below]).tolist() == [
        n_cells**2 - 1,
        n_cells * (n_cells - 1),
        n_cells - 1,
    ]
