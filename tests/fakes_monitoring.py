"""Runs of a small detector and their reference, shared by the tests of monitoring."""

import numpy as np

from calovision.images.grid import EtaPhiGrid
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps
from calovision.monitoring.toys import ToyDetector


def true_reference(
    detector: ToyDetector, *, n_events: int = 10**9, n_runs: int = 1000, of_cells: float = 0.0
) -> Reference:
    """Reference with the true rates and energies of a toy, and no spread between its runs but that
    which is given, and chance.
    """
    rates = detector.rates
    above = detector.energies - detector.threshold
    of_event = np.sqrt(detector.deposits * (detector.energies**2 + above**2))
    chance = of_event / np.sqrt(n_events / n_runs)
    return Reference(
        detector.grid,
        detector.channels,
        ("GeV",) * len(rates),
        (detector.threshold,) * len(rates),
        rates,
        detector.means,
        of_cells * rates,
        np.hypot(of_cells * detector.means, chance),
        n_runs,
        n_events,
    )


def maps_of(hits: np.ndarray, n_events: int, total: np.ndarray | None = None) -> RunMaps:
    """Maps of whole runs from hits ``(n, n_channels, n_eta, n_phi)``, of 1 GeV each."""
    hits = np.asarray(hits, dtype=np.float64)
    n, n_channels, n_eta, n_phi = hits.shape
    return RunMaps(
        EtaPhiGrid(n_eta, n_phi),
        tuple(f"channel_{i}" for i in range(n_channels)),
        ("GeV",) * n_channels,
        (0.25,) * n_channels,
        np.arange(1, n + 1),
        np.full(n, WHOLE_RUN),
        np.full(n, n_events),
        hits,
        hits if total is None else total,
    )
