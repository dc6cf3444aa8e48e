"""Towers and constituents with a size: rectangles that are divided among the cells by area.

``eta_size`` and ``phi_size`` are full widths. What a rectangle holds is divided among the cells
that it overlaps, and what is outside of the grid; the circle in phi is closed. A size of 0 is a
point. An edge closer than 1e-4 of a cell to one of a cell lies on it (`area_kernels.ON_EDGE`).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from calovision.core.errors import EntryError, InputError
from calovision.core.kinematics import wrap_phi
from calovision.core.records import FlatRecords
from calovision.images.grid import OUTSIDE, EtaPhiGrid, JetGrid

SIZES = ("eta_size", "phi_size")
"""Fields of towers and constituents, rad."""
LARGEST_SIZE = 1000.0
"""Of a tower: beyond any detector."""


class Axes(NamedTuple):
    """Edges of the cells along eta and along phi.

    ``columns`` goes on for several turns where phi is a circle; the number of a column is that
    modulo ``n_phi``. ``middles`` are those of the cells ``(n_eta, n_phi, 2)``.
    """

    rows: np.ndarray
    columns: np.ndarray
    n_phi: int
    is_circle: bool
    middles: np.ndarray

    @classmethod
    def of(cls, grid: EtaPhiGrid | JetGrid) -> "Axes":
        """Axes of a grid."""
        rows, in_phi = np.asarray(grid.edges_in_eta, dtype=np.float64), grid.edges_in_phi
        middles = np.stack(
            np.meshgrid((rows[1:] + rows[:-1]) / 2, (in_phi[1:] + in_phi[:-1]) / 2, indexing="ij"),
            axis=-1,
        )
        if isinstance(grid, JetGrid):
            return cls(rows, np.asarray(in_phi, dtype=np.float64), grid.n_phi, False, middles)
        columns = np.arange(-grid.n_phi, 2 * grid.n_phi + 1, dtype=np.float64)
        return cls(rows, columns, grid.n_phi, True, middles)

    def along_phi(self, phi: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions and widths in the unit of ``columns``."""
        if not self.is_circle:
            return phi, size
        per_radian = self.n_phi / (2 * np.pi)
        return (wrap_phi(phi) + np.pi) * per_radian, np.minimum(size * per_radian, self.n_phi)


class Pieces(NamedTuple):
    """Pieces of rectangles, one rectangle after the other.

    Attributes
    ----------
    ends
        Where the pieces of each rectangle begin, and the end of the last, int64 ``(n + 1,)``.
    member
        Rectangle of each piece, int64 ``(n_pieces,)``.
    cell
        Its flat cell, int64; `OUTSIDE` for what is outside of the grid.
    share
        Of the rectangle, float64; those of a rectangle add up to 1.
    """

    ends: np.ndarray
    member: np.ndarray
    cell: np.ndarray
    share: np.ndarray


def divide(
    eta: np.ndarray, phi: np.ndarray, eta_size: np.ndarray, phi_size: np.ndarray, axes: Axes
) -> Pieces:
    """Pieces of rectangles with these middles and widths, each ``(n,)``; where a coordinate is not
    finite all is outside.
    """
    y, eta_size = (np.ascontiguousarray(one, dtype=np.float64) for one in (eta, eta_size))
    x, width = axes.along_phi(phi.astype(np.float64), phi_size.astype(np.float64))
    x, width = np.ascontiguousarray(x), np.ascontiguousarray(width)
    try:
        from calovision.images.area_kernels import count_pieces, fill_pieces
    except ImportError:  # no numba
        from calovision.images.area_reference import divide_with_numpy

        return Pieces(
            *divide_with_numpy(y, x, eta_size, width, axes.rows, axes.columns, axes.n_phi)
        )
    n_pieces = np.empty(len(y), dtype=np.int64)
    count_pieces(y, x, eta_size, width, axes.rows, axes.columns, n_pieces)
    ends = np.concatenate([[0], np.cumsum(n_pieces)])
    member, cell = (np.empty(ends[-1], dtype=np.int64) for _ in range(2))
    share = np.empty(ends[-1])
    fill_pieces(y, x, eta_size, width, axes.rows, axes.columns, axes.n_phi, member, cell, share)
    return Pieces(ends, member, cell, share)


def have_sizes(fields: Iterable[str], name: str) -> bool:
    """Tell whether members of a collection have a size.

    Raises
    ------
    InputError
        If they have one of `SIZES` only.
    """
    found = [size for size in SIZES if size in fields]
    if len(found) == 1:
        (other,) = set(SIZES) - set(found)
        raise InputError(f"{name} have {found[0]} but no {other}; give both, or neither")
    return bool(found)


def require_sizes(records: FlatRecords, name: str, of: str = "event") -> None:
    """Raise EntryError for a size that is no width."""
    first, last = records.span
    for field in SIZES:
        column = records.columns[field][first:last]
        is_wrong = ~((column >= 0) & (column <= LARGEST_SIZE))  # both are false for NaN
        if is_wrong.any():
            entry = int(np.argmax(is_wrong))
            raise EntryError(
                records.row_of(first + entry),
                f"{name}.{field}",
                f"is {column[entry]:g}; it must be the full width of the cell, 0 for a point",
                of=of,
            )


def coordinates_of(pieces: Pieces, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Middles of the cells of the pieces, ``(n_pieces,)`` along eta and along phi; NaN outside."""
    middles = np.concatenate([axes.middles.reshape(-1, 2), np.full((1, 2), np.nan)])
    assert OUTSIDE == -1  # the last row
    eta, phi = middles[pieces.cell].T
    return eta, phi
