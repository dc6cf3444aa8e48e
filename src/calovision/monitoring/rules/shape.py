"""A whole channel that looks unlike the reference: a wrong mapping, channels in each other's place.

Counted are the cells of a channel that deviate as only 31.7 % of good ones do (one standard
deviation). Up to `FAULTY` of the others may be broken in other ways, as by dead boards, before the
channel as a whole is suspect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from calovision.monitoring.compared_runs import ComparedRuns
from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference

FAULTY = 0.2
"""Share of the cells with faults of their own that a good mapping may have."""
LEAST_CELLS = 32
"""Cells of a channel that it takes for a statement."""
_BEYOND = 0.317311  # share beyond one standard deviation
_SHARE = FAULTY + (1 - FAULTY) * _BEYOND


def scores(maps: RunMaps, reference: Reference) -> np.ndarray:
    """-log10 of the chance that so many cells of the channel deviate; NaN in a run without events
    and of maps with too few cells.
    """
    return of_compared(ComparedRuns(maps, reference))


def of_compared(runs: ComparedRuns) -> np.ndarray:
    """The same of runs whose numbers other methods share."""
    return of_deviations(runs.deviations)


def of_deviations(deviations: np.ndarray) -> np.ndarray:
    """The same from the scores of `poisson`, ``(n_runs, n_channels, n_eta, n_phi)``."""
    n_cells = deviations.shape[-2] * deviations.shape[-1]
    number = (deviations > -np.log10(_BEYOND)).sum(axis=(-2, -1), keepdims=True)
    tail = special.betainc(np.maximum(number, 1), n_cells - number + 1, _SHARE)
    chance = np.where(number > 0, np.maximum(tail, 1e-300), 1.0)
    found = np.broadcast_to(-np.log10(chance), deviations.shape)
    return np.where(np.isnan(deviations) | (n_cells < LEAST_CELLS), np.nan, found)
