"""Locks between processes, where the file system has them; they end with the process that holds
them.
"""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from calovision.core.errors import InputError

WAIT, MOST_WAITS = 0.01, 200  # seconds, for a lock that others hold while they rename


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder; there is none where the file system has no locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_to_read(folder: Path) -> Iterator[None]:
    """Let nobody rename files of a folder that belong together (`replaced_together`) meanwhile; a
    lock that is held for long is not waited for.
    """
    with ExitStack() as closing:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            closing.callback(os.close, descriptor)
            _lock_soon(descriptor)
        yield


def _lock_soon(descriptor: int) -> None:
    for _ in range(MOST_WAITS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(WAIT)
        else:
            return


@contextmanager
def held_alone(path: Path, doing: str) -> Iterator[None]:
    """Hold a lock file, which is removed at the end, for work that one process at a time may do.

    Parameters
    ----------
    path
        The lock file; one that a killed process left is no hindrance.
    doing
        What the process that holds it does, for the message.

    Raises
    ------
    InputError
        If another process holds it.
    """
    with ExitStack() as closing:
        descriptor = _locked_file(path, doing, closing)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
        closing.callback(path.unlink, missing_ok=True)  # before it is closed, and so free
        yield


def _locked_file(path: Path, doing: str, closing: ExitStack) -> int:
    """Descriptor of the lock file once it is ours, or the file system has no locks."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        closing.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
            raise InputError(
                f"{path.parent}: {holder} {doing} there: wait until it has ended (or, if it has, "
                f"remove {path.name}), or give another folder"
            ) from None
        except OSError:
            return descriptor
        with suppress(OSError):
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor  # else who held it before removed it since it was opened
