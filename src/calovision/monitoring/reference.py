"""Reference of good runs: rate, mean value and spread of every cell, and what is doubtful of it."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.jobs.atomic import replaced
from calovision.monitoring.good_runs import GoodRuns
from calovision.monitoring.layout import HasLayout, MapLayout
from calovision.monitoring.map_attributes import LAYOUT, layout_from
from calovision.monitoring.reference_cells import estimate_cells
from calovision.monitoring.reference_doubts import (
    doubts_of_cells,
    doubts_of_few,
    doubts_of_runs,
    find_faults,
    mask_of,
    require_no_faults,
)
from calovision.monitoring.run_map_file import RunMapFile
from calovision.monitoring.run_maps import RunMaps
from calovision.storage.hdf5 import (
    created,
    names_of_datasets,
    opened,
    read_array,
    read_attributes,
)

logger = logging.getLogger(__name__)

FORMAT = "calovision-reference"
VERSION = 1
WHAT = "reference file"
CELLS = ("rate", "mean", "rate_spread", "mean_spread", "n_left_out", "is_faulty")
"""Arrays of cells."""
RUNS = ("run", "lumi_block")
NUMBERS = ("n_runs", "n_events")


@dataclass(frozen=True)
class Reference:
    """Rates, energies and their spread in good runs.

    Attributes
    ----------
    grid, channels, units, thresholds
        As in `RunMaps`.
    rate
        Share of the events with a hit in the cell, in a run of the usual level, float64
        ``(n_channels, n_eta, n_phi)``.
    mean
        Mean value of the cell over the events, in the unit of the channel.
    rate_spread
        Standard deviation of the rate from run to run, beyond counting, after the level of the
        whole run is divided out; the relative one is that of all cells of the ring together. 0 of
        one run, which does not tell.
    mean_spread
        Standard deviation of the mean between runs of the usual number of events, chance in it,
        likewise; 0 of one run.
    n_runs, n_events
        Runs (or lumi blocks) with events, and their events.
    run, lumi_block
        The good runs, int64 ``(n_runs,)``.
    n_left_out
        Runs that were left out for a cell since they differ from the others there, int64.
    is_faulty
        Cells that are dead or hot in the good runs themselves, bool.
    doubts
        Sentences that a user of the reference should know.
    """

    grid: EtaPhiGrid
    channels: tuple[str, ...]
    units: tuple[str, ...]
    thresholds: tuple[float, ...]
    rate: np.ndarray
    mean: np.ndarray
    rate_spread: np.ndarray
    mean_spread: np.ndarray
    n_runs: int
    n_events: int
    run: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    lumi_block: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    n_left_out: np.ndarray | None = None
    is_faulty: np.ndarray | None = None
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, good: RunMaps | RunMapFile | Iterable[RunMaps], *, refuse_faults: bool = False
    ) -> "Reference":
        """Reference of good runs, of which a few may be faulty in a cell.

        Parameters
        ----------
        good
            Maps, blocks of them, or a file, or some rows of one (`RunMapFile.select`), which is
            read in parts so that memory does not grow with the number of runs.
        refuse_faults
            Raise where the good runs themselves hold a dead or hot cell; else this is a warning.

        Raises
        ------
        InputError
            If there are too few events, a channel has no hit at all, blocks differ in their cells,
            channels or thresholds, or a run comes twice; with ``refuse_faults`` as said.
        """
        maps = GoodRuns.of(good)
        layout, levels = maps.layout, maps.levels()
        found = {name: np.zeros(layout.shape) for name in CELLS[:4]}
        left_out = np.zeros(layout.shape, dtype=np.int64), np.zeros(len(maps.run), dtype=np.int64)
        for channel, rings in maps.parts():
            cells = estimate_cells(*maps.cells(channel, rings), *levels.of_channel(channel))
            for name, values in found.items():
                values[channel, rings] = getattr(cells, name)
            left_out[0][channel, rings] = cells.is_left_out.sum(axis=0)
            left_out[1][:] += cells.is_left_out.sum(axis=(1, 2))
        n_events = int(levels.n_events.sum())
        faults = find_faults(layout, found["rate"], n_events)
        if refuse_faults:
            require_no_faults(faults)
        doubts = [
            *doubts_of_few(layout, found["rate"], n_events, len(maps.run)),
            *doubts_of_runs(maps.run, maps.lumi_block, left_out[1]),
            *doubts_of_cells(faults),
        ]
        for sentence in doubts:
            logger.warning("reference: %s", sentence)
        return cls(
            **vars(layout),
            **found,
            n_runs=len(maps.run),
            n_events=n_events,
            run=maps.run,
            lumi_block=maps.lumi_block,
            n_left_out=left_out[0],
            is_faulty=mask_of(faults, layout.shape),
            doubts=tuple(doubts),
        )

    def require(self, maps: HasLayout, what: str) -> None:
        """Raise InputError unless maps have the cells, channels and thresholds of the reference;
        ``what`` they are begins the sentence.
        """
        MapLayout.of(self).require(maps, what, "the reference")

    def save(self, path: Path) -> None:
        """Write the reference, complete or not at all: an HDF5 file `calovision-reference`."""
        layout = MapLayout.of(self)
        described = {name: json.dumps(value) for name, value in layout.to_dict().items()}
        with replaced(Path(path)) as temporary, created(temporary) as file:
            file.attrs.update(
                {
                    "format": FORMAT,
                    "version": VERSION,
                    "n_runs": self.n_runs,
                    "n_events": self.n_events,
                    "doubts": json.dumps(self.doubts),
                    "package_version": version("calovision"),
                    **described,
                }
            )
            for name in CELLS:
                values = getattr(self, name)
                file.write(f"cells/{name}", np.zeros(layout.shape) if values is None else values)
            for name in RUNS:
                file.write(f"runs/{name}", getattr(self, name))

    @classmethod
    def load(cls, path: Path) -> "Reference":
        """Read a reference.

        Raises
        ------
        InputError
            If the file is missing, unreadable, foreign, of a newer version, incomplete or damaged.
        """
        path = Path(path)
        with opened(path, WHAT) as file:
            values, checksums = read_attributes(
                path, file, (FORMAT, VERSION), known=(*LAYOUT, *NUMBERS, "doubts"), what=WHAT
            )
            if checksums is not None:
                checksums.require_data(names_of_datasets(file))
            layout = layout_from(path, values)
            arrays = {
                name: read_array(path, file, f"{group}/{name}", checksums, what=WHAT)
                for group, names in (("cells", CELLS), ("runs", RUNS))
                for name in names
            }
        for name in CELLS:
            good = arrays[name].shape == layout.shape and np.isfinite(arrays[name]).all()
            if not good:
                raise InputError(
                    f"{path}: incomplete {WHAT} ('cells/{name}' is not a finite number for each of "
                    f"{layout.shape} cells); make it again"
                )
        for name in NUMBERS:
            if not isinstance(values.get(name), int):
                raise InputError(f"{path}: incomplete {WHAT} (no number '{name}'); make it again")
        arrays["is_faulty"] = arrays["is_faulty"].astype(bool)
        counts = {name: values[name] for name in NUMBERS}
        doubts = tuple(json.loads(str(values.get("doubts", "[]"))))
        return cls(**vars(layout), **arrays, **counts, doubts=doubts)
