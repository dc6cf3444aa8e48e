"""Files that a power cut does not take back: their bytes and their names have reached the disk.

A rename alone promises nothing: after a cut the new name may hold a file whose bytes were never
written. So the bytes come first (`sync_file`), then the rename, then the folder (`sync_folder`).
"""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import IO

_NOT_OFFERED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}
"""Errors of file systems that cannot be told to write at once: they offer no more."""
_NOT_TO_OPEN = {errno.EACCES, errno.EPERM}
"""Errors of a folder that may be written to but not listed."""
_PAUSE = 0.005
"""Seconds between two attempts to bring a file to the disk while it is written."""


def sync_file(path: Path) -> None:
    """Wait until the bytes of a file are on the disk.

    Raises
    ------
    OSError
        With the path, if the disk does not take them: it is full, or defective.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _sync(descriptor, path)
    finally:
        os.close(descriptor)


@contextmanager
def synced_meanwhile(file: IO[bytes], path: Path) -> Iterator[None]:
    """Brings to the disk what the block writes to a file, by another thread, so that little of a
    large file is left for `sync_file`.

    Raises
    ------
    OSError
        As `sync_file`: the system tells of a defect once.
    """
    written = Event()

    def sync_again_and_again() -> None:
        while not written.wait(_PAUSE):
            _sync(file.fileno(), path)

    with ThreadPoolExecutor(1) as thread:
        syncing = thread.submit(sync_again_and_again)
        try:
            yield
        finally:
            written.set()
    syncing.result()


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, as `sync_file`; one that may not be listed
    is passed over.
    """
    try:
        sync_file(path)
    except OSError as error:
        if error.errno not in _NOT_TO_OPEN:
            raise


def sync_tree(path: Path) -> None:
    """Wait until a folder with everything in it is on the disk, as `sync_file`."""
    for folder, _, names in os.walk(path):
        for name in names:
            sync_file(Path(folder, name))
        sync_folder(Path(folder))


def make_folder(path: Path) -> None:
    """Create a folder with those above it, where they lack, so that their names last, too."""
    if path.is_dir() or path == path.parent:
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def _sync(descriptor: int, path: Path) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise OSError(error.errno, error.strerror, str(path)) from error
