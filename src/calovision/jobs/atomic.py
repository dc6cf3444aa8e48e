"""Atomic writes: a file is complete or absent, even after a power cut, and a disk that refuses
gives one sentence.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError
from calovision.jobs.durable import make_folder, sync_file, sync_folder
from calovision.jobs.locks import locked

_REFUSALS = {
    errno.ENOSPC: "the disk is full: make room, or choose a folder on another disk",
    errno.EDQUOT: "your quota is exceeded: remove files, or choose a folder on another disk",
    errno.EFBIG: "it is larger than files may be here: raise the limit (ulimit -f), or choose a "
    "folder on another disk",
    errno.EROFS: "the disk is read-only: choose a folder on another disk",
    errno.EACCES: "that is not permitted: choose a folder that you may write to",
    errno.EPERM: "that is not permitted: choose a folder that you may write to",
    errno.ENOTDIR: "a file is where a folder must be: choose another path",
    errno.EEXIST: "a file is where a folder must be: choose another path",
    errno.EISDIR: "it is a folder: choose another path",
    errno.EIO: "the disk reports an error of its own (input/output error): choose a folder on "
    "another disk",
}
_ERRNO_IN_TEXT = re.compile(r"(?:errno = |os error )(\d+)")  # HDF5 and Rust tell it so
_OWNER = re.compile(r"(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-(?P<born>\d+)-\d+\.part(\.|$)")
_NUMBERS = count()
ABANDONED = 86400  # seconds
LONGEST_NAME = 150  # bytes


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; rename it at the end, remove it after an
    exception.

    The folder is created. The temporary name is that of this process alone, so that of several who
    write one file each writes all of its own, and the last one's stays; it keeps the suffix, by
    which some writers choose the format. What killed processes left of the file is removed.

    Raises
    ------
    InputError
        If the disk is full or read-only, the quota exceeded, or the folder may not be written to.
    """
    with replaced_together(path) as (temporary,):
        yield temporary


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, as `replaced`."""
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write what JSON can hold as indented lines, as `replaced`."""
    write_text(path, json.dumps(value, indent=2) + "\n")


