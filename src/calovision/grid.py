"""The cells of an image: axes, periodic phi, cell index.

Radians; eta and phi grow with the index; phi in [-pi, pi). The lower edge of a cell belongs to it, the upper one to the
next.
"""

from dataclasses import dataclass

import numpy as np

from calovision.errors import InputError
from calovision.kinematics import wrap_phi

OUTSIDE = -1


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
        The edges of cells of unequal size, ``n_eta + 1`` ascending numbers; None for equal cells. They decide
        ``eta_range``, see `with_eta_edges`.

    Raises
    ------
    InputError
        If a number of cells is not positive, or the eta range or the edges are not ascending and finite.
    """

    n_eta: int = 64
    n_phi: int = 64
    eta_range: tuple[float, float] = (-2.5, 2.5)
    eta_edges: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.eta_edges is not None:
            if len(self.eta_edges) < 2 or not _ascend(self.eta_edges):
                raise InputError(f"eta_edges {list(self.eta_edges)}: must be at least two finite, ascending numbers")
            if len(self.eta_edges) != self.n_eta + 1:
                raise InputError(
                    f"eta_edges: {len(self.eta_edges)} edges for {self.n_eta} cells; give one more than cells"
                )
            object.__setattr__(self, "eta_range", (self.eta_edges[0], self.eta_edges[-1]))
        if self.n_eta < 1 or self.n_phi < 1:
            raise InputError(f"grid {self.n_eta}x{self.n_phi}: both numbers of cells must be at least 1")
        if len(self.eta_range) != 2 or not _ascend(self.eta_range):
            raise InputError(f"eta_range {list(self.eta_range)}: must be two finite, ascending numbers")

    @classmethod
    def with_eta_edges(cls, eta_edges: "np.ndarray | tuple[float, ...]", n_phi: int) -> "EtaPhiGrid":
        """Grid with cells of unequal size in eta."""
        edges = tuple(float(edge) for edge in eta_edges)
        return cls(len(edges) - 1, n_phi, (edges[0], edges[-1]) if edges else (0.0, 0.0), edges)

    @property
    def n_cells(self) -> int:
        """Number of cells of one channel."""
        return self.n_eta * self.n_phi

    @property
    def edges_in_eta(self) -> np.ndarray:
        """Edges in eta, ``(n_eta + 1,)``."""
        return np.linspace(*self.eta_range, self.n_eta + 1) if self.eta_edges is None else np.asarray(self.eta_edges)

    @property
    def edges_in_phi(self) -> np.ndarray:
        """Edges in phi, ``(n_phi + 1,)``, radians."""
        return np.linspace(-np.pi, np.pi, self.n_phi + 1)

    def eta_index(self, eta: np.ndarray) -> np.ndarray:
        """Row of each pseudorapidity; ``OUTSIDE`` beyond the range and for NaN."""
        eta = np.asarray(eta, dtype=np.float64)
        inside = (eta >= self.eta_range[0]) & (eta < self.eta_range[1])
        return np.where(inside, np.searchsorted(self.edges_in_eta, eta, side="right") - 1, OUTSIDE)

    def phi_index(self, phi: np.ndarray) -> np.ndarray:
        """Column of each azimuth, any number of turns away; ``OUTSIDE`` for NaN and infinity.

        In float64 whatever the input: float32(pi) exceeds pi and belongs to column 0, which float32
        arithmetic would miss.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # infinity becomes NaN
            wrapped = wrap_phi(phi)
        column = np.searchsorted(self.edges_in_phi, wrapped, side="right") - 1
        return np.where(np.isfinite(wrapped), np.clip(column, 0, self.n_phi - 1), OUTSIDE)

    def cell_index(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Flat cell ``eta_index * n_phi + phi_index`` of each point; ``OUTSIDE`` if either is outside."""
        return _flat_index(self.eta_index(eta), self.phi_index(phi), self.n_phi)


@dataclass(frozen=True)
class JetGrid:
    """Equal cells of a square window around a jet axis; coordinates are relative to the axis.

    Parameters
    ----------
    n_eta, n_phi
        Number of cells.
    width
        Length of the window in eta and in phi, rad; it reaches from -width/2 (inside) to width/2 (outside).

    Raises
    ------
    InputError
        If a number of cells or the width is not positive.
    """

    n_eta: int
    n_phi: int
    width: float

    def __post_init__(self) -> None:
        if self.n_eta < 1 or self.n_phi < 1:
            raise InputError(f"jet grid {self.n_eta}x{self.n_phi}: both numbers of cells must be at least 1")
        if not (np.isfinite(self.width) and self.width > 0):
            raise InputError(f"jet grid: the width {self.width} must be positive and finite")

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
        """Flat cell ``eta_index * n_phi + phi_index`` of points relative to the axis; ``OUTSIDE`` beyond the window."""
        half = self.width / 2
        row = _index_in_range(np.asarray(eta, dtype=np.float64), -half, half, self.n_eta)
        column = _index_in_range(np.asarray(phi, dtype=np.float64), -half, half, self.n_phi)
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


def _ascend(edges: tuple[float, ...]) -> bool:
    """Whether the numbers are finite and ascending."""
    return bool(np.all(np.isfinite(edges)) and np.all(np.diff(edges) > 0))
