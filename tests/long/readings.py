"""What a process has of a machine, step after step, and whether it grows."""

import gc
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

PROC = Path("/proc/self")
BLOCKS = 10
SIGMAS = 3.0
LEAST_GROWTH = 0.02


def memory_mb() -> float:
    """Resident memory of this process, MB."""
    for line in (PROC / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("no VmRSS in /proc/self/status")


def n_threads() -> int:
    """Threads of this process."""
    return sum(1 for _ in (PROC / "task").iterdir())


def n_open_files() -> int:
    """Open files of this process."""
    return sum(1 for _ in (PROC / "fd").iterdir())


@dataclass(frozen=True)
class Trend:
    """Growth of a number over the steps of a run.

    Attributes
    ----------
    first, last
        Means of the first and of the last block of steps after the warm-up.
    slope, error
        Of a straight line through the means of `BLOCKS` blocks, a step, with its standard error:
        steps that follow each other are no independent measurements, blocks nearly.
    growth
        Of the line from the first step to the last, over the first mean.
    """

    first: float
    last: float
    slope: float
    error: float
    growth: float

    @classmethod
    def of(cls, values: np.ndarray, warm_up: int) -> "Trend":
        """Trend of the values ``(n_steps,)`` behind the first ``warm_up``."""
        kept = np.asarray(values, dtype=np.float64)[warm_up:]
        parts = np.array_split(np.arange(len(kept)), min(BLOCKS, len(kept)))
        x = np.array([part.mean() for part in parts])
        y = np.array([kept[part].mean() for part in parts])
        if len(x) < 3:
            return cls(y[0], y[-1], 0.0, np.inf, 0.0)
        spread = ((x - x.mean()) ** 2).sum()
        slope = ((x - x.mean()) * y).sum() / spread
        rest = y - y.mean() - slope * (x - x.mean())
        error = float(np.sqrt((rest**2).sum() / (len(x) - 2) / spread))
        growth = slope * (len(kept) - 1) / y[0]
        return cls(*(float(one) for one in (y[0], y[-1], slope, error, growth)))

    @property
    def grows(self) -> bool:
        """Whether it grows by more than its error and by more than it matters."""
        return self.slope > SIGMAS * self.error and self.growth > LEAST_GROWTH


@dataclass
class Readings:
    """Memory, threads, open files and processor time after each step of a run."""

    memory: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    most_files: int = 0
    _before: float = field(default_factory=time.process_time)

    def read(self) -> None:
        """Take all numbers of now; the time is that since the last call."""
        gc.collect()
        now = time.process_time()
        self.seconds.append(now - self._before)
        self.memory.append(memory_mb())
        self.threads.append(n_threads())
        self.files.append(n_open_files())
        self.most_files = max(self.most_files, self.files[-1])
        self._before = time.process_time()
        if len(self) % 10 == 0:
            print(f"step {len(self)}: {self.memory[-1]:.1f} MB", file=sys.stderr, flush=True)

    def watch(self) -> None:
        """Note how many files are open within a step."""
        self.most_files = max(self.most_files, n_open_files())

    def __len__(self) -> int:
        return len(self.memory)
