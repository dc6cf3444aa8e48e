"""HDF5 files of others, opened without trusting them.

Nothing outside the file is followed: no link to another file or by name, no external or virtual
data. Locks are taken where the file system has them.
"""

import errno
import importlib
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from calovision.core.errors import InputError
from calovision.storage.hdf5.heaps import OpenedFile

FIRST_PLUGIN_FILTER = 256  # numbers below are HDF5's own filters
DAMAGE = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""Errors of h5py where a file is not what it should be."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF}
_HELD = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK}
PIECE_BYTES = 2**25  # of an array that is read in pieces
LARGE = 2**30  # bytes of a data set that a far smaller file may not claim
MOST_COMPRESSED = 2**12  # times, of such a data set


@contextmanager
def opened(path: Path, what: str = "image file") -> Iterator[OpenedFile]:
    """Open an HDF5 file to read; messages say ``what`` it is taken for.

    Raises
    ------
    InputError
        If it is missing, no HDF5 file, held open for writing by another process, or found damaged
        while it is open.
    """
    path = Path(path)
    try:
        if not path.is_file():
            wrong = (
                "not a readable HDF5 file but a folder or a device"
                if path.exists()
                else f"no such {what}"
            )
            raise InputError(f"{path}: {wrong}")
        with _open(path, what) as file:
            yield file
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            f"{path}: it claims more data than fit into memory; make it again"
        ) from error
    except DAMAGE as error:
        raise InputError(
            f"{path}: damaged HDF5 file ({_first_line(error)}); make it again"
        ) from error


def find_dataset(
    path: Path,
    file: h5py.File,
    name: str,
    *,
    outside: bool = False,
    what: str = "image file",
) -> h5py.Dataset:
    """The data set of this full name, which must lie in the file itself; ``outside`` allows that
    its bytes do not. Messages say ``what`` the file is.

    Raises
    ------
    InputError
        If it is missing, no data set, elsewhere, of a type that numpy does not know, or larger than
        the file can be.
    """
    folder, _, leaf = name.rpartition("/")
    group = find_group(path, file, folder, what) if folder else file
    return dataset_in(path, group, leaf, name, outside=outside, what=what)


def dataset_in(
    path: Path,
    group: h5py.Group,
    leaf: str,
    name: str,
    *,
    outside: bool = False,
    what: str = "image file",
) -> h5py.Dataset:
    """A data set of a group that `find_group` gave, as `find_dataset`, with its full name for
    messages.
    """
    item = _member(path, group, leaf, name, what)
    if not isinstance(item, h5py.Dataset):
        raise InputError(f"{path}: incomplete {what} ('{name}' is not a data set); build it again")
    created_with = item.id.get_create_plist()
    is_virtual = created_with.get_layout() == h5py.h5d.VIRTUAL
    if is_virtual or (created_with.get_external_count() and not outside):
        raise InputError(
            f"{path}: '{name}' takes its data from other files, which is not followed: copy them "
            "into it"
        )
    try:
        dtype = item.dtype
        shape = item.shape
    except DAMAGE as error:
        raise InputError(
            f"{path}: '{name}' is of a type that numpy does not know: store numbers"
        ) from error
    if shape is None:
        raise InputError(f"{path}: '{name}' is empty, without a shape: make the file again")
    claimed = math.prod(shape) * dtype.itemsize
    if claimed > LARGE and claimed > MOST_COMPRESSED * path.stat().st_size and not outside:
        raise InputError(
            f"{path}: damaged, '{name}' claims {claimed:.3g} bytes in a file of "
            f"{path.stat().st_size}: make it again"
        )
    return item


def find_group(path: Path, file: h5py.File, name: str, what: str = "image file") -> h5py.Group:
    """The group of this name, which must lie in the file itself; InputError if it does not."""
    item = file
    for part in name.split("/"):
        item = _member(path, item, part, name, what)
    if not isinstance(item, h5py.Group):
        raise InputError(f"{path}: incomplete {what} ('{name}' is not a group); build it again")
    return item


def check_names(path: Path, group: h5py.Group) -> list[str]:
    """Names in a group; InputError if one cannot be printed."""
    for name in group:
        if not name.isprintable():
            raise InputError(
                f"{path}: {name!a} in '{group.name}' is no name: use printable characters"
            )
    return list(group)


