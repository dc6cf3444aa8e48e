"""Each cell against the mean of the cells around it, up to eight, around the circle in phi.

The reference is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calovision.monitoring.rules.ring_mean import of_ratio
from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference


def scores(maps: RunMaps, reference: Reference) -> np.ndarray:
    """Absolute logarithm of the ratio of hits to the mean of the neighbours; as that of
    `ring_mean`, 0 with more hits than these and fewer than 20.
    """
    return of_ratio(maps, mean_of_neighbours(maps.occupancy))


def mean_of_neighbours(hits: np.ndarray) -> np.ndarray:
    """Mean of the neighbours of each cell, of hits ``(..., n_eta, n_phi)``; 0 if there are none."""
    block, number = _sum_around(hits), _sum_around(np.ones(hits.shape[-2:]))
    return (block - hits) / np.maximum(number - 1, 1)


def _sum_around(hits: np.ndarray) -> np.ndarray:
    """Sums over three rings and columns, over fewer at the edges in eta and of narrow maps."""
    n_phi = hits.shape[-1]
    columns = {step % n_phi for step in (-1, 0, 1)}  # once each, of less than three
    rows = sum(np.roll(hits, step, axis=-1) for step in sorted(columns))
    found = rows.copy()
    found[..., 1:, :] += rows[..., :-1, :]
    found[..., :-1, :] += rows[..., 1:, :]
    return found
