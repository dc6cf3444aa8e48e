"""State of each job: done, running, failed or missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from calovision.jobs.attempts import Attempt, read_attempts
from calovision.jobs.run_summary.jobs import Job, Run

STATES = ("done", "running", "failed", "missing")


@dataclass(frozen=True)
class JobState:
    """A job, one of `STATES`, and its attempts since it last succeeded, with that one.

    ``missing`` has not been started since the run began, or its files are gone; ``failed`` may be
    tried again.
    """

    job: Job
    state: str
    attempts: list[Attempt]

    @property
    def failures(self) -> list[Attempt]:
        """Attempts that failed or were killed."""
        over = self.attempts[:-1] if self.state == "running" else self.attempts
        return [attempt for attempt in over if not attempt.succeeded]


def job_states(run: Run) -> list[JobState]:
    """State of every job of a run, in their order."""
    return list(_states(run))


def _states(run: Run) -> Iterator[JobState]:
    active = run.is_active
    for job in run.jobs:
        attempts = read_attempts(job.log)
        yield JobState(job, _state(job, attempts, run.started, run_is_active=active), attempts)


def _state(
    job: Job, attempts: list[Attempt], run_started: float, *, run_is_active: bool | None
) -> str:
    last = attempts[-1] if attempts else None
    if last is not None and last.ended is None:
        runs = last.is_running
        if runs or (runs is None and run_is_active is not False and last.started >= run_started):
            # on another machine nothing but the end of the run tells a job that was killed
            return "running"
    if not job.is_needed:
        return "done" if _is_there(job) else "missing"
    if last is None or last.started < run_started:
        return "missing"
    if not last.succeeded:
        return "failed"
    return "done" if _is_there(job) else "missing"


def is_outdated(state: JobState) -> bool:
    """Tell whether an input of a job that is done is newer than one of its outputs, as after a copy
    without times.

    Snakemake would do it again, unless it knows from a checksum that a small input is the same.
    """
    if state.state != "done":
        return False
    made = [_changed(path) for path in state.job.outputs]
    return bool(made) and any(
        _changed(path) > min(made) for path in state.job.inputs if path.exists()
    )


def _changed(path: Path) -> float:
    """Time at which a file was written; Snakemake keeps that of a folder in a file inside it."""
    stamp = path / ".snakemake_timestamp"
    return (stamp if stamp.exists() else path).stat().st_mtime


def _is_there(job: Job) -> bool:
    return all(path.exists() for path in job.outputs)
