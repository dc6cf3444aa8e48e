"""Calls of the system that fail or do less than was asked for, or at one of which the process is
stopped or killed, by a library in the place of the C library's.

Real quotas need a kernel with their formats, and a user other than root.
"""

import ctypes
import mmap
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from faults.cases import Case, Judgement, Outcome
from faults.material import prepared

_NAME = "faulty_calls.so"
_LONGS = ("n_changes", "n_reads", "n_uses", "kill_at", "fail_at", "stop_at", "device", "inode")


class Orders(ctypes.Structure):
    """What the library shall do, and what it has counted; as ``struct orders`` of its source."""

    _fields_ = (
        *((name, ctypes.c_ulong) for name in _LONGS),
        ("room", ctypes.c_long),
        *((name, ctypes.c_int) for name in ("error", "lock_error")),
        ("seed", ctypes.c_uint),
    )


def orders(file: Path | None = None, *, room: int = -1, **values: int) -> Orders:
    """Orders in memory that a process shares with its forks.

    Parameters
    ----------
    file
        The one whose reads and uses are meant.
    room, values
        As in the source.
    """
    found = Orders.from_buffer(mmap.mmap(-1, ctypes.sizeof(Orders)))
    if file is not None:
        found.device, found.inode = file.stat().st_dev, file.stat().st_ino
    for name, value in {"room": room, **values}.items():
        setattr(found, name, value)
    return found


def obey(given: Orders) -> None:
    """Let the library do in this process what it is ordered to."""
    _library().obey(ctypes.byref(given))


def environment() -> dict[str, str]:
    """Variables with which a program loads the library; none where it cannot be compiled."""
    compiler = shutil.which("cc")
    if compiler is None:
        return {}

    def build(folder: Path) -> None:
        source = Path(__file__).with_suffix(".c")
        line = [compiler, "-shared", "-fPIC", "-O1", "-o", str(folder / _NAME), str(source)]
        subprocess.run(line, check=True)

    return {"LD_PRELOAD": str(prepared("library", build) / _NAME)}


@cache
def _library() -> ctypes.CDLL | None:
    """The library, if this process has it."""
    path = os.environ.get("LD_PRELOAD", "")
    return ctypes.CDLL(path) if path.endswith(_NAME) else None


def is_loaded() -> bool:
    """Whether this process has the library."""
    return _library() is not None


NOT_TRIED = Case(
    "not tried", lambda folder: Judgement(Outcome.UNAVOIDABLE, "not tried: there is no C compiler")
)
