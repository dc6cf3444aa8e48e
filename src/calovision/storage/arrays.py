"""Arrays of an HDF5 file: through one memory map where they are contiguous, through HDF5 where they are not."""

import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from calovision.errors import InputError
from calovision.storage.maps import POOL

FIRST_PLUGIN_FILTER = 256  # numbers below are HDF5's own filters


class Place(NamedTuple):
    """Where an array lies in its file; ``offset`` is None if it is chunked, empty or, with ``outside``, in another."""

    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int | None
    needs_plugin: bool
    outside: tuple[Path, int] | None


class StoredArrays:
    """Read-only arrays of an HDF5 file by name; nothing is read and no handle stays open until one is asked for.

    The map is one for the whole file, and is let go of where too many others are made (`calovision.storage.maps`).

    Parameters
    ----------
    file
        The open file.
    names
        Full names of the data sets; KeyError if one is missing.
    """

    def __init__(self, file: h5py.File, names: Iterable[str]) -> None:
        self.path = Path(file.filename)
        self._places = {name: _find(file[name]) for name in names}
        self._bytes: np.memmap | None = None
        self._mapped: dict[str, np.ndarray] = {}
        self._loaded: dict[str, np.ndarray] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def names(self, group: str) -> list[str]:
        """Names of the arrays of a group, without it."""
        return [name.removeprefix(f"{group}/") for name in self._places if name.startswith(f"{group}/")]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array, known without reading."""
        return self._places[name].shape

    def offset(self, name: str) -> int | None:
        """First byte of an array in the file; None if it is chunked or empty."""
        return self._places[name].offset

    def file_and_offset(self, name: str) -> tuple[Path, int] | None:
        """The file that holds an array, mostly this one, and its first byte there; None if it is chunked or empty."""
        place = self._places[name]
        return place.outside if place.offset is None else (self.path, place.offset)

    def at_hand(self, name: str) -> bool:
        """Whether single elements cost nothing: the array is mapped, or was read as a whole."""
        return self._places[name].offset is not None or name in self._loaded

    def whole(self, name: str) -> np.ndarray:
        """The whole array: mapped, or read once and kept."""
        place = self._places[name]
        if place.offset is None:
            if name not in self._loaded:
                self._loaded[name] = self._read(name, slice(None))
            return self._loaded[name]
        array = self._mapped.get(name)  # once: another thread may make a map that takes the place of this one
        if array is None:
            array = self._mapped[name] = np.ndarray(place.shape, place.dtype, self._map(), place.offset)
        return array

    def read(self, name: str) -> np.ndarray:
        """The whole array as one of the caller's own: neither mapped nor kept."""
        shape, dtype, offset, *_ = self._places[name]
        if offset is None:
            return np.asarray(self._read(name, slice(None) if shape else ()))
        return self._from_file(dtype, int(np.prod(shape)), offset).reshape(shape)

    def part(self, name: str, start: int, stop: int) -> np.ndarray:
        """Entries from ``start`` to ``stop`` as an array of their own.

        Read, not mapped: pages of a map stay in memory, and who goes through a large file piece by piece would collect
        all of it.
        """
        shape, dtype, offset, *_ = self._places[name]
        if offset is None:
            return self._read(name, slice(start, stop))
        per_entry = int(np.prod(shape[1:]))
        begin = offset + start * per_entry * dtype.itemsize
        return self._from_file(dtype, (stop - start) * per_entry, begin).reshape(-1, *shape[1:])

    @property
    def mapped_bytes(self) -> np.memmap | None:
        """The map of the file, if there is one now."""
        return self._bytes

    def unmap(self) -> None:
        """Let go of the map; the next access makes another. Arrays that are still in use keep the old one."""
        self._bytes, self._mapped = None, {}

    def _map(self) -> np.memmap:
        """The map of the file, made if there is none now."""
        mapped = self._bytes
        if mapped is None:
            try:
                mapped = self._bytes = np.memmap(self.path, dtype=np.uint8, mode="r")
            except OSError as error:
                raise self._gone() from error
            POOL.add(self)
        return mapped

    def _from_file(self, dtype: np.dtype, n: int, offset: int) -> np.ndarray:
        try:
            return np.fromfile(self.path, dtype, n, offset=offset)
        except OSError as error:
            raise self._gone() from error

    def _gone(self) -> InputError:
        return InputError(f"{self.path}: the image file is no longer there or cannot be read")

    def _read(self, name: str, entries: slice) -> np.ndarray:
        if self._places[name].needs_plugin:
            _register_plugins(self.path, name)
        try:
            with h5py.File(self.path, "r") as file:
                return file[name][entries]
        except OSError as error:
            raise InputError(f"{self.path}: '{name}' cannot be read or decompressed; build the file again") from error


class EventColumns(Mapping):
    """Columns of an image file by name, ``(n, ...)`` each; read when first asked for."""

    def __init__(self, arrays: StoredArrays) -> None:
        self._arrays = arrays
        self._names = arrays.names("events")
        self._columns: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._columns:
            self._columns[name] = self.read(name)
        return self._columns[name]

    def read(self, name: str) -> np.ndarray:
        """One column that is not kept here: for data sets of many files, of which the caller joins the columns.

        Raises
        ------
        KeyError
            If it is not there.
        """
        if name in self._columns:
            return self._columns[name]
        if name not in self._names:
            raise KeyError(name)
        return self._arrays.read(f"events/{name}")

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __or__(self, other: Mapping) -> dict[str, np.ndarray]:
        return dict(self) | dict(other)


def _find(dataset: h5py.Dataset) -> Place:
    if not isinstance(dataset, h5py.Dataset):
        raise KeyError(f"'{dataset.name}' is not a data set")
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(number)[0] for number in range(plist.get_nfilters())]
    offset = None if dataset.dtype.hasobject else dataset.id.get_offset()
    needs_plugin = any(number >= FIRST_PLUGIN_FILTER for number in filters)
    outside = [(Path(os.fsdecode(name)), start) for name, start, _ in dataset.external or ()]
    return Place(dataset.shape, dataset.dtype, offset, needs_plugin, outside[0] if len(outside) == 1 else None)


def _register_plugins(path: Path, name: str) -> None:
    """Make the compression filters known to HDF5; importing them is all it takes."""
    try:
        importlib.import_module("hdf5plugin")
    except ImportError as error:
        raise InputError(f"{path}: '{name}' is compressed by a filter of the package hdf5plugin: install it") from error
