"""Checks of what a file of run maps holds, written or read."""

from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from calovision.core.errors import InputError
from calovision.monitoring.run_maps import RunMaps
from calovision.storage.hdf5 import find_dataset

WHAT = "file of run maps"
_KINDS = {"runs": "iu", "maps/occupancy": "iu", "maps/total": "f"}


def named(key: tuple[int, int]) -> str:
    """A run, or a lumi block of it, in words."""
    return f"run {key[0]}" + (f", lumi block {key[1]}" if key[1] >= 0 else "")


def wrong_numbers(block: RunMaps) -> str:
    """Sentence about numbers that cannot be those of maps; empty if there are none."""
    most = block.n_events[:, None, None, None]
    with np.errstate(invalid="ignore"):
        is_count = (block.occupancy >= 0) & (block.occupancy <= most)
        is_count &= block.occupancy == np.floor(block.occupancy)
    for name, good in (("occupancy", is_count), ("total", np.isfinite(block.total))):
        if not good.all():
            row = int(np.argwhere(~good)[0][0])
            must = {
                "occupancy": f"whole numbers from 0 to its {block.n_events[row]} events",
                "total": "finite",
            }
            key = int(block.run[row]), int(block.lumi_block[row])
            return f"the {name} of {named(key)} must be {must[name]}"
    return ""


def check_dataset(path: Path, file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    """Raise InputError unless a data set has its shape and its kind of numbers."""
    dataset = find_dataset(path, file, name, what=WHAT)
    kinds = _KINDS.get(name, _KINDS["runs"])
    if dataset.shape != shape:
        raise InputError(
            f"{path}: incomplete {WHAT} ('{name}' has the shape {dataset.shape}, not {shape}); "
            "make it again"
        )
    if dataset.dtype.kind not in kinds:
        must = "floating-point" if kinds == "f" else "whole"
        raise InputError(f"{path}: '{name}' is {dataset.dtype}: it must hold {must} numbers")


def number_of_rows(path: Path, value: object) -> int:
    """The attribute ``n_rows``; InputError if it is no number of rows."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InputError(
            f"{path}: incomplete file (the attribute 'n_rows' is {value!r}, no number of rows); "
            "make it again"
        )
    return value


def check_columns(
    path: Path, run: np.ndarray, lumi_block: np.ndarray, n_events: np.ndarray
) -> None:
    """Raise InputError unless runs ascend and numbers of events are not negative."""
    keys = list(zip(run.tolist(), lumi_block.tolist(), strict=True))
    if any(later <= before for before, later in pairwise(keys)):
        raise InputError(f"{path}: damaged {WHAT} (its runs do not ascend); make it again")
    if len(n_events) and n_events.min() < 0:
        raise InputError(f"{path}: damaged {WHAT} (negative numbers of events); make it again")
