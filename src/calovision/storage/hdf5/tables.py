"""Plain HDF5 tables: one data set per column, all of the same length."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced
from calovision.storage.hdf5.checksums import Checksums
from calovision.storage.hdf5.heaps import OpenedFile
from calovision.storage.hdf5.new_file import created
from calovision.storage.hdf5.opening import check_names, find_dataset, opened
from calovision.storage.hdf5.sealed import read_array, read_attributes

NUMBERS = "biuf"
WHAT = "HDF5 table"


def write_table(
    path: Path,
    columns: Mapping[str, np.ndarray],
    *,
    attributes: Mapping[str, str | int] | None = None,
) -> None:
    """Write columns ``(n, ...)``, strings as UTF-8, and attributes of the file; complete or not at
    all.

    Parameters
    ----------
    path
        HDF5 file, which is replaced.
    columns
        Name -> values, all of one length.
    attributes
        Of the file.
    """
    with replaced(path) as temporary, created(temporary) as file:
        for name, column in columns.items():
            file.write(name, column)
        file.attrs.update(attributes or {})


def read_table(path: Path) -> dict[str, np.ndarray]:
    """Columns of a table, strings as objects.

    Parameters
    ----------
    path
        HDF5 file, as `write_table` writes it.

    Raises
    ------
    InputError
        If it is missing, unreadable or damaged, or holds other things than columns of one length.
    """
    path = Path(path)
    with opened(path, WHAT) as file:
        if not all(
            isinstance(file.get(name, getlink=True), h5py.HardLink)
            for name in check_names(path, file)
        ):
            raise InputError(
                f"{path}: no table, it has links to elsewhere, which are not followed; make it "
                "again"
            )
        if not all(isinstance(data, h5py.Dataset) for data in file.values()):
            raise InputError(
                f"{path}: no table but another kind of HDF5 file, it holds groups; make it again"
            )
        _, checksums = read_attributes(path, file, known=(), what=WHAT)
        if checksums is not None:
            checksums.require_data(file)
        table = {name: _read_column(path, file, name, checksums) for name in file}
    lengths = {name: len(column) for name, column in table.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            f"{path}: no table, its columns have unequal lengths, {lengths}; make it again"
        )
    return table


def table_attributes(path: Path, *names: str, what: str = WHAT) -> dict[str, str | int | float]:
    """Attributes of these names that a table has.

    Raises
    ------
    InputError
        If it is missing, unreadable or damaged, or one is not one number or one text.
    """
    with opened(path, what) as file:
        return read_attributes(path, file, known=names, what=what)[0]


def _read_column(
    path: Path, file: OpenedFile, name: str, checksums: Checksums | None
) -> np.ndarray:
    """One column, strings as objects, numbers in the byte order of this machine."""
    data = find_dataset(path, file, name)
    is_text = h5py.check_string_dtype(data.dtype) is not None
    if not data.shape or not (is_text or data.dtype.kind in NUMBERS):
        raise InputError(
            f"{path}: '{name}' is {data.dtype} of shape {data.shape}: a column is numbers or "
            "strings"
        )
    values = read_array(path, file, name, checksums, what=WHAT)
    return values if is_text else values.astype(data.dtype.newbyteorder("="), copy=False)
