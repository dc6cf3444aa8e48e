"""Rate, mean and spread of cells over good runs, of which a few may be faulty in a cell.

Every run has a level: its deposits in an event over those of all runs, the median over the rings
(`calovision.monitoring.expectation`). A run in which a cell is further from the median of the runs
than its statistics, and the spread of the cells of its ring, allow is left out for this cell.
"""

from dataclasses import dataclass

import numpy as np

from calovision.monitoring.expectation import run_scales, weighted_median
from calovision.monitoring.run_maps import RunMaps

MOST_SIGMA, MOST_SIGMA_OF_ENERGY = 6.0, 8.0
"""Distance from the median of the runs at which a run is left out: energies have longer tails."""
LEAST_RUNS = 3
"""Of which one may be left out."""
FEW_HITS = 2.0
"""Added to the variance: a median of few hits is up to 0.7 below the mean."""
ENOUGH_HITS, ENOUGH_FOR_ENERGY = 5.0, 20.0
MAD = 1.4826
"""Standard deviation of a Gaussian over its median absolute deviation."""
FEW_RUNS = {3: 1.495, 4: 1.363, 5: 1.206, 6: 1.2, 7: 1.14, 8: 1.129, 9: 1.107}
"""Number of runs -> factor of their median absolute deviation."""
STEPS = 5  # of Newton's method


