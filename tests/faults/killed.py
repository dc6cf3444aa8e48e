"""SIGKILL in commands and in every stage of the workflow, at random moments; then each runs
again.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement, Outcome
from faults.disturbed import WRITING, Place, drawn, judged, n_calls
from faults.jobs import Job


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    for job, random in drawn(seed, n_cases, 2):
        number = random.randint(1, max(n_calls(job, WRITING), 1))
        seconds = random.random()
        yield Case(f"{job.name} at call {number}", partial(_kill, job, number, seconds))


def _kill(job: Job, number: int, seconds: float, folder: Path) -> Judgement:
    """Kill a job at a call of the system that writes, or after some time; run it again."""
    place = Place(folder).laid_out(job)
    if n_calls(job, WRITING):
        kill = ("-e", f"trace={WRITING}", "-e", f"inject={WRITING}:signal=KILL:when={number}")
        end = job.run(place.work, place.output, traced=kill)
    else:
        end = job.run(place.work, place.output, kill_after=seconds)
    if end.alive:
        return Judgement(Outcome.BROKEN, f"alive: {end.alive}")
    again = job.run(place.work, place.output)
    if again.status == 1 and "--force" in again.last:  # it was done when it was killed
        forced = replace(job, arguments=(*job.arguments, "--force"))
        again = forced.run(place.work, place.output)
    return judged(job, place, again)


KILLED = Drill("killed", "SIGKILL in every stage, then again", _cases, seconds=300)
