"""Each cell against the mean of its ring in eta: the rule of the published comparison.

A tower is hot if it has more than 100 times the mean of its ring and at least 20 hits
(arXiv:2309.10157). The mean is that of the other cells: with it, no cell of a ring of 64 could have
more than 64 times the mean. The reference is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference

HOT_RATIO = 100.0
LEAST_HITS = 20
HALF = 0.5  # of a hit, added to both sides of a ratio, which is finite then


def scores(maps: RunMaps, reference: Reference) -> np.ndarray:
    """Absolute logarithm of the ratio of hits to the mean of the other cells of the ring.

    A cell with more hits than these and fewer than `LEAST_HITS` has 0: the rule never calls it hot.
    """
    return of_ratio(maps, mean_of_others(maps.occupancy))


def of_ratio(maps: RunMaps, expected: np.ndarray) -> np.ndarray:
    """Absolute logarithm of hits over expected hits, NaN in a run without events."""
    ratio = np.log((maps.occupancy + HALF) / (expected + HALF))
    found = np.where((ratio > 0) & (maps.occupancy < LEAST_HITS), 0.0, np.abs(ratio))
    return np.where(maps.n_events[:, None, None, None] > 0, found, np.nan)


def is_hot(maps: RunMaps) -> np.ndarray:
    """The published decision, bool ``(n_runs, n_channels, n_eta, n_phi)``."""
    expected = mean_of_others(maps.occupancy)
    return (maps.occupancy > HOT_RATIO * expected) & (maps.occupancy >= LEAST_HITS)


def mean_of_others(hits: np.ndarray) -> np.ndarray:
    """Mean of the other cells of the ring, of hits ``(..., n_phi)``; 0 if there are none."""
    others = hits.shape[-1] - 1
    return (hits.sum(axis=-1, keepdims=True) - hits) / max(others, 1)