@contextmanager
def replaced_together(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Give temporary paths for files of one folder that belong together, as `replaced`.

    They are renamed in their order. Where the file system has locks, no other process renames its
    own in between.
    """
    paths = tuple(map(Path, paths))
    temporaries = [temporary_name(path, path.suffix) for path in paths]
    with refused_by_disk(paths[0]):
        try:
            make_folder(paths[0].parent)
            for path in paths:
                remove_leftovers(path)
            yield tuple(temporaries)
            _require_there(temporaries, paths)
            put_in_place(dict(zip(temporaries, paths, strict=True)))
        finally:
            for temporary in temporaries:
                with suppress(OSError):  # the first error counts
                    temporary.unlink(missing_ok=True)


def _require_there(temporaries: Iterable[Path], paths: Iterable[Path]) -> None:
    for temporary, path in zip(temporaries, paths, strict=True):
        if not temporary.exists():
            raise InputError(
                f"{path} cannot be written, as what was written so far has been removed: let no "
                "other process clean its folder"
            )


def put_in_place(names: Mapping[Path, Path]) -> None:
    """Rename complete files of one folder, in their order, for good: their bytes are on the disk
    before, the names after.

    In a folder that is removed when its process ends, there is nothing to keep.

    Raises
    ------
    OSError
        If the disk does not take them; nothing is renamed unless it took the bytes of all.
    """
    folder = next(iter(names.values())).parent
    if is_kept(folder):
        for temporary in names:
            sync_file(temporary)
    with locked(folder) if len(names) > 1 else nullcontext():
        for temporary, path in names.items():
            temporary.replace(path)
    if is_kept(folder):
        sync_folder(folder)


def is_kept(folder: Path) -> bool:
    """Tell whether a folder stays when the process ends, neither itself nor one above being a
    temporary one.
    """
    return not any(_OWNER.search(part) for part in folder.parts)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Give a folder of this process beside ``path``, for what the file is made from; it is removed
    at the end.

    Raises
    ------
    InputError
        As `replaced`.
    """
    path = Path(path)
    folder = temporary_name(path)
    with refused_by_disk(path):
        try:
            make_folder(path.parent)
            remove_leftovers(path)
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def temporary_name(path: Path, suffix: str = "") -> Path:
    """A path beside ``path`` that no other process or thread has; the name says which process is
    writing.
    """
    owner = f"{_machine()}-{os.getpid()}-{_birth(os.getpid()) or 0}-{next(_NUMBERS)}"
    return path.with_name(f".{_shortened(path.name)}.{owner}.part{suffix}")


def remove_leftovers(path: Path) -> None:
    """Remove temporary files and folders of ``path`` whose processes are no more.

    Of another machine it is not known whether a process runs: what nothing was written to for a day
    counts as left.
    """
    start = f".{_shortened(path.name)}."
    with suppress(OSError), os.scandir(path.parent) as entries:
        left = [
            Path(entry)
            for entry in entries
            if entry.name.startswith(start) and _is_left(Path(entry), start)
        ]
        for one in left:
            shutil.rmtree(one, ignore_errors=True) if one.is_dir() else one.unlink(missing_ok=True)


def _is_left(temporary: Path, start: str) -> bool:
    """Tell whether a path is one of `temporary_name` whose process has ended."""
    owner = _OWNER.match(temporary.name, len(start))
    if owner is None:
        return False
    if owner["machine"] == _machine():
        return not _is_alive(int(owner["pid"]), int(owner["born"]))
    with suppress(OSError):
        inside = temporary.iterdir() if temporary.is_dir() else ()
        newest = max(one.stat().st_mtime for one in (temporary, *inside))
        return time.time() - newest > ABANDONED
    return False


@cache
def _machine() -> str:
    """Name of the machine, or of the container, within which numbers of processes mean
    something.
    """
    try:
        within = os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except OSError:  # not Linux
        within = ""
    return hashlib.sha256(f"{socket.gethostname()} {within}".encode()).hexdigest()[:8]


def _is_alive(pid: int, born: int) -> bool:
    """Tell whether a process of this machine runs, and not a later one of the same number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # somebody else's
        pass
    found = _birth(pid)
    return found is None or found == born or not born


def _birth(pid: int) -> int | None:
    """Start of a process, clock ticks after the machine's; 0 if it has ended, None if unknown."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return 0 if state in "ZX" else int(fields[18])
    except (OSError, IndexError, ValueError):
        return None


def _shortened(name: str) -> str:
    """A name that leaves room for what is put around it, where 255 bytes are the most."""
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"{name[:20]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


@contextmanager
def refused_by_disk(path: Path) -> Iterator[None]:
    """Raise InputError, one sentence that names ``path``, where a disk, a quota or permissions
    refuse to write it.

    Errors about other files, as those that are read meanwhile, pass unchanged.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:  # HDF5 raises either
        reason = why_refused(error)
        if reason is None or not _is_about(error, Path(path)):
            raise
        raise InputError(f"{path} cannot be written, as {reason}") from error


def why_refused(error: BaseException) -> str | None:
    """Reason and way out if a disk refuses to write; None for every other error."""
    number = getattr(error, "errno", None)
    if number == errno.EIO and not error.filename:  # it may be about a file that is read
        return None
    in_text = _ERRNO_IN_TEXT.search(str(error))
    return _REFUSALS.get(number) or (_REFUSALS.get(int(in_text[1])) if in_text else None)


def _is_about(error: BaseException, path: Path) -> bool:
    """Tell whether an error names no file, one beside ``path``, or a folder above it."""
    named = getattr(error, "filename", None)
    if not isinstance(named, str | bytes | os.PathLike):
        return True
    folder, named = Path(os.path.abspath(path.parent)), Path(os.path.abspath(os.fsdecode(named)))  # noqa: PTH100
    return named.is_relative_to(folder) or folder.is_relative_to(named)
