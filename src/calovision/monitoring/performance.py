"""Figures of merit of methods that find faults: false discoveries at 99 % detection, detection at
a rate of false alarms, ROC of towers.

The false-discovery rate is that of arXiv:2309.10157: FP / (FP + TP) among towers at the threshold
that flags 99 % of the faulty ones. Half of the runs are good, the others have the fault, each at a
place of its own. Tested are towers with enough expected hits in a run, `LEAST_HITS`: whether a
tower with one expected hit is dead cannot be told from one run, only from many together
(`calovision.monitoring.summed_runs`). Uncertainties are 68.3 % intervals, from a bootstrap over
runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import finite_or_none
from calovision.evaluation.results.fault_figures import (
    FaultFigures,
    MonitoringFigures,
    TestedTowers,
)
from calovision.monitoring.compared_runs import ComparedRuns
from calovision.monitoring.expectation import smooth_rate
from calovision.monitoring.faults import FAULTS
from calovision.monitoring.injection import BOARD, inject
from calovision.monitoring.methods import Scorer, scores_of_each
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import RunMaps
from calovision.monitoring.thresholds import Threshold, largest_scores, threshold_of
from calovision.monitoring.tower_scores import (
    ScoredTowers,
    false_discovery_rate,
    mean_over_runs,
    tower_auc,
    tower_roc,
)

LEAST_HITS = 50.0
"""Expected hits of a tested tower; twice as many are then seven standard deviations away."""
FALSE_ALARMS = 0.05
"""Share of good runs with a false alarm where the detection is given."""


def is_tested(reference: Reference, n_events: int, least_hits: float = LEAST_HITS) -> np.ndarray:
    """Towers with enough expected hits in a run, bool ``(n_channels, n_eta, n_phi)``."""
    return smooth_rate(reference) * n_events >= least_hits


def measure_performance(
    methods: Sequence[Scorer],
    good: Mapping[int, RunMaps],
    reference: Reference,
    *,
    faults: Sequence[str] | None = None,
    least_hits: float = LEAST_HITS,
    false_alarms: float = FALSE_ALARMS,
    board: tuple[int, int] = BOARD,
    seed: int = 0,
) -> MonitoringFigures:
    """Figures of merit of methods.

    Parameters
    ----------
    methods
        Rules, and networks that are trained.
    good
        Events of a run -> good runs with about as many, an even number; the second half get the
        faults. They are not those of the reference.
    reference
        Of good runs.
    faults
        Names of faults, all by default; two channels are swapped only where there are two.
    least_hits, false_alarms, board
        See `is_tested`, `FALSE_ALARMS` and `calovision.monitoring.injection.inject`.
    seed
        Of places and bootstrap.

    Raises
    ------
    InputError
        If no tower is tested for any number of events, or there are too few good runs for a
        threshold.
    """
    kinds = list(FAULTS) if faults is None else list(faults)
    if faults is None and len(reference.channels) < 2:
        kinds.remove("swapped_channels")
    titles = {kind: FAULTS.find(kind, "figures of merit").title for kind in kinds}
    tested = {n: is_tested(reference, n, least_hits) for n in good}
    live = reference.rate > 0
    if not any(one.any() for one in tested.values()):
        raise InputError(
            f"figures of merit: no tower has {least_hits:g} expected hits in a run of "
            f"{max(good, default=0)} events; take larger runs or add consecutive ones"
        )
    figures = [
        one
        for n_events, maps in good.items()
        if tested[n_events].any()
        for one in _of_events(
            methods, maps, n_events, reference, tested[n_events], kinds, false_alarms, board, seed
        )
    ]
    return MonitoringFigures(
        titles={one.name: one.title for one in methods},
        faults=titles,
        least_hits=least_hits,
        tested=tuple(
            TestedTowers(n, int((mask & live).sum()), int(live.sum())) for n, mask in tested.items()
        ),
        false_alarms=false_alarms,
        figures=tuple(figures),
    )


def _of_events(
    methods: Sequence[Scorer],
    good: RunMaps,
    n_events: int,
    reference: Reference,
    tested: np.ndarray,
    kinds: Sequence[str],
    false_alarms: float,
    board: tuple[int, int],
    seed: int,
) -> Iterator[FaultFigures]:
    """Figures for runs of one number of events, fault by fault."""
    half = len(good) // 2
    sound, to_be_faulty = good[:half], good[half:]
    of_sound = scores_of_each(methods, ComparedRuns(sound, reference))
    thresholds = {
        name: threshold_of(largest_scores(np.where(tested, scores, np.nan)), false_alarms)
        for name, scores in of_sound.items()
    }
    rates = smooth_rate(reference)
    for kind in kinds:
        for strength in FAULTS[kind].strengths:
            faulty, mask = inject(
                to_be_faulty, kind, strength, seed, rates=rates, live=tested, board=board
            )
            masks = np.concatenate([np.zeros_like(of_sound[methods[0].name], dtype=bool), mask])
            of_faulty = scores_of_each(methods, ComparedRuns(faulty, reference))
            for one in methods:
                scores = np.concatenate([of_sound[one.name], of_faulty[one.name]])
                towers = ScoredTowers.of(scores, masks, tested)
                if len(towers.faulty):
                    yield _figures(
                        (one.name, kind, strength, n_events), towers, thresholds[one.name], seed
                    )


def _figures(
    names: tuple[str, str, float, int], towers: ScoredTowers, threshold: Threshold, seed: int
) -> FaultFigures:
    rate, n_false, n_true, at = false_discovery_rate(towers, seed=seed)
    flagged = towers.faulty >= threshold.value
    runs = np.unique(towers.faulty_run)
    found = np.isin(runs, towers.faulty_run[flagged]).astype(np.float64)
    method, fault, strength, n_events = names
    return FaultFigures(
        method=method,
        fault=fault,
        strength=strength,
        n_events=n_events,
        n_runs=towers.n_runs,
        n_faulty=len(towers.faulty),
        n_sound=len(towers.sound),
        false_discovery_rate=rate,
        n_false=n_false,
        n_true=n_true,
        threshold=finite_or_none(at),
        detection=mean_over_runs(
            flagged.astype(np.float64), towers.faulty_run, towers.n_runs, seed=seed
        ),
        found_runs=mean_over_runs(found, runs, towers.n_runs, seed=seed),
        auc=tower_auc(towers, seed=seed),
        roc=tower_roc(towers),
        is_extrapolated=threshold.is_extrapolated,
    )
