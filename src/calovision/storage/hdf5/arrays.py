"""Arrays of an HDF5 file, read through one memory map where they are contiguous, through HDF5 where
they are not.
"""

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from calovision.core.errors import InputError
from calovision.storage.hdf5.checksums import Checksums
from calovision.storage.hdf5.maps import POOL
from calovision.storage.hdf5.opening import (
    FIRST_PLUGIN_FILTER,
    dataset_in,
    find_dataset,
    find_group,
    opened,
    register_plugins,
)
from calovision.storage.hdf5.source import Identity, Source

PIECE = 2**20
"""Entries of an array that are compared with its checksum at a time."""


class Place(NamedTuple):
    """Place of an array in its file, and its type as it is stored.

    ``offset`` is None if it must be read by HDF5: chunked, compact, empty, of the other byte order
    or, with ``outside``, in another file.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int | None
    needs_plugin: bool
    outside: tuple[Path, int] | None

    @property
    def native(self) -> np.dtype:
        """The type in the byte order of this machine, which all arrays are given in."""
        return self.dtype.newbyteorder("=")


class StoredArrays:
    """Read-only arrays of an HDF5 file by name; nothing is read and no handle stays open until one
    is asked for.

    The map is one for the whole file, and is let go of where too many others are made
    (`calovision.storage.hdf5.maps`).

    Parameters
    ----------
    path, file
        The file, open.
    names
        Full names of the data sets.
    outside
        Whether their bytes may be in other files.
    checksums
        Those of the file, with which whole arrays are compared when they are first read; None if it
        has none.

    Raises
    ------
    InputError
        If a data set is missing, not in the file itself or not wholly there, or if the file is
        another one later.
    """

    def __init__(
        self,
        path: Path,
        file: h5py.File,
        names: Iterable[str],
        *,
        outside: bool = False,
        checksums: Checksums | None = None,
    ) -> None:
        self.path = path
        self.checksums = checksums
        self.source = Source(path, Identity.of(file.id.get_vfd_handle()))
        self._outside = outside
        self._places = self._find(file, list(names))
        self._mapped: dict[str, np.ndarray] = {}
        self.kept: tuple[np.ndarray, ...] | None = None
        self._loaded: dict[str, np.ndarray] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def names(self, group: str) -> list[str]:
        """Names of the arrays of a group, without it."""
        return [
            name.removeprefix(f"{group}/") for name in self._places if name.startswith(f"{group}/")
        ]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array, known without reading."""
        return self._places[name].shape

    def dtype(self, name: str) -> np.dtype:
        """Type of an array in the byte order of this machine, known without reading."""
        return self._places[name].native

    def offset(self, name: str) -> int | None:
        """First byte of an array in the file; None if it must be read by HDF5."""
        return self._places[name].offset

    def file_and_offset(self, name: str) -> tuple[Path, int] | None:
        """The file that holds an array, mostly this one, and its first byte there; None if HDF5
        must read it.
        """
        place = self._places[name]
        return place.outside if place.offset is None else (self.path, place.offset)

    def is_resident(self, name: str) -> bool:
        """True if single elements cost nothing: the array is mapped, or was read as a whole."""
        return self._places[name].offset is not None or name in self._loaded

    def whole(self, name: str) -> np.ndarray:
        """The whole array: mapped, or read once and kept."""
        place = self._places[name]
        if place.offset is None:
            if name not in self._loaded:
                self._loaded[name] = self._good(name, self._read(name, slice(None)))
            return self._loaded[name]
        # once: another thread may make a map that takes the place of this one
        array = self._mapped.get(name)
        if array is None:
            array = np.ndarray(place.shape, place.dtype, self._map(), place.offset)
            self._mapped[name] = self._good(name, array)
        return array

    def keep(self, names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
        """Several whole arrays, which are in `kept` as long as the map is, for those who ask
        often.
        """
        self.kept = tuple(map(self.whole, names))
        return self.kept

    def read(self, name: str) -> np.ndarray:
        """The whole array as one of the caller's own: neither mapped nor kept."""
        place = self._places[name]
        if place.offset is None:
            return self._good(
                name, np.asarray(self._read(name, slice(None) if place.shape else ()))
            )
        numbers = self.source.read(place.dtype, math.prod(place.shape), place.offset)
        return self._good(name, numbers.reshape(place.shape))

    def part(self, name: str, start: int, stop: int) -> np.ndarray:
        """Entries from ``start`` to ``stop`` as an array of their own.

        Read, not mapped: pages of a map stay in memory, and who goes through a large file piece by
        piece would collect all of it.
        """
        place = self._places[name]
        if place.offset is None:
            return self._read(name, slice(start, stop))
        per_entry = math.prod(place.shape[1:])
        begin = place.offset + start * per_entry * place.dtype.itemsize
        numbers = self.source.read(place.dtype, (stop - start) * per_entry, begin)
        return numbers.reshape(-1, *place.shape[1:])

    def compare(self, name: str) -> None:
        """Compare an array ``(n, ...)`` with its checksum, if it has one and that was not done yet,
        in the memory of a piece of it.
        """
        if self.checksums is not None and self.checksums.is_due(name):
            n = self.shape(name)[0]
            pieces = (self.part(name, one, min(one + PIECE, n)) for one in range(0, n, PIECE))
            self.checksums.require_pieces(name, pieces, self.dtype(name), self.shape(name))

    @property
    def mapped_bytes(self) -> np.memmap | None:
        """The map of the file, if there is one now."""
        return self.source.mapped

    def unmap(self) -> None:
        """Let go of the map; the next access makes another. Arrays that are still in use keep the
        old one.
        """
        self.source.mapped, self._mapped, self.kept = None, {}, None

    def _good(self, name: str, array: np.ndarray) -> np.ndarray:
        """A whole array, after a look at its checksum if that is the first."""
        if self.checksums is not None:
            self.checksums.require_array(name, array)
        return array

    def _map(self) -> np.memmap:
        """The map of the file, made if there is none now."""
        mapped = self.source.mapped
        if mapped is None:
            mapped = self.source.map()
            POOL.add(self)
        return mapped

    def _read(self, name: str, entries: slice | tuple) -> np.ndarray:
        """Entries by way of HDF5, in the byte order of this machine."""
        place = self._places[name]
        if place.needs_plugin:
            register_plugins(self.path, name)
        with opened(self.path) as file:
            self.source.require(Identity.of(file.id.get_vfd_handle()))
            try:
                return find_dataset(self.path, file, name, outside=self._outside)[entries].astype(
                    place.native
                )
            except (OSError, MemoryError) as error:
                raise InputError(
                    f"{self.path}: '{name}' cannot be read or decompressed; build the file again"
                ) from error

    def _find(self, file: h5py.File, names: list[str]) -> dict[str, Place]:
        """Places of all data sets, each group opened once."""
        folders = {name: name.rpartition("/")[0] for name in names}
        groups = {
            folder: find_group(self.path, file, folder)
            for folder in dict.fromkeys(folders.values())
        }
        return {name: self._place(groups[folder], name) for name, folder in folders.items()}

    def _place(self, group: h5py.Group, name: str) -> Place:
        dataset = dataset_in(self.path, group, name.rpartition("/")[2], name, outside=self._outside)
        place = _place(dataset)
        end = (
            0
            if place.offset is None
            else place.offset + math.prod(place.shape) * place.dtype.itemsize
        )
        if end > self.source.identity.size:
            raise InputError(
                f"{self.path}: incomplete image file ('{name}' ends behind its end); build it again"
            )
        return place


def _place(dataset: h5py.Dataset) -> Place:
    """Place of a data set."""
    created_with = dataset.id.get_create_plist()
    dtype = dataset.dtype
    filters = [created_with.get_filter(number)[0] for number in range(created_with.get_nfilters())]
    needs_plugin = any(number >= FIRST_PLUGIN_FILTER for number in filters)
    offset = None
    outside = None
    if created_with.get_external_count() == 1:
        name, start, _ = created_with.get_external(0)
        outside = Path(os.fsdecode(name)), start
    elif dtype.isnative and not dtype.hasobject:
        offset = dataset.id.get_offset()
    return Place(dataset.shape, dtype, offset, needs_plugin, outside)
