"""New HDF5 files, which can be closed whatever the disk does, and are sealed with checksums."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike

from calovision.storage.hdf5.checksums import (
    ATTRIBUTE,
    ArrayChecksum,
    array_checksum,
    checksums_text,
)
from calovision.storage.hdf5.opening import names_of_datasets, pieces_of
from calovision.storage.hdf5.source import bytes_at


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
        found = bytes_at(self._file.fileno(), n_bytes, self._position)
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


LAYOUT = (h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
"""Versions of HDF5's own structures: the first that have checksums of all that describes the data,
attributes among them."""


def _created(output: _Output, *, alignment: int = 1) -> h5py.h5f.FileID:
    """File of HDF5 whose groups, the root among them, hold no times: the same content makes the
    same bytes, which h5py does of itself only since 3.16.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_libver_bounds(*LAYOUT)
    access.set_alignment(1, alignment)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, output)
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    return h5py.h5f.create(b"new", h5py.h5f.ACC_TRUNC, fapl=access, fcpl=creation)


class NewFile(h5py.File):
    """An HDF5 file of h5py that is being written, and sealed at its end.

    Texts among its attributes, in ``attrs`` as always, are UTF-8 of fixed length: those of variable
    length are in heaps of HDF5 that have no checksum (`calovision.storage.hdf5.heaps`).

    Parameters
    ----------
    path
        The file.
    for_others
        Leave these texts as h5py writes them, which gives them as `str` again, not as bytes: for
        files that other programs are to read.
    alignment
        Bytes to a multiple of which each data set begins.
    """

    def __init__(self, path: Path, *, for_others: bool = False, alignment: int = 1) -> None:
        self.output = _Output(path)
        self.for_others = for_others
        self._checksums: dict[str, str] = {}
        self._growing: dict[str, NewRows] = {}
        super().__init__(_created(self.output, alignment=alignment))

    def create_group(self, name: str) -> h5py.Group:
        """Make a group, and those that it lies in."""
        within = name.rpartition("/")[0]
        if within:
            self.require_group(within)
        plist = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
        plist.set_obj_track_times(False)
        return h5py.Group(h5py.h5g.create(self.id, name.encode(), gcpl=plist))

    def create_dataset(
        self, name: str | None, *arguments: object, **options: object
    ) -> h5py.Dataset:
        """Make a data set as h5py does, but the groups that it lies in by `create_group`."""
        within = (name or "").rpartition("/")[0]
        if within:
            self.require_group(within)
        return super().create_dataset(name, *arguments, **options)

    @property
    def attrs(self) -> h5py.AttributeManager:
        """Attributes of the file."""
        return h5py.AttributeManager(self) if self.for_others else _FixedTexts(self)

    def require_written(self) -> None:
        """Raise OSError if the disk refused what HDF5 has handed on so far."""
        if self.output.error is not None:
            raise self.output.error

    def write(self, name: str, values: ArrayLike) -> None:
        """Write an array ``(n, ...)`` of numbers, or of texts, as UTF-8 of one length.

        It has a checksum that HDF5 compares when it is read, beside the one of the seal.
        """
        values = np.asarray(values)
        kind = None
        if values.dtype.kind in "OU":
            values, kind = _fixed_texts(values)
        # HDF5 has checksums of chunks only, of which an empty array has none
        options = {"chunks": True, "fletcher32": True} if values.size and values.ndim else {}
        self.create_dataset(name, data=values, dtype=kind, **options)
        self.know(name, array_checksum(values))

    def growing(
        self, name: str, row_shape: tuple[int, ...], dtype: np.dtype, **options: object
    ) -> "NewRows":
        """Give a new array without rows, to which they are appended; options are those of a data
        set of h5py.
        """
        data = self.create_dataset(
            name, (0, *row_shape), dtype, maxshape=(None, *row_shape), **options
        )
        self._growing[name] = NewRows(data)
        return self._growing[name]

    def know(self, name: str, checksum: str) -> None:
        """Take over the checksum of an array, which then is not read again for the seal."""
        self._checksums[name] = checksum

    def seal(self, *, elsewhere: Collection[str] = (), **others: object) -> None:
        """Write the attribute `ATTRIBUTE`, of all attributes and data sets.

        Parameters
        ----------
        elsewhere
            Data sets whose checksums are not listed.
        others
            What else the attribute is to hold.
        """
        self.require_written()
        known = self._checksums | {name: rows.checksum() for name, rows in self._growing.items()}
        data = {
            name: known[name] if name in known else _checked_anew(self[name])
            for name in names_of_datasets(self)
            if name not in elsewhere
        }
        _FixedTexts(self)[ATTRIBUTE] = checksums_text(dict(self.attrs), data, **others)

    @property
    def is_sealed(self) -> bool:
        """True if `seal` was called."""
        return ATTRIBUTE in self.attrs


class NewRows:
    """Array of a new file that grows, and its checksum."""

    def __init__(self, data: h5py.Dataset) -> None:
        self._data = data
        self._checksum = ArrayChecksum()

    def append(self, rows: np.ndarray) -> None:
        """Add rows ``(k, ...)``, converted to the type of the array."""
        rows = np.asarray(rows).astype(self._data.dtype, copy=False)
        n_before = len(self._data)
        self._data.resize(n_before + len(rows), axis=0)
        self._data[n_before:] = rows
        self._checksum.add(rows)

    def checksum(self) -> str:
        """Checksum of all rows so far."""
        return self._checksum.digits(self._data.dtype, self._data.shape)


class _FixedTexts(h5py.AttributeManager):
    """Attributes whose texts are UTF-8 of fixed length."""

    def create(self, name: str, data: object, shape: object = None, dtype: object = None) -> None:
        values = np.asarray(data)
        if values.dtype.kind == "U" and dtype is None:
            data, dtype = _fixed_texts(values)
        super().create(name, data, shape, dtype)


def _fixed_texts(values: np.ndarray) -> tuple[np.ndarray, np.dtype]:
    """Texts as bytes of one length, and the type that says that these are UTF-8."""
    texts = [text if isinstance(text, bytes) else str.encode(text) for text in values.flat]
    kind = h5py.string_dtype("utf-8", max(map(len, texts), default=0) or 1)
    return np.array(texts, dtype=kind).reshape(values.shape), kind


def _checked_anew(data: h5py.Dataset) -> str:
    """Checksum of a data set that is there already, read a piece at a time."""
    if data.dtype.hasobject:
        raise TypeError(f"{data.name}: texts of variable length: write them by NewFile.write")
    if not data.shape:
        return array_checksum(data[()])
    checksum = ArrayChecksum()
    for piece in pieces_of(data):
        checksum.add(piece)
    return checksum.digits(data.dtype, data.shape)


@contextmanager
def created(path: Path, **options: object) -> Iterator[NewFile]:
    """Give a new HDF5 file to write to, with the options of `NewFile`; it is sealed at the end.

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
            if not file.is_sealed:
                file.seal()
    finally:
        file.output.close()
    file.require_written()
