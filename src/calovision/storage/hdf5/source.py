"""Bytes of a file as it was when it was opened: a file that changes meanwhile is refused, not
read.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from calovision.core.errors import InputError


class Identity(NamedTuple):
    """Identity of a file, which one that took its place or was written to later does not have."""

    device: int
    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, file: int | str) -> "Identity":
        """Identity of the file of an open descriptor or of a path."""
        status = os.stat(file)  # noqa: PTH116  a descriptor, or a path of which no object need be made
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def bytes_at(descriptor: int, n_bytes: int, position: int) -> bytes:
    """Bytes of an open file from a position on, fewer only behind its end: a file system may give
    less at a time than is there.
    """
    parts = []
    while n_bytes > 0 and (part := os.pread(descriptor, n_bytes, position)):
        parts.append(part)
        position += len(part)
        n_bytes -= len(part)
    return b"".join(parts)


class Source:
    """One file, mapped or read piece by piece.

    Parameters
    ----------
    path
        The file.
    identity
        That of the file when it was opened, in which what is known about it was found.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path = path
        self.identity = identity
        self._name = os.fspath(path)
        self._size = identity.size
        self.mapped: np.memmap | None = None

    def map(self) -> np.memmap:
        """The map of the file, which is made if there is none; InputError if it is another file by
        now.
        """
        mapped = self.mapped
        if mapped is None:
            try:
                mapped = np.memmap(self.path, dtype=np.uint8, mode="r")
            except (OSError, ValueError) as error:  # ValueError: it is empty now
                raise self._lost() from error
            self.require_unchanged()
            self.mapped = mapped
        return mapped

    def read(self, dtype: np.dtype, n: int, offset: int) -> np.ndarray:
        """``n`` numbers from a byte of the file on, ``(n,)``; InputError if it is another file by
        now.
        """
        try:
            with self.path.open("rb", buffering=0) as file:
                numbers = np.fromfile(file, dtype, n, offset=offset)
                self.require(Identity.of(file.fileno()))
        except OSError as error:
            raise self._lost() from error
        return numbers

    def require_all_of_it(self) -> None:
        """Raise InputError if the file is shorter than its map: reading behind the end would end
        the process.
        """
        mapped = self.mapped
        if mapped is not None and mapped._mmap.size() < self._size:
            raise self.changed()

    def require_unchanged(self) -> None:
        """Raise InputError if the file was written to since it was opened, or is shorter than its
        map.

        A file that was replaced or removed stays as it was for those who have mapped it.
        """
        try:
            found = os.stat(self._name)  # noqa: PTH116  of each batch: no path object, no tuple
        except OSError:
            found = None
        else:
            device, inode, size, changed_ns = self.identity
            if found.st_mtime_ns == changed_ns and found.st_size == size and found.st_ino == inode:
                return
        mapped = self.mapped
        same_file = found is not None and found.st_ino == inode and found.st_dev == device
        if mapped is None or same_file or mapped._mmap.size() < self.identity.size:
            raise self._lost()

    def require(self, found: Identity) -> None:
        """Raise InputError unless an opened file is this one, and as it was."""
        if found != self.identity:
            raise self.changed()

    def changed(self) -> InputError:
        """The error for a file that is another by now."""
        return InputError(
            f"{self.path}: the image file was replaced or written to after it had been opened: "
            "start again with the "
            "new one, and write new files under new names while others are read"
        )

    def _lost(self) -> InputError:
        """The error for a file that can no longer be read as it was: removed, or another by now."""
        with suppress(OSError):
            if Identity.of(self._name) != self.identity:
                return self.changed()
        return InputError(f"{self.path}: the image file is no longer there or cannot be read")
