"""Share of the machine that other processes took, without which a miss cannot be told from noise.

A method of two threads beside a floor of one is slowed down more by a busy machine, in every round:
the spread of the rounds does not show that.
"""

import os
from dataclasses import dataclass
from pathlib import Path

STAT = Path("/proc/stat")
IDLE = (3, 4)  # columns of its first line: idle, waiting for a disk
GUEST = 8  # from here on time that is counted in the others already


@dataclass(frozen=True)
class CpuTimes:
    """Seconds of all processors: in all, at work, and at work for this process and its ended
    children."""

    total: float
    busy: float
    own: float

    @classmethod
    def now(cls) -> "CpuTimes | None":
        """Times until now; None where there is no /proc/stat."""
        if not STAT.exists():
            return None
        words = STAT.read_text().splitlines()[0].split()[1:]
        ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in words[:GUEST]]
        own = sum(os.times()[:4])
        return cls(sum(ticks), sum(ticks) - sum(ticks[place] for place in IDLE), own)


def share_of_others(before: CpuTimes | None, after: CpuTimes | None) -> float:
    """Part of the processors' time that others had in between, 0 if nobody knows."""
    if before is None or after is None or after.total <= before.total:
        return 0.0
    others = (after.busy - before.busy) - (after.own - before.own)
    return min(max(others / (after.total - before.total), 0.0), 1.0)
