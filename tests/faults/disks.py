"""Disks that get full, of a size that each write may be the one that is refused; limits on the size
of files.
"""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from faults.cases import Case, Drill, Judgement
from faults.disturbed import Place, drawn, judged
from faults.jobs import Job

NO_DISKS = "not tried: no disk can be mounted here, which needs root"
PAGE = 4096


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
    with mounted(place.work, kind, room):
        place.laid_out(job)
        end = job.run(place.work, place.output)
        return judged(job, place, end, *named(job))


def named(job: Job) -> tuple[str, ...]:
    """What an error about a job's outputs may name."""
    return (*job.outputs, *(str(Path(output).parent) for output in job.outputs), "a file")


def written(job: Job) -> int:
    """Bytes of the outputs of a job."""
    paths = [job.reference / output for output in job.outputs]
    files = [one for path in paths for one in (path.rglob("*") if path.is_dir() else [path])]
    return sum(one.stat().st_size for one in files if one.is_file())


@contextmanager
def mounted(folder: Path, kind: str, room: int, options: str = "") -> Iterator[None]:
    """Mount a disk of its own, with about so much room for files."""
    folder.mkdir(exist_ok=True)
    if kind == "tmpfs":
        n_bytes = max(room // PAGE, 1) * PAGE
        line = ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}{options}", "drill", str(folder)]
    else:
        line = ["mount", "-o", f"loop{options}", str(_image(folder, room)), str(folder)]
    subprocess.run(line, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _image(folder: Path, room: int) -> Path:
    """An ext4 file system in a file: what its own records take, folders, and the room."""
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(2**20 + room)
    made = ["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", "-b", "1024", "-N", "512"]
    subprocess.run([*made, str(image)], check=True, capture_output=True)
    size = 1024 * int(
        subprocess.run(["dumpe2fs", "-h", str(image)], check=True, capture_output=True, text=True)
        .stdout.split("Free blocks:")[1]
        .split()[0]
    )
    if size > room + 2**17:  # what the file system leaves is filled
        subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
        (folder / "filling").write_bytes(bytes(size - room - 2**17))
        subprocess.run(["umount", str(folder)], check=True)
    return image


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
