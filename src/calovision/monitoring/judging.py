"""Methods with thresholds for a wanted rate of false alarms, and flags of all runs of a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.monitoring.drawn_runs import good_runs_like
from calovision.monitoring.flagging import FlagRules, flag_runs
from calovision.monitoring.flags import MethodFlags, RunFlags
from calovision.monitoring.methods import METHODS, Scorer
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile
from calovision.monitoring.thresholds import (
    LEAST_RUNS,
    Threshold,
    checked_threshold,
    find_threshold,
    largest_scores,
    nominal_threshold,
)

N_TOYS = 200
"""Runs that are drawn from the reference where there are too few good runs for a threshold."""


def load_scorers(methods: Sequence[str], networks: Mapping[str, Path]) -> list[Scorer]:
    """Methods by name, networks from their files.

    Raises
    ------
    InputError
        If a method is unknown, or one that is trained has no file.
    """
    return [METHODS.find(name, "monitoring").load(networks.get(name)) for name in methods]


def threshold_for(
    scorer: Scorer,
    reference: Reference,
    false_alarms: float,
    *,
    good: RunMapFile | None = None,
    n_events: int,
    seed: int = 1,
) -> tuple[Threshold, str]:
    """Threshold of a method, and where it is from.

    Of a method whose score is a probability it is computed, unless good runs give more alarms than
    they should (`checked_threshold`). Of others it is that of good runs that
    are not in the reference, or, where these are too few, of runs that are drawn from it.

    Parameters
    ----------
    scorer
        Of the method.
    reference
        Reference.
    false_alarms
        Share of good runs in which a tower may be flagged falsely.
    good
        Good runs that are not in the reference; None without any.
    n_events
        Events of a run that is drawn.
    seed
        Of these.
    """
    if scorer.name in METHODS and METHODS[scorer.name].is_probability:
        n_towers = max(int((reference.rate > 0).sum()), 1)
        found = nominal_threshold(false_alarms, n_towers)
        if good is not None and len(good):
            largest = [largest_scores(scorer.scores(one, reference)) for one in good.blocks()]
            found = checked_threshold(found, np.concatenate(largest))
        if found.is_computed:
            return found, f"computed for {n_towers} towers"
        return found, (
            f"from {found.n_runs} good runs that are not in the reference, more of which are above "
            f"the one computed for {n_towers} towers than chance allows"
        )
    if good is not None and len(good) >= LEAST_RUNS:
        found = find_threshold(scorer, good.blocks(), reference, false_alarms)
        return found, f"from {found.n_runs} good runs that are not in the reference"
    rng = np.random.default_rng(seed)
    toys = good_runs_like(reference, N_TOYS, n_events, rng)
    found = find_threshold(scorer, toys.blocks(), reference, false_alarms)
    return found, f"from {N_TOYS} runs of {n_events} events drawn from the reference"


def judge_file(
    file: RunMapFile,
    reference: Reference,
    scorers: Sequence[Scorer],
    rules: FlagRules,
    *,
    alarm: Sequence[str],
    false_alarms: float,
    good: RunMapFile | None = None,
) -> RunFlags:
    """Flags of all runs of a file, in blocks.

    Parameters
    ----------
    file
        Runs to be judged.
    reference, scorers, rules
        As of `calovision.monitoring.flagging.flag_runs`.
    alarm
        Names of the methods that raise alarms.
    false_alarms, good
        As of `threshold_for`.

    Raises
    ------
    InputError
        If the maps are not those of the reference (cells, channels, thresholds), or there is none.
    """
    reference.require(file, str(file.path))
    if len(file) == 0:
        raise InputError(f"{file.path}: there is no run in it to judge")
    is_judged = file.n_events >= rules.min_events
    of_runs = file.n_events[is_judged] if is_judged.any() else file.n_events
    n_events = max(int(np.median(of_runs)), 1)
    if good is not None:  # lumi blocks of good runs may be shorter than any that is judged
        good = good.select(good.n_events >= rules.min_events)
    methods = {}
    for one in scorers:
        found, basis = threshold_for(one, reference, false_alarms, good=good, n_events=n_events)
        methods[one.name] = MethodFlags(
            one.title, found.value, false_alarms, one.name in alarm, _sentence(found, basis)
        )
    notes = [*reference.doubts, *notes_on(reference)]
    return flag_runs(file.blocks(), reference, scorers, methods, rules, notes=notes)


def _sentence(found: Threshold, basis: str) -> str:
    extrapolated = ", extrapolated" if found.is_extrapolated else ""
    return f"{basis}{extrapolated}"


def notes_on(reference: Reference) -> list[str]:
    """Sentences on what the reference does not allow to say."""
    blind = [
        f"{int((plane == 0).sum())} of {plane.size} of {name}"
        for name, plane in zip(reference.channels, reference.rate, strict=True)
        if (plane == 0).any()
    ]
    if not blind:
        return []
    return [
        f"Towers without a hit in the good runs can only be found to be hot: {', '.join(blind)}."
    ]
