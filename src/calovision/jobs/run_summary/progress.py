"""Progress of a run: counts of each stage, epochs of its trainings, and the time that is left."""

import csv
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from calovision.jobs.run_summary.jobs import Job, read_run
from calovision.jobs.run_summary.measurements import read_benchmark
from calovision.jobs.run_summary.states import STATES, JobState, is_outdated, job_states

HISTORY = "history.csv"
N_FAILURES = 5


def run_status(results: Path) -> dict[str, Any]:
    """Numbers of a run that goes on, or of the last one, for JSON.

    Returns
    -------
    ``run``
        ``active`` (None: on another machine), ``started``, ``ended`` (seconds since 1970),
        ``succeeded``, ``host``, ``log`` (the run's own), ``remaining_s`` (None if unknown or over)
        and ``remaining_is_lower_limit``: a stage of which no job was ever done is not in it.
        ``copied_from`` is the folder of the run if the results were elsewhere then, else None;
        ``n_outdated`` the number of jobs that Snakemake would do again (`is_outdated`), 0 while it
        runs.
    ``stages``
        Rule -> ``done``, ``running``, ``failed``, ``missing`` (numbers of jobs), ``events_per_s``
        (of one job) and ``seconds_per_job`` (means of the jobs that are done; None if unknown).
    ``running``
        ``rule``, ``name``, ``host``, ``seconds`` of each; trainings also ``epoch`` (done),
        ``epochs`` (the largest number) and ``images_per_s``.
    ``failed``
        ``rule``, ``name``, ``host``, ``message``, ``log`` of the latest.

    Raises
    ------
    InputError
        If the folder holds no run.
    """
    run = read_run(results)
    states = job_states(run)
    now = time.time()
    stages = {
        rule: _stage([state for state in states if state.job.rule == rule])
        for rule in dict.fromkeys(state.job.rule for state in states)
    }
    running = [_running(state, now) for state in states if state.state == "running"]
    is_over = run.is_active is False
    remaining, complete = (None, True) if is_over else remaining_time(stages, running)
    return {
        "run": {
            "active": run.is_active,
            **{
                name: getattr(run, name)
                for name in ("started", "ended", "succeeded", "host", "log")
            },
            "remaining_s": remaining,
            "remaining_is_lower_limit": not complete,
            "copied_from": None
            if run.folder in (None, str(Path(results).resolve()))
            else run.folder,
            "n_outdated": sum(is_outdated(state) for state in states) if is_over else 0,
        },
        "stages": stages,
        "running": running,
        "failed": _failed(states),
    }


def remaining_time(
    stages: Mapping[str, Mapping[str, Any]], running: Sequence[Mapping[str, Any]]
) -> tuple[float | None, bool]:
    """Seconds until all jobs are done if as many run at a time as now, and whether all of them are
    in it.

    A job takes as long as the others of its stage did on average, a training as long as its
    remaining epochs. No shorter than the longest of those that run; None if nothing runs.
    """
    if not running:
        return None, False
    left_of_running = [_left(one, stages[one["rule"]]["seconds_per_job"]) for one in running]
    waiting = [
        (stage["missing"] + stage["failed"], stage["seconds_per_job"]) for stage in stages.values()
    ]
    work = sum(number * seconds for number, seconds in waiting if seconds is not None)
    known = [seconds for seconds in left_of_running if seconds is not None]
    is_complete = len(known) == len(running) and all(
        seconds is not None for number, seconds in waiting if number
    )
    return max([(work + sum(known)) / len(running), *known]), is_complete


def _left(one: Mapping[str, Any], seconds_per_job: float | None) -> float | None:
    """Seconds that a running job still needs."""
    if one.get("epoch"):
        return one["seconds"] * (one["epochs"] - one["epoch"]) / one["epoch"]
    return None if seconds_per_job is None else max(seconds_per_job - one["seconds"], 0.0)


def _stage(states: Sequence[JobState]) -> dict[str, Any]:
    counts = Counter(state.state for state in states)
    finished = [
        state.attempts[-1] for state in states if state.attempts and state.attempts[-1].succeeded
    ]
    seconds = [attempt.ended - attempt.started for attempt in finished]
    # of jobs that wait to be done again, and of those without a record, the benchmark of the last
    # time is there
    seconds = seconds or [one["s"] for one in map(_benchmark, states) if "s" in one]
    with_events = [attempt for attempt in finished if attempt.n_events is not None]
    time_of_events = sum(attempt.ended - attempt.started for attempt in with_events)
    return {
        **{name: counts[name] for name in STATES},
        "seconds_per_job": sum(seconds) / len(seconds) if seconds else None,
        "events_per_s": sum(attempt.n_events for attempt in with_events) / time_of_events
        if time_of_events
        else None,
    }


def _benchmark(state: JobState) -> dict[str, float]:
    return read_benchmark(state.job.benchmark)


def _running(state: JobState, now: float) -> dict[str, Any]:
    job = state.job
    attempt = state.attempts[-1]
    known = {
        "rule": job.rule,
        "name": job.name,
        "host": attempt.host,
        "seconds": now - attempt.started,
    }
    return known if job.epochs is None else known | _training(job)


def _training(job: Job) -> dict[str, Any]:
    """Epochs done and images/s of the last, from the history that a training writes after each of
    them.
    """
    rows: list[dict[str, str]] = []
    for path in job.outputs:
        if path.name == HISTORY:
            with suppress(OSError, ValueError, csv.Error), path.open(newline="") as file:
                rows = list(csv.DictReader(file))
    speed = None
    with suppress(IndexError, KeyError, TypeError, ValueError):
        speed = float(rows[-1]["images_per_s"])
    return {"epoch": len(rows), "epochs": job.epochs, "images_per_s": speed}


def _failed(states: Iterable[JobState]) -> list[dict[str, Any]]:
    """The latest attempts of the jobs that failed."""
    failed = sorted(
        (state for state in states if state.state == "failed"),
        key=lambda state: state.attempts[-1].started,
    )
    return [
        {
            "rule": state.job.rule,
            "name": state.job.name,
            "host": state.attempts[-1].host,
            "message": state.attempts[-1].message or "killed: it left no end",
            "log": str(state.job.log),
        }
        for state in failed[-N_FAILURES:]
    ]
