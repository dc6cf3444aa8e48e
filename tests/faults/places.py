"""Odd places: folders that may not be written to, disks that are read-only, odd names, and things
that are no files.
"""

import importlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from calovision.scoring.onnx_export import PACKAGES
from faults.cases import Case, Drill, Judgement, Outcome
from faults.commands import LINES, command
from faults.disks import can_mount, mounted
from faults.disturbed import Place, judged, leftovers
from faults.jobs import Job

NOBODY = 65534
ODD = (
    *("with space", " spaces around ", "new\nline", "tab\tand\x07bell", "ünïcödé-λ", "日本語"),
    *("'quotes\"", "$HOME", "~", "-", "a;b|c&d", "*.h5", "[1]", "%s{0}", "x" * 251, "x" * 300),
    *("#hash", "back\\slash", ":colon", "a:b", "\udcff\udcfe", "..", "é" * 120),
)
"""Names of files and folders."""
COMMANDS = ("images", "export", "score", "maps", "reference", "onnx", "train")


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    every = list(_every(seed))
    yield from every if n_cases is None else every[:: max(len(every) // n_cases, 1)][:n_cases]


def _every(seed: int) -> Iterator[Case]:
    names = [name for name in COMMANDS if name in LINES]
    for number, odd in enumerate(ODD):
        name = names[(seed + number) % len(names)]
        yield Case(f"{name} into the folder {odd!a}", partial(_odd_output, name, odd))
        name = names[(seed + number + 3) % len(names)]
        yield Case(f"{name} in the folder {odd!a}", partial(_odd_folder, name, odd))
    for what, make in THINGS.items():
        for number in range(2):
            name = names[(seed + number) % 4]
            yield Case(f"{name}: its output is {what}", partial(_thing_as_output, name, make))
            yield Case(f"{name}: its input is {what}", partial(_thing_as_input, name, make))
    for name in names:
        yield Case(f"{name} by nobody", partial(_by_nobody, name))
        if can_mount():
            yield Case(f"{name} on a read-only disk", partial(_read_only, name))


def _relocated(job: Job, output: str) -> Job:
    """The job with another output."""
    (before,) = job.outputs
    arguments = tuple(output if one == before else one for one in job.arguments)
    return replace(job, arguments=arguments, outputs=(output,))


def _odd_output(name: str, odd: str, folder: Path) -> Judgement:
    job, place = command(name), Place(folder).laid_out(command(name))
    (output,) = job.outputs
    other = f"{odd}/{Path(output).name}"
    end = _relocated(job, other).run(place.work, place.output)
    judgement = end.judged(lambda: (place.work / other).exists())
    return _nothing_left(judgement, place)


def _odd_folder(name: str, odd: str, folder: Path) -> Judgement:
    """The working folder and so the inputs have an odd name."""
    job, place = command(name), Place(folder)
    inside = place.folder / "work" / odd
    try:
        inside.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Judgement(Outcome.CLEAR, str(error.strerror))
    job.lay_out(inside)
    line = tuple(str(inside / one) if (inside / one).exists() else one for one in job.arguments[1:])
    end = replace(job, arguments=(job.arguments[0], *line)).run(inside, place.output)
    # the contents may name the folder
    return _nothing_left(end.judged(lambda: (inside / job.outputs[0]).exists()), place)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _folder_with_file(path: Path) -> None:
    path.mkdir()
    (path / "file").write_text("kept")


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("no such thing\n" * 100)


def _full_device(path: Path) -> None:
    path.symlink_to("/dev/full")


def _zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _broken_link(path: Path) -> None:
    path.symlink_to("nowhere/at all")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _nobodys(path: Path) -> None:
    path.write_text("secret")
    path.chmod(0)


THINGS: dict[str, Callable[[Path], None]] = {
    "a FIFO": _fifo,
    "a folder": _folder,
    "a folder with a file": _folder_with_file,
    "an empty file": _empty,
    "a text": _text,
    "/dev/full": _full_device,
    "/dev/zero": _zeros,
    "a broken link": _broken_link,
    "a link to itself": _loop,
    "not readable": _nobodys,
}


def _thing_as_output(name: str, make: Callable, folder: Path) -> Judgement:
    job, place = command(name), Place(folder).laid_out(command(name))
    path = place.work / job.outputs[0]
    make(path)
    before = os.lstat(path).st_mode
    end = job.run(place.work, place.output)
    judgement = end.judged(lambda: job.is_right(place.work), path.name, str(path.parent))
    if judgement.outcome is Outcome.CLEAR and os.lstat(path).st_mode != before:
        return Judgement(Outcome.BROKEN, f"what was there is another thing now: {end.last}")
    return _nothing_left(judgement, place)


def _thing_as_input(name: str, make: Callable, folder: Path) -> Judgement:
    """No input that is no file gives a result."""
    job, place = command(name), Place(folder).laid_out(command(name))
    given = (
        next(place.work / one for one in job.arguments if (place.work / one).is_symlink())
        if name != "onnx"
        else place.work / "model/model.json"
    )
    given.unlink(missing_ok=True)
    make(given)
    end = job.run(place.work, place.output, prepare=_become_nobody if make is _nobodys else _root)
    judgement = end.judged(lambda: False, given.name, "out/")
    return _nothing_left(judgement, place)


def _root() -> None:
    """Stay who one is."""


def _become_nobody() -> None:
    for name in PACKAGES:  # while a Python that is root's alone can be read
        with suppress(ImportError):
            importlib.import_module(name)
    os.environ["HOME"] = os.environ["MPLCONFIGDIR"] = "/nonexistent"
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _by_nobody(name: str, folder: Path) -> Judgement:
    """By a user who may read the inputs and write nowhere."""
    job, place = command(name), Place(folder).laid_out(command(name))
    if os.geteuid() != 0:
        return Judgement(Outcome.UNAVOIDABLE, "not tried: only root can become another user")
    for one in (place.folder, *place.folder.parents):
        if stat.S_IMODE(one.stat().st_mode) & 0o005 != 0o005 and one.name.startswith("faults-"):
            one.chmod(0o755)
    end = job.run(place.work, place.output, prepare=_become_nobody)
    return judged(job, place, end, *job.outputs, "out", *os.listdir(place.work))  # noqa: PTH208


def _read_only(name: str, folder: Path) -> Judgement:
    job, place = command(name), Place(folder)
    with mounted(place.work, "tmpfs"):
        place.laid_out(job)
        os.system(f"mount -o remount,ro {place.work}")
        end = job.run(place.work, place.output)
        judgement = judged(job, place, end, *job.outputs, "out")
    if judgement.outcome is Outcome.RIGHT:
        return Judgement(Outcome.WRONG, "a read-only disk was written to")
    return judgement


def _nothing_left(judgement: Judgement, place: Place) -> Judgement:
    left = leftovers(place.folder)
    return Judgement(Outcome.BROKEN, f"left: {left}") if left else judgement


PLACES = Drill("places", "read-only, odd paths, things that are no files", _cases, seconds=120)
