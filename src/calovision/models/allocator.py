"""Memory of one step kept for the next, which makes computing on the CPU quicker."""

import ctypes
import sys

# of mallopt in glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT = (
    1 << 30
)  # bytes: blocks up to this size, and as much at the end of the heap, are not given back


def keep_freed_memory() -> None:
    """Let this process keep what it frees, where its C library is glibc; elsewhere do nothing.

    Otherwise glibc returns the large tensors of a step to the system, which has to clear each of
    their pages for the next step. What a process needs at most stays the same.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, KEPT)
