"""Inputs on a disk that fails: reads that give an error, at a random one of them; and file systems
without locks.
"""

import errno
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement, Outcome
from faults.disturbed import Place, counted, drawn, judged
from faults.faulty_calls import NOT_TRIED, is_loaded, obey, orders
from faults.jobs import Job

ERRORS = ("EIO", "ESTALE", "ETIMEDOUT")
LOCKS = ("ENOLCK", "ENOSYS", "EOPNOTSUPP")
INPUTS = (".root", ".h5", ".json", ".safetensors", ".tsv", ".csv", ".png")


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if not is_loaded():
        yield NOT_TRIED
        return
    for job, random in drawn(seed, n_cases, 1):
        error, file = random.choice(ERRORS), random.choice(inputs(job))
        number = random.randint(1, max(counted(job, file).n_reads, 1))
        name = f"{job.name}: read {number} of {file} gives {error}"
        yield Case(name, partial(_fail, job, file, number, getattr(errno, error)))


def _fail(job: Job, file: str, number: int, error: int, folder: Path) -> Judgement:
    """All reads of a file from some on fail."""
    place = Place(folder).laid_out(job)
    given = orders((place.work / file).resolve(), fail_at=number, error=error)
    end = job.run(place.work, place.output, prepare=lambda: obey(given))
    return judged(job, place, end, Path(file).name, str(Path(file).parent))


def _lock_cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if not is_loaded():
        yield NOT_TRIED
        return
    for job, random in drawn(seed, n_cases, 0.5):
        error = random.choice(LOCKS)
        yield Case(f"{job.name}: {error}", partial(_without_locks, job, error))


def _without_locks(job: Job, error: str, folder: Path) -> Judgement:
    """Nothing but a right result is good: files are whole without locks, too."""
    place = Place(folder).laid_out(job)
    given = orders(lock_error=getattr(errno, error))
    end = job.run(place.work, place.output, prepare=lambda: obey(given))
    judgement = judged(job, place, end)
    if judgement.outcome is Outcome.CLEAR:
        return Judgement(Outcome.UNCLEAR, judgement.seen)
    return judgement


def inputs(job: Job) -> list[str]:
    """Files that a job may read, relative to its folder."""
    text = Path(job.script).read_text() if job.script else " ".join(job.arguments)
    own = (*job.outputs, *(f"{name}/" for name in job.outputs))
    names = [
        name
        for path in sorted(job.reference.rglob("*"))
        if path.is_file()
        and path.suffix in INPUTS
        and not (name := str(path.relative_to(job.reference))).startswith(own)
    ]
    return [name for name in names if name in text or f"{Path(name).parent} " in text] or names


READ_ERRORS = Drill("read_errors", "read errors", _cases, seconds=300, with_library=True)
NO_LOCKS = Drill(
    "no_locks", "file system without locks", _lock_cases, seconds=300, with_library=True
)
