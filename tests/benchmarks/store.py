"""store_100gb: how much memory a store of images takes that is far larger, shown with files that
are mostly holes."""

from pathlib import Path

import h5py
import numpy as np

from benchmarks.harness import Benchmark, Settings, ValueLimit
from benchmarks.image_files import SHAPE, image_metadata
from benchmarks.subprocesses import output_of
from calovision.storage import ImageFile
from calovision.storage.hdf5 import SpilledArray

CELLS = 1067  # of an image: 6.4 KB, as in the example
N_FILES = 10
EVENTS_OF_A_STORE = 3200  # times the events of other benchmarks, 5000: 102 GB


def write_holes(path: Path, n_events: int) -> Path:
    """Write an image file whose cells and values take no place on the disk: all are zero, and were
    never written."""
    arrays = {
        "images/cells": (np.uint16, n_events * CELLS),
        "images/values": (np.float32, n_events * CELLS),
    }
    arrays |= {"events/event_number": (np.int64, n_events), "events/label": (np.int8, n_events)}
    arrays |= {"events/weight": (np.float64, n_events), "events/split": (np.uint8, n_events)}
    with h5py.File(path, "w") as file:
        file.attrs.update(image_metadata(n_events, label=0).to_attributes())
        file.attrs["version"] = 1  # without checksums, which holes do not have
        file["images/offsets"] = np.arange(n_events + 1, dtype=np.int64) * CELLS
        for name, (dtype, length) in arrays.items():
            holes = SpilledArray(path.with_suffix(".raw"), dtype)
            holes.close()
            holes.length = length
            holes.create(file, name)
            holes.path.unlink()
    return path


def believe(file: ImageFile) -> ImageFile:
    """The file, with all rows taken for checked: the cells of holes are not those that a row must
    have."""
    file.rows.trust()
    return file


def store_100gb(settings: Settings) -> Benchmark:
    """Shuffled batches and a pass over a part of ten files of 10 GB."""
    n_events = settings.n_events * EVENTS_OF_A_STORE // N_FILES

    def measure() -> dict[str, dict[str, float]]:
        paths = [
            write_holes(settings.scratch / f"{number}.h5", n_events) for number in range(N_FILES)
        ]
        imports, peak, n_read = map(float, output_of("-m", "benchmarks.peak_store", *paths))
        size = sum(path.stat().st_size for path in paths)
        values = {
            "mb": peak,
            "mb_of_imports": imports,
            "gb_of_files": size / 1e9,
            "images_read": n_read,
        }
        return {"store": values}

    return Benchmark(
        title=f"largest resident memory of a process that reads {N_FILES} files of "
        f"{np.prod(SHAPE)} cells an image",
        n_events=n_events * N_FILES,
        bars=(ValueLimit("store", "mb", at_most=2000, unit="MB with the imports"),),
        measure_values=measure,
    )
