"""Each cell against the reference: the chance of as many, or as few, hits in a good run.

Exact tails of counts (`calovision.monitoring.tails`), two-sided, with the run's own number of
events and overall rate, the reference's finite number of events and the spread between good runs
(`calovision.monitoring.expectation`). The score is that of one tower; that many towers are looked
at is in the threshold (`calovision.monitoring.thresholds`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from calovision.monitoring.compared_runs import ComparedRuns
from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference


def scores(maps: RunMaps, reference: Reference) -> np.ndarray:
    """-log10 of the two-sided chance of the hits of each cell; NaN in a run without events."""
    return of_compared(ComparedRuns(maps, reference))


def of_compared(runs: ComparedRuns) -> np.ndarray:
    """The same of runs whose numbers other methods share."""
    return runs.deviations.copy()


def standard_deviations(chances: np.ndarray) -> np.ndarray:
    """Standard deviations of a Gaussian that are as improbable, two-sided, as scores
    -log10(chance).
    """
    return -special.ndtri_exp(-np.log(10) * np.asarray(chances, dtype=np.float64) - np.log(2))
