"""The kernels with numba's bounds checking: no index of theirs lies outside its array, whatever
they are given."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FUZZ = [Path(__file__).with_name(f"test_fuzz_{name}.py") for name in ("images", "jet_images")]


def test_no_kernel_leaves_its_arrays(pytestconfig):
    """The fuzz tests again in a process that checks every index; compiled code is kept from run to
    run."""
    cache = pytestconfig.cache.mkdir("numba-bounds-checked")
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(cache)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--numprocesses=0",
        "-p",
        "no:cacheprovider",
        *map(str, FUZZ),
    ]
    command += [
        f"{__file__}::test_bounds_are_checked",
        "-k",
        "not numpy and not axes",
        "--hypothesis-profile=few",
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "5 passed" in done.stdout


@pytest.mark.skipif(
    "NUMBA_BOUNDSCHECK" not in os.environ, reason="the test above starts it with bounds checking"
)
def test_bounds_are_checked():
    """What the checks before the kernels keep from happening would be seen."""
    from calovision.images.kernels import fill_dense

    one, offsets = np.ones(1), np.array([0, 1])
    columns, channels = (
        ((one,), (one,), (offsets,)),
        ((one,), np.zeros(1, np.int64), np.zeros(1, bool)),
    )
    edges = (np.linspace(-2.5, 2.5, 9), np.linspace(-np.pi, np.pi, 9), True)
    with pytest.raises(IndexError):
        fill_dense(columns, channels, edges, 1, np.zeros((1, 1, 64), np.float32), np.zeros((1, 1)))
