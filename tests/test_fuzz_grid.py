"""Any coordinates in any layout: the cell that the edges say."""

import numpy as np
from fakes_arrays import laid_out
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calovision.grid import OUTSIDE, EtaPhiGrid

GRIDS = st.sampled_from(
    [EtaPhiGrid(), EtaPhiGrid(5, 7, (-1.0, 3.0)), EtaPhiGrid.with_eta_edges((-4.9, -1.0, 0.1, 2.5), 3)]
)
COORDINATES = arrays(np.float64, st.integers(0, 6), elements=st.floats())


@given(GRIDS, COORDINATES, st.data())
def test_row_is_the_one_between_the_edges(grid, eta, data):
    edges = grid.edges_in_eta
    expected = [sum(edges <= value) - 1 if edges[0] <= value < edges[-1] else OUTSIDE for value in eta]
    assert grid.eta_index(data.draw(laid_out(eta))).tolist() == expected
