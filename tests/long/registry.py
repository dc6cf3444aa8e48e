"""Long runs by name, each in a process of its own memory: the order is that of the table."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from long.cycles import run_cycles
from long.files import run_files
from long.monitoring import run_monitoring
from long.outcome import LongRun


@dataclass(frozen=True)
class Entry:
    """A long run, and the number of seeds that it is done with."""

    run: Callable[[Path, int], LongRun]
    n_seeds: int = 1


RUNS = {
    "cycles": Entry(run_cycles),
    "files": Entry(run_files),
    "monitoring": Entry(run_monitoring, n_seeds=2),
}
