"""Arrays that grow in temporary files until their length is known, and then become data sets of an
HDF5 file.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from calovision.storage.hdf5.checksums import ArrayChecksum

COPY_BYTES = 2**20  # at a time, from a temporary file into the image file
CHUNK = 2**18  # numbers in a compressed chunk
COMPRESSIONS = ("blosc2",)


class SpilledArray:
    """An array ``(n, ...)`` in a file of raw numbers, to which rows are appended.

    Parameters
    ----------
    path
        The temporary file.
    dtype, row_shape
        Type of the numbers; shape of a row.
    with_checksum
        Whether `checksum` is wanted, of all that is appended.
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype,
        row_shape: tuple[int, ...] = (),
        *,
        with_checksum: bool = False,
    ) -> None:
        self.path = path
        self.dtype = np.dtype(dtype)
        self.row_shape = row_shape
        self.length = 0
        self._file: IO[bytes] = path.open("wb", buffering=2**16)
        self._checksum = ArrayChecksum() if with_checksum else None
        self._parts: list[tuple[Path, int, int]] = []  # file, first byte and number of bytes

    def append(self, rows: np.ndarray) -> None:
        """Add rows ``(k, ...)``, converted to the type of the array."""
        rows = np.ascontiguousarray(rows, dtype=self.dtype)
        if rows.size:
            start = self._file.tell()
            if self._parts and self._parts[-1][0] == self.path:  # more of the part before
                start = self._parts.pop()[1]
            self._parts.append((self.path, start, self._file.tell() + rows.nbytes - start))
            self._file.write(rows.reshape(-1).view(np.uint8).data)
            if self._checksum is not None:
                self._checksum.add(rows)
        self.length += len(rows)

    def append_stored(self, path: Path, offset: int, n_rows: int) -> None:
        """Add rows of the same type that lie in another file, which must stay until they are
        copied.
        """
        n_bytes = n_rows * self.dtype.itemsize * int(np.prod(self.row_shape))
        self._parts.append((path, offset, n_bytes))
        self.length += n_rows

    def checksum(self) -> str | None:
        """Checksum of the array, None if it was not wanted."""
        if self._checksum is None:
            return None
        return self._checksum.digits(self.dtype, (self.length, *self.row_shape))

    def close(self) -> None:
        """Finish writing; nothing can be appended any more."""
        self._file.close()

    def create(
        self, file: h5py.File, name: str, compression: str | None = None, *, outside: bool = False
    ) -> None:
        """Make the data set: complete if compressed or, referring to the temporary file,
        ``outside``; otherwise only its place, which `copy_into` fills.
        """
        shape = (self.length, *self.row_shape)
        if compression is not None and self.length:
            self._compress(file, name, shape)
            return
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        if outside and self.length:
            plist.set_external(os.fsencode(self.path.resolve()), 0, self.path.stat().st_size)
        else:
            # the place is needed before anything is written
            plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        plist.set_obj_track_times(False)  # the same images make the same file
        group, _, leaf = name.rpartition("/")
        parent = file.require_group(group)
        type_id = h5py.h5t.py_create(self.dtype, logical=True)
        h5py.h5d.create(
            parent.id, leaf.encode(), type_id, h5py.h5s.create_simple(shape), dcpl=plist
        )

    def copy_into(self, output: IO[bytes], offset: int | None) -> None:
        """Copy the numbers to their place in the HDF5 file, which is closed for HDF5 and open as
        bytes.
        """
        if offset is None:  # no rows
            return
        output.seek(offset)
        for path, start, n_bytes in self._parts:
            with path.open("rb", buffering=0) as file:
                file.seek(start)
                _copy_all(file, output, n_bytes)

    def _compress(self, file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
        import hdf5plugin  # loaded only by those who compress

        # Fast zstd on shuffled bytes: bit shuffling and deltas gave larger files, higher levels a
        # third of the speed.
        options = hdf5plugin.Blosc2(cname="zstd", clevel=1, filters=hdf5plugin.Blosc2.SHUFFLE)
        dataset = file.create_dataset(
            name, shape, self.dtype, chunks=(min(CHUNK, self.length),), **options
        )
        with self.path.open("rb") as numbers:
            for start in range(0, self.length, CHUNK):
                dataset[start : start + CHUNK] = np.fromfile(numbers, self.dtype, CHUNK)


def _copy_all(source: IO[bytes], output: IO[bytes], n_bytes: int) -> None:
    """Copy bytes from where one unbuffered file is to where another is: inside the system where it
    can, else through a buffer.
    """
    rest = n_bytes - _copied_by_system(source, output, n_bytes)
    buffer = memoryview(bytearray(min(rest, COPY_BYTES)))
    while rest and (n_read := source.readinto(buffer[: min(rest, COPY_BYTES)])):
        _write_all(output, buffer[:n_read])
        rest -= n_read


def _copied_by_system(source: IO[bytes], output: IO[bytes], n_bytes: int) -> int:
    """Number of bytes that the system copied: all, or those up to the first that it refuses, be it
    for the file systems or a full disk, which the buffer finds, too.
    """
    n_copied = 0
    with suppress(AttributeError, OSError):  # Linux alone has it
        while n_copied < n_bytes:
            n_more = os.copy_file_range(source.fileno(), output.fileno(), n_bytes - n_copied)
            if n_more == 0:
                break
            n_copied += n_more
    return n_copied


def _write_all(output: IO[bytes], content: memoryview) -> None:
    """Write to an unbuffered file, which takes a part without an error where a disk gets full; the
    next one fails.
    """
    while content:
        content = content[output.write(content) :]
