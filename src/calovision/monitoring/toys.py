"""Runs that are drawn from a known map of rates, for studies and tests.

Each cell of an event is hit independently with its probability. A hit is of one or more deposits,
whose energies above the threshold are exponentially distributed: with the overall rate of a run the
energy grows in proportion, the hits of a busy cell less.
"""

from dataclasses import dataclass

import numpy as np

from calovision.images.grid import EtaPhiGrid
from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps


@dataclass(frozen=True)
class ToyDetector:
    """Rates of a detector, and how they change from run to run.

    Attributes
    ----------
    grid
        Cells.
    rates
        Chance of a hit in an event, ``(n_channels, n_eta, n_phi)``.
    energies
        Mean energy of a deposit, the same shape, GeV; above the threshold.
    threshold
        GeV.
    of_runs
        Relative spread of the overall rate of runs, normally distributed.
    of_cells
        Relative spread of the rate of each cell from run to run.
    """

    grid: EtaPhiGrid
    rates: np.ndarray
    energies: np.ndarray
    threshold: float = 0.25
    of_runs: float = 0.1
    of_cells: float = 0.01

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(f"channel_{i}" for i in range(len(self.rates)))

    @property
    def deposits(self) -> np.ndarray:
        """Mean number of deposits in an event, ``(n_channels, n_eta, n_phi)``."""
        return -np.log1p(-self.rates)

    @property
    def means(self) -> np.ndarray:
        """Mean energy in an event, the same shape, GeV."""
        return self.deposits * self.energies

    def runs(
        self, n_runs: int, n_events: int, rng: np.random.Generator, *, first_run: int = 1
    ) -> RunMaps:
        """Good runs with ``n_events`` each."""
        shape = (n_runs, *self.rates.shape)
        overall = 1 + self.of_runs * rng.standard_normal((n_runs, 1, 1, 1))
        factors = np.maximum(overall * (1 + self.of_cells * rng.standard_normal(shape)), 0.0)
        deposits = factors * self.deposits
        shares = -np.expm1(-deposits)
        hits = rng.binomial(n_events, shares)
        further = hits * (deposits / np.maximum(shares, 1e-300) - 1)  # in the same cell and event
        n_deposits = hits + rng.poisson(np.maximum(further, 0.0))
        above = self.energies - self.threshold
        total = self.threshold * n_deposits + above * rng.gamma(n_deposits)
        return RunMaps(
            self.grid,
            self.channels,
            ("GeV",) * len(self.rates),
            (self.threshold,) * len(self.rates),
            np.arange(first_run, first_run + n_runs),
            np.full(n_runs, WHOLE_RUN),
            np.full(n_runs, n_events),
            hits.astype(np.float64),
            total,
        )


def toy_detector(
    n_eta: int = 32,
    n_phi: int = 32,
    n_channels: int = 1,
    *,
    largest_rate: float = 0.4,
    smallest_rate: float = 0.1,
    seed: int = 0,
) -> ToyDetector:
    """Detector whose rates fall with the absolute pseudorapidity, and differ by 15 % between the
    cells of a ring.
    """
    rng = np.random.default_rng(seed)
    grid = EtaPhiGrid(n_eta, n_phi)
    centre = np.abs(grid.edges_in_eta[1:] + grid.edges_in_eta[:-1]) / 2
    of_ring = largest_rate * (smallest_rate / largest_rate) ** (centre / centre.max())
    shape = (n_channels, n_eta, n_phi)
    rates = of_ring[:, None] * np.exp(0.15 * rng.standard_normal(shape))
    energies = np.broadcast_to(1.0 + 0.5 * centre[:, None] / centre.max(), shape)
    return ToyDetector(grid, np.clip(rates, 1e-4, 0.9), energies)
