"""Copies of a file that ends early, or of which some bits are others."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Change:
    """A change of the bytes of a file.

    Attributes
    ----------
    flips
        Positions and what their bytes are XORed with.
    length
        Bytes that are left; None for all.
    """

    flips: tuple[tuple[int, int], ...] = ()
    length: int | None = None

    def __str__(self) -> str:
        flips = ", ".join(f"byte {position} ^ {mask:#04x}" for position, mask in self.flips)
        return flips or f"ends after {self.length} bytes"

    def of(self, content: bytes) -> bytes:
        """The content after the change."""
        changed = bytearray(content[: self.length])
        for position, mask in self.flips:
            changed[position] ^= mask
        return bytes(changed)

    def write(self, source: Path, folder: Path) -> Path:
        """Write a changed copy of a file, with its name, into a folder."""
        copy = folder / source.name
        copy.write_bytes(self.of(source.read_bytes()))
        return copy


def flips(rng: np.random.Generator, positions: np.ndarray, n: int) -> Iterator[Change]:
    """``n`` changes of one bit, at some of the positions, each as likely as another."""
    for position in rng.choice(positions, n, replace=n > len(positions)):
        yield Change(((int(position), 1 << int(rng.integers(8))),))


def truncations(rng: np.random.Generator, size: int, n: int) -> Iterator[Change]:
    """``n`` files that end early: after nothing, one byte, before the last one, or anywhere."""
    lengths = [0, 1, 4, size - 1, *rng.integers(0, size, max(n - 4, 0))]
    for length in lengths[:n]:
        yield Change(length=int(length))
