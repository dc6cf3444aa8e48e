"""Arrays of npz files, read in slices from the first entry to the last without loading them."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from calovision.core.errors import InputError

DAMAGE = (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
"""Errors of numpy and zipfile where a file is not what it should be."""


class NpzArray:
    """One array of an open npz file, which is read in slices; objects are not.

    A slice behind the last one is read from where that ended; one before it begins anew.

    Parameters
    ----------
    path, archive, member
        The file, and which of its members.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, member: str) -> None:
        self._path, self._archive, self._member = path, archive, member
        self._stream, self.shape, self._in_columns, self.dtype = self._begin()
        self._next = 0

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, rows: slice | tuple[()]) -> np.ndarray:
        """Entries ``start:stop``, or all of them for ``()``.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        with _damage_named(self._path):
            if rows == () or self._in_columns or not self.shape:
                return self._all()[rows]
            start, stop, _ = rows.indices(len(self))
            if start < self._next:
                self.close()
                self._stream, *_ = self._begin()
                self._next = 0
            self._read(start - self._next)
            self._next = max(stop, start)
            return self._read(max(stop - start, 0))

    def close(self) -> None:
        """Close the stream of the array."""
        self._stream.close()

    def _all(self) -> np.ndarray:
        """The array; one whose first index runs fastest is not there in slices."""
        with self._archive.open(self._member) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)

    def _begin(self) -> tuple[IO[bytes], tuple[int, ...], bool, np.dtype]:
        """Stream at the first entry, shape, whether the first index runs fastest, and type."""
        stream = self._archive.open(self._member)
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        return (stream, *read(stream))

    def _read(self, n: int) -> np.ndarray:
        """The next n entries."""
        shape = (n, *self.shape[1:])
        array = np.empty(shape, dtype=self.dtype)
        left = memoryview(array.reshape(-1).view(np.uint8))
        while len(left):
            done = self._stream.readinto(left)
            if not done:
                raise EOFError(f"{self._member} ends after fewer than {len(self)} entries")
            left = left[done:]
        return array


@contextmanager
def opened_npz(path: Path) -> Iterator[dict[str, NpzArray]]:
    """Arrays of an npz file by name, none of which is read before it is asked for.

    Raises
    ------
    InputError
        If it is missing, no npz file, or damaged.
    """
    path = Path(path)
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except DAMAGE as error:
        raise InputError(f"{path}: no npz file of numbers ({error})") from error
    arrays: dict[str, NpzArray] = {}
    with archive:
        try:
            with _damage_named(path):
                for name in archive.namelist():
                    if name.endswith(".npy"):
                        arrays[name.removesuffix(".npy")] = NpzArray(path, archive, name)
            yield arrays
        finally:
            for array in arrays.values():
                array.close()


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (*DAMAGE, KeyError, MemoryError) as error:
        raise InputError(f"{path}: no npz file of numbers ({error})") from error
