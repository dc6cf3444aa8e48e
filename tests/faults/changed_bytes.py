"""Copies of a file that ends early, or of which some bits, or a stretch of bytes, are others."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MOST_NAMED = 8
"""Bytes of a change that its name tells one by one."""


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
        if len(self.flips) > MOST_NAMED:
            first, last = self.flips[0][0], self.flips[-1][0]
            return f"bytes {first} to {last} are others"
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


def stretches(rng: np.random.Generator, content: bytes, n: int) -> Iterator[Change]:
    """``n`` changes of 2 to 600 bytes in a row: all 0, all 255, by chance, or those of another
    place.
    """
    old = np.frombuffer(content, dtype=np.uint8)
    for _ in range(n):
        length = min(int(rng.integers(2, rng.choice([8, 64, 600]))), len(old))
        start, other = (int(one) for one in rng.integers(0, len(old) - length + 1, 2))
        new = (
            np.zeros(length, dtype=np.uint8),
            np.full(length, 255, dtype=np.uint8),
            rng.integers(0, 256, length, dtype=np.uint8),
            old[other : other + length],
        )[rng.integers(4)]
        masks = old[start : start + length] ^ new
        yield Change(tuple((start + int(k), int(masks[k])) for k in np.flatnonzero(masks)))


def truncations(rng: np.random.Generator, size: int, n: int) -> Iterator[Change]:
    """``n`` files that end early: after nothing, one byte, before the last one, or anywhere."""
    lengths = [0, 1, 4, size - 1, *rng.integers(0, size, max(n - 4, 0))]
    for length in lengths[:n]:
        yield Change(length=int(length))
