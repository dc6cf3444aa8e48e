"""Costs of a job, from its benchmark file, the record of its attempts and the sizes of its files.

Seconds, MB (10^6 bytes) and bytes.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from calovision.jobs.attempts import Attempt, read_attempts
from calovision.jobs.run_summary.states import JobState

MEBIBYTE = 2**20  # unit of the benchmark files


@dataclass(frozen=True)
class Measurement:
    """One job that is done; what was not measured is None.

    Attributes
    ----------
    ended
        Seconds since 1970.
    wall_s, cpu_s, max_memory_mb
        Of the process and its children.
    n_events
        Events that it went through, where it says so.
    input_bytes, output_bytes
        Sizes of its files of data; None if one is at an address or gone.
    bytes_read, bytes_written
        By calls of the system; what is read through a memory map is not in them.
    disk_read, disk_written
        Bytes that were fetched from the disk and sent to it while the job ran: not those that were
        in memory.
    """

    rule: str
    name: str
    host: str | None
    ended: float | None
    wall_s: float | None
    cpu_s: float | None
    max_memory_mb: float | None
    n_events: int | None
    input_bytes: int | None
    output_bytes: int | None
    bytes_read: int | None
    bytes_written: int | None
    disk_read: float | None
    disk_written: float | None


class FileSizes:
    """Sizes of files and folders, each looked up once."""

    def __init__(self) -> None:
        self._known: dict[Path, int | None] = {}
        self._sums: dict[int, tuple[tuple[Path, ...], int | None]] = {}

    def total(self, paths: tuple[Path, ...]) -> int | None:
        """Sum over the paths; None if one is not there."""
        if id(paths) not in self._sums:  # one list of thousands of files is the input of many jobs
            self._sums[id(paths)] = (paths, self._sum(paths))
        return self._sums[id(paths)][1]

    def _sum(self, paths: Iterable[Path]) -> int | None:
        sizes = [self._of(path) for path in paths]
        return None if None in sizes else sum(sizes)

    def _of(self, path: Path) -> int | None:
        if path not in self._known:
            self._known[path] = _size(path)
        return self._known[path]


def _size(path: Path) -> int | None:
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except OSError:
        return None


def read_benchmark(path: Path) -> dict[str, float]:
    """Numbers of a benchmark file, of its last row; what the file has as NA or not at all is not in
    them.

    MB and bytes as in `Measurement`: ``max_rss``, ``io_in`` and ``io_out`` of the file are in MiB.
    """
    try:
        with Path(path).open(newline="") as file:
            *_, row = csv.DictReader(file, delimiter="\t")
    except (OSError, ValueError, csv.Error):
        return {}
    numbers = {}
    for name, text in row.items():
        with suppress(TypeError, ValueError):
            value = float(text)
            if math.isfinite(value):
                numbers[name] = value
    return numbers


@dataclass(frozen=True)
class JobFiles:
    """Numbers of the benchmark file of a job, and its last attempt; None unless that succeeded."""

    benchmark: dict[str, float]
    attempt: Attempt | None

    @classmethod
    def read(cls, benchmark: Path, log: Path) -> "JobFiles":
        """Read the benchmark file, and the record of the attempts beside the log."""
        return cls.of(benchmark, read_attempts(log))

    @classmethod
    def of(cls, benchmark: Path, attempts: Sequence[Attempt]) -> "JobFiles":
        """Read the benchmark file; the attempts are known."""
        last = attempts[-1] if attempts and attempts[-1].succeeded else None
        return cls(read_benchmark(benchmark), last)

    @property
    def sampled_memory_mb(self) -> float | None:
        """Largest memory that was sampled for the benchmark file."""
        memory = _scaled(self.benchmark.get("max_rss"), MEBIBYTE)
        return None if memory is None else memory / 1e6


def measure(state: JobState, sizes: FileSizes) -> Measurement:
    """Measurement of a job that is done.

    Times and memory are sampled for the benchmark file, which misses the end of a job and all of a
    very short one; the record has the sums of the process itself. The larger is the better of the
    two.
    """
    job = state.job
    files = JobFiles.of(job.benchmark, state.attempts)
    benchmark = files.benchmark
    last = files.attempt
    record = last or Attempt(math.nan, "", 0)
    return Measurement(
        rule=job.rule,
        name=job.name,
        host=last.host if last else None,
        ended=last.ended if last else _modified(job.benchmark),
        wall_s=_larger(benchmark.get("s"), last.ended - last.started if last else None),
        cpu_s=_larger(benchmark.get("cpu_time"), record.cpu_s),
        max_memory_mb=_larger(files.sampled_memory_mb, record.max_memory_mb),
        n_events=record.n_events,
        input_bytes=sizes.total(job.inputs) if job.inputs else None,
        output_bytes=sizes.total(job.outputs),
        bytes_read=record.bytes_read,
        bytes_written=record.bytes_written,
        disk_read=_scaled(benchmark.get("io_in"), MEBIBYTE),
        disk_written=_scaled(benchmark.get("io_out"), MEBIBYTE),
    )


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _larger(first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value is not None]
    return max(known) if known else None


def _scaled(value: float | None, unit: int) -> float | None:
    return None if value is None else value * unit
