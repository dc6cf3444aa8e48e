"""All benchmarks by name, in the order in which they run."""

from collections.abc import Callable

from benchmarks import (
    building,
    conversions,
    dry_run,
    image_files,
    jet_batches,
    jet_images,
    jet_training,
    jet_variables,
    monitoring,
    scoring,
    stages,
    store,
    subprocesses,
    training,
    wide_files,
)
from benchmarks.harness import Benchmark, Settings

BENCHMARKS: dict[str, Callable[[Settings], Benchmark]] = {
    "build_64": building.build_64,
    "build_224": building.build_224,
    "jet_images": jet_images.jet_images,
    "jet_batches": jet_batches.jet_batches,
    "jet_variables": jet_variables.jet_variables,
    "file_size": image_files.file_size,
    "write": image_files.write,
    "random_read": image_files.random_read,
    "convert": conversions.convert,
    "processes": conversions.processes,
    "score": scoring.score,
    "wide_file": wide_files.wide_file,
    "memory": subprocesses.memory,
    "store_100gb": store.store_100gb,
    "import_time": subprocesses.import_time,
    "dry_run": dry_run.dry_run,
    "stages": stages.stages,
    "read_batches": training.read_batches,
    "train_extras": training.train_extras,
    "jet_training": jet_training.jet_training,
    "monitoring": monitoring.monitoring,
}
WEIGHTS = {
    **{"build_64": 2.0, "build_224": 3.0, "processes": 4.0, "memory": 3.0, "stages": 8.0},
    **{"score": 4.0, "dry_run": 4.0, "train_hep_cnn": 4.0, "train_nersc": 3.0, "train_small": 2.0},
    **{"jet_batches": 3.0, "jet_training": 2.0, "monitoring": 3.0},
}
"""Share of the time of a run relative to that of a benchmark that is not listed."""
NOT_QUICK = ("stages", "store_100gb", "processes", "score", "monitoring")
"""Benchmarks that take longer than a quick run has; processes of few events are mostly their
start."""
BENCHMARKS |= {
    f"train_{network}": training.train_benchmark(network) for network in training.N_IMAGES
}
