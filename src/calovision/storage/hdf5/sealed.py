"""Attributes and arrays of files that `calovision.storage.hdf5.NewFile` sealed, compared with their
checksums before they are used; those of older files, which have none, are read all the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from calovision.core.errors import InputError
from calovision.core.text import shortened
from calovision.storage.hdf5.checksums import ATTRIBUTE, Checksums, Value
from calovision.storage.hdf5.heaps import OpenedFile, is_of_variable_length
from calovision.storage.hdf5.opening import (
    find_dataset,
    names_of_datasets,
    one_value,
    opened,
    pieces_of,
    register_filters,
    stored_attribute,
)


def read_attributes(
    path: Path,
    file: OpenedFile,
    form: tuple[str, int] | None = None,
    *,
    known: Collection[str] | None = None,
    one_value_each: bool = True,
    what: str = "image file",
) -> tuple[dict[str, Value], Checksums | None]:
    """Attributes of an open file, and its checksums, None if it has none.

    Parameters
    ----------
    path, file, what
        The file; what it is taken for, for messages.
    form
        Its ``format`` and the newest ``version`` that is read; None for a file without these.
    known
        Names of those that are wanted; None for all. Others that were sealed are only compared.
    one_value_each
        Whether each that is wanted must be one number or one text; else they are as h5py gives
        them.

    Raises
    ------
    InputError
        If the file is of another format or a newer version, or an attribute is not what it must
        be, or not what was written.
    """
    attributes = file.attrs
    names = list(attributes)

    def stored(wanted: Collection[str]) -> dict[str, object]:
        return {name: stored_attribute(path, attributes, name) for name in names if name in wanted}

    found = stored(("format", "version", ATTRIBUTE))
    if form is not None:
        _check_form(path, found, *form, what)
    text = found.pop(ATTRIBUTE, None)
    checksums = None
    if text is not None:
        checksums = Checksums.stored(path, one_value(path, ATTRIBUTE, text), what)
    wanted = set(names) - {ATTRIBUTE} if known is None else set(known)
    compared = wanted | set(checksums.attributes if checksums else ())
    found |= stored(compared - set(found))
    if checksums is not None:
        checksums.require_attributes({name: found[name] for name in found if name in compared})
    values = {name: value for name, value in found.items() if name in wanted}
    if one_value_each:
        values = {name: one_value(path, name, value) for name, value in values.items()}
    return values, checksums


def read_array(
    path: Path,
    file: OpenedFile,
    name: str,
    checksums: Checksums | None,
    *,
    what: str = "image file",
) -> np.ndarray:
    """A whole data set, with texts as `str`.

    Raises
    ------
    InputError
        As `find_dataset`, or if it is not what was written.
    """
    data = find_dataset(path, file, name, what=what)
    if is_of_variable_length(data.dtype):
        data = find_dataset(path, file.with_sound_heaps, name, what=what)
    values = data.asstr()[()] if h5py.check_string_dtype(data.dtype) else data[()]
    if checksums is not None:
        checksums.require_array(name, values)
    return values


@dataclass(frozen=True)
class Content:
    """Content of an HDF5 file without its numbers.

    Attributes
    ----------
    attributes
        Those of the file, as h5py gives them, but for the checksums.
    arrays
        Type and shape of each data set by its full name.
    has_checksums
        Whether it was sealed.
    """

    attributes: dict[str, Value]
    arrays: dict[str, tuple[np.dtype, tuple[int, ...]]]
    has_checksums: bool


def read_content(path: Path, what: str = "HDF5 file", *, compare: bool = False) -> Content:
    """Content of a file, whose attributes are compared with their checksums if it has any.

    Parameters
    ----------
    path, what
        The file; what it is taken for, for messages.
    compare
        Whether to read all data sets, too, and compare them.

    Raises
    ------
    InputError
        If it cannot be read, or is not what was written.
    """
    with opened(path, what) as file:
        attributes, checksums = read_attributes(path, file, one_value_each=False, what=what)
        names = names_of_datasets(file)
        if checksums is not None:
            checksums.require_data(names)
        arrays = {name: find_dataset(path, file, name, what=what) for name in names}
        for name in names if compare else ():
            _compare(path, file, arrays[name], checksums, what)
        types = {name: (data.dtype, data.shape) for name, data in arrays.items()}
    return Content(attributes, types, checksums is not None)


def _compare(
    path: Path, file: OpenedFile, data: h5py.Dataset, checksums: Checksums | None, what: str
) -> None:
    """Read a data set, and compare it if it has a checksum."""
    name = data.name.lstrip("/")
    register_filters(path, name, data)
    if is_of_variable_length(data.dtype) or not data.shape:
        read_array(path, file, name, checksums, what=what)
    elif checksums is None:
        for _ in pieces_of(data):
            pass
    else:
        checksums.require_pieces(name, pieces_of(data), data.dtype, data.shape)


def _check_form(
    path: Path, attributes: Mapping[str, object], form: str, newest: int, what: str
) -> None:
    if "format" not in attributes or one_value(path, "format", attributes["format"]) != form:
        raise InputError(f"{path}: not a {form} file: the attribute 'format' says so in one")
    if "version" not in attributes:
        raise InputError(f"{path}: incomplete {what} (no version); build it again")
    number = one_value(path, "version", attributes["version"])
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise InputError(
            f"{path}: the attribute 'version' is {shortened(repr(number))}: it must be a whole "
            f"number from 1 to {newest}"
        )
    if number > newest:
        raise InputError(
            f"{path}: {form} version {number} is newer than this calovision reads (version "
            f"{newest}): update calovision"
        )
