"""Failures of the machine, not of the code, as one sentence: disks that fail, memory that does not
suffice, mapped files that are cut off.
"""

import ctypes
import errno
import logging
import os
import re
import signal
import sys
import threading
import traceback
from functools import cache
from pathlib import Path

from calovision.jobs.atomic import why_refused

_FAILED_READING = {
    errno.EIO: "its disk fails (input/output error)",
    errno.EREMOTEIO: "its disk fails (remote input/output error)",
    errno.ESTALE: "its file system lost it (stale file handle)",
    errno.ETIMEDOUT: "its file system does not answer",
    errno.ENOTCONN: "its file system is no longer mounted",
    errno.EHOSTDOWN: "its file system does not answer",
    errno.ENXIO: "there is no such device",
    errno.ENODEV: "there is no such device",
}
_NO_MEMORY = re.compile(
    r"can't allocate memory|cannot allocate memory|not enough memory|bad_alloc|unable to allocate|"
    r"memory allocation|can't start new thread|failed to map segment|could not create a primitive",
    re.IGNORECASE,
)
NO_MEMORY = (
    "the memory does not suffice: ask for more of it (mem_mb of the job), or give fewer processes "
    "or smaller chunks"
)


def failure_of(error: BaseException) -> str | None:
    """Sentence for an error that is a failure of a disk or of memory; None for every other."""
    try:
        return _sentence(error)
    except MemoryError:
        return NO_MEMORY


def require_memory(error: BaseException) -> None:
    """Raise an error again that comes of too little memory: the file may be as good as ever."""
    if failure_of(error) == NO_MEMORY:
        raise error


def _sentence(error: BaseException) -> str | None:
    for one in _chain(error):
        number = getattr(one, "errno", None)
        if isinstance(one, MemoryError) or number == errno.ENOMEM:
            return NO_MEMORY
        if isinstance(one, RuntimeError | OSError | ImportError) and _NO_MEMORY.search(str(one)):
            return NO_MEMORY
        file = getattr(one, "filename", None) or _path_of(one) or "a file"
        if isinstance(one, OSError) and number in _FAILED_READING:
            reason = _FAILED_READING[number]
            return f"{file} cannot be read or written, as {reason}: copy it from elsewhere, or wait"
        if (reason := why_refused(one)) is not None and isinstance(one, OSError):
            return f"{file} cannot be written or opened, as {reason}"
    return None


def _path_of(error: BaseException) -> Path | None:
    """Path whose method failed, such as `Path.read_bytes`: the system names the file only when it
    does not open.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    owners = [frame.f_locals.get("self") for frame in frames]
    return next((owner for owner in reversed(owners) if isinstance(owner, Path)), None)


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error, its causes, and those that were being handled: where a disk is full, what cleans
    up fails, too.
    """
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden
    return found


def explain_failures() -> None:
    """Let failures of the machine that no caller could explain end with one sentence: those of
    mapped files, and in threads of libraries.
    """
    explain_bus_errors()
    threading.excepthook = _explain_in_thread


def _explain_in_thread(failed: threading.ExceptHookArgs) -> None:
    """Warn of what ended a thread, such as TensorBoard's; what waits for it ends, too."""
    sentence = None if failed.exc_value is None else failure_of(failed.exc_value)
    if sentence is None:
        threading.__excepthook__(failed)
    else:
        logging.getLogger(__name__).warning("%s", sentence)


@cache
def explain_bus_errors() -> None:
    """Let the process end with one sentence where a mapped file is cut off, or its disk fails,
    while it is read (SIGBUS); without it the system ends the process without a word.

    For processes of this package, not on import: it is the process's own matter what a signal does.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _KEPT.append(_HANDLER(_end_with_sentence))
    action = _Action(ctypes.cast(_KEPT[0], ctypes.c_void_p).value, (ctypes.c_ulong * 16)(), 4, None)
    libc.sigaction(int(signal.SIGBUS), ctypes.byref(action), None)


class _Action(ctypes.Structure):
    """``struct sigaction`` of glibc and musl on Linux, with SA_SIGINFO (4) in its flags."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ulong * (128 // ctypes.sizeof(ctypes.c_ulong))),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class _Information(ctypes.Structure):
    """Beginning of ``siginfo_t`` for SIGBUS on 64 bits."""

    _fields_ = (
        ("number", ctypes.c_int),
        ("error", ctypes.c_int),
        ("code", ctypes.c_int),
        ("address", ctypes.c_void_p),
    )


_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(_Information), ctypes.c_void_p)
_KEPT: list = []


def _end_with_sentence(_: int, information: "ctypes._Pointer[_Information]", __: int) -> None:
    file = mapped_file(information.contents.address or 0)
    sentence = (
        f"calovision: {file}: it was cut off, or its disk failed, while it was read: start again, "
        "and write new files under new names while others are read\n"
    )
    os.write(2, sentence.encode("utf-8", "surrogateescape"))
    os._exit(1)


def mapped_file(address: int) -> str:
    """Path of the file that is mapped at an address of this process."""
    for line in Path("/proc/self/maps").read_text(errors="surrogateescape").splitlines():
        span, *_, path = line.split(maxsplit=5) if line.count("/") else (line.split()[0], "")
        first, last = (int(one, 16) for one in span.split("-"))
        if first <= address < last:
            return path or "a file"
    return "a file"
