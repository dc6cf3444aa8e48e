"""Inputs on a disk that fails: reads that give an error, at a random one of them; and file systems
without locks.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement, Outcome
from faults.disturbed import READING, Place, drawn, judged, n_calls
from faults.jobs import Job
from faults.processes import NO_STRACE, may_trace

ERRORS = ("EIO", "ESTALE", "ETIMEDOUT")
LOCKS = ("ENOLCK", "ENOSYS", "EOPNOTSUPP")
INPUTS = (".root", ".h5", ".json", ".safetensors", ".tsv", ".csv", ".png")


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if not may_trace():
        yield Case("", lambda folder: Judgement(Outcome.UNAVOIDABLE, NO_STRACE))
        return
    for job, random in drawn(seed, n_cases, 2):
        error, file = random.choice(ERRORS), random.choice(inputs(job))
        path = ("-P", str((job.reference / file).resolve()))
        number = random.randint(1, max(n_calls(job, READING, *path), 1))
        name = f"{job.name}: read {number} of {file} gives {error}"
        yield Case(name, partial(_fail, job, file, f"error={error}:when={number}+"))


def _fail(job: Job, file: str, how: str, folder: Path) -> Judgement:
    place = Place(folder).laid_out(job)
    path = str((place.work / file).resolve())
    options = ("-P", path, "-e", f"trace={READING}", "-e", f"inject={READING}:{how}")
    end = job.run(place.work, place.output, traced=options)
    return judged(job, place, end, Path(file).name, str(Path(file).parent))


def _lock_cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if not may_trace():
        yield Case("", lambda folder: Judgement(Outcome.UNAVOIDABLE, NO_STRACE))
        return
    for job, random in drawn(seed, n_cases, 1):
        error = random.choice(LOCKS)
        yield Case(f"{job.name}: {error}", partial(_without_locks, job, error))


def _without_locks(job: Job, error: str, folder: Path) -> Judgement:
    """Nothing but a right result is good: files are whole without locks, too."""
    place = Place(folder).laid_out(job)
    options = ("-e", "trace=flock", "-e", f"inject=flock:error={error}")
    end = job.run(place.work, place.output, traced=options)
    judgement = judged(job, place, end)
    if judgement.outcome is Outcome.CLEAR:
        return Judgement(Outcome.UNCLEAR, judgement.seen)
    return judgement


def inputs(job: Job) -> list[str]:
    """Files that a job may read, relative to its folder."""
    text = Path(job.script).read_text() if job.script else " ".join(job.arguments)
    names = [
        str(path.relative_to(job.reference))
        for path in sorted(job.reference.rglob("*"))
        if path.is_file() and path.suffix in INPUTS
    ]
    wanted = [name for name in names if name in text or f"{Path(name).parent} " in text]
    return [name for name in wanted if name not in job.outputs] or names


READ_ERRORS = Drill("read_errors", "read errors", _cases, seconds=300)
NO_LOCKS = Drill("no_locks", "file system without locks", _lock_cases, seconds=300)
