"""Any coordinates in any layout: the cell that the edges say."""

import numpy as np
import pytest
from fakes_arrays import laid_out
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calovision.core.errors import InputError
from calovision.core.kinematics import delta_phi, massless_momenta, pt_eta_phi_mass, wrap_phi
from calovision.images.grid import OUTSIDE, EtaPhiGrid, JetGrid

GRIDS = st.sampled_from(
    [
        EtaPhiGrid(),
        EtaPhiGrid(5, 7, (-1.0, 3.0)),
        EtaPhiGrid.with_eta_edges((-4.9, -1.0, 0.1, 2.5), 3),
    ]
)
COORDINATES = arrays(np.float64, st.integers(0, 6), elements=st.floats())


@given(GRIDS, COORDINATES, st.data())
def test_row_is_the_one_between_the_edges(grid, eta, data):
    edges = grid.edges_in_eta
    expected = [
        sum(edges <= value) - 1 if edges[0] <= value < edges[-1] else OUTSIDE for value in eta
    ]
    assert grid.eta_index(data.draw(laid_out(eta))).tolist() == expected


@given(GRIDS, COORDINATES, st.data())
def test_column_contains_the_angle(grid, phi, data):
    column, edges = grid.phi_index(data.draw(laid_out(phi))), grid.edges_in_phi
    wrapped = wrap_phi(phi)
    finite = np.abs(phi) < 1e300  # what is wrapped beyond may be NaN
    assert np.all((wrapped[finite] >= -np.pi) & (wrapped[finite] < np.pi))
    assert np.all(column[~np.isfinite(phi)] == OUTSIDE)
    inside = np.clip(column[finite], 0, grid.n_phi - 1)
    assert np.array_equal(column[finite], inside)
    assert np.all((edges[inside] <= wrapped[finite]) & (wrapped[finite] < edges[inside + 1]))


@given(COORDINATES, st.data())
def test_momenta_in_any_layout(values, data):
    """Never a warning, the same numbers in any layout, NaN only from what is not finite."""
    e, eta, phi = values, values[::-1].copy(), np.roll(values, 1)
    massless = massless_momenta(*(data.draw(laid_out(array)) for array in (e, eta, phi)))
    for name, component in massless_momenta(e, eta, phi).items():
        np.testing.assert_allclose(
            massless[name], component, rtol=1e-12
        )  # numpy rounds by the layout
    coordinates = pt_eta_phi_mass(*(data.draw(laid_out(array)) for array in (e, eta, phi, e)))
    for name, coordinate in pt_eta_phi_mass(e, eta, phi, e).items():
        if name == "mass":  # the difference of two nearly equal numbers
            np.testing.assert_array_equal(np.isnan(coordinates[name]), np.isnan(coordinate))
        else:
            np.testing.assert_allclose(coordinates[name], coordinate, rtol=1e-12)
    difference = delta_phi(data.draw(laid_out(phi)), data.draw(laid_out(eta)))
    small = (np.abs(phi) < 1e300) & (np.abs(eta) < 1e300)
    assert np.all((difference[small] >= -np.pi) & (difference[small] < np.pi))
    assert np.all(np.isnan(coordinates["pt"][np.isnan(e) & ~np.isinf(eta)]))


@given(
    st.sampled_from([None, "a", "1.0", [None, 1.0], [[1.0], [1.0, 2.0]], 1j, np.datetime64("2020")])
    | st.just(np.ma.array([1.0, 2.0], mask=[True, False]))
    | st.lists(st.text() | st.none(), min_size=1, max_size=3)
)
def test_what_is_no_number_is_refused(values):
    for function in (EtaPhiGrid().eta_index, EtaPhiGrid().phi_index, wrap_phi):
        with pytest.raises(InputError):
            function(values)
    for function in (delta_phi, EtaPhiGrid().cell_index, JetGrid(3, 3, 1.0).cell_index):
        with pytest.raises(InputError):
            function(values, 0.0)
        with pytest.raises(InputError):
            function(np.zeros(2), np.zeros(3))


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.just(np.int64(4))
)


@given(
    ANYTHING,
    ANYTHING,
    ANYTHING | st.tuples(ANYTHING, ANYTHING),
    st.lists(st.floats(), max_size=4) | ANYTHING,
)
def test_a_grid_is_right_or_refused(n_eta, n_phi, eta_range, eta_edges):
    for make in (
        lambda: EtaPhiGrid(n_eta, n_phi, eta_range),
        lambda: EtaPhiGrid.with_eta_edges(eta_edges, n_phi),
        lambda: JetGrid(n_eta, n_phi, eta_range),
    ):
        try:
            grid = make()
        except InputError:
            continue
        assert type(grid.n_eta) is type(grid.n_phi) is int
        edges = grid.edges_in_eta
        assert len(edges) == grid.n_eta + 1
        assert np.all(np.diff(edges) > 0)
        assert (
            0
            <= grid.cell_index(edges[0], 0.0 if isinstance(grid, EtaPhiGrid) else edges[0])
            < grid.n_cells
        )
