"""Disks that get full, of a size that each write may be the one that is refused; limits on the size
of files.
"""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement
from faults.disturbed import Place, drawn, judged
from faults.jobs import Job

NO_DISKS = "not tried: no disk can be mounted here, which needs root"
PAGE = 4096
SIZE = 2**23
"""Of a disk, bytes, before it is filled up."""


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    for job, random in drawn(seed, n_cases, 2):
        size = written(job)
        kind = random.choice(("tmpfs", "tmpfs", "ext4", "limit")) if can_mount() else "limit"
        room = random.randint(PAGE, max(int(1.1 * size), 2 * PAGE))
        yield Case(f"{job.name} on {kind} of {room} bytes", partial(_fill, job, kind, room))


def _fill(job: Job, kind: str, room: int, folder: Path) -> Judgement:
    """Run a job where there is little room."""
    place = Place(folder)
    if kind == "limit":
        place.laid_out(job)
        end = job.run(
            place.work,
            place.output,
            prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )
        return judged(job, place, end, *named(job))
    with mounted(place.work, kind):
        place.laid_out(job)
        _fill_up(place.work, room)
        end = job.run(place.work, place.output)
        return judged(job, place, end, *named(job))


def _fill_up(folder: Path, room: int) -> None:
    """Leave about so much room on the disk of a folder."""
    with (folder / "filling").open("wb", buffering=0) as file, suppress(OSError):
        while (more := shutil.disk_usage(folder).free - room) >= PAGE:
            file.write(bytes(more))


def named(job: Job) -> tuple[str, ...]:
    """What an error about a job's outputs may name."""
    return (*job.outputs, *(str(Path(output).parent) for output in job.outputs), "a file")


def written(job: Job) -> int:
    """Bytes of the outputs of a job."""
    paths = [job.reference / output for output in job.outputs]
    files = [one for path in paths for one in (path.rglob("*") if path.is_dir() else [path])]
    return sum(one.stat().st_size for one in files if one.is_file())


@contextmanager
def mounted(folder: Path, kind: str) -> Iterator[None]:
    """Mount a disk of its own."""
    folder.mkdir(exist_ok=True)
    if kind == "tmpfs":
        line = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "drill", str(folder)]
    else:
        image = folder.with_suffix(".img")
        with image.open("wb") as file:
            file.truncate(SIZE)
        make = ["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", "-b", "1024", "-N", "1024"]
        subprocess.run([*make, str(image)], check=True, capture_output=True)
        line = ["mount", "-o", "loop", str(image), str(folder)]
    subprocess.run(line, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def can_mount() -> bool:
    """Whether disks can be mounted here."""
    try:
        done = subprocess.run(
            ["unshare", "--mount", "mount", "-t", "tmpfs", "drill", "/mnt"], capture_output=True
        )
    except OSError:
        return False
    return done.returncode == 0


FULL_DISK = Drill("full_disk", "disk full", _cases, seconds=300)