@dataclass(frozen=True)
class RunLevels:
    """Levels of runs.

    Attributes
    ----------
    n_events
        float64 ``(n_runs,)``, each above 0.
    hits, energy
        Deposits, and energy, of a run over those of all runs, float64 ``(n_runs, n_channels)``.
    """

    n_events: np.ndarray
    hits: np.ndarray
    energy: np.ndarray

    @classmethod
    def of(cls, block: RunMaps, rate: np.ndarray, mean: np.ndarray) -> "RunLevels":
        """Levels of the runs of a block, to the rate and the mean of all runs ``(n_channels,
        n_eta, n_phi)``.
        """
        n_events = block.n_events.astype(np.float64)
        deposits = -np.log1p(-np.minimum(rate, 1 - 1e-9))
        hits, _ = run_scales(block.occupancy, deposits, n_events[:, None, None, None])
        rings = np.maximum(mean, 0.0).sum(axis=-1)
        seen = block.total.sum(axis=-1) / n_events[:, None, None]
        ratio = seen / np.where(rings > 0, rings, 1.0)
        return cls(n_events, hits, weighted_median(ratio, np.broadcast_to(rings, ratio.shape)))

    @classmethod
    def joined(cls, parts: "list[RunLevels]") -> "RunLevels":
        """Levels of all runs, which are 1 on average."""
        n_events = np.concatenate([one.n_events for one in parts])
        levels = (
            np.concatenate([getattr(one, name) for one in parts]) for name in ("hits", "energy")
        )
        weights = n_events[:, None] / n_events.sum()
        scaled = [np.where(one > 0, one, 1.0) for one in levels]
        return cls(n_events, *(one / (one * weights).sum(axis=0) for one in scaled))

    def of_channel(self, channel: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Events of the runs, and their levels in a channel, ``(n_runs,)`` each."""
        return self.n_events, self.hits[:, channel], self.energy[:, channel]


@dataclass(frozen=True)
class CellEstimates:
    """Cells over the runs, float64 ``(n_eta, n_phi)`` each; those of a part of a channel.

    Attributes
    ----------
    rate, mean, rate_spread, mean_spread
        As in `Reference`.
    is_left_out
        Runs that do not count in a cell, bool ``(n_runs, n_eta, n_phi)``.
    """

    rate: np.ndarray
    mean: np.ndarray
    rate_spread: np.ndarray
    mean_spread: np.ndarray
    is_left_out: np.ndarray


def estimate_cells(
    hits: np.ndarray, total: np.ndarray, n_events: np.ndarray, level: np.ndarray, energy: np.ndarray
) -> CellEstimates:
    """Estimates of some rings of a channel.

    Parameters
    ----------
    hits, total
        ``(n_runs, n_eta, n_phi)``.
    n_events, level, energy
        Events of the runs, and their levels in this channel, ``(n_runs,)``.
    """
    n, level, energy = (one[:, None, None] for one in (n_events, level, energy))
    largest = -np.log(0.5 / n_events.sum())
    deposits = np.minimum(-np.log1p(-np.minimum(hits / n, 1 - 0.5 / n)) / level, largest)
    centre = _median_of_runs(deposits, n)
    kept = np.ones(hits.shape, dtype=bool)
    if len(hits) >= LEAST_RUNS:
        kept = _is_near(hits, n, 1 - np.exp(-level * centre))
        kept &= _has_usual_energy(total / n / energy, hits, n, kept)
        kept |= ~kept.any(axis=0)
    found = _deposits(hits, n, level, kept, np.minimum(centre, largest), largest)
    rate = -np.expm1(-found)
    share = -np.expm1(-level * found)
    mean = (total * kept).sum(axis=0) / (n * energy * kept).sum(axis=0)
    return CellEstimates(
        rate,
        mean,
        rate * np.sqrt(_variance_of_rings(hits, n, share, kept)),
        _spread_of_means(total / n / energy, mean, n, kept),
        ~kept,
    )


def _median_of_runs(values: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Median over the runs, each with the weight of its events, ``(n_eta, n_phi)``."""
    moved = np.moveaxis(values, 0, -1)
    return weighted_median(moved, np.broadcast_to(n.reshape(-1), moved.shape))


def _is_near(hits: np.ndarray, n: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Runs whose hits in a cell are not too far from the expected ones, as ``hits``."""
    expected = n * share
    counted = expected * (1 - share)
    pull = np.abs(hits - expected) / np.sqrt(counted + 1e-9)
    scatter = _scatter(pull)
    usual = np.median(expected, axis=0)
    more = np.maximum(scatter**2 - 1, 0.0) * np.median(counted, axis=0) / np.maximum(usual, 1) ** 2
    spread = np.median(np.where(usual >= ENOUGH_HITS, more, 0.0), axis=-1)[:, None]
    variance = counted + FEW_HITS + expected**2 * spread
    return np.abs(hits - expected) <= MOST_SIGMA * np.sqrt(variance)


def _has_usual_energy(
    mean: np.ndarray, hits: np.ndarray, n: np.ndarray, is_near: np.ndarray
) -> np.ndarray:
    """Runs whose mean value in a cell, and whose mean in the whole ring, is not too far from the
    others', where there are hits enough; as ``mean``. Cells that are far away, or whose hits are
    (not ``is_near``), do not count for the ring.
    """
    usual = _median_of_runs(mean, n)
    away = np.sqrt(n) * np.abs(mean - usual)
    is_known = (np.median(hits, axis=0) >= ENOUGH_FOR_ENERGY) & (usual > 0)
    relative = np.where(is_known, _scatter(away) / np.where(usual > 0, usual, 1.0), np.nan)
    of_cell = _median_of_known(relative)  # of a few runs of one cell it may be next to nothing
    far = (away > MOST_SIGMA_OF_ENERGY * of_cell * usual) & is_known
    rings = np.where(far | ~is_near, usual, mean).sum(axis=-1, keepdims=True)
    whole = _median_of_runs(rings, n)
    away_of_ring = np.sqrt(n) * np.abs(rings - whole)
    of_ring = np.maximum(_scatter(away_of_ring), of_cell * whole / np.sqrt(mean.shape[-1]))
    ring_is_far = away_of_ring > MOST_SIGMA_OF_ENERGY * of_ring
    return ~(far | (ring_is_far & is_known.any(axis=-1, keepdims=True)))


def _scatter(away: np.ndarray) -> np.ndarray:
    """Standard deviation of runs, from their distances from the median ``(n_runs, ...)``.

    The corrections for few runs are those of Croux, Rousseeuw, COMPSTAT 1992, p. 411.
    """
    n = len(away)
    correction = FEW_RUNS.get(n, n / (n - 0.8))
    return MAD * correction * np.median(away, axis=0)


def _median_of_known(values: np.ndarray) -> np.ndarray:
    """Median over the cells of a ring that are not NaN, ``(n_eta, 1)``."""
    known = np.isfinite(values)
    return weighted_median(np.where(known, values, 0.0), known.astype(np.float64))[:, None]


def _deposits(
    hits: np.ndarray,
    n: np.ndarray,
    level: np.ndarray,
    kept: np.ndarray,
    start: np.ndarray,
    largest: float,
) -> np.ndarray:
    """Deposits in an event with which the runs that count have as many hits as they have."""
    seen = (hits * kept).sum(axis=0)
    found = np.where(seen > 0, start, 0.0)
    for _ in range(STEPS):
        left = np.exp(-level * found)
        missing = seen - (n * (1 - left) * kept).sum(axis=0)
        slope = (n * level * left * kept).sum(axis=0)
        found = np.clip(found + missing / np.maximum(slope, 1e-9), 0.0, largest)
    return found


def _variance_of_rings(
    hits: np.ndarray, n: np.ndarray, share: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """Relative variance of the rate from run to run, beyond that of counting, ``(n_eta, 1)``: the
    cells of a ring together, since a few runs of one cell tell little.
    """
    n_kept = kept.sum(axis=0)
    correction = n_kept / np.maximum(n_kept - 1, 1)
    square = ((hits - n * share) ** 2 * kept).sum(axis=0) * correction
    counted = (n * share * (1 - share) * kept).sum(axis=0)
    several = n_kept > 1
    beyond = ((square - counted) * several).sum(axis=-1, keepdims=True)
    expected = ((n * share) ** 2 * kept).sum(axis=0) * several
    return np.maximum(beyond / np.maximum(expected.sum(axis=-1, keepdims=True), 1e-9), 0.0)


def _spread_of_means(
    means: np.ndarray, mean: np.ndarray, n: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """Standard deviation of the mean value between runs of the usual number of events."""
    n_kept = kept.sum(axis=0)
    square = (n * (means - mean) ** 2 * kept).sum(axis=0) / np.maximum(n_kept - 1, 1)
    return np.where(n_kept > 1, np.sqrt(square / np.median(n)), 0.0)
