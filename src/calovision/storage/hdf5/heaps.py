"""Texts of variable length in HDF5 files of others, and of older versions of calovision.

HDF5 stores them in heaps without checksums and believes the sizes in there: a flipped bit lets the
library crash, or never come back. Here a heap is looked at before the library sees it. That is
enough with HDF5's structures since 1.10, where what refers to a heap has a checksum; with older
ones other bits can do the same.
"""

import os

import h5py
import numpy as np

from calovision.storage.hdf5.source import bytes_at

SIGNATURE = b"GCOL"
HEADER = 16
"""Bytes of the header of a heap, and of each object in it."""
SMALLEST = 2**12
"""Bytes of a heap."""


class OpenedFile(h5py.File):
    """An HDF5 file of h5py, open to read, whose attributes are read from sound heaps alone."""

    _with_sound_heaps: h5py.File | None = None

    @property
    def attrs(self) -> h5py.AttributeManager:
        """Attributes of the file."""
        return _Attributes(self)

    @property
    def with_sound_heaps(self) -> h5py.File:
        """The same file, for data sets with texts of variable length; OSError from what is read if
        a heap is not sound.
        """
        if self._with_sound_heaps is None:
            self._with_sound_heaps = h5py.File(_CheckedHeaps(self), "r")
        return self._with_sound_heaps

    def close(self) -> None:
        """Close the file."""
        if self._with_sound_heaps is not None:
            self._with_sound_heaps.close()
        super().close()


class _Attributes(h5py.AttributeManager):
    def __init__(self, file: OpenedFile) -> None:
        super().__init__(file)
        self._file = file

    def __getitem__(self, name: str) -> object:
        attribute = self.get_id(name)
        dtype, shape = attribute.dtype, attribute.shape
        if is_of_variable_length(dtype):
            return self._file.with_sound_heaps.attrs[name]
        if shape != ():
            return super().__getitem__(name)
        value = np.empty(shape, dtype)  # as h5py does, without opening the attribute again
        attribute.read(value)
        return value[()]


def is_of_variable_length(dtype: np.dtype) -> bool:
    """Tell whether values of a type are in heaps."""
    return dtype.hasobject


class _CheckedHeaps:
    """Input of h5py that refuses heaps that are not sound.

    Parameters
    ----------
    file
        The file, open; it must stay so.
    """

    def __init__(self, file: h5py.File) -> None:
        self._descriptor = file.id.get_vfd_handle()
        self._size = os.fstat(self._descriptor).st_size
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        content = bytearray(self._size - self._position if size < 0 else size)
        return bytes(content[: self.readinto(content)])

    def readinto(self, buffer: memoryview) -> int:
        """Read on; OSError at a heap that is not sound."""
        found = bytes_at(self._descriptor, len(buffer), self._position)
        if found[: len(SIGNATURE)] == SIGNATURE:
            size = int.from_bytes(found[8:HEADER], "little")
            rest = self._size - self._position
            check_heap(bytes_at(self._descriptor, min(size, rest), self._position))
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def flush(self) -> None:
        """Do nothing, since nothing is written."""


def check_heap(heap: bytes) -> None:
    """Raise OSError unless the objects of a heap fill it, each with a number of its own."""
    size = int.from_bytes(heap[8:HEADER], "little")
    if not SMALLEST <= size == len(heap):
        raise OSError(f"a heap of texts of {size} bytes")
    position, numbers = HEADER, set()
    while size - position >= HEADER:
        number = int.from_bytes(heap[position : position + 2], "little")
        length = int.from_bytes(heap[position + 8 : position + HEADER], "little")
        if number == 0 and length == size - position:  # the free space, at the end
            return
        if number == 0 or number in numbers:
            raise OSError(f"a heap of texts has two objects {number}, or its free space is wrong")
        numbers.add(number)
        position += HEADER + -(-length // 8) * 8
    if position > size:
        raise OSError("a heap of texts ends within one")
