"""monitoring: runs of a detector from events in memory to flags, and the sums of the images beside
numpy's.
"""

from pathlib import Path

import numpy as np

from benchmarks.data import make_towers, make_tracks
from benchmarks.harness import Benchmark, DisagreementError, Settings, TimeRatio, ValueLimit
from benchmarks.peak_monitoring import LAYOUT, PARTS
from benchmarks.subprocesses import output_of
from calovision.images import SparseImages, build_sparse_images
from calovision.monitoring.run_maps import WHOLE_RUN
from calovision.monitoring.run_sums import RunSums

EVENTS_A_RUN = 500
RUNS_AN_EVENT = 0.2  # of the other benchmarks, which have 5000
RUNS = 8  # of the sums
MOST_SECONDS = 60
MOST_GROWTH = 50  # MB between a quarter of the runs and all


def monitoring(settings: Settings) -> Benchmark:
    """A thousand runs, and a quarter of them."""
    n_runs = max(int(RUNS_AN_EVENT * settings.n_events), 4)
    n_events = min(EVENTS_A_RUN, settings.n_events)
    images = _images(min(1000, settings.n_events))
    run = np.arange(len(images)) * RUNS // len(images)

    def check() -> None:
        hits, total = _sums(images, run)
        expected = _bincount(images, run)
        if not (np.array_equal(hits, expected[0]) and np.allclose(total, expected[1])):
            raise DisagreementError("the sums differ from those of numpy.bincount")

    return Benchmark(
        title=f"{n_runs} runs of {n_events} events, 64x64x3: images made, summed, scored by all "
        "rules and flagged, from towers in memory; seconds of the processor, MB = 1,000,000 bytes",
        n_events=len(images),
        methods={
            "calovision_sums": lambda: _sums(images, run),
            "bincount": lambda: _bincount(images, run),
        },
        bars=(
            TimeRatio("calovision_sums", "bincount", at_most=1),
            ValueLimit(f"runs_{n_runs}", "seconds", MOST_SECONDS, "s"),
            ValueLimit(
                f"runs_{n_runs}", "mb_over_a_quarter", MOST_GROWTH, "MB over a quarter of the runs"
            ),
        ),
        check=check,
        measure_values=lambda: _measure(settings.scratch, n_runs, n_events),
    )


def _measure(scratch: Path, n_runs: int, n_events: int) -> dict[str, dict[str, float]]:
    """Seconds by part, and memory."""
    values: dict[str, dict[str, float]] = {}
    for n in (n_runs // 4, n_runs):
        folder = scratch / f"runs_{n}"
        folder.mkdir()
        numbers = output_of("-m", "benchmarks.peak_monitoring", folder, n, n_events)
        before, peak, n_alarms, *seconds = map(float, numbers)
        parts = dict(zip((f"s_of_{part}" for part in PARTS), seconds, strict=True))
        values[f"runs_{n}"] = {
            "seconds": sum(seconds),
            **parts,
            "mb": peak,
            "mb_over_warm": peak - before,
            "runs_with_alarm": n_alarms,
        }
    growth = values[f"runs_{n_runs}"]["mb"] - values[f"runs_{n_runs // 4}"]["mb"]
    values[f"runs_{n_runs}"]["mb_over_a_quarter"] = growth
    return values


def _images(n_events: int) -> SparseImages:
    towers, tracks = make_towers(n_events).records(), make_tracks(n_events).records()
    return build_sparse_images(towers, tracks, LAYOUT.grid, LAYOUT.channels)[0]


def _sums(images: SparseImages, run: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with RunSums(LAYOUT) as sums:
        sums.add(images, run, np.full(len(run), WHOLE_RUN))
        maps = sums.maps()
    return maps.occupancy.reshape(RUNS, -1), maps.total.reshape(RUNS, -1)


def _bincount(images: SparseImages, run: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hits above 0 and sums of the values, by numpy alone."""
    size = RUNS * LAYOUT.n_cells
    place = np.repeat(run, np.diff(images.offsets)) * LAYOUT.n_cells + images.cells
    hits = np.bincount(place[images.values > 0], minlength=size)
    total = np.bincount(place, images.values, minlength=size)
    return hits.reshape(RUNS, -1), total.reshape(RUNS, -1)
