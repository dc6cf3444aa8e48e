"""Drills of ROOT files that end early, or in which a bit is another one."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
from conftest import REPOSITORY

from faults.cases import Case, Drill, Judgement, Outcome, judge
from faults.changed_bytes import Change, flips, truncations
from faults.root_content import PLAIN, ZSTD, ranges_read, read_content, reason, without_checksum

DATA = REPOSITORY.parent / "shared" / "data"
FOLDERS = {
    "delphes": Path(os.environ.get("CALOVISION_TEST_DATA", DATA / "delphes")),
    "real": Path(os.environ.get("CALOVISION_REAL_DATA", DATA / "real")),
}
"""Published files, which are not part of the repository."""
ENTRIES = (0, 3)


@dataclass(frozen=True)
class Original:
    """An undamaged file, what is read of it, and which of its bytes."""

    path: Path

    @cached_property
    def _read(self) -> tuple[dict[str, bytes], list[tuple[int, int]]]:
        read_content(self.path, ENTRIES)  # compiles, and imports what it needs
        with ranges_read() as ranges:
            content = read_content(self.path, ENTRIES)
        return content, ranges

    @property
    def content(self) -> dict[str, bytes]:
        """What is read of it."""
        return self._read[0]

    @cached_property
    def positions(self) -> np.ndarray:
        """Its bytes that are read."""
        is_read = np.zeros(self.path.stat().st_size, dtype=bool)
        for start, stop in self._read[1]:
            is_read[start:stop] = True
        return np.flatnonzero(is_read)

    @cached_property
    def unprotected(self) -> dict[range, str]:
        """`without_checksum` of it."""
        return without_checksum(self.path)


_FILES = {
    "ttree": (
        ("delphes", "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"),
        ("real", "d2eic_delphes.root"),
    ),
    "nanoaod": (("real", "scouting_nano.root"), ("real", "nano_tt_v12.root")),
    "podio": (("real", "edm4hep_266.root"),),
    "treemaker": (("real", "treemaker.root"),),
    "physlite": (("real", "PHYSLITE_example.root"),),
    "rntuple": (("real", "pfnano_rntuple.root"),),
}


@cache
def originals(kind: str) -> tuple[Original, ...]:
    """Files of a format."""
    return tuple(Original(FOLDERS[folder] / name) for folder, name in _FILES[kind])


def _judge(original: Original, change: Change, folder: Path) -> Judgement:
    path = change.write(original.path, folder)
    right = original.content.__eq__
    judgement = judge(lambda: read_content(path, ENTRIES), right, path.name)
    if judgement.outcome is Outcome.WRONG:
        why = reason([position for position, _ in change.flips], original.unprotected)
        if why is not None:
            return Judgement(Outcome.UNAVOIDABLE, why)
        found = read_content(path, ENTRIES)
        names = [n for n, v in original.content.items() if found.get(n) != v]
        return Judgement(Outcome.WRONG, f"others are {', '.join(names[:5])}")
    return judgement


def _cases(make: str, shares: dict[str, int], seed: int, n_cases: int | None) -> Iterator[Case]:
    """Cases of some formats, taken in turn; ``make`` is truncated, anywhere or read."""
    rng = np.random.default_rng([seed, len(make)])
    total = sum(shares.values())
    if not all(folder.is_dir() for folder in FOLDERS.values()):
        print("no published ROOT files: set CALOVISION_TEST_DATA, CALOVISION_REAL_DATA")
        return
    for kind, share in shares.items():
        n = share if n_cases is None else round(share * n_cases / total)
        files = originals(kind)[:n]
        for number, original in enumerate(files):
            n_of_file = n // len(files) + (number < n % len(files))
            for change in _changes(make, original, rng, n_of_file):
                yield Case(f"{original.path.name}: {change}", partial(_judge, original, change))


def _changes(make: str, original: Original, rng: np.random.Generator, n: int) -> Iterator[Change]:
    size = original.path.stat().st_size
    original.content, original.unprotected  # noqa: B018  once, before the processes
    if make == "truncated":
        return truncations(rng, size, n)
    return flips(rng, np.arange(size) if make == "anywhere" else original.positions, n)


_NOTE = (
    f"a changed bit in {PLAIN}, or in {ZSTD}, is a changed number, if it is one that the rest of "
    "the file allows; zlib, LZMA, LZ4 and the pages of RNTuples have checksums"
)
ROOT_TRUNCATED = Drill(
    "root_truncated",
    "ROOT files truncated",
    partial(
        _cases,
        "truncated",
        {"ttree": 40, "nanoaod": 20, "podio": 10, "treemaker": 10, "physlite": 10, "rntuple": 20},
    ),
)
ROOT_FLIPS = Drill(
    "root_flips",
    "ROOT files, a bit anywhere flipped",
    partial(
        _cases,
        "anywhere",
        {"ttree": 260, "nanoaod": 80, "podio": 60, "treemaker": 40, "physlite": 20, "rntuple": 60},
    ),
    note=_NOTE,
)
ROOT_FLIPS_READ = Drill(
    "root_flips_read",
    "ROOT files, a bit of what is read flipped",
    partial(
        _cases,
        "read",
        {"ttree": 260, "nanoaod": 120, "podio": 70, "treemaker": 40, "physlite": 30, "rntuple": 90},
    ),
    note=_NOTE,
)
ROOT_DRILLS = (ROOT_TRUNCATED, ROOT_FLIPS, ROOT_FLIPS_READ)
