"""Inputs that somebody replaces, writes to, cuts off or removes while a job reads them."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement, Outcome
from faults.disturbed import Place, drawn, judged, n_calls
from faults.jobs import Job, copied
from faults.processes import NO_STRACE, may_trace
from faults.read_errors import inputs

AT = "openat,read,pread64,mmap,fstat,newfstatat,close,lseek"
"""Calls of the system, about the file, at one of which the job is stopped and the file changed."""


def _replaced(path: Path, seed: int) -> None:
    """Another file of the same size takes its place, as programs that write whole files do."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :: 97] = bytes(len(content[len(content) // 2 :: 97]))
    other = path.with_name(".other")
    other.write_bytes(content)
    other.replace(path)


def _overwritten(path: Path, seed: int) -> None:
    """The file itself is written anew, as `cp` does."""
    content = path.read_bytes()
    path.write_bytes(bytes(content[: len(content) // 2]) + os.urandom(len(content) // 2))


def _touched_up(path: Path, seed: int) -> None:
    """Some bytes are written in place."""
    with path.open("r+b") as file:
        file.seek(-(seed % (path.stat().st_size // 2)) - 32, os.SEEK_END)
        file.write(b"\x7f" * 32)


def _cut_off(path: Path, seed: int) -> None:
    os.truncate(path, path.stat().st_size * (seed % 90) // 100)


def _emptied(path: Path, seed: int) -> None:
    os.truncate(path, 0)


def _removed(path: Path, seed: int) -> None:
    path.unlink()


def _appended(path: Path, seed: int) -> None:
    with path.open("ab") as file:
        file.write(b"more" * 1000)


CHANGES: tuple[Callable[[Path, int], None], ...] = (
    *(_replaced, _overwritten, _touched_up, _cut_off, _emptied, _removed, _appended),
)


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    if not may_trace():
        yield Case("", lambda folder: Judgement(Outcome.UNAVOIDABLE, NO_STRACE))
        return
    for job, random in drawn(seed, n_cases, 2):
        file, change = random.choice(inputs(job)), random.choice(CHANGES)
        n_stops = n_calls(job, AT, "-P", str((job.reference / file).resolve()))
        number, of_change = random.randint(1, max(n_stops, 1)), random.randint(0, 10**6)
        yield Case(
            f"{job.name}: {file} {change.__name__[1:]} at call {number}",
            partial(_change, job, file, change, number, of_change),
        )


def _change(
    job: Job, file: str, change: Callable[[Path, int], None], number: int, seed: int, folder: Path
) -> Judgement:
    """The numbers of the file as it was, or a sentence."""
    place = Place(folder).laid_out(job)
    copied(place.work)
    path = place.work / file
    shutil.copystat(job.reference / file, path)
    waiter = partial(_change_when_stopped, place, path, change, seed)
    stop = ("-P", str(path), "-e", f"trace={AT}", "-e", f"inject={AT}:signal=STOP:when={number}")
    end = job.run(place.work, place.output, traced=stop, beside=waiter)
    return judged(job, place, end, path.name, str(Path(file).parent), *job.outputs)


def _change_when_stopped(
    place: Place, path: Path, change: Callable[[Path, int], None], seed: int, pid: int
) -> None:
    """Wait until the job stops, change the file, and let it go on."""
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state in "ZX":
            return
        if state in "Tt" and "--- stopped by SIGSTOP" in Path(f"{place.output}.strace").read_text(
            errors="replace"
        ):
            break
        time.sleep(0.005)
    change(path, seed)
    _let_go(pid)


def _let_go(pid: int) -> None:
    """Let a stopped process go on: strace, which would hold it, is ended first."""
    status = Path(f"/proc/{pid}/status").read_text()
    tracer = int(status.split("TracerPid:")[1].split()[0])
    if tracer:
        os.kill(tracer, signal.SIGTERM)
    while tracer and f"TracerPid:\t{tracer}\n" in Path(f"/proc/{pid}/status").read_text():
        time.sleep(0.005)
    os.kill(pid, signal.SIGCONT)


CHANGING = Drill("changing", "inputs that change", _cases, seconds=300)
