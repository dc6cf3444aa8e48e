"""Tables that pandas wrote into HDF5 (``DataFrame.to_hdf``), read by h5py alone.

pandas has two layouts, both of PyTables: ``format="table"``, a data set ``<key>/table`` of records
whose fields are blocks of columns of one type (``values_block_0`` float32 ``(804,)`` ...), with the
names of the columns as pickled lists in the attributes ``<field>_kind``; and ``format="fixed"``,
arrays ``<key>/block0_values`` ``(n, columns)`` with their names in ``<key>/block0_items``.
"""

import io
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

import h5py
import numpy as np

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.storage.hdf5 import find_dataset, opened, register_filters

TABLE = "table of pandas"
LONGEST_PICKLE = 2**20  # bytes: an attribute of HDF5 has 64 kB unless it is stored apart


class _Place(NamedTuple):
    """Place of a column: its data set, the field of its records, and the position in these.

    The field is None where the data set has no records, the position None where the field is one
    number.
    """

    dataset: h5py.Dataset
    field: str | None
    position: int | None


class Frame:
    """A table of pandas in an open file.

    Parameters
    ----------
    path, file
        The file.
    key
        Name of the table in it.

    Attributes
    ----------
    columns
        Names of the columns, block by block.

    Raises
    ------
    InputError
        If there is no such table, or it is of another layout.
    """

    def __init__(self, path: Path, file: h5py.File, key: str) -> None:
        self.path = path
        kind = _frame_kinds(file).get(key)
        if kind is None:
            found = ", ".join(_frame_kinds(file)) or "none"
            raise InputError(
                f"{path}: there is no table '{key}' of pandas{nearest(key, _frame_kinds(file))}; "
                f"tables in it: {found}"
            )
        if kind not in ("frame_table", "frame"):
            raise InputError(f"{path}: '{key}' is a '{kind}' of pandas: it must be a DataFrame")
        find = _fixed_places if kind == "frame" else _table_places
        self._places = find(path, file, key)
        lengths = {len(place.dataset) for place in self._places.values()}
        if len(lengths) != 1:
            raise InputError(f"{path}: '{key}' has columns of other lengths; make it again")
        (self._n_rows,) = lengths

    def __len__(self) -> int:
        return self._n_rows

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._places)

    def require(self, names: Sequence[str]) -> None:
        """Raise InputError for a column that is not there."""
        for name in names:
            if name not in self._places:
                raise InputError(
                    f"{self.path}: the table has no column '{name}'"
                    f"{nearest(name, self._places)}; it has {_listed(self.columns)}"
                )

    def read(self, names: Sequence[str], rows: slice = slice(None)) -> np.ndarray:
        """Columns of some rows, ``(n, len(names))``, of a type that holds all of them.

        Raises
        ------
        InputError
            If one is missing or holds no numbers.
        """
        self.require(names)
        by_block: dict[tuple[str, str | None], np.ndarray] = {}
        columns = []
        for dataset, field, position in (self._places[name] for name in names):
            block = (dataset.name, field)
            if block not in by_block:
                by_block[block] = dataset[rows] if field is None else dataset.fields(field)[rows]
            values = by_block[block]
            columns.append(values if position is None else values[:, position])
        if others := [
            n for n, one in zip(names, columns, strict=True) if one.dtype.kind not in "biuf"
        ]:
            raise InputError(f"{self.path}: the column '{others[0]}' must be numbers")
        return np.stack(columns, axis=1)


@contextmanager
def opened_frame(path: Path, key: str = "table") -> Iterator[Frame]:
    """Open a table of pandas to read; errors as of `Frame` and of damaged files."""
    path = Path(path)
    with opened(path, "HDF5 file of pandas") as file:
        yield Frame(path, file, key)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:10])} ... {names[-1]}"


def _frame_kinds(file: h5py.File) -> dict[str, str]:
    """Tables of pandas in a file -> the layout of each."""
    groups = {name: file[name] for name in file if isinstance(file.get(name), h5py.Group)}
    return {
        name: _text(group.attrs["pandas_type"])
        for name, group in groups.items()
        if "pandas_type" in group.attrs
    }


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _table_places(path: Path, file: h5py.File, key: str) -> dict[str, _Place]:
    """Columns of a table of records."""
    name = f"{key}/table"
    dataset = find_dataset(path, file, name, what=TABLE)
    register_filters(path, name, dataset)
    places: dict[str, _Place] = {}
    for field in dataset.dtype.names or ():
        if f"{field}_kind" not in dataset.attrs or field == "index":
            continue
        columns = _names(path, dataset.attrs[f"{field}_kind"], f"{name}:{field}_kind")
        shape = dataset.dtype[field].shape
        if shape not in ((), (len(columns),)) or (shape == () and len(columns) != 1):
            raise InputError(f"{path}: '{name}' has {len(columns)} names for '{field}' of {shape}")
        for position, column in enumerate(columns):
            places[column] = _Place(dataset, field, position if shape else None)
    if not places:
        raise InputError(f"{path}: '{name}' has no columns that pandas wrote")
    return places


def _fixed_places(path: Path, file: h5py.File, key: str) -> dict[str, _Place]:
    """Columns of blocks, each a data set."""
    places: dict[str, _Place] = {}
    number = 0
    while f"{key}/block{number}_values" in file:
        name = f"{key}/block{number}_values"
        dataset = find_dataset(path, file, name, what=TABLE)
        register_filters(path, name, dataset)
        names = find_dataset(path, file, f"{key}/block{number}_items", what=TABLE)
        items = names[()].reshape(-1)
        if dataset.ndim != 2 or dataset.shape[1] != len(items):
            raise InputError(f"{path}: '{name}' of shape {dataset.shape} for {len(items)} names")
        for position, item in enumerate(items.tolist()):
            places[_text(item)] = _Place(dataset, None, position)
        number += 1
    if not places:
        raise InputError(f"{path}: '{key}' has no columns that pandas wrote")
    return places


class _PlainUnpickler(pickle.Unpickler):
    """Unpickler of lists and strings, which calls nothing that a file names."""

    def find_class(self, module: str, name: str) -> NoReturn:
        """Refuse every function and class."""
        raise pickle.UnpicklingError(f"{module}.{name} is no list of names")


def _names(path: Path, pickled: object, where: str) -> list[str]:
    """Names of the columns of a block, which PyTables stores as a pickled list."""
    data = pickled.tobytes() if isinstance(pickled, np.ndarray | np.generic) else pickled
    data = data if isinstance(data, bytes) else str(data).encode()
    try:
        if len(data) > LONGEST_PICKLE:
            raise pickle.UnpicklingError("it is too long")
        names = _PlainUnpickler(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle may raise whatever there is
        raise InputError(f"{path}: '{where}' is no list of names ({error})") from error
    if not isinstance(names, list) or not all(isinstance(name, str | bytes) for name in names):
        raise InputError(f"{path}: '{where}' is no list of names")
    return [_text(name) for name in names]
