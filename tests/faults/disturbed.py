"""Judgement of a job that was disturbed, and the calls of the system of one that was not."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from faults.cases import Judgement, Outcome
from faults.commands import command, commands
from faults.faulty_calls import Orders, obey, orders
from faults.jobs import Job, leftovers
from faults.material import import_all, remembered, scratch
from faults.processes import End
from faults.workflow_jobs import workflow_jobs

QUICK = ("export",)
"""Commands of which a few cases are in the tests."""


@dataclass(frozen=True)
class Place:
    """Folder of a case: where the job works, and where its output is kept."""

    folder: Path

    @property
    def work(self) -> Path:
        """Working folder of the job."""
        return self.folder / "work"

    @property
    def output(self) -> Path:
        """What the job prints."""
        return self.folder / "output.txt"

    def laid_out(self, job: Job) -> "Place":
        """The same place, with the inputs of a job."""
        self.work.mkdir(exist_ok=True)
        job.lay_out(self.work)
        return self


@cache
def all_jobs() -> tuple[Job, ...]:
    """Commands, and the jobs of the workflow; without these, and a line that says so, where it does
    not run here.
    """
    try:
        return (*commands(), *workflow_jobs())
    except AssertionError as error:
        print(f"not tried: jobs of the workflow ({str(error)[-300:]!r})", file=sys.stderr)
        return commands()


def drawn(seed: int, n_cases: int | None, per_job: float) -> Iterator[tuple[Job, Random]]:
    """Jobs for the cases of a drill, each with random numbers of its own; the cheap ones where only
    a few are wanted, and others with each seed where there are fewer cases than jobs.
    """
    if n_cases is not None:
        jobs = [command(name) for name in Random(seed).choices(QUICK, k=n_cases)]
    else:
        import_all()
        every = list(all_jobs())
        Random(0).shuffle(every)
        n = round(per_job * len(every))
        jobs = [every[(seed * n + number) % len(every)] for number in range(n)]
    for number, job in enumerate(jobs):
        yield job, Random(f"{seed} {number} {job.name}")


def judged(job: Job, place: Place, end: End, *names: str) -> Judgement:
    """Judgement of a job that has ended: the right files, or a sentence; nothing half written."""
    judgement = end.judged(lambda: job.is_right(place.work), *names)
    if judgement.outcome is Outcome.WRONG:
        return Judgement(Outcome.WRONG, f"{job.differences(place.work)} {end.text[-200:]}")
    if half := job.differences(place.work, partly=True):
        return Judgement(Outcome.BROKEN, f"half written: {half}: {end.last}")
    if left := leftovers(place.work):
        return Judgement(Outcome.BROKEN, f"left: {left}: {end.last}")
    return judgement


@cache
def counted(job: Job, file: str = "") -> Orders:
    """Counts of the calls that an undisturbed job makes; reads and uses of one of its inputs."""

    def count() -> list[int]:
        place = Place(Path(tempfile.mkdtemp(dir=scratch()))).laid_out(job)
        given = orders((place.work / file).resolve() if file else None)
        end = job.run(place.work, place.output, prepare=lambda: obey(given))
        assert end.status == 0, (job.name, end.text)
        return [given.n_changes, given.n_reads, given.n_uses]

    return Orders(*remembered(f"calls {job.name} {file}", count))
