"""Expected hits that a tower must have in a run for a fault of it to be found."""

import numpy as np
from scipy import special

from calovision.core.errors import InputError
from calovision.monitoring.tails import deviation
from calovision.monitoring.thresholds import nominal_threshold

DETECTION = 0.99
LEAST_HITS, MOST_HITS = 1e-3, 1e6
"""Hits between which is searched: a factor that needs more is too near 1 to be a fault."""
_STEPS = 30  # of the bisection


def hits_needed(
    factor: float, n_towers: int, *, false_alarms: float = 0.01, detection: float = DETECTION
) -> float:
    """Least expected hits at which a tower with ``factor`` times its rate is flagged.

    For counts of Poisson's distribution and a reference that is known well: a lower bound for any
    other. Where a tower has fewer, runs must be added (`summed_runs.runs_needed`).

    Parameters
    ----------
    factor
        0 for a dead tower, 2 for one with twice its hits.
    n_towers
        Towers that are looked at in a run.
    false_alarms
        Share of good runs that may give an alarm.
    detection
        Share of such towers that are to be flagged.

    Raises
    ------
    InputError
        If the factor is negative or so near 1 that more than `MOST_HITS` are needed.
    """
    threshold = nominal_threshold(false_alarms, n_towers).value
    if not (factor >= 0 and chance_of_flag(MOST_HITS, factor, threshold) >= detection):
        raise InputError(
            f"hits needed: the factor {factor:g} is negative, or too near 1 to be a fault"
        )
    low, high = np.log(LEAST_HITS), np.log(MOST_HITS)
    for _ in range(_STEPS):  # the chance has small steps: the last crossing, within a hit or so
        middle = (low + high) / 2
        if chance_of_flag(np.exp(middle), factor, threshold) >= detection:
            high = middle
        else:
            low = middle
    return float(np.exp(high))


def chance_of_flag(expected_hits: float, factor: float, threshold: float) -> float:
    """Chance of a score -log10(chance) of ``threshold`` or more, with ``factor`` times the hits."""
    width = 12 * np.sqrt(expected_hits) + 40
    edge = np.floor(expected_hits)
    more = np.arange(edge, edge + width * (1 + np.log1p(threshold)))
    fewer = np.arange(max(edge - width, 0), edge + 1)
    above = more[deviation(more, expected_hits, 0.0) >= threshold]
    below = fewer[(deviation(fewer, expected_hits, 0.0) >= threshold) & (fewer < expected_hits)]
    found = factor * expected_hits
    chance = 0.0
    if len(above):
        chance += float(special.pdtrc(above[0] - 1, found)) if found > 0 else 0.0
    if len(below):
        chance += float(special.pdtr(below[-1], found)) if found > 0 else 1.0
    return chance
