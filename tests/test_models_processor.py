"""Memory that is freed and asked for again."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from calovision.models.processor import keep_freed_memory

if {keep}:
    keep_freed_memory()

def step():
    first = [np.empty(1 << 20) for _ in range(4)]  # 8 MB each
    for array in first:
        array.fill(1.0)

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library has another allocator"
)
def test_freed_memory_is_used_again() -> None:
    """Of the faults that 20 steps with four arrays of 2,048 pages could take, next to none is
    left."""
    faults = [
        int(
            subprocess.run(
                [sys.executable, "-c", PROGRAM.format(keep=keep)], capture_output=True, check=True
            ).stdout
        )
        for keep in (False, True)
    ]
    assert faults[0] > 20 * faults[1]
    assert faults[1] < 1000
