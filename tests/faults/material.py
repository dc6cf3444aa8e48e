"""Folders for what several drills share, and modules that jobs import."""

import atexit
import fcntl
import hashlib
import importlib
import json
import os
import pkgutil
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from conftest import REPOSITORY

import calovision

KEPT = REPOSITORY / "results/faults/material"
"""What takes minutes to make: it is kept until the code that makes it is another one."""
MAKERS = (
    *("src/calovision/**/*.*", "workflow/**/*.*", "constraints.txt", "tests/fakes*.py"),
    *(f"tests/faults/{name}.py" for name in ("commands", "jobs", "material", "workflow_jobs")),
    "tests/faults/faulty_calls.c",
)
OTHERS = (
    *("torch", "lightning.pytorch", "uproot", "hdf5plugin", "matplotlib.pyplot"),
    *("sklearn.linear_model", "pyhf", "mplhep"),
)
"""None that starts threads, which forks do not have."""


@cache
def scratch() -> Path:
    """The folder; it is removed at the end of this process."""
    folder = Path(tempfile.mkdtemp(prefix="faults-material-"))
    maker = os.getpid()

    def remove() -> None:
        if os.getpid() == maker:  # not in its forks
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


@cache
def kept() -> Path:
    """Folder of `KEPT` material; what other code has made is removed."""
    digest, mark = code_digest(), KEPT / "code"
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with _locked(KEPT.with_suffix(".lock")):
        if not mark.exists() or mark.read_text() != digest:
            shutil.rmtree(KEPT, ignore_errors=True)
            KEPT.mkdir()
            mark.write_text(digest)
    return KEPT


def code_digest(patterns: tuple[str, ...] = MAKERS) -> str:
    """Hash of the files of the repository that match one of some patterns."""
    found = hashlib.sha256()
    for path in sorted({one for pattern in patterns for one in REPOSITORY.glob(pattern)}):
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(f"{path.relative_to(REPOSITORY)}\n".encode() + path.read_bytes())
    return found.hexdigest()


def prepared(name: str, make: Callable[[Path], object]) -> Path:
    """Folder that a function filled, in this call or an earlier one."""
    folder, done = kept() / name, kept() / f"{name}.done"
    with _locked(kept() / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def remembered(key: str, find: Callable[[], Any]) -> Any:
    """Value, as JSON has it, that a function found, in this call or an earlier one."""
    path = kept() / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            path.write_text(json.dumps({"key": key, "value": find()}))
        return json.loads(path.read_text())["value"]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let no other process make the same material at the same time."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def import_all() -> None:
    """Import what jobs need, once for all of them, which are forks."""
    for module in pkgutil.walk_packages(calovision.__path__, "calovision."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in OTHERS:
        try:
            importlib.import_module(name)
        except ImportError:  # it is optional
            continue
    _train_shortly()


def _train_shortly() -> None:
    """Let the jobs train networks of monitoring for moments."""
    from calovision.monitoring.networks import training

    for name in ("AutoencoderOptions", "FaultClassifierOptions"):
        short = partial(getattr(training, name), epochs=2, cells_an_epoch=20_000)
        setattr(training, name, short)
