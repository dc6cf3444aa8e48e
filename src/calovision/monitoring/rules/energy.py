"""Energies of each ring in eta against those of the reference: finds a wrong calibration.

The energy of a ring over that of the reference is compared with the same of the run, its median
over the rings. How well a ring is known is taken from its cells: they scatter about the ratio of
the ring, in this run, with whatever spectrum and spread they have; correlations of cells up to
`LAGS` apart count (Newey, West, Econometrica 55 (1987) 703). It is not taken to be known better
than the spread of the cells between good runs allows: where jets make rare large energies, a run
without one scatters little. A single hot or dead cell widens the scatter, and so makes no ring look
miscalibrated. Two-sided, with Student's distribution. A drift of whole rings between good runs is
not in this: it is in a threshold that is taken from good runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from calovision.monitoring.expectation import weighted_median
from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference

LEAST_CELLS = 8
"""Cells of a ring with energy in the reference that it takes to know their scatter."""
LAGS = 1
"""Largest distance in phi, in cells, at which energies are correlated."""
_WEIGHTS = 1 - np.arange(1, LAGS + 1) / (LAGS + 1)  # of Bartlett


def scores(maps: RunMaps, reference: Reference) -> np.ndarray:
    """-log10 of the two-sided chance of the energy of the ring of each cell; NaN in a run without
    events and in a ring of which too few cells have energy.
    """
    ratio, error, cells = ring_ratios(maps, reference)
    of_run, of_run_error = run_ratio(reference, ratio, error)
    error = np.hypot(error, of_run_error)
    known = (cells >= LEAST_CELLS) & (error > 0)
    pull = np.abs(ratio - of_run) / np.where(known, error, np.inf)
    found = -log_student_tail(pull, np.maximum(cells - 1, 1) / (1 + 2 * np.square(_WEIGHTS).sum()))
    found = np.where(known, np.maximum(found / np.log(10), 0.0), np.nan)
    return np.broadcast_to(found[..., None], maps.occupancy.shape).copy()


def ring_ratios(maps: RunMaps, reference: Reference) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energy of each ring over that of the reference and its error, ``(n_runs, n_channels,
    n_eta)``, and the number of cells with energy, ``(n_channels, n_eta)``.
    """
    events = np.where(maps.n_events > 0, maps.n_events, np.nan)[:, None, None, None]
    expected = np.maximum(reference.mean, 0.0)
    whole = expected.sum(axis=-1)
    of_ring = np.where(whole > 0, whole, np.nan)
    found = maps.total / events * (expected > 0)
    ratio = found.sum(axis=-1) / of_ring
    left = found - ratio[..., None] * expected
    cells = (expected > 0).sum(axis=-1)
    square = (left**2).sum(axis=-1)
    for lag, weight in enumerate(_WEIGHTS, start=1):
        square = square + 2 * weight * (left * np.roll(left, lag, axis=-1)).sum(axis=-1)
    square *= cells / np.maximum(cells - 1 - 2 * _WEIGHTS.sum(), 1)  # the mean is taken from them
    square = np.maximum(square, usual_square(maps, reference))
    with_reference = 1 + maps.n_events / max(reference.n_events, 1)
    return ratio, np.sqrt(square * with_reference[:, None, None]) / of_ring, cells


def usual_square(maps: RunMaps, reference: Reference) -> np.ndarray:
    """Square of the error of the energy of a ring in an event, by the spread of the cells between
    the good runs, ``(n_runs, n_channels, n_eta)``: a run without one of the rare large energies
    would seem to know its rings better than it does.
    """
    rate = np.where(reference.rate > 0, reference.rate, 1.0)
    of_runs = np.square(reference.rate_spread / rate * reference.mean)  # does not fall with events
    chance = np.maximum(np.square(reference.mean_spread) - of_runs, 0.0).sum(axis=-1)
    events = np.where(maps.n_events > 0, maps.n_events, np.nan)[:, None, None]
    usual_events = reference.n_events / max(reference.n_runs, 1)
    return chance * usual_events / events + of_runs.sum(axis=-1)


def run_ratio(
    reference: Reference, ratio: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Energy of a run over that of the reference and its error, ``(n_runs, n_channels, 1)``: the
    median over the rings, each with the energy that it has in the reference.
    """
    weights = np.broadcast_to(np.maximum(reference.mean, 0.0).sum(axis=-1), ratio.shape)
    known = np.isfinite(ratio)
    weights = np.where(known, weights, 0.0)
    found = weighted_median(np.where(known, ratio, 0.0), weights)
    square = np.square(weights * np.where(known, error, 0.0)).sum(axis=-1)
    total = np.maximum(weights.sum(axis=-1), 1e-300)
    return found[..., None], np.sqrt(np.pi / 2 * square)[..., None] / total[..., None]


def log_student_tail(pull: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Natural logarithm of the two-sided tail of Student's distribution, also far out."""
    x = freedom / (freedom + pull**2)
    tail = special.betainc(freedom / 2, 0.5, x)
    far = (  # first term of the series of the incomplete beta function
        freedom / 2 * np.log(np.maximum(x, 1e-300))
        - np.log(freedom / 2)
        - special.betaln(freedom / 2, 0.5)
    )
    return np.where(tail > 1e-280, np.log(np.maximum(tail, 1e-300)), far)
