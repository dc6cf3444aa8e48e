"""SIGKILL in commands and in every stage of the workflow, at random moments; then each runs
again.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement, Outcome
from faults.disturbed import Place, counted, drawn, judged
from faults.faulty_calls import NOT_TRIED, is_loaded, obey, orders
from faults.jobs import Job


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if not is_loaded():
        yield NOT_TRIED
        return
    for job, random in drawn(seed, n_cases, 1):
        number = random.randint(1, max(counted(job).n_changes, 1))
        yield Case(f"{job.name} at call {number}", partial(_kill, job, number))


def _kill(job: Job, number: int, folder: Path) -> Judgement:
    """Kill a job at a call of the system that changes files; run it again."""
    place, given = Place(folder).laid_out(job), orders(kill_at=number)
    end = job.run(place.work, place.output, prepare=lambda: obey(given))
    if end.alive:
        return Judgement(Outcome.BROKEN, f"alive: {end.alive}")
    again = job.run(place.work, place.output)
    if again.status == 1 and "--force" in again.last:  # it was done when it was killed
        forced = replace(job, arguments=(*job.arguments, "--force"))
        again = forced.run(place.work, place.output)
    return judged(job, place, again)


KILLED = Drill(
    "killed", "SIGKILL in every stage, then again", _cases, seconds=300, with_library=True
)
