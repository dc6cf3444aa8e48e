"""New HDF5 files, which can be closed whatever the disk does."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike


class _Output:
    """Output of HDF5 by way of this process: after the first error it takes all and writes
    nothing.

    HDF5 tries again to write what a full disk did not take when the file is closed and when the
    process ends, and crashes. Without HDF5's own way to the disk there are no locks either, which
    some file systems refuse.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._position = 0  # this and the end as HDF5 believes them to be
        self._end = 0
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        content = bytearray(self._end - self._position if size < 0 else size)
        return bytes(content[: self.readinto(content)])

    def readinto(self, buffer: memoryview) -> int:
        """Read what was written there; zeros where the disk did not take it."""
        n_bytes = min(len(buffer), max(self._end - self._position, 0))
        found = os.pread(self._file.fileno(), n_bytes, self._position)
        buffer[:n_bytes] = found + bytes(n_bytes - len(found))
        self._position += n_bytes
        return n_bytes

    def write(self, content: memoryview) -> int:
        rest = memoryview(content)
        while self.error is None and rest:  # a disk that gets full takes a part without an error
            n_written = self._tried(os.pwrite, rest, self._position)
            self._position += n_written
            rest = rest[n_written:]
        self._position += len(rest)
        self._end = max(self._end, self._position)
        return len(content)

    def truncate(self, size: int) -> int:
        self._end = size
        if self.error is None:
            self._tried(os.ftruncate, size)
        return size

    def flush(self) -> None:
        """Do nothing, since nothing waits to be written."""

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:  # a network file system says it only now
            self.error = self.error or error

    def _tried(self, call: Callable, *arguments: object) -> int:
        """Result of a call of the system; its error is kept, not raised, since HDF5 would pass it
        over.
        """
        try:
            return call(self._file.fileno(), *arguments) or 0
        except OSError as error:
            self.error = error
            return 0


class NewFile(h5py.File):
    """An HDF5 file of h5py, with its options, that is being written."""

    def __init__(self, path: Path, **options: object) -> None:
        self.output = _Output(path)
        super().__init__(self.output, "w", **options)

    def require_written(self) -> None:
        """Raise OSError if the disk refused what HDF5 has handed on so far."""
        if self.output.error is not None:
            raise self.output.error


@contextmanager
def created(path: Path, **options: object) -> Iterator[NewFile]:
    """Give a new HDF5 file to write to.

    Raises
    ------
    OSError
        If the disk did not take all of it. It is known only at the end; `NewFile.require_written`
        asks before.
    """
    file = NewFile(path, **options)
    try:
        with file:
            yield file
    finally:
        file.output.close()
    file.require_written()


CHECKED = {"libver": ("v110", "v110")}
"""Options of `created` with which HDF5 stores a checksum of all that describes the data, attributes
among them."""


def write_checked(file: h5py.File, name: str, values: ArrayLike) -> None:
    """Write numbers ``(n, ...)`` with a checksum, which HDF5 compares when they are read."""
    values = np.asarray(values)
    # HDF5 has checksums of chunks only, of which an empty array has none
    options = {"chunks": True, "fletcher32": True} if values.size and values.ndim else {}
    file.create_dataset(name, data=values, **options)
