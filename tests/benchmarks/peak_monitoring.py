"""Monitors runs of events in memory, and prints the resident memory after the imports and the first
run, the largest one, and the seconds of the processor that each part took.

In one of `FAULTY` runs the towers of a region are missing; the number of runs with an alarm is
printed, too.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.data import TRANSVERSE_CHANNELS, make_towers, make_tracks
from benchmarks.peak_memory import memory
from calovision.images import build_sparse_images
from calovision.images.grid import EtaPhiGrid
from calovision.monitoring.flagging import FlagRules, flag_runs
from calovision.monitoring.flags import MethodFlags
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.methods import METHODS
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_maps import WHOLE_RUN
from calovision.monitoring.run_sums import RunSums
from calovision.monitoring.thresholds import nominal_threshold

EVENTS = 5000  # that the runs take theirs from
FAULTY = 50
GOOD_RUNS = 100
FALSE_ALARMS = 0.01  # of a run
LAYOUT = MapLayout.of_channels(EtaPhiGrid(64, 64), TRANSVERSE_CHANNELS)
PARTS = ("images", "sums", "file", "reference", "flags")


class Seconds(dict):
    """Seconds of the processor by part."""

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Add the time of a part."""
        start = time.process_time()
        yield
        self[part] = self.get(part, 0.0) + time.process_time() - start


def monitor(folder: Path, n_runs: int, n_events: int, seconds: Seconds) -> int:
    """Number of runs with an alarm."""
    towers, tracks = make_towers(EVENTS).records(), make_tracks(EVENTS).records()
    in_region = (abs(towers.eta - 1) < 0.2) & (abs(towers.phi - 1) < 0.2)
    faulty = towers[~in_region]
    rng = np.random.default_rng(1)
    with RunSums(LAYOUT, folder) as sums:
        for run in range(n_runs):
            first = int(rng.integers(0, EVENTS - n_events))
            events = slice(first, first + n_events)
            of_run = (faulty if run % FAULTY == FAULTY - 1 else towers)[events]
            with seconds.of("images"):
                images, _ = build_sparse_images(
                    of_run, tracks[events], LAYOUT.grid, LAYOUT.channels
                )
            with seconds.of("sums"):
                sums.add(images, np.full(n_events, run), np.full(n_events, WHOLE_RUN))
        with seconds.of("file"):
            write_run_maps(folder / "maps.h5", sums.blocks())
    file = RunMapFile(folder / "maps.h5")
    with seconds.of("reference"):
        good = np.flatnonzero(file.run % FAULTY != FAULTY - 1)[:GOOD_RUNS]
        reference = Reference.of(file.select(good))
    with seconds.of("flags"):
        return flagged(file, reference)


def flagged(file: RunMapFile, reference: Reference) -> int:
    """Runs with an alarm of any rule whose threshold can be computed; the other rules score."""
    scorers = [method for method in METHODS.values() if not method.is_trained]
    threshold = nominal_threshold(FALSE_ALARMS, LAYOUT.n_cells).value
    flags = {
        one.name: MethodFlags(
            one.title,
            threshold if one.is_probability else np.inf,
            FALSE_ALARMS,
            one.is_probability,
            "",
        )
        for one in scorers
    }
    found = flag_runs(file.blocks(), reference, scorers, flags, FlagRules())
    return sum(run.state == "alarm" for run in found.runs)


if __name__ == "__main__":
    folder, n_runs, n_events = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for name in ("warm", "measured"):
        (folder / name).mkdir()
    monitor(folder / "warm", 2 * FAULTY, n_events, Seconds())
    before, seconds = memory("VmRSS"), Seconds()
    n_alarms = monitor(folder / "measured", n_runs, n_events, seconds)
    print(before, memory("VmHWM"), n_alarms, *(seconds[part] for part in PARTS))
