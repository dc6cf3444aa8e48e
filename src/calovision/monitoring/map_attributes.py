"""Attributes of a file of run maps: what the maps are made of, and their layout."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from calovision.core.errors import InputError
from calovision.monitoring.layout import MapLayout
from calovision.storage.attributes import read_values

LAYOUT = ("grid", "channels", "units", "thresholds")


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


def origin_from(path: Path, values: Mapping) -> MapOrigin:
    """Origin from attributes; InputError if one is not what it must be."""
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


def layout_from(path: Path, values: Mapping) -> MapLayout:
    """Layout from attributes; InputError if one is missing or not what it must be."""
    for name in LAYOUT:
        if name not in values:
            raise InputError(f"{path}: incomplete file (no attribute '{name}'); make it again")
    try:
        read = read_values({name: values[name] for name in LAYOUT[:3]})
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
