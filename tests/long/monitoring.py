"""A week of runs, one an hour: maps, flags of the newest, histories and pages."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from calovision.jobs.atomic import write_json
from calovision.monitoring.flagging import FlagRules
from calovision.monitoring.flags import RunFlags
from calovision.monitoring.injection import inject
from calovision.monitoring.judging import judge_file, load_scorers
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_map_merge import merge_run_maps
from calovision.monitoring.run_maps import RunMaps
from calovision.monitoring.toys import toy_detector
from calovision.stages.run_pages import write_run_pages
from long.outcome import LongRun
from long.readings import Readings

N_GOOD, N_RUNS, WARM_UP = 24, 7 * 24, 24
N_EVENTS = 2000
HOURS_OF_A_FAULT = range(10, 15)
"""Hours of each day in which a board is dead; the first day's are within the warm-up, so that what
draws pages is loaded by then."""
MOST_PAGES = 2
RULES = {"alarm": ["poisson"], "false_alarms": 0.001}


def run_monitoring(folder: Path, seed: int, n: int = N_RUNS, warm_up: int = WARM_UP) -> LongRun:
    """Runs of n hours behind a day of good ones."""
    detector, rng = toy_detector(16, 16, seed=seed), np.random.default_rng(seed)
    every = folder / "maps.h5"
    write_run_maps(every, detector.runs(N_GOOD, N_EVENTS, rng))
    reference = Reference.of(RunMapFile(every))
    reference.save(folder / "reference.h5")
    readings, states, most_kept = Readings(), [], 0
    for hour in range(n):
        run = detector.runs(1, N_EVENTS, rng, first_run=N_GOOD + 1 + hour)
        flags = _hour(folder, _with_fault(run, hour, seed), reference)
        states.append(flags.runs[0].state)
        readings.watch()
        most_kept = max(most_kept, sum(1 for path in folder.rglob("*") if path.is_file()))
        readings.read()
    return LongRun(
        f"an hour of monitoring after the other (seed {seed})",
        readings,
        warm_up,
        f"{states.count('alarm')} runs with alarms; {len(RunMapFile(every))} runs in the maps; at "
        f"most {most_kept} files in the folder",
        _faults(states, len(RunMapFile(every)), most_kept),
        is_even=False,  # all runs so far are judged each hour, and only some hours have pages
    )


def _with_fault(run: RunMaps, hour: int, seed: int) -> RunMaps:
    if hour % 24 not in HOURS_OF_A_FAULT:
        return run
    return replace(run, **_sums(inject(run, "dead_board", 1.0, seed)[0]))


def _sums(maps: RunMaps) -> dict[str, np.ndarray]:
    return {"occupancy": maps.occupancy, "total": maps.total}


def _hour(folder: Path, run: RunMaps, reference: Reference) -> RunFlags:
    """What a crew's machine does each hour: the maps of a run, the file of all, flags, pages."""
    newest, every = folder / "newest.h5", folder / "maps.h5"
    write_run_maps(newest, run)
    merge_run_maps([every, newest], folder / "merged.h5")
    (folder / "merged.h5").replace(every)
    scorers = load_scorers(["poisson", "ring_median"], {})
    flags = judge_file(RunMapFile(newest), reference, scorers, FlagRules(), **RULES)
    of_all = judge_file(RunMapFile(every), reference, scorers, FlagRules(), **RULES)
    write_json(folder / "flags.json", of_all.to_json())
    write_run_pages(
        every, folder / "reference.h5", folder / "flags.json", folder / "pages", most=MOST_PAGES
    )
    return flags


def _faults(states: list[str], n_in_maps: int, most_kept: int) -> list[str]:
    """Sentences on what is not as it must be."""
    faulty = [hour % 24 in HOURS_OF_A_FAULT for hour in range(len(states))]
    missed = sum(one and state != "alarm" for one, state in zip(faulty, states, strict=True))
    false = states.count("alarm") - (sum(faulty) - missed)
    found = [f"{missed} runs with a dead board have no alarm"] if missed else []
    found += [f"{false} of {len(states)} good runs have an alarm"] if false > 3 else []
    if n_in_maps != N_GOOD + len(states):
        found.append(f"{n_in_maps} runs in the maps of {N_GOOD + len(states)}")
    if most_kept > 40:
        found.append(f"{most_kept} files in the folder")
    return found
