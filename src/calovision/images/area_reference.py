"""Rectangles divided among cells in plain numpy: for tests, and where numba is missing.

Every rectangle is compared with every cell of an axis, so that it is slow where there are many.
"""

import numpy as np

from calovision.images.grid import OUTSIDE

ON_EDGE = 1e-4  # as in `area_kernels`


def divide_with_numpy(
    y: np.ndarray,
    x: np.ndarray,
    y_size: np.ndarray,
    x_size: np.ndarray,
    y_edges: np.ndarray,
    x_edges: np.ndarray,
    n_columns: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ends, member, cell and share of the pieces (`areas.Pieces`)."""
    finite = np.isfinite(y) & np.isfinite(x)
    rows = _shares(np.where(finite, y, y_edges[0] - 1), y_size, y_edges)  # (n, n_rows)
    columns = _shares(np.where(finite, x, x_edges[0] - 1), x_size, x_edges)
    shares = rows[:, :, None] * columns[:, None, :]
    outside = 1 - rows.sum(axis=1) * columns.sum(axis=1)
    outside = np.where(outside > 1e-12, outside, 0.0)
    member, row, column = np.nonzero(shares)
    outer = np.flatnonzero(outside)
    member, cell, share = (
        np.concatenate(both)
        for both in (
            (member, outer),
            (row * n_columns + column % n_columns, np.full(len(outer), OUTSIDE)),
            (shares[member, row, column], outside[outer]),
        )
    )
    order = np.argsort(member, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(member, minlength=len(y)))])
    return ends, member[order], cell[order], share[order]


def _shares(center: np.ndarray, size: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of each interval in each cell of an axis, ``(n, n_cells)``."""
    low, high = (_on_edges(center + sign * size / 2, edges) for sign in (-1, 1))
    widths = np.minimum(high[:, None], edges[1:]) - np.maximum(low[:, None], edges[:-1])
    length = (high - low)[:, None]
    is_inside = (edges[:-1] <= center[:, None]) & (center[:, None] < edges[1:])
    shares = np.maximum(widths, 0) / np.where(length > 0, length, 1)
    return np.where(length > 0, shares, is_inside)


def _on_edges(ends: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Ends of intervals, put on the edge that is closer than `ON_EDGE` of the cell beside it."""
    widths = np.diff(edges)
    for edge, below, above in zip(edges, [widths[0], *widths], [*widths, widths[-1]], strict=True):
        distance = ends - edge
        near = (distance >= 0) & (distance < ON_EDGE * above)
        near |= (distance < 0) & (-distance < ON_EDGE * below)
        ends = np.where(near, edge, ends)
    return ends
