"""Attributes of a file of run maps: what the maps are made of, and their layout."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import h5py

from calovision.core.errors import InputError
from calovision.monitoring.layout import MapLayout
from calovision.storage.attributes import read_values
from calovision.storage.hdf5 import read_attribute

_LAYOUT = ("grid", "channels", "units", "thresholds")


@dataclass(frozen=True)
class MapOrigin:
    """Origin of maps of runs.

    Attributes
    ----------
    source_files
        Path, or address, and UUID of each ROOT file; "" as the UUID of a file that has none.
    schema
        Schema of the ntuples; "" if there are several, or none.
    run, lumi_block
        Branch or formula of the number of the run and of the lumi block; "" where nothing was read.
    selection
        Expression on branches that events had to fulfil; "" for all events.
    """

    source_files: tuple[tuple[str, str], ...] = ()
    schema: str = ""
    run: str = ""
    lumi_block: str = ""
    selection: str = ""

    @classmethod
    def joined(cls, origins: Sequence["MapOrigin"]) -> "MapOrigin":
        """Origin of maps that were added up: all files, and the texts that all have."""
        texts = {one.name: {getattr(origin, one.name) for origin in origins} for one in fields(cls)}
        del texts["source_files"]
        files = tuple(file for origin in origins for file in origin.source_files)
        return cls(files, **{name: of.pop() if len(of) == 1 else "" for name, of in texts.items()})

    def to_attributes(self) -> dict[str, str]:
        """HDF5 attributes: texts as they are, the list of files as JSON."""
        texts = {one.name: getattr(self, one.name) for one in fields(self)}
        return texts | {"source_files": json.dumps(self.source_files)}


def require_no_copies(files: Iterable[tuple[str, str]]) -> None:
    """Raise InputError if two files have one identity, whose events would count twice."""
    first_of: dict[str, str] = {}
    for path, identity in files:
        if identity in first_of:
            first = first_of[identity]
            both = f"{path} (given twice)" if first == path else f"{first} and {path}"
            raise InputError(f"{both} hold the same events, which would count twice; give one")
        first_of[identity] = path


def read_attributes(
    path: Path, file: h5py.File, form: str, version: int
) -> tuple[MapLayout, MapOrigin, int]:
    """Layout, origin and number of rows of an open file of this format and at most this version.

    Raises
    ------
    InputError
        If it is of another format or a newer version, or an attribute is missing or not what it
        must be.
    """
    values = format_attributes(path, file, form, version)
    layout = layout_from(path, values)
    origin = _origin(path, values)
    n_rows = values.get("n_rows")
    if not isinstance(n_rows, int) or isinstance(n_rows, bool) or n_rows < 0:
        raise InputError(
            f"{path}: incomplete file (the attribute 'n_rows' is {n_rows!r}, no number of rows); "
            "make it again"
        )
    return layout, origin, n_rows


def format_attributes(
    path: Path, file: h5py.File, form: str, version: int
) -> dict[str, str | int | float | bool]:
    """All attributes of an open file that is of a format and of no newer version; InputError if it
    is not.
    """
    attributes = file.attrs
    if "format" not in attributes or read_attribute(path, attributes, "format") != form:
        raise InputError(f"{path}: not a {form} file: the attribute 'format' says so in one")
    values = {name: read_attribute(path, attributes, name) for name in attributes}
    number = values.get("version")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise InputError(
            f"{path}: the attribute 'version' is {number!r}: it must be a whole number from 1 to "
            f"{version}"
        )
    if number > version:
        raise InputError(
            f"{path}: {form} version {number} is newer than this calovision reads (version "
            f"{version}): update calovision"
        )
    return values


def layout_from(path: Path, values: Mapping) -> MapLayout:
    """Layout from attributes; InputError if one is missing or not what it must be."""
    for name in _LAYOUT:
        if name not in values:
            raise InputError(f"{path}: incomplete file (no attribute '{name}'); make it again")
    try:
        read = read_values({name: values[name] for name in _LAYOUT[:3]})
        thresholds = json.loads(values["thresholds"])
        if len(thresholds) != len(read["channels"]) or not all(
            isinstance(one, int | float) and one >= 0 for one in thresholds
        ):
            raise ValueError
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path}: the attribute 'thresholds' is {values['thresholds']!r}: it must be a JSON "
            "list of a number for each channel, none of them negative"
        ) from error
    return MapLayout(**read, thresholds=tuple(map(float, thresholds)))


def _origin(path: Path, values: Mapping) -> MapOrigin:
    texts = {one.name: values.get(one.name, "") for one in fields(MapOrigin)}
    files = texts.pop("source_files") or "[]"
    for name, value in texts.items():
        if not isinstance(value, str):
            raise InputError(f"{path}: the attribute '{name}' is {value!r}: it must be a string")
    try:
        sources = read_values({"source_files": files})["source_files"]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return MapOrigin(source_files=tuple(sources), **texts)
