"""The cells of an image: axes, periodic phi, cell index.

Radians; eta and phi grow with the index; phi in [-pi, pi). The lower edge of a cell belongs to it,
the upper one to the next.
"""

from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.core.kinematics import wrap_phi
from calovision.core.numeric import float_array, same_shape, whole_number

OUTSIDE = -1
WIDEST = 1000.0  # rad: more than any eta that float64 can tell from the beam axis
MOST_ON_AN_AXIS = 2**20
MOST_CELLS = 2**31 - 1  # their index is an int32 where images are filled


@dataclass(frozen=True)
class EtaPhiGrid:
    """Cells of the whole detector in eta and phi; phi covers the full circle and is periodic.

    Parameters
    ----------
    n_eta, n_phi
        Number of cells.
    eta_range
        Lower edge (inside) and upper edge (outside) in eta.
    eta_edges
        The edges of cells of unequal size, ``n_eta + 1`` ascending numbers; None for equal cells.
        They decide ``eta_range``, see `with_eta_edges`.

    Raises
    ------
    InputError
        If a number of cells is not positive, or the eta range or the edges are not ascending and
        finite.
    """

    n_eta: int = 64
    n_phi: int = 64
    eta_range: tuple[float, float] = (-2.5, 2.5)
    eta_edges: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _check_numbers_of_cells(self, "grid")
        if self.eta_edges is not None:
            edges = _as_floats(self.eta_edges, "eta_edges")
            if len(edges) < 2 or not _ascend(edges):
                raise InputError(
                    f"eta_edges {list(edges)}: must be at least two finite, ascending numbers"
                )
            if len(edges) != self.n_eta + 1:
                raise InputError(
                    f"eta_edges: {len(edges)} edges for {self.n_eta} cells; give one more than "
                    "cells"
                )
            object.__setattr__(self, "eta_edges", edges)
            object.__setattr__(self, "eta_range", (edges[0], edges[-1]))
        eta_range = _as_floats(self.eta_range, "eta_range")
        if len(eta_range) != 2 or not _ascend(eta_range):
            raise InputError(f"eta_range {list(eta_range)}: must be two finite, ascending numbers")
        object.__setattr__(self, "eta_range", eta_range)
        _check_sizes_of_cells(
            self.edges_in_eta,
            f"grid: {self.n_eta} cells between eta {eta_range[0]} and {eta_range[1]}",
        )

    @classmethod
    def with_eta_edges(
        cls, eta_edges: "np.ndarray | tuple[float, ...]", n_phi: int
    ) -> "EtaPhiGrid":
        """Grid with cells of unequal size in eta."""
        edges = _as_floats(eta_edges, "eta_edges")
        return cls(max(len(edges) - 1, 1), n_phi, eta_edges=edges)

    @property
    def n_cells(self) -> int:
        """Number of cells of one channel."""
        return self.n_eta * self.n_phi

    @property
    def edges_in_eta(self) -> np.ndarray:
        """Edges in eta, ``(n_eta + 1,)``."""
        return (
            np.linspace(*self.eta_range, self.n_eta + 1)
            if self.eta_edges is None
            else np.asarray(self.eta_edges)
        )

    @property
    def edges_in_phi(self) -> np.ndarray:
        """Edges in phi, ``(n_phi + 1,)``, radians."""
        return np.linspace(-np.pi, np.pi, self.n_phi + 1)

    def eta_index(self, eta: np.ndarray) -> np.ndarray:
        """Row of each pseudorapidity; ``OUTSIDE`` beyond the range and for NaN."""
        eta = float_array(eta, "eta")
        inside = (eta >= self.eta_range[0]) & (eta < self.eta_range[1])
        return np.where(inside, np.searchsorted(self.edges_in_eta, eta, side="right") - 1, OUTSIDE)

    def phi_index(self, phi: np.ndarray) -> np.ndarray:
        """Column of each azimuth, any number of turns away; ``OUTSIDE`` for NaN and infinity.

        In float64 whatever the input: float32(pi) exceeds pi and belongs to column 0, which float32
        arithmetic would miss.
        """
        wrapped = wrap_phi(phi)
        column = np.searchsorted(self.edges_in_phi, wrapped, side="right") - 1
        return np.where(np.isfinite(wrapped), np.clip(column, 0, self.n_phi - 1), OUTSIDE)

    def cell_index(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Flat cell ``eta_index * n_phi + phi_index`` of each point; ``OUTSIDE`` if either is
        outside.
        """
        eta, phi = same_shape(eta=eta, phi=phi)
        return _flat_index(self.eta_index(eta), self.phi_index(phi), self.n_phi)


@dataclass(frozen=True)
class JetGrid:
    """Equal cells of a square window around a jet axis; coordinates are relative to the axis.

    Parameters
    ----------
    n_eta, n_phi
        Number of cells.
    width
        Length of the window in eta and in phi, rad; it reaches from -width/2 (inside) to width/2
        (outside).

    Raises
    ------
    InputError
        If a number of cells or the width is not positive.
    """

    n_eta: int
    n_phi: int
    width: float

    def __post_init__(self) -> None:
        _check_numbers_of_cells(self, "jet grid")
        (width,) = _as_floats([self.width], "jet grid: the width")
        if not 0 < width <= WIDEST:
            raise InputError(
                f"jet grid: the width {width} must be positive and finite, at most {WIDEST:g}"
            )
        object.__setattr__(self, "width", width)
        _check_sizes_of_cells(
            self.edges_in_eta, f"jet grid: {self.n_eta} cells in a width of {width}"
        )
        _check_sizes_of_cells(
            self.edges_in_phi, f"jet grid: {self.n_phi} cells in a width of {width}"
        )

    @property
    def n_cells(self) -> int:
        """Number of cells of one channel."""
        return self.n_eta * self.n_phi

    @property
    def edges_in_eta(self) -> np.ndarray:
        """Edges in eta relative to the axis, ``(n_eta + 1,)``."""
        return np.linspace(-self.width / 2, self.width / 2, self.n_eta + 1)

    @property
    def edges_in_phi(self) -> np.ndarray:
        """Edges in phi relative to the axis, ``(n_phi + 1,)``, radians."""
        return np.linspace(-self.width / 2, self.width / 2, self.n_phi + 1)

    def cell_index(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Flat cell ``eta_index * n_phi + phi_index`` of points relative to the axis; ``OUTSIDE``
        beyond the window.
        """
        half = self.width / 2
        eta, phi = same_shape(eta=eta, phi=phi)
        row = _index_in_range(eta, -half, half, self.n_eta)
        column = _index_in_range(phi, -half, half, self.n_phi)
        return _flat_index(row, column, self.n_phi)


def _index_in_range(values: np.ndarray, low: float, high: float, n_cells: int) -> np.ndarray:
    """Index of each value among equal cells; ``OUTSIDE`` beyond the range and for NaN."""
    # NaN compares false, so it counts as outside like everything beyond the range.
    inside = (values >= low) & (values < high)
    position = np.where(inside, values, low) - low
    # Rounding may lift a value just below the upper edge onto n_cells.
    index = np.minimum((n_cells * position / (high - low)).astype(np.int64), n_cells - 1)
    return np.where(inside, index, OUTSIDE)


def _flat_index(row: np.ndarray, column: np.ndarray, n_columns: int) -> np.ndarray:
    return np.where((row == OUTSIDE) | (column == OUTSIDE), OUTSIDE, row * n_columns + column)


def _ascend(edges: tuple[float, ...] | np.ndarray) -> bool:
    """Test that the numbers and their differences are finite and ascending."""
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.diff(edges)
        return bool(np.all(np.isfinite(edges)) and np.all((steps > 0) & (steps < np.inf)))


def _check_numbers_of_cells(grid: EtaPhiGrid | JetGrid, what: str) -> None:
    """Make them ints; InputError unless they are, at least 1, and few enough to be counted."""
    for name in ("n_eta", "n_phi"):
        number = whole_number(getattr(grid, name), f"{what}: {name}", at_most=MOST_ON_AN_AXIS)
        object.__setattr__(grid, name, number)
    if grid.n_eta < 1 or grid.n_phi < 1:
        raise InputError(
            f"{what} {grid.n_eta}x{grid.n_phi}: both numbers of cells must be at least 1"
        )
    if grid.n_cells > MOST_CELLS:
        raise InputError(f"{what} {grid.n_eta}x{grid.n_phi}: more than {MOST_CELLS} cells")


def _check_sizes_of_cells(edges: np.ndarray, what: str) -> None:
    if not _ascend(edges):
        raise InputError(
            f"{what}: float64 does not tell their edges apart; give fewer or larger cells"
        )


def _as_floats(values: object, name: str) -> tuple[float, ...]:
    """Tuple of plain floats."""
    array = float_array(values, name)
    if array.ndim != 1:
        raise InputError(f"{name} {values!r}: must be a list of numbers")
    return tuple(array.tolist())
