"""Pool of memory-mapped files: few at a time, and few of their pages.

A map keeps a file descriptor open, of which a process has about a thousand, and the pages that were
read through it count as memory of the process, which a batch system may limit to less than the
files are large.
"""

import mmap
from collections.abc import Iterator
from typing import Protocol
from weakref import ref

import numpy as np

MOST_MAPS = 128
MOST_RESIDENT = 2**29  # bytes of pages, about
PAGES_OF_A_ROW = 3 * 2**16
"""Bytes at most: a fault brings 64 KB in, one each in offsets, cells and values."""


class Mapped(Protocol):
    """Owner of a memory map."""

    @property
    def mapped_bytes(self) -> np.memmap | None:
        """Bytes of the map; None if there is no map now."""

    def unmap(self) -> None:
        """Let go of the map; the next access makes another. Arrays that are still in use keep the
        old one.
        """


class MapPool:
    """Owners of memory maps, the oldest map first.

    Parameters
    ----------
    most_maps
        When there are more, the oldest is let go of: files are read in random order, so that none
        is better to keep.
    most_resident
        Bytes of pages after which all are given back to the system's cache, which costs little to
        get them from again.
    """

    def __init__(self, most_maps: int = MOST_MAPS, most_resident: int = MOST_RESIDENT) -> None:
        self.most_maps = most_maps
        self.most_resident = most_resident
        self._owners: dict[ref[Mapped], None] = {}
        self._touched = 0

    def __len__(self) -> int:
        return sum(1 for _ in self._alive())

    def add(self, owner: Mapped) -> None:
        """Count the map that an owner has just made, and let go of the oldest if there are too
        many.
        """
        self._owners[ref(owner)] = None
        alive = list(self._alive())
        for old in alive[: max(len(alive) - self.most_maps, 0)]:
            self._owners.pop(ref(old), None)
            old.unmap()

    def touch(self, n_rows: int) -> None:
        """Count rows that are about to be read through a map, and give the pages back when they may
        be many.
        """
        self._touched += n_rows * PAGES_OF_A_ROW
        if self._touched > self.most_resident:
            self._touched = n_rows * PAGES_OF_A_ROW
            maps = [owner.mapped_bytes for owner in self._alive()]
            if sum(one.size for one in maps if one is not None) > self.most_resident:
                for one in maps:
                    _give_pages_back(one)

    def _alive(self) -> Iterator[Mapped]:
        """Owners that still exist and are mapped; the others are forgotten."""
        for reference in list(self._owners):
            owner = reference()
            if owner is None or owner.mapped_bytes is None:
                self._owners.pop(reference, None)
            else:
                yield owner


def _give_pages_back(mapped: np.memmap | None) -> None:
    """Drop the pages from the memory of the process; the map and its content stay."""
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped._mmap.madvise(mmap.MADV_DONTNEED)


POOL = MapPool()
"""Of all image files of the process."""
