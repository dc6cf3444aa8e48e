"""Event columns of an image file."""

from collections.abc import Iterator, Mapping

import numpy as np

from calovision.storage.checks import check_column
from calovision.storage.hdf5 import StoredArrays


class EventColumns(Mapping):
    """Columns of an image file by name, ``(n, ...)`` each; read and checked when first asked
    for.
    """

    def __init__(self, arrays: StoredArrays, label: int, n_classes: int) -> None:
        self._arrays, self._label, self._n_classes = arrays, label, n_classes
        self._names = arrays.names("events")
        self._columns: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._columns:
            self._columns[name] = self.read(name)
        return self._columns[name]

    def read(self, name: str) -> np.ndarray:
        """One column that is not kept here: for data sets of many files, of which the caller joins
        the columns.

        Raises
        ------
        KeyError
            If it is not there.
        InputError
            If it holds what it must not, or cannot be read.
        """
        if name in self._columns:
            return self._columns[name]
        if name not in self._names:
            raise KeyError(name)
        values = self._arrays.read(f"events/{name}")
        check_column(self._arrays.path, name, values, self._label, self._n_classes)
        return values

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __or__(self, other: Mapping) -> dict[str, np.ndarray]:
        return dict(self) | dict(other)
