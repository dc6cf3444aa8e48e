"""Choice between images in memory and images read batch by batch, by the memory available."""

import os
from contextlib import suppress
from pathlib import Path

from calovision.storage import ImageCollection

SHARE = 4  # a quarter of the memory may be taken
MANY_FILES = 8
"""Each file of a batch costs a call, some 10 us. Measured at 64x64x3 in batches of 256, in random
order: a million images a second from one mapped file and from memory, 0.7 million from two files,
but 0.2 million from a hundred."""
_CGROUPS = Path("/sys/fs/cgroup")


def loading_pays(
    collection: ImageCollection, n_images: int, n_stored: int, *, n_processes: int = 1
) -> bool:
    """Tell whether "auto" keeps images in memory: where that is faster than the files, and they
    fit.

    Mapped files are in memory already, as far as there is room, so that loading pays only if they
    are many. Compressed files would otherwise be decompressed as a whole, with the images of all
    splits.

    Parameters
    ----------
    collection
        The files.
    n_images, n_stored
        Number of images that would be kept, and of the cells that they have together.
    n_processes
        Number of processes on this machine that keep them.
    """
    mapped = all(file.rows.is_mapped for file in collection.files)
    if mapped and len(collection.files) <= MANY_FILES:
        return False
    bytes_per_cell = 8  # at most: 4 of the cell, 4 of the value
    return n_processes * (n_stored * bytes_per_cell + 8 * n_images) <= available_memory() / SHARE


def available_memory() -> int:
    """Bytes of memory that a process may still take: of the machine, and of a batch job if it is
    limited to less.
    """
    return min([_free_memory(), *_job_limits()])


def _free_memory(table: Path = Path("/proc/meminfo")) -> int:
    """Bytes that Linux says are available without swapping; elsewhere, half of the memory."""
    try:
        lines = table.read_text().splitlines()
        return next(
            int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")
        )
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _job_limits(root: Path = _CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> list[int]:
    """Limits of the control groups (version 2) that the process is in, such as SLURM sets them."""
    try:
        own = next(
            line.split("::", 1)[1]
            for line in membership.read_text().splitlines()
            if line.startswith("0::")
        )
    except (OSError, StopIteration):
        return []
    folder = root / own.strip("/")
    limits = []
    while True:
        with suppress(OSError, ValueError):  # no such group, or "max": not limited
            limits.append(int((folder / "memory.max").read_text()))
        if folder == root:
            return limits
        folder = folder.parent
