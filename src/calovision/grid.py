"""The eta-phi grid of an image: axes, periodic phi, cell index.

Radians; eta and phi grow with the index; phi in [-pi, pi).
"""

from dataclasses import dataclass

import numpy as np

from calovision.errors import InputError

OUTSIDE = -1


@dataclass(frozen=True)
class EtaPhiGrid:
    """Uniform cells in eta and phi; phi covers the full circle and is periodic.

    Parameters
    ----------
    n_eta, n_phi
        Number of cells.
    eta_range
        Lower edge (inside) and upper edge (outside) in eta.

    Raises
    ------
    InputError
        If a number of cells is not positive or the eta range is not ascending and finite.
    """

    n_eta: int = 64
    n_phi: int = 64
    eta_range: tuple[float, float] = (-2.5, 2.5)

    def __post_init__(self) -> None:
        low, high = self.eta_range
        if self.n_eta < 1 or self.n_phi < 1:
            raise InputError(f"grid {self.n_eta}x{self.n_phi}: both numbers of cells must be at least 1")
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise InputError(f"eta_range [{low}, {high}]: must be two finite, ascending numbers")

    @property
    def n_cells(self) -> int:
        """Number of cells of one channel."""
        return self.n_eta * self.n_phi

    @property
    def eta_edges(self) -> np.ndarray:
        """Edges in eta, ``(n_eta + 1,)``."""
        return np.linspace(*self.eta_range, self.n_eta + 1)

    @property
    def phi_edges(self) -> np.ndarray:
        """Edges in phi, ``(n_phi + 1,)``, radians."""
        return np.linspace(-np.pi, np.pi, self.n_phi + 1)

    def eta_index(self, eta: np.ndarray) -> np.ndarray:
        """Row of each pseudorapidity; ``OUTSIDE`` beyond the range and for NaN."""
        low, high = self.eta_range
        eta = np.asarray(eta, dtype=np.float64)
        # NaN compares false, so it counts as outside like everything beyond the range.
        inside = (eta >= low) & (eta < high)
        position = np.where(inside, eta, low) - low
        # Rounding may lift a value just below the upper edge onto n_eta.
        index = np.minimum((self.n_eta * position / (high - low)).astype(np.int64), self.n_eta - 1)
        return np.where(inside, index, OUTSIDE)

    def phi_index(self, phi: np.ndarray) -> np.ndarray:
        """Column of each azimuth, any number of turns away; ``OUTSIDE`` for NaN and infinity.

        In float64 whatever the input: float32(pi) exceeds pi and belongs to column 0, which float32
        arithmetic would miss.
        """
        phi = np.asarray(phi, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # NaN and infinity become NaN
            column = np.floor(self.n_phi * ((phi + np.pi) / (2 * np.pi))) % self.n_phi
        return np.where(np.isfinite(column), column, OUTSIDE).astype(np.int64)

    def cell_index(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Flat cell ``eta_index * n_phi + phi_index`` of each point; ``OUTSIDE`` if either is outside."""
        row, column = self.eta_index(eta), self.phi_index(phi)
        return np.where((row == OUTSIDE) | (column == OUTSIDE), OUTSIDE, row * self.n_phi + column)
