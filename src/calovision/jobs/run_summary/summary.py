"""The summary of a run: sums over all jobs and over those of each stage (rule), the slowest jobs,
the failures.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from calovision.jobs.run_summary.jobs import read_run
from calovision.jobs.run_summary.measurements import FileSizes, Measurement, measure
from calovision.jobs.run_summary.states import JobState, job_states

N_SLOWEST = 10
N_FAILURES = 20
TRAFFIC = (
    "input_bytes",
    "output_bytes",
    "bytes_read",
    "bytes_written",
    "disk_read",
    "disk_written",
)


def summarize_run(results: Path) -> dict[str, Any]:
    """Numbers of the jobs that are done, for JSON.

    Jobs that were not done again count with what they cost when they were. A job that is not done,
    as the one that writes the summary, is named under ``not_in_it`` only.

    Returns
    -------
    ``run``
        ``jobs``, ``failures`` (attempts that failed or were killed), ``retries`` (attempts after
        the first of a job), ``cpu_s``; ``wall_s``, the time in which at least one job ran;
        ``first`` and ``last`` end of a job and ``started``, that of the last run (seconds since
        1970); ``jobs_of_earlier_runs``; ``hosts``; ``without_measurement``, jobs with neither a
        benchmark file nor a record.
    ``stages``
        Rule -> ``jobs``, ``failures``, ``retries``, ``wall_s`` and ``cpu_s`` (sums),
        ``max_memory_mb``, ``events``, ``events_per_s`` (of one job) and ``bytes_per_event``, with
        the keys of `TRAFFIC`, which are those of `Measurement`. What no job of the stage measured
        is None.
    ``slowest``, ``failures``
        Lists of jobs and of failed attempts, the latest last.
    ``not_in_it``
        Rule -> number of jobs.

    Raises
    ------
    InputError
        If the folder holds no run.
    """
    run = read_run(results)
    states = job_states(run)
    done = [state for state in states if state.state == "done"]
    sizes = FileSizes()
    measured = [measure(state, sizes) for state in done]
    failed = sorted(_failures(states), key=lambda failure: failure["started"])
    return {
        "run": {
            "started": run.started,
            **_totals(done, measured),
            "jobs_of_earlier_runs": sum(
                one.ended is not None and one.ended < run.started for one in measured
            ),
        },
        "stages": {
            rule: _stage(
                [state for state in done if state.job.rule == rule],
                [one for one in measured if one.rule == rule],
            )
            for rule in dict.fromkeys(state.job.rule for state in done)
        },
        "slowest": _slowest(measured),
        "failures": failed[-N_FAILURES:],
        "not_in_it": dict(Counter(state.job.rule for state in states if state.state != "done")),
    }


def _totals(states: Sequence[JobState], measured: Sequence[Measurement]) -> dict[str, Any]:
    """Sums over all jobs that are done."""
    ends = [one.ended for one in measured if one.ended is not None]
    return {
        **_counts(states),
        "cpu_s": _sum(one.cpu_s for one in measured),
        "wall_s": busy_time(
            [(one.ended - one.wall_s, one.ended) for one in measured if one.ended and one.wall_s]
        ),
        "first": min(ends, default=None),
        "last": max(ends, default=None),
        "hosts": sorted({one.host for one in measured if one.host}),
        "without_measurement": sum(one.wall_s is None for one in measured),
    }


def _stage(states: Sequence[JobState], measured: Sequence[Measurement]) -> dict[str, Any]:
    """Numbers of the jobs of one rule."""
    timed = [one for one in measured if one.n_events is not None and one.wall_s]
    n_events = _sum(one.n_events for one in timed)
    seconds = _sum(one.wall_s for one in timed)
    return {
        **_counts(states),
        "wall_s": _sum(one.wall_s for one in measured),
        "cpu_s": _sum(one.cpu_s for one in measured),
        "max_memory_mb": max(
            (one.max_memory_mb for one in measured if one.max_memory_mb is not None), default=None
        ),
        "events": n_events,
        "events_per_s": n_events / seconds if seconds else None,
        "bytes_per_event": {name: _per_event(measured, name) for name in TRAFFIC},
    }


def _counts(states: Sequence[JobState]) -> dict[str, int]:
    return {
        "jobs": len(states),
        "failures": sum(len(state.failures) for state in states),
        "retries": sum(max(len(state.attempts) - 1, 0) for state in states),
    }


def _per_event(measured: Iterable[Measurement], name: str) -> float | None:
    """Bytes over events, of the jobs that know both."""
    known = [one for one in measured if one.n_events and getattr(one, name) is not None]
    n_events = sum(one.n_events for one in known)
    return sum(getattr(one, name) for one in known) / n_events if n_events else None


def _slowest(measured: Iterable[Measurement]) -> list[dict[str, Any]]:
    timed = sorted(
        (one for one in measured if one.wall_s is not None),
        key=lambda one: one.wall_s,
        reverse=True,
    )
    names = ("rule", "name", "wall_s", "cpu_s", "max_memory_mb", "host", "ended")
    return [{name: getattr(one, name) for name in names} for one in timed[:N_SLOWEST]]


def _failures(states: Iterable[JobState]) -> Iterable[dict[str, Any]]:
    for state in states:
        for attempt in state.failures:
            message = attempt.message or "killed: it left no end"
            of_job = {"rule": state.job.rule, "name": state.job.name}
            yield {**of_job, "host": attempt.host, "started": attempt.started, "message": message}


def _sum(values: Iterable[float | None]) -> float | None:
    """Sum of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def busy_time(intervals: Iterable[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total = 0.0
    reached = float("-inf")
    for start, end in sorted(intervals):
        total += max(end - max(start, reached), 0.0)
        reached = max(reached, end)
    return total
