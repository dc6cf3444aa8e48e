"""All scales together: a cell, a region around it, the energies of its ring, and the channel.

The score is the largest of four, each less the logarithm of 1 over its share (`SHARES`;
Bonferroni), so that it is on the safe side of -log10 of a chance in good runs:

- the hits of the cell (`poisson`),
- those of a region: likelihood ratios of the cells of a window, for a rate of `FACTORS` times the
  expected one, multiplied, so that a board is found whose cells are too rarely hit to be found
  alone. What another cell adds is at most `MOST_OF_OTHERS`, and less where another factor fits it
  better: a hot cell does not make its neighbours hot, nor a dead board those around it weak. The
  mean of such ratios over factors and windows is above 1/a in a share a of good cells at most
  (Markov; Vovk, Wang, Ann. Stat. 49 (2021) 1736),
- the energy of the ring (`energy`),
- the number of deviating cells of the channel (`shape`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from calovision.monitoring.compared_runs import ComparedRuns
from calovision.monitoring.expectation import Expectation
from calovision.monitoring.rules import energy, shape
from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference

SHARES = {"cell": 0.5, "region": 0.2, "ring": 0.2, "channel": 0.1}
"""Shares of the false alarms."""
FACTORS = (0.02, 0.5, 0.8, 1.25, 1.6, 3.0)
"""Rates of a region at fault over the expected ones."""
WINDOW = 4
"""Cells in eta and in phi of a region."""
MOST_OF_OTHERS = 1.0
"""Largest logarithm of a likelihood ratio that another cell of a region adds; less where another
factor fits it better.
"""
_LARGEST_SHARE = 0.999  # of events with a hit


def scores(maps: RunMaps, reference: Reference) -> np.ndarray:
    """-log10 of a chance of the cell, its region, its ring or its channel; NaN in a run without
    events.
    """
    return of_compared(ComparedRuns(maps, reference))


def of_compared(runs: ComparedRuns) -> np.ndarray:
    """The same of runs whose numbers other methods share."""
    of_cell = runs.deviations
    found = of_cell + np.log10(SHARES["cell"])
    for name, other in (
        ("region", region_ratio(runs.maps.occupancy, runs.expected) / np.log(10)),
        ("ring", energy.scores(runs.maps, runs.reference)),
        ("channel", shape.of_compared(runs)),
    ):
        np.fmax(found, other + np.log10(SHARES[name]), out=found)
    return np.where(np.isnan(of_cell), np.nan, found)


def region_ratio(hits: np.ndarray, expected: Expectation) -> np.ndarray:
    """Logarithm of the mean likelihood ratio of the regions around each cell."""
    dispersion = expected.dispersion
    ratios = [log_ratio(hits, expected.hits, dispersion, factor) for factor in FACTORS]
    beyond = np.maximum(np.max(ratios, axis=0) - MOST_OF_OTHERS, 0.0)
    largest = np.full(hits.shape, -np.inf)
    for ratio in ratios:
        of_others = region_support(ratio - beyond)
        np.maximum(largest, ratio + of_others, out=largest)
    return largest - np.log(len(FACTORS) * WINDOW**2)


def log_ratio(
    hits: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, factor: float
) -> np.ndarray:
    """Logarithm of the chance of hits with ``factor`` times the mean over that with the mean
    (`calovision.monitoring.tails` has the distributions).
    """
    size = 1 / np.where(np.abs(dispersion) < 1e-12, 1e-12, dispersion)  # negative of a binomial
    if factor <= 1:
        return hits * np.log(factor) - (hits + size) * np.log1p((factor - 1) * mean / (size + mean))
    # not more hits than events
    largest = np.where(size < 0, np.maximum(_LARGEST_SHARE * -size / mean, 1.0), factor)
    times = np.minimum(factor, largest)
    return hits * np.log(times) - (hits + size) * np.log1p((times - 1) * mean / (size + mean))


def region_support(ratio: np.ndarray, width: int = WINDOW) -> np.ndarray:
    """Largest sum of the logarithms of the other cells, over the windows that hold a cell.

    Windows are ``width`` cells wide, around the circle in phi and inside the map in eta; those of a
    map with fewer rows or columns are narrower.
    """
    height, width = (min(width, n) for n in ratio.shape[-2:])
    padded = np.concatenate([ratio, ratio[..., : width - 1]], axis=-1)
    sums = _sliding_sums(_sliding_sums(padded, width, -1), height, -2)
    # window i, j starts at the cell i, j: the cells that it holds are at i ... i + height - 1
    back = np.concatenate([sums[..., sums.shape[-1] - width + 1 :], sums], axis=-1)
    edges = np.full((*back.shape[:-2], height - 1, back.shape[-1]), -np.inf)
    inside = np.concatenate([edges, back, edges], axis=-2)
    return _sliding_largest(_sliding_largest(inside, width, -1), height, -2) - ratio


def _sliding_sums(values: np.ndarray, n: int, axis: int) -> np.ndarray:
    """Sums of n neighbours on an axis, one for each first of them."""
    length = values.shape[axis] - n + 1
    parts = (np.take(values, range(k, k + length), axis=axis) for k in range(n))
    return sum(parts, start=np.zeros(1))


def _sliding_largest(values: np.ndarray, n: int, axis: int) -> np.ndarray:
    """Largest of n neighbours on an axis, one for each first of them."""
    first = np.arange(values.shape[axis] - n + 1)
    return np.take(ndimage.maximum_filter1d(values, n, axis=axis), first + n // 2, axis=axis)
