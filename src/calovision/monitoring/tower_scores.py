"""Scores of faulty and sound towers compared: false discoveries, ROC, area under it.

Uncertainties are 68.3 % intervals, from a bootstrap over runs.
`calovision.monitoring.performance` measures methods with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.results.fault_figures import TowerRoc
from calovision.evaluation.results.numbers import Interval
from calovision.metrics.efficiencies import ONE_SIGMA

DETECTION = 0.99
"""Share of the faulty towers that are flagged where false discoveries are counted."""
N_REPLICAS = 200
ROC_POINTS = np.logspace(-6, 0, 61)
"""False-positive rates at which the ROC curve is given."""
_NONE_SEEN = -np.log(ONE_SIGMA[0])  # upper end of the interval for no count
_MOST_CANDIDATES = 256  # thresholds that the replicas choose from


@dataclass(frozen=True)
class ScoredTowers:
    """Scores of the tested towers; -inf where a method says nothing.

    Attributes
    ----------
    faulty, sound
        Scores, ``(n_faulty,)`` and ``(n_sound,)``.
    faulty_run, sound_run
        Number of the run of each, from 0 to ``n_runs - 1``.
    n_runs
        All runs.
    """

    faulty: np.ndarray
    faulty_run: np.ndarray
    sound: np.ndarray
    sound_run: np.ndarray
    n_runs: int

    @classmethod
    def of(cls, scores: np.ndarray, is_faulty: np.ndarray, is_tested: np.ndarray) -> ScoredTowers:
        """From scores and masks ``(n_runs, n_channels, n_eta, n_phi)``; the tested towers may be
        the same in all runs.
        """
        scores = np.where(np.isnan(scores), -np.inf, scores)
        tested = np.broadcast_to(is_tested, scores.shape)
        run = np.broadcast_to(np.arange(len(scores))[:, None, None, None], scores.shape)
        faulty, sound = tested & is_faulty, tested & ~is_faulty
        return cls(scores[faulty], run[faulty], scores[sound], run[sound], len(scores))


def false_discovery_rate(
    towers: ScoredTowers, *, detection: float = DETECTION, seed: int = 0
) -> tuple[Interval, int, int, float]:
    """False-discovery rate at a detection.

    Returns
    -------
    The rate with its interval, FP, TP, and the threshold, -inf where the towers without a score are
    needed. Without a false positive the upper end is that for one that was missed by chance.

    Raises
    ------
    InputError
        If no faulty tower is tested.
    """
    ascending = np.sort(towers.faulty)
    n_faulty = len(ascending)
    if n_faulty == 0:
        raise InputError("false-discovery rate: none of the tested towers is faulty")
    needed = int(np.ceil(detection * n_faulty * (1 - 1e-12)))
    threshold = float(ascending[n_faulty - needed])
    n_true = int((towers.faulty >= threshold).sum())
    n_false = int((towers.sound >= threshold).sum())
    if len(towers.sound) == 0:
        return Interval(None, None, None), 0, n_true, threshold
    replicas = _replicas(towers, ascending, detection, np.random.default_rng(seed))
    low, high = np.nanquantile(replicas, ONE_SIGMA)
    value = n_false / (n_false + n_true)
    if n_false == 0:
        high = max(high, _NONE_SEEN / (_NONE_SEEN + n_true))
    return (
        Interval(
            value,
            float(min(low, value)),
            float(max(high, value)),
        ),
        n_false,
        n_true,
        threshold,
    )


def rate_at_share(false_positive_rate: float, share: float, detection: float = DETECTION) -> float:
    """False-discovery rate for another share of faulty towers."""
    false, true = false_positive_rate * (1 - share), detection * share
    return false / (false + true)


def _replicas(
    towers: ScoredTowers, ascending: np.ndarray, detection: float, rng: np.random.Generator
) -> np.ndarray:
    """False-discovery rates of replicas of the runs, each at a threshold of its own."""
    most = max(int(np.ceil(5 * (1 - detection) * len(ascending))), min(len(ascending), 20))
    positions = np.linspace(0, most - 1, min(most, _MOST_CANDIDATES)).astype(int)
    candidates = np.unique(ascending[positions])
    true, false = (
        _counts_above(candidates, scores, runs, towers.n_runs)
        for scores, runs in ((towers.faulty, towers.faulty_run), (towers.sound, towers.sound_run))
    )
    drawn = rng.multinomial(towers.n_runs, np.full(towers.n_runs, 1 / towers.n_runs), N_REPLICAS)
    all_faulty = drawn @ np.bincount(towers.faulty_run, minlength=towers.n_runs)
    n_true, n_false = drawn @ true, drawn @ false
    chosen = (n_true >= detection * all_faulty[:, None] * (1 - 1e-12)).sum(axis=1) - 1
    chosen = np.maximum(chosen, 0)[:, None]  # candidates ascend, counts descend
    n_true, n_false = (np.take_along_axis(one, chosen, axis=1)[:, 0] for one in (n_true, n_false))
    return np.where(all_faulty > 0, n_false / np.maximum(n_true + n_false, 1), np.nan)


def _counts_above(
    candidates: np.ndarray, scores: np.ndarray, runs: np.ndarray, n_runs: int
) -> np.ndarray:
    """Numbers of scores at or above ascending candidates, ``(n_runs, n_candidates)``."""
    n = len(candidates)
    place = np.searchsorted(candidates, scores, side="right")
    counts = np.bincount(runs * (n + 1) + place, minlength=n_runs * (n + 1))
    counts = counts.reshape(n_runs, n + 1)
    return counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]


def tower_roc(towers: ScoredTowers) -> TowerRoc:
    """Detection at `ROC_POINTS`."""
    descending = -np.sort(-towers.sound)
    n_sound = len(descending)
    allowed = np.floor(ROC_POINTS * n_sound * (1 + 1e-12)).astype(int)
    faulty = np.sort(towers.faulty)
    # flagged is what is above the first sound tower that must not be
    first_left = np.append(descending, -np.inf)[np.minimum(allowed, n_sound)]
    above = len(faulty) - np.searchsorted(faulty, first_left, side="right")
    detection = np.where(allowed >= n_sound, 1.0, above / max(len(faulty), 1))
    return TowerRoc(tuple(ROC_POINTS.tolist()), tuple(detection.tolist()))


def tower_auc(towers: ScoredTowers, *, seed: int = 0) -> Interval:
    """Chance that a faulty tower has a larger score than a sound one, ties half."""
    sound = np.sort(towers.sound)
    if len(sound) == 0:
        return Interval(None, None, None)
    below = np.searchsorted(sound, towers.faulty, side="left")
    below = (below + np.searchsorted(sound, towers.faulty, side="right")) / (2 * len(sound))
    return mean_over_runs(below, towers.faulty_run, towers.n_runs, seed=seed)


def mean_over_runs(values: np.ndarray, runs: np.ndarray, n_runs: int, *, seed: int = 0) -> Interval:
    """Mean of values with an interval from a bootstrap over their runs."""
    if len(values) == 0:
        return Interval(None, None, None)
    total = np.bincount(runs, weights=values, minlength=n_runs)
    number = np.bincount(runs, minlength=n_runs)
    total, number = total[number > 0], number[number > 0]
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(total), np.full(len(total), 1 / len(total)), N_REPLICAS)
    low, high = np.quantile((drawn @ total) / (drawn @ number), ONE_SIGMA)
    value = float(values.mean())
    return Interval(value, float(min(low, value)), float(max(high, value)))
