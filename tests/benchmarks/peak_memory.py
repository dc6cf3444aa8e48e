"""Converts one file and prints the resident memory after the imports, the largest one, and the
seconds taken.

VmHWM begins anew with a process, which getrusage does not.
"""

import sys
import time
from pathlib import Path

import h5py  # noqa: F401
import hdf5plugin  # noqa: F401
import numba  # noqa: F401

import calovision.images.kernels  # noqa: F401
from benchmarks.conversions import recipe
from calovision.conversion import convert_ntuple


def memory(name: str) -> float:
    """A line of /proc/self/status in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1.024e-3


if __name__ == "__main__":
    imports = memory("VmRSS")
    start = time.perf_counter()
    convert_ntuple(Path(sys.argv[1]), Path(sys.argv[2]), recipe(), sample="bench", label=0)
    print(imports, memory("VmHWM"), time.perf_counter() - start)
