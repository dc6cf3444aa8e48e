"""Plain HDF5 tables: one data set per column, all of the same length."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from calovision.atomic import replaced
from calovision.errors import InputError


def write_table(
    path: Path, columns: Mapping[str, np.ndarray], *, attributes: Mapping[str, str | int] | None = None
) -> None:
    """Write columns ``(n, ...)``, strings as UTF-8, and attributes of the file; complete or not at all."""
    with replaced(path) as temporary, h5py.File(temporary, "w") as file:
        for name, column in columns.items():
            text = column.dtype.kind in "OU"
            data = column.astype(object) if text else column
            file.create_dataset(name, data=data, dtype=h5py.string_dtype() if text else None)
        file.attrs.update(attributes or {})


def read_table(path: Path) -> dict[str, np.ndarray]:
    """Columns of a table, strings as objects; InputError if it is missing or unreadable."""
    try:
        with h5py.File(path, "r") as file:
            if not all(isinstance(data, h5py.Dataset) for data in file.values()):
                raise InputError(f"{path}: no table but another kind of HDF5 file, it holds groups; make it again")
            return {
                name: data.asstr()[()] if h5py.check_string_dtype(data.dtype) else data[()]
                for name, data in file.items()
            }
    except OSError as error:
        raise InputError(f"{path}: no readable HDF5 table; make it again") from error
