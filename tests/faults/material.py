"""Folder for what several drills share, and modules that jobs import."""

import atexit
import importlib
import os
import pkgutil
import shutil
import tempfile
from functools import cache
from pathlib import Path

import calovision

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
