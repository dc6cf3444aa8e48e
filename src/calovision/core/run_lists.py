"""Lists of runs as users write them: numbers, ranges, and files of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calovision.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

_RANGE = re.compile(r"(\d+)\s*(?:(-)\s*(\d*))?")
SUFFIX = ".txt"
"""Ending of the name of a file of runs."""


@dataclass(frozen=True)
class RunList:
    """Runs: ranges of numbers, both ends in it; the last may be open (None)."""

    ranges: tuple[tuple[int, int | None], ...]

    @classmethod
    def read(cls, entries: Iterable[int | str], where: str) -> "RunList":
        """Runs of a list of numbers, ranges (``"10-20"``, ``"30-"``) and files (``*.txt``).

        Parameters
        ----------
        entries
            Of the list; a file has one number or range a line, what is behind ``#`` is a comment.
        where
            Who gave it, as messages begin.

        Raises
        ------
        InputError
            For an entry that is none of these, a range whose end is below its beginning, or a file
            that cannot be read.
        """
        found: list[tuple[int, int | None]] = []
        for entry in entries:
            if isinstance(entry, str) and entry.endswith(SUFFIX):
                found += cls.read(_lines(entry, where), f"{where}: {entry}").ranges
            else:
                found.append(_range(entry, where))
        return cls(tuple(found))

    def __contains__(self, run: int) -> bool:
        return any(low <= run and (high is None or run <= high) for low, high in self.ranges)

    def mask(self, runs: "np.ndarray") -> "np.ndarray":
        """Truth of each run number of an array."""
        import numpy as np

        found = np.zeros(np.shape(runs), dtype=bool)
        for low, high in self.ranges:
            found |= (runs >= low) & (True if high is None else runs <= high)
        return found

    def without(self, runs: Iterable[int]) -> list[str]:
        """Entries of which none of the runs is part, as text."""
        known = list(runs)
        return [
            _text(one) for one in self.ranges if not any(run in RunList((one,)) for run in known)
        ]


def _text(ends: tuple[int, int | None]) -> str:
    low, high = ends
    if low == high:
        return str(low)
    return f"{low}-" if high is None else f"{low}-{high}"


def _lines(path: str, where: str) -> list[str]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"{where}: the list of runs {path} cannot be read ({reason})") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _range(entry: int | str, where: str) -> tuple[int, int | None]:
    if isinstance(entry, int) and not isinstance(entry, bool) and entry >= 0:
        return entry, entry
    found = _RANGE.fullmatch(entry.strip()) if isinstance(entry, str) else None
    if found is None:
        raise InputError(
            f"{where}: {entry!r} is neither a run, nor a range as '10-20' or '30-', nor a list "
            f"file (*{SUFFIX})"
        )
    low = int(found[1])
    high = low if found[2] is None else int(found[3]) if found[3] else None
    if high is not None and high < low:
        raise InputError(f"{where}: the range '{entry}' ends before it begins; turn it round")
    return low, high
