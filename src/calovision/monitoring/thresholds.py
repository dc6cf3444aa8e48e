"""Thresholds of a method for a wanted rate of false alarms.

A run gives an alarm if any of its towers has a score at or above the threshold. The rate of false
alarms is the share of good runs that give one: that many towers are looked at is included. It is
taken from the largest score of each of many good runs; where these are too few for the wanted rate,
it is extrapolated with an exponential tail through their upper half, and said so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from calovision.core.errors import InputError
from calovision.core.result import Result

if TYPE_CHECKING:
    from calovision.monitoring.methods import Scorer
    from calovision.monitoring.reference import Reference
    from calovision.monitoring.run_maps import RunMaps

LEAST_RUNS = 10
"""Good runs that a threshold needs at least."""
LEAST_ABOVE = 5
"""Good runs above a threshold below which it is an extrapolation."""
UNLIKELY = 0.01
"""Chance of so many false alarms below which a computed threshold is given up."""


@dataclass(frozen=True)
class Threshold(Result):
    """A threshold, and what it rests on.

    Attributes
    ----------
    value
        Scores at or above it are flagged.
    false_alarms
        Share of good runs with an alarm that was wanted.
    n_runs
        Good runs that it was taken from, or compared with; 0 of one that was only computed.
    n_alarms
        Runs among these with an alarm.
    is_extrapolated
        The runs are too few to see the wanted rate.
    is_computed
        It is computed from the number of towers, not taken from the runs.
    """

    value: float
    false_alarms: float
    n_runs: int
    n_alarms: int
    is_extrapolated: bool
    is_computed: bool = False

    def in_words(self) -> str:
        """A sentence for reports."""
        wanted = f"{self.false_alarms:.3g} of the good runs with a false alarm"
        seen = f"{self.n_alarms} of {self.n_runs} good runs are above it"
        if self.is_computed:
            seen = f"; {seen}" if self.n_runs else ""
            return f"threshold {self.value:.3g}: {wanted}, computed{seen}"
        how = "; extrapolated, too few good runs to see that rate" if self.is_extrapolated else ""
        return f"threshold {self.value:.3g}: {wanted} ({seen}{how})"


def find_threshold(
    method: Scorer, blocks: Iterable[RunMaps], reference: Reference, false_alarms: float
) -> Threshold:
    """Threshold of a method from blocks of good runs, which are not those of the reference.

    Raises
    ------
    InputError
        See `threshold_of`.
    """
    largest = [largest_scores(method.scores(maps, reference)) for maps in blocks]
    return threshold_of(np.concatenate([np.empty(0), *largest]), false_alarms)


def largest_scores(scores: np.ndarray) -> np.ndarray:
    """Largest score of each run, ``(n_runs,)``; NaN of a run without any."""
    flat = scores.reshape(len(scores), -1)
    known = ~np.isnan(flat)
    largest = np.max(flat, axis=1, where=known, initial=-np.inf)
    return np.where(known.any(axis=1), largest, np.nan)


def threshold_of(largest: np.ndarray, false_alarms: float) -> Threshold:
    """Threshold from the largest score of each good run.

    Parameters
    ----------
    largest
        ``(n_runs,)``; runs with NaN are left out.
    false_alarms
        Share of good runs that may give an alarm, between 0 and 1.

    Raises
    ------
    InputError
        If there are fewer than `LEAST_RUNS`, or the share is none.
    """
    _check_share(false_alarms)
    found = np.sort(largest[~np.isnan(largest)])
    n_runs = len(found)
    if n_runs < LEAST_RUNS:
        raise InputError(
            f"threshold: {n_runs} good runs with scores; give at least {LEAST_RUNS}, or a threshold"
        )
    n_above = int(np.floor(false_alarms * n_runs))
    is_extrapolated = n_above < LEAST_ABOVE
    if is_extrapolated:
        value = _exponential_tail(found, false_alarms)
    else:
        value = float(np.nextafter(found[n_runs - n_above - 1], np.inf))
    n_alarms = int((found >= value).sum())
    return Threshold(value, false_alarms, n_runs, n_alarms, is_extrapolated)


def nominal_threshold(false_alarms: float, n_towers: int) -> Threshold:
    """Threshold for scores -log10(chance) when ``n_towers`` are looked at (Šidák, J. Am. Stat.
    Assoc. 62 (1967) 626; on the safe side for counts, whose chances are steps).

    Raises
    ------
    InputError
        If the share is not between 0 and 1, or there is no tower.
    """
    _check_share(false_alarms)
    if n_towers < 1:
        raise InputError(f"threshold: {n_towers} towers are looked at; there must be at least one")
    of_one = -np.expm1(np.log1p(-false_alarms) / n_towers)
    return Threshold(float(-np.log10(of_one)), false_alarms, 0, 0, False, is_computed=True)


def checked_threshold(computed: Threshold, largest: np.ndarray) -> Threshold:
    """Computed threshold, or that of good runs where these give more alarms than they should.

    Scores -log10(chance) are right for independent events and what the reference knows of its
    runs. Good runs that drift, or jets that hit many towers at once, make more of them large.

    Parameters
    ----------
    computed
        Of `nominal_threshold`.
    largest
        Largest score of each good run that is not in the reference, ``(n_runs,)``.

    Returns
    -------
    The computed threshold while as many runs above it as there are have a chance of 1 % or more;
    else that of `threshold_of`, if there are runs enough for one.
    """
    known = largest[~np.isnan(largest)]
    n_alarms = int((known >= computed.value).sum())
    chance = special.bdtrc(n_alarms - 1, len(known), computed.false_alarms) if n_alarms else 1.0
    if chance >= UNLIKELY or len(known) < LEAST_RUNS:
        return replace(computed, n_runs=len(known), n_alarms=n_alarms, is_computed=True)
    found = threshold_of(known, computed.false_alarms)
    return found if found.value > computed.value else computed


def chance_in_run(score: np.ndarray, n_towers: int) -> np.ndarray:
    """Chance that any of ``n_towers`` towers of a good run has such a score -log10(chance) or a
    larger one.
    """
    of_one = 10.0 ** -np.asarray(score, dtype=np.float64)
    with np.errstate(divide="ignore"):  # a chance of 1
        return -np.expm1(n_towers * np.log1p(-of_one))


def _exponential_tail(ascending: np.ndarray, false_alarms: float) -> float:
    """Score above which a share of the runs is, of an exponential tail above the median."""
    start = float(np.median(ascending))
    above = ascending[ascending > start]
    if len(above) == 0:
        return float(np.nextafter(start, np.inf))
    slope = float((above - start).mean())
    return start + slope * float(np.log(len(above) / len(ascending) / false_alarms))


def _check_share(false_alarms: float) -> None:
    if not 0 < false_alarms < 1:
        raise InputError(
            f"threshold: the share {false_alarms:g} of good runs with a false alarm must be "
            "between 0 and 1"
        )
