"""Fixtures shared by all tests."""

import contextlib
import gc
import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

import calovision
from calovision.jobs import durable

# The same examples in every run and no limit of time, which a busy machine would exceed. `make
# fuzz` takes the second profile: many examples, others in every run, and what failed is tried again
# first.
hypothesis.settings.register_profile(
    "calovision",
    max_examples=200,
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "fuzz", hypothesis.settings.get_profile("calovision"), max_examples=10_000, derandomize=False
)
hypothesis.settings.register_profile(
    "more", hypothesis.settings.get_profile("fuzz"), max_examples=1000
)
hypothesis.settings.register_profile(
    "few", hypothesis.settings.get_profile("calovision"), max_examples=40
)
hypothesis.settings.load_profile("calovision")

# Before torch is imported: tiny images are slower on many threads, and results could depend on
# their number.
THREADS = int(os.environ.setdefault("OMP_NUM_THREADS", "1"))

REPOSITORY = Path(__file__).parents[1]

# Files that take longest, in this order: they begin first, so that no process works alone at the
# end. Seconds by `make test` with --durations=0.
LONGEST = (
    "test_workflow",
    "test_fuzz_jets",
    "test_training_resume",
    "test_notebooks",
    "test_plotting_titles",
    "test_profiles",
    "test_images",
    "test_scale",
    "test_dry_runs",
    "test_simulation",
    "test_fuzz_evaluation",
    "test_training",
    "test_training_processes",
    "test_fuzz_bounds",
    "test_disks_full",
    "test_fuzz_jet_images",
    "test_simulation_filter",
    "test_granularity",
    "test_training_checkpoints",
    "test_fuzz_images",
    "test_onnx_export",
)


def pytest_xdist_auto_num_workers() -> int:
    """Number of processes: one more than there are cores, as some tests wait for others."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else os.cpu_count()


def pytest_runtest_logreport() -> None:
    """Give torch its number of threads back after each phase of a test: `calovision` in the process
    of the tests sets it, and sums of the next test would round otherwise.
    """
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(THREADS)


def pytest_collection_finish() -> None:
    """Import the package, as hypothesis takes constants of all modules that are there into its
    examples: a process of xdist would draw others after other tests. Then take modules and tests
    out of what the garbage collector looks through, and let it look more rarely: awkward makes many
    small objects.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        for module in pkgutil.walk_packages(calovision.__path__, "calovision."):
            with contextlib.suppress(ImportError):  # of an extra that is not installed
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests of the longest files to the front."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session", autouse=True)
def no_power_cuts() -> Iterator[None]:
    """Do not wait for the disk after each of thousands of small files: nobody keeps them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "_sync", lambda descriptor, path: None)
        yield


@pytest.fixture(scope="session")
def delphes_dir() -> Path:
    """Folder of the genuine Delphes files, which are not part of the repository."""
    default = REPOSITORY.parent / "shared" / "data" / "delphes"
    folder = Path(os.environ.get("CALOVISION_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip("genuine Delphes files not found: set CALOVISION_TEST_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def real_dir() -> Path:
    """Folder of the published files of other experiments, which are not part of the repository."""
    default = REPOSITORY.parent / "shared" / "data" / "real"
    folder = Path(os.environ.get("CALOVISION_REAL_DATA", default))
    if not folder.is_dir():
        pytest.skip("published files not found: set CALOVISION_REAL_DATA to their folder")
    return folder


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Undo what `calovision.jobs.logs.job_log` does to the logging of the process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
