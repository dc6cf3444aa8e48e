"""Reads that give less than was asked for, and writes that a quota refuses."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement, Outcome
from faults.disks import named, written
from faults.disturbed import Place, drawn, judged
from faults.faulty_calls import NOT_TRIED, is_loaded, obey, orders
from faults.jobs import Job


def _short_cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if not is_loaded():
        yield NOT_TRIED
        return
    for job, random in drawn(seed, n_cases, 0.5):
        yield Case(f"{job.name}, short reads", partial(_short, job, random.randint(1, 2**31)))


def _short(job: Job, seed: int, folder: Path) -> Judgement:
    """Nothing but a right result is good: the rest is there to be read."""
    place, given = Place(folder).laid_out(job), orders(seed=seed)
    end = job.run(place.work, place.output, prepare=lambda: obey(given))
    judgement = judged(job, place, end)
    if judgement.outcome is Outcome.CLEAR:
        return Judgement(Outcome.UNCLEAR, judgement.seen)
    return judgement


def _quota_cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if not is_loaded():
        yield NOT_TRIED
        return
    for job, random in drawn(seed, n_cases, 1):
        room = random.randint(0, written(job))
        yield Case(f"{job.name} with a quota of {room} bytes", partial(_refuse, job, room))


def _refuse(job: Job, room: int, folder: Path) -> Judgement:
    place, given = Place(folder).laid_out(job), orders(room=room)
    end = job.run(place.work, place.output, prepare=lambda: obey(given))
    return judged(job, place, end, *named(job))


SHORT_READS = Drill("short_reads", "short reads", _short_cases, seconds=300, with_library=True)
QUOTA = Drill(
    "quota",
    "quota",
    _quota_cases,
    note="calls that write are refused as by a quota, of which the kernel knows nothing",
    seconds=300,
    with_library=True,
)
