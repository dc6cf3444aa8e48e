"""File of maps of runs: written block by block, read by runs or by cells.

The specification, with what a file must and what it may have, is the page RUN_MAPS.md beside this
module.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import fields
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.jobs.atomic import replaced
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.map_attributes import LAYOUT, MapOrigin, layout_from, origin_from
from calovision.monitoring.map_checks import (
    WHAT,
    check_columns,
    check_dataset,
    named,
    number_of_rows,
    wrong_numbers,
)
from calovision.monitoring.map_checksums import MAPS, NAME, StoredMaps, map_checksums
from calovision.monitoring.run_maps import RunMaps
from calovision.storage.hdf5 import (
    NewFile,
    NewRows,
    created,
    find_dataset,
    names_of_datasets,
    opened,
    read_array,
    read_attribute,
    read_attributes,
)
from calovision.storage.hdf5.source import Identity

FORMAT = "calovision-run-maps"
VERSION = 1
COLUMNS = ("run", "lumi_block", "n_events")
_KINDS = (np.uint32, np.float64)
ATTRIBUTES = (*LAYOUT, *(one.name for one in fields(MapOrigin)), "n_rows")


def write_run_maps(
    path: Path,
    maps: RunMaps | Iterable[RunMaps],
    *,
    origin: MapOrigin | None = None,
    layout: MapLayout | None = None,
) -> None:
    """Write maps of runs, complete or not at all.

    Parameters
    ----------
    path
        The file.
    maps
        Maps, or blocks of them, of which one is in memory at a time: ascending in run and lumi
        block over all blocks.
    origin
        What the maps are made of.
    layout
        Theirs, for a file that may be without rows.

    Raises
    ------
    InputError
        If there are no maps and no layout, blocks differ in their cells, channels or thresholds,
        runs do not ascend, or a number is none that the file may hold.
    """
    blocks = iter([maps] if isinstance(maps, RunMaps) else maps)
    with replaced(Path(path)) as temporary, created(temporary) as file:
        rows = _Rows(Path(path), file, layout)
        for block in blocks:
            rows.append(block)
        rows.finish(origin or MapOrigin())


class _Rows:
    """Rows of a new file."""

    def __init__(self, path: Path, file: NewFile, layout: MapLayout | None) -> None:
        self.path = path
        self.file = file
        self.layout = layout
        self.n = 0
        self.last: tuple[int, int] | None = None
        self.arrays: dict[str, NewRows] = {}
        if layout is not None:
            self._create(layout.shape)

    def append(self, block: RunMaps) -> None:
        if self.layout is None:
            self.layout = MapLayout.of(block)
            self._create(self.layout.shape)
        self.layout.require(block, str(self.path), "the maps before")
        self._check(block)
        for name, values in _arrays(block).items():
            self.arrays[name].append(values)
        stored = (
            getattr(block, name).astype(kind, copy=False)
            for name, kind in zip(MAPS, _KINDS, strict=True)
        )
        self.arrays[NAME].append(map_checksums(*stored))
        self.n += len(block)
        self.file.require_written()

    def finish(self, origin: MapOrigin) -> None:
        if self.layout is None:
            raise InputError(f"{self.path}: no maps to write: give those of at least one run")
        described = {name: json.dumps(value) for name, value in self.layout.to_dict().items()}
        self.file.attrs.update(
            {
                "format": FORMAT,
                "version": VERSION,
                "n_rows": self.n,
                "package_version": version("calovision"),
                **described,
                **origin.to_attributes(),
            }
        )

    def _create(self, shape: tuple[int, int, int]) -> None:
        for name in COLUMNS:
            self.arrays[f"runs/{name}"] = self.file.growing(
                f"runs/{name}", (), np.int64, fletcher32=True
            )
        self.arrays[NAME] = self.file.growing(NAME, (shape[0], 2), np.uint64, fletcher32=True)
        for name, kind in zip(MAPS, _KINDS, strict=True):
            self.arrays[f"maps/{name}"] = self.file.growing(
                f"maps/{name}", shape, kind, chunks=(1, 1, *shape[1:]), fletcher32=True
            )

    def _check(self, block: RunMaps) -> None:
        """Raise InputError for what a file may not hold."""
        keys = list(zip(block.run.tolist(), block.lumi_block.tolist(), strict=True))
        for key, before in zip(keys, [self.last, *keys], strict=False):
            if before is not None and key <= before:
                raise InputError(
                    f"{self.path}: {named(key)} comes after {named(before)}: give maps that "
                    "ascend in run and lumi block, each once"
                )
        self.last = keys[-1] if keys else self.last
        if wrong := wrong_numbers(block):
            raise InputError(f"{self.path}: {wrong}")


def is_run_map_file(path: Path) -> bool:
    """Tell whether a file says that it holds run maps; InputError if it is no HDF5 file."""
    with opened(Path(path), WHAT) as file:
        return "format" in file.attrs and read_attribute(path, file.attrs, "format") == FORMAT


def _arrays(block: RunMaps) -> dict[str, np.ndarray]:
    """Arrays of the file by their full names."""
    return {f"runs/{name}": getattr(block, name) for name in COLUMNS} | {
        f"maps/{name}": getattr(block, name) for name in MAPS
    }


class RunMapFile:
    """File of maps of runs, or some rows of it: ``len``, slices, blocks.

    ``file[10:20]``, row numbers or a mask give `RunMaps`; nothing but what is asked for is in
    memory, beside the three columns.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    path
        As given.
    layout, origin
        Cells, channels and thresholds; what the maps are made of.
    run, lumi_block, n_events
        int64 ``(n,)``, as in `RunMaps`.
    rows
        Their rows in the file, int64 ``(n,)``.

    Raises
    ------
    InputError
        If the file is missing, unreadable, foreign, of a newer version, incomplete, or not as
        RUN_MAPS.md has it; later, if it is another one by then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = Path(path)
        with opened(path, WHAT) as file:
            self._identity = Identity.of(file.id.get_vfd_handle())
            values, checksums = read_attributes(
                path, file, (FORMAT, VERSION), known=ATTRIBUTES, what=WHAT
            )
            if checksums is not None:
                checksums.require_data(names_of_datasets(file))
            self.layout, self.origin = layout_from(path, values), origin_from(path, values)
            n_rows = number_of_rows(path, values.get("n_rows"))
            for name in (*(f"runs/{one}" for one in COLUMNS), *(f"maps/{one}" for one in MAPS)):
                shape = self.layout.shape if name.startswith("maps/") else ()
                check_dataset(path, file, name, (n_rows, *shape))
            self.run, self.lumi_block, self.n_events = (
                read_array(path, file, f"runs/{name}", checksums, what=WHAT).astype(np.int64)
                for name in COLUMNS
            )
            has_planes = checksums is not None and NAME in checksums.data
            self._maps = StoredMaps(
                checksums,
                read_array(path, file, NAME, checksums, what=WHAT) if has_planes else None,
            )
        check_columns(path, self.run, self.lumi_block, self.n_events)
        self.rows = np.arange(n_rows)

    @property
    def grid(self) -> EtaPhiGrid:
        """Cells."""
        return self.layout.grid

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return self.layout.channels

    @property
    def units(self) -> tuple[str, ...]:
        """Their units."""
        return self.layout.units

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Least value of a hit, by channel."""
        return self.layout.thresholds

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice | Sequence[int] | np.ndarray) -> RunMaps:
        chosen = self.select(rows)
        occupancy, total = chosen.cells()
        maps = RunMaps(
            **vars(self.layout),
            run=chosen.run,
            lumi_block=chosen.lumi_block,
            n_events=chosen.n_events,
            occupancy=occupancy,
            total=total,
        )
        if wrong := wrong_numbers(maps):
            raise InputError(f"{self.path}: damaged, {wrong}; make it again")
        return maps

    def select(self, rows: slice | Sequence[int] | np.ndarray) -> "RunMapFile":
        """The same file with some of the rows: of a slice, row numbers, or a mask; nothing is
        read.
        """
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            rows = rows if rows.dtype == bool else rows.astype(np.int64)
        chosen = copy(self)
        for name in (*COLUMNS, "rows"):
            setattr(chosen, name, getattr(self, name)[rows])
        return chosen

    def blocks(self, size: int = 64) -> Iterator[RunMaps]:
        """Maps of at most ``size`` rows at a time, in their order."""
        for first in range(0, len(self), size):
            yield self[first : first + size]

    def cells(
        self, channel: slice = slice(None), eta: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Occupancy and total of all rows in some channels and rows of cells, float64 ``(n,
        n_channels, n_eta, n_phi)`` each.
        """
        shape = (
            len(self),
            *(
                len(range(n)[part])
                for n, part in zip(self.layout.shape, (channel, eta, slice(None)), strict=True)
            ),
        )
        found = np.empty((2, *shape))
        with opened(self.path, WHAT) as file:
            if Identity.of(file.id.get_vfd_handle()) != self._identity:
                raise InputError(
                    f"{self.path}: the file was replaced or written to after it had been opened: "
                    "start again with the new one"
                )
            for name, values in zip(MAPS, found, strict=True):
                dataset = find_dataset(self.path, file, f"maps/{name}", what=WHAT)
                for first, stop in _stretches(self.rows):
                    begin = int(self.rows[first])
                    rows = range(begin, begin + stop - first)
                    for n, part in self._maps.parts(dataset, name, rows, channel, eta):
                        values[first + n : first + n + len(part)] = part
        return found[0], found[1]


def _stretches(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """Stretches of row numbers that follow each other: the first one, and the one behind."""
    edges = np.flatnonzero(np.diff(rows) != 1) + 1
    edges = [0, *edges.tolist(), len(rows)]
    yield from ((a, b) for a, b in pairwise(edges) if b > a)
