"""Reference of good runs, and those of them that are held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.core.errors import InputError
from calovision.core.result import Result
from calovision.core.run_lists import RunList
from calovision.jobs.atomic import write_json
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile
from calovision.stages.arguments import Count, not_counted

LEAST_GOOD_RUNS = 4
"""Good runs that are needed at least, of which one or more are held out."""


@dataclass(frozen=True)
class GoodRuns(Result):
    """Good runs, and what they are for.

    Attributes
    ----------
    reference, held_out
        Runs that make the reference, and that set the thresholds.
    few_events
        Good runs that are neither, for they have too few events.
    """

    reference: tuple[int, ...]
    held_out: tuple[int, ...]
    few_events: tuple[int, ...]


def make_reference(
    maps: Path,
    reference: Path,
    good_runs: Path,
    options: Mapping[str, Any],
    *,
    count: Count = not_counted,
) -> None:
    """Write the reference of good runs, and which of them are held out.

    Parameters
    ----------
    maps
        File of run maps.
    reference, good_runs
        Files to write.
    options
        ``ranges`` of the good runs, share ``held_out``, ``min_events``.
    count
        Of the events.

    Raises
    ------
    InputError
        If an entry of the list of good runs has no run in the maps, or there are too few of them.
    """
    file = RunMapFile(maps)
    chosen = choose_good_runs(file.run, file.n_events, options)
    good = file.select(np.isin(file.run, chosen.reference))
    count(int(good.n_events.sum()))
    Reference.of(good).save(Path(reference))
    write_json(Path(good_runs), chosen.to_json())


def choose_good_runs(run: np.ndarray, n_events: np.ndarray, options: Mapping[str, Any]) -> GoodRuns:
    """Good runs of the reference and those that are held out, by the columns of the maps.

    Raises
    ------
    InputError
        As `make_reference`.
    """
    listed = RunList(tuple((low, high) for low, high in options["ranges"]))
    runs = np.unique(run)
    where = "configuration key 'monitoring.good_runs'"
    if unknown := listed.without(runs.tolist()):
        raise InputError(
            f"{where}: the files have no run {unknown[0]}; they have {len(runs)} runs, "
            f"{runs[0]} to {runs[-1]}"
        )
    good = runs[listed.mask(runs)]
    events = np.array([n_events[run == one].sum() for one in good])
    is_long = events >= options["min_events"]
    long = good[is_long]
    if len(long) < LEAST_GOOD_RUNS:
        raise InputError(
            f"{where}: {len(long)} of the {len(good)} good runs have {options['min_events']} "
            f"events or more (monitoring.min_events); give at least {LEAST_GOOD_RUNS} such runs"
        )
    share = options["held_out"]
    number = np.arange(1, len(long) + 1)
    is_held_out = np.floor(number * share) > np.floor((number - 1) * share)
    is_held_out[-1] |= not is_held_out.any()
    parts = (long[~is_held_out], long[is_held_out], good[~is_long])
    return GoodRuns(*(tuple(part.tolist()) for part in parts))
