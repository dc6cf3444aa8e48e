"""Inputs that somebody replaces, writes to, cuts off or removes while a job reads them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement
from faults.disturbed import Place, counted, drawn, judged
from faults.faulty_calls import NOT_TRIED, is_loaded, obey, orders
from faults.jobs import Job, copied
from faults.read_errors import inputs


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
    if not is_loaded():
        yield NOT_TRIED
        return
    for job, random in drawn(seed, n_cases, 1.3):
        file, change = random.choice(inputs(job)), random.choice(CHANGES)
        number = random.randint(1, max(counted(job, file).n_uses, 1))
        of_change = random.randint(0, 10**6)
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
    waiter = partial(_change_when_stopped, path, change, seed)
    given = orders(path, stop_at=number)
    end = job.run(place.work, place.output, prepare=lambda: obey(given), beside=waiter)
    return judged(job, place, end, path.name, str(Path(file).parent), *job.outputs)


def _change_when_stopped(
    path: Path, change: Callable[[Path, int], None], seed: int, pid: int
) -> None:
    """Wait until the job stops, change the file, and let it go on."""
    while (state := _state(pid)) not in "TZX":
        time.sleep(0.002)
    if state == "T":
        change(path, seed)
        os.kill(pid, signal.SIGCONT)


def _state(pid: int) -> str:
    """State of a process, as the system calls it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


CHANGING = Drill("changing", "inputs that change", _cases, seconds=300, with_library=True)