def names_of_datasets(file: h5py.File) -> list[str]:
    """Full names of all data sets of a file."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if _is_dataset(item) else None)
    return found


def _is_dataset(item: object) -> bool:
    return isinstance(item, h5py.Dataset)


def pieces_of(data: h5py.Dataset) -> Iterator[np.ndarray]:
    """An array ``(n, ...)`` in pieces along its first axis, which need little memory."""
    size = max(PIECE_BYTES // (math.prod(data.shape[1:]) * data.dtype.itemsize or 1), 1)
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read_attribute(
    path: Path, attributes: h5py.AttributeManager, name: str
) -> str | int | float | bool:
    """An attribute that is one number or one string, however it is stored.

    Raises
    ------
    InputError
        If it is something else, or cannot be read.
    """
    return one_value(path, name, stored_attribute(path, attributes, name))


def stored_attribute(path: Path, attributes: h5py.AttributeManager, name: str) -> object:
    """An attribute as h5py gives it; InputError if it cannot be read."""
    try:
        return attributes[name]
    except (*DAMAGE, MemoryError) as error:
        raise _unreadable(path, name, error) from error


def one_value(path: Path, name: str, value: object) -> str | int | float | bool:
    """The number or the string that an attribute is; InputError if it is something else."""
    if isinstance(value, np.ndarray | np.generic) and np.size(value) == 1:
        value = np.asarray(value).reshape(-1)[0]
        value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _unreadable(path, name, error) from error
    if not isinstance(value, str | int | float | bool):
        raise InputError(
            f"{path}: the attribute '{name}' is {type(value).__name__}, not one number or one "
            "string"
        )
    return value


def _unreadable(path: Path, name: str, error: BaseException) -> InputError:
    return InputError(f"{path}: the attribute '{name}' cannot be read ({_first_line(error)})")


def register_filters(path: Path, name: str, dataset: h5py.Dataset) -> None:
    """Make the compression filters known to HDF5 that a data set needs, if any."""
    created_with = dataset.id.get_create_plist()
    filters = [created_with.get_filter(i)[0] for i in range(created_with.get_nfilters())]
    if any(number >= FIRST_PLUGIN_FILTER for number in filters):
        register_plugins(path, name)


def register_plugins(path: Path, name: str) -> None:
    """Make the compression filters known to HDF5; importing them is all it takes."""
    try:
        importlib.import_module("hdf5plugin")
    except ImportError as error:
        raise InputError(
            f"{path}: '{name}' is compressed by a filter of the package hdf5plugin: install it"
        ) from error


def _open(path: Path, what: str) -> OpenedFile:
    """The file, without a lock where the file system has none; InputError if it cannot be
    opened.
    """
    try:
        return _open_with_locks(path)
    except (OSError, RuntimeError) as error:
        number = getattr(error, "errno", None)
        if ("unable to lock" in str(error) and number in _HELD) or "already open" in str(error):
            raise InputError(
                f"{path}: another process holds it open for writing: wait until that has closed "
                "it; if there is none, "
                "set HDF5_USE_FILE_LOCKING=FALSE"
            ) from error
        again = "build the images again" if what == "image file" else "make it again"
        why = f" ({os.strerror(number)})" if number else f"; {again}"
        raise InputError(f"{path}: not a readable HDF5 file{why}") from error


def _open_with_locks(path: Path) -> OpenedFile:
    try:
        return OpenedFile(path, "r")
    except OSError as error:
        if error.errno in _NO_LOCKS and "unable to lock" in str(error):
            return OpenedFile(path, "r", locking=False)
        raise


def _member(path: Path, group: object, part: str, name: str, what: str) -> object:
    """A member of a group by a hard link; InputError if it is missing or elsewhere."""
    links = getattr(group.id, "links", None)  # only groups have links
    link = part.encode("utf-8", "surrogateescape")
    if links is None or not links.exists(link):
        raise InputError(f"{path}: incomplete {what} (no {name}); build it again")
    if links.get_info(link).type != h5py.h5l.TYPE_HARD:
        raise InputError(
            f"{path}: '{name}' is a link, which is not followed: copy the data into the file"
        )
    return group[part]


def _first_line(error: BaseException) -> str:
    lines = str(error.args[0] if error.args else error).splitlines()
    return lines[0] if lines else type(error).__name__
