"""Runs of a small detector and their reference, shared by the tests of monitoring."""

import numpy as np

from calovision.images.grid import EtaPhiGrid
from calovision.monitoring.flags import Alarm, FlaggedTower, RunFlags
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


def make_flags(*alarms):
    """Flags of towers ``(run, channel, kind, [(eta index, phi index), ...])`` of 8 by 8 cells."""
    made = []
    for run, channel, kind, cells in alarms:
        flagged = tuple(
            FlaggedTower(*cell, 0.0, 0.0, 9.0, 5.0, 0.0, 1.0, 0.0, run) for cell in cells
        )
        ends = {"eta": (0.0, 1.0), "phi": (0.0, 1.0)}
        more = {"score": 9.0, "expected_hits": 5.0, "found_hits": 0.0, "since": run}
        made.append(
            Alarm(run, "rule", kind, channel, **ends, **more, is_known=False, towers=flagged)
        )
    edges = EtaPhiGrid(8, 8).edges_in_eta.tolist()
    grid = {"n_eta": 8, "n_phi": 8, "eta_edges": edges}
    return RunFlags(
        "calovision-run-flags",
        1,
        ("em_et", "tracks"),
        grid,
        {},
        0,
        1,
        runs=(),
        alarms=tuple(made),
        notes=(),
    )
