"""Hits that a good run with the same events would have, and how far they may be from that.

The rate of the reference is taken to the run: a run with more collisions an event, or with another
trigger, has more hits everywhere. With independent deposits, a cell that is hit in a share p of the
events has -log(1 - p) deposits an event, and these are scaled by one number a run and channel, the
median over the sectors (`SECTORS`) of all rings in eta, weighted with the root of their hits: a
fault in less than half of the detector does not move it. Where the sectors have too few hits for a
median (`LEAST_HITS`), those of all rings are taken together, and where these have too few, all of
them but the fullest. It stays within `SCALES`; a run that is further away is faulty everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference

SCALES = (0.1, 10.0)
"""Least and largest ratio of the deposits of a run to those of the reference."""
SECTORS = 8
"""Parts in phi of a ring, each of which tells the scale."""
LEAST_HITS = 3.0
"""Expected hits of a sector, on average over them, that it takes to take their median: that of
counts which are mostly 0 is 0."""
_STEPS = 4  # of Newton's method, from the ratio of the hits


@dataclass(frozen=True)
class Expectation:
    """Expected hits of runs.

    Attributes
    ----------
    scale
        Deposits of the run over those of the reference, float64 ``(n_runs, n_channels)``.
    hits
        Mean, float64 ``(n_runs, n_channels, n_eta, n_phi)``; NaN in a run without events.
    variance
        Relative variance of this mean, the same shape: from the number of events of the reference
        and the spread between runs.
    n_events
        int64 ``(n_runs, 1, 1, 1)``.
    """

    scale: np.ndarray
    hits: np.ndarray
    variance: np.ndarray
    n_events: np.ndarray

    @classmethod
    def of(cls, maps: RunMaps, reference: Reference) -> Expectation:
        """Expectation for the events of the maps."""
        rate = smooth_rate(reference)
        deposits = -np.log1p(-rate)
        n_events = maps.n_events[:, None, None, None].astype(np.float64)
        scale, error = run_scales(maps.occupancy, deposits, n_events)
        share = -np.expm1(-scale[..., None, None] * deposits)
        hits = np.where(n_events > 0, n_events, np.nan) * share
        own = (1 - rate) / (rate * (reference.n_events + 1)) + run_variance(reference)
        return cls(
            scale, hits, own + error[..., None, None] ** 2, maps.n_events[:, None, None, None]
        )

    @property
    def dispersion(self) -> np.ndarray:
        """Variance of the hits, less their mean, over the square of the mean: that of a binomial
        distribution (negative), of a Poisson (0) or of a negative binomial (positive).
        """
        return self.variance - 1 / np.maximum(self.n_events, 1)


def smooth_rate(reference: Reference) -> np.ndarray:
    """Rate of the reference with half a hit added, so that it is neither 0 nor 1 (the median of a
    binomial's posterior after Jeffreys), ``(n_channels, n_eta, n_phi)``.
    """
    return (reference.rate * reference.n_events + 0.5) / (reference.n_events + 1)


def run_variance(reference: Reference) -> np.ndarray:
    """Relative variance of the rate from run to run, beyond that of counting, for each ring.

    ``(n_channels, n_eta, 1)``: one number a ring, since that of a single cell would rest on a few
    runs alone.
    """
    weight = reference.rate**2
    counted = reference.rate_spread**2
    total = weight.sum(axis=-1, keepdims=True)
    found = counted.sum(axis=-1, keepdims=True) / np.where(total > 0, total, 1)
    return np.where(total > 0, found, 0.0)


def run_scales(
    hits: np.ndarray, deposits: np.ndarray, n_events: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scales of the deposits, and their relative errors, both ``(n_runs, n_channels)``.

    Parameters
    ----------
    hits
        ``(n_runs, n_channels, n_eta, n_phi)``.
    deposits
        Of the reference in an event, ``(n_channels, n_eta, n_phi)``.
    n_events
        ``(n_runs, 1, 1, 1)``.
    """
    seen = _by_sector(hits)
    expected = n_events * _by_sector(-np.expm1(-deposits))
    fine = _median_scale(_solved(hits, seen, expected, deposits, n_events), expected)
    of_all = expected.sum(axis=(-2, -1))
    n_sectors = expected.shape[-2] * expected.shape[-1]
    if (of_all >= LEAST_HITS * n_sectors).all():
        return fine
    together = [one.sum(axis=-2, keepdims=True) for one in (seen, expected)]
    coarse = _median_scale(np.clip(_ratio(*together), *SCALES), together[1])
    least = _scale_of_few(seen, expected)
    is_fine, is_coarse = (of_all >= LEAST_HITS * n for n in (n_sectors, expected.shape[-1]))
    scale, error = (
        np.where(is_fine, a, np.where(is_coarse, b, c))
        for a, b, c in zip(fine, coarse, least, strict=True)
    )
    return scale, error


def _solved(
    hits: np.ndarray,
    seen: np.ndarray,
    expected: np.ndarray,
    deposits: np.ndarray,
    n_events: np.ndarray,
) -> np.ndarray:
    """Scale of each sector, ``(n_runs, n_channels, n_eta, n_sectors)``, by Newton's method."""
    scale = np.clip(_ratio(seen, expected), *SCALES)
    width = -(-hits.shape[-1] // scale.shape[-1])
    for _ in range(_STEPS):
        of_cells = np.repeat(scale, width, axis=-1)[..., : hits.shape[-1]]
        left = np.exp(-of_cells * deposits)
        missing = seen - n_events * _by_sector(1 - left)
        slope = n_events * _by_sector(deposits * left)
        scale = np.clip(scale + missing / np.where(slope > 0, slope, np.inf), *SCALES)
    return scale


def _median_scale(scale: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted median of the scales of sectors, and its relative error."""
    flat = (*scale.shape[:-2], scale.shape[-2] * scale.shape[-1])
    weights = np.sqrt(expected.reshape(flat))
    found = weighted_median(scale.reshape(flat), weights)
    number = (weights > 0).sum(axis=-1)
    return found, np.sqrt(np.pi / 2 * number) / np.maximum(weights.sum(axis=-1), 1)


def _scale_of_few(seen: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale of few hits, and its relative error: without the fullest sector, which a hot cell may
    have filled; 1 of none.
    """
    seen, expected = (one.reshape(*one.shape[:-2], -1) for one in (seen, expected))
    fullest = seen.argmax(axis=-1)[..., None]
    left, of_left = (
        one.sum(axis=-1) - np.take_along_axis(one, fullest, axis=-1)[..., 0]
        for one in (seen, expected)
    )
    return np.clip((left + 1) / (of_left + 1), *SCALES), 1 / np.sqrt(of_left + 1)


def _ratio(seen: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return seen / np.where(expected > 0, expected, 1)


def _by_sector(values: np.ndarray) -> np.ndarray:
    """Sums over the sectors of the last axis, at most `SECTORS`, the last one may be narrower."""
    n_phi = values.shape[-1]
    return np.add.reduceat(values, np.arange(0, n_phi, -(-n_phi // SECTORS)), axis=-1)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Median over the last axis, each value with its weight; 1 where all weights are 0."""
    order = np.argsort(values, axis=-1)
    below = np.cumsum(np.take_along_axis(weights, order, axis=-1), axis=-1)
    place = (below < below[..., -1:] / 2).sum(axis=-1, keepdims=True)
    found = np.take_along_axis(np.take_along_axis(values, order, axis=-1), place, axis=-1)
    return np.where(below[..., -1] > 0, found[..., 0], 1.0)
