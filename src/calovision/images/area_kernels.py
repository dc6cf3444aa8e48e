"""Compiled loops that divide rectangles among the cells that they overlap; `areas.reference` is the
same in plain numpy.

Both axes have edges; the numbers of columns repeat after ``n_columns``, so that a circle is an axis
of several turns.
"""

import numpy as np

from calovision.core.compiled import njit
from calovision.images.grid import OUTSIDE

ON_EDGE = 1e-4
"""Of a cell: an edge of a rectangle that is closer than this to one of a cell lies on it, since
coordinates in 32 bits are rounded, and a share of 1e-7 of a tower is none."""
CACHED = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**CACHED)
def _cell(edges, value):
    """Cell of an axis from its lower edge to below its upper one; -1 or the number of cells
    outside.

    Between equal edges it is where the value lies on a straight line, up to rounding.
    """
    n = len(edges) - 1
    if value < edges[0]:
        return -1
    if value >= edges[n]:
        return n
    guess = min(int((value - edges[0]) * (n / (edges[n] - edges[0]))), n - 1)
    if edges[guess] <= value < edges[guess + 1]:
        return guess
    low, high = 0, n + 1  # edges[low - 1] <= value < edges[high]
    while low < high:
        middle = (low + high) >> 1
        if edges[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low - 1


@njit(**CACHED)
def _span(center, size, edges):
    """Cells of an axis that an interval overlaps, ``first`` to ``last``, and its ends.

    ``last`` is below ``first`` where none is; an interval without a width is at the lower edge of
    the cell that it lies in, with the ends NaN.
    """
    n = len(edges) - 1
    low, high = center - size / 2, center + size / 2
    first, last = _cell(edges, low), _cell(edges, high)
    if last >= 0 and edges[last] == high:
        last -= 1
    # the edge nearest to each end
    width = edges[min(max(first, 0), n - 1) + 1] - edges[min(max(first, 0), n - 1)]
    if first < n and edges[first + 1] - low < ON_EDGE * width:
        first += 1
        low = edges[first]
    elif first >= 0 and low - edges[first] < ON_EDGE * width:
        low = edges[first]
    width = edges[min(max(last, 0), n - 1) + 1] - edges[min(max(last, 0), n - 1)]
    if last >= 0 and high - edges[last] < ON_EDGE * width:
        high = edges[last]
        last -= 1
    elif last < n and edges[last + 1] - high < ON_EDGE * width:
        high = edges[last + 1]
    if not low < high:
        cell = _cell(edges, center)
        inside = 0 <= cell < n
        return (cell if inside else 0), (cell if inside else -1), np.nan, np.nan
    return max(first, 0), min(last, n - 1), low, high


@njit(**CACHED)
def _inside(first, last, low, high, edges):
    """Share of an interval between the first and the last edge."""
    if not low < high:
        return 1.0 if last >= first else 0.0
    outside = max(0.0, min(high, edges[0]) - low) + max(0.0, high - max(low, edges[-1]))
    return 1.0 - outside / (high - low)


@njit(**CACHED)
def _share(cell, low, high, edges):
    """Share of an interval in a cell of an axis."""
    if not low < high:
        return 1.0
    return (min(high, edges[cell + 1]) - max(low, edges[cell])) / (high - low)


@njit(**CACHED)
def count_pieces(y, x, y_size, x_size, y_edges, x_edges, n_pieces):
    """Write the number of pieces of each rectangle: the cells that it overlaps, and one for what is
    outside; at least one.
    """
    for i in range(len(y)):
        n_pieces[i] = 1
        if not (np.isfinite(y[i]) and np.isfinite(x[i])):
            continue
        first_row, last_row, low, high = _span(y[i], y_size[i], y_edges)
        inside = _inside(first_row, last_row, low, high, y_edges)
        first, last, left, right = _span(x[i], x_size[i], x_edges)
        inside *= _inside(first, last, left, right, x_edges)
        n_cells = max(last_row - first_row + 1, 0) * max(last - first + 1, 0)
        n_pieces[i] = n_cells + 1 if inside < 1.0 else n_cells


@njit(**CACHED)
def fill_pieces(y, x, y_size, x_size, y_edges, x_edges, n_columns, member, cell, share):
    """Write the pieces that `count_pieces` counted, one rectangle after the other."""
    at = 0
    for i in range(len(y)):
        if not (np.isfinite(y[i]) and np.isfinite(x[i])):
            member[at], cell[at], share[at] = i, OUTSIDE, 1.0
            at += 1
            continue
        first_row, last_row, low, high = _span(y[i], y_size[i], y_edges)
        inside = _inside(first_row, last_row, low, high, y_edges)
        first, last, left, right = _span(x[i], x_size[i], x_edges)
        inside *= _inside(first, last, left, right, x_edges)
        for row in range(first_row, last_row + 1):
            of_row = _share(row, low, high, y_edges)
            for column in range(first, last + 1):
                member[at], cell[at] = i, row * n_columns + column % n_columns
                share[at] = of_row * _share(column, left, right, x_edges)
                at += 1
        if inside < 1.0:
            member[at], cell[at], share[at] = i, OUTSIDE, 1.0 - inside
            at += 1
