"""Fixtures shared by all tests."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

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
    "few", hypothesis.settings.get_profile("calovision"), max_examples=40
)
hypothesis.settings.load_profile("calovision")

# Before torch is imported: tiny images are slower on many threads, and results could depend on
# their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def delphes_dir() -> Path:
    """Folder of the genuine Delphes files, which are not part of the repository."""
    default = REPOSITORY.parent / "shared" / "data" / "delphes"
    folder = Path(os.environ.get("CALOVISION_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip("genuine Delphes files not found: set CALOVISION_TEST_DATA to their folder")
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
