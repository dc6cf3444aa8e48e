"""Attempts of a job: every start and how it ended, in a file beside its log.

It remains when the log of a retry replaces that of the attempt before.

A line of JSON when the job starts and one when it ends; a start without an end is a job that still
runs, or that was killed. Times are seconds since 1970, memory is in MB, sizes are in bytes.
"""

import json
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from calovision.core.errors import InputError
from calovision.jobs.atomic import write_text
from calovision.jobs.records import checked

KILOBYTE = 1024  # unit of ru_maxrss on Linux
LONGEST_MESSAGE = 500  # characters


@dataclass
class Attempt:
    """One start of a job.

    Attributes
    ----------
    started, ended
        Times; ``ended`` is None for a job that runs or was killed.
    host, pid, born
        Its process; ``born`` (clock ticks after the machine's start) tells it from a later one with
        the same number.
    succeeded
        None until it ended.
    message
        Why it failed.
    n_events
        Events that the job went through, where it says so.
    cpu_s, max_memory_mb
        Of the process and of those that it waited for.
    bytes_read, bytes_written
        By calls of the system, from the page cache or the disk; what is read through a memory map
        is not in them.
    """

    started: float
    host: str
    pid: int
    born: int | None = None
    ended: float | None = None
    succeeded: bool | None = None
    message: str | None = None
    n_events: int | None = None
    cpu_s: float | None = None
    max_memory_mb: float | None = None
    bytes_read: int | None = None
    bytes_written: int | None = None

    def count(self, n_events: int) -> None:
        """Add events that the job goes through."""
        self.n_events = (self.n_events or 0) + n_events

    @property
    def is_running(self) -> bool | None:
        """True while the job runs; None if its process is on another machine."""
        if self.ended is not None:
            return False
        return process_runs(self.host, self.pid, self.born)


def attempts_file(log: Path) -> Path:
    """The file of the attempts of the job with this log."""
    return Path(log).with_suffix(".attempts")


@contextmanager
def recorded_attempt(log: Path) -> Iterator[Attempt]:
    """Record a start of the job with this log, and its end; the attempts before the last success
    are forgotten.

    The job may `count` its events. A record that cannot be written, on a full disk, say, stops no
    job.
    """
    path = attempts_file(log)
    attempt = Attempt(time.time(), socket.gethostname(), os.getpid(), birth_of(os.getpid()))
    before = read_attempts(log)
    mode = "w" if before and before[-1].succeeded else "a"
    _write(
        path, {name: value for name, value in asdict(attempt).items() if value is not None}, mode
    )
    read, written = _bytes_through_calls()
    try:
        yield attempt
        attempt.succeeded = True
    except BaseException as error:
        attempt.succeeded = False
        attempt.message = (attempt.message or f"{type(error).__name__}: {error}")[:LONGEST_MESSAGE]
        raise
    finally:
        attempt.ended = time.time()
        attempt.cpu_s, attempt.max_memory_mb = _usage()
        now = _bytes_through_calls()
        attempt.bytes_read, attempt.bytes_written = now[0] - read, now[1] - written
        of_start = ("started", "host", "pid", "born")
        _write(
            path,
            {name: value for name, value in asdict(attempt).items() if name not in of_start},
            "a",
        )


def read_attempts(log: Path) -> list[Attempt]:
    """Attempts of the job with this log since it last succeeded, and that one; none if nothing is
    known.

    A line that was cut off or is damaged is passed over.
    """
    try:
        lines = attempts_file(log).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    known = {field.name for field in fields(Attempt)}
    attempts = []
    for line in lines:
        with suppress(ValueError, TypeError, AttributeError):
            values = {name: value for name, value in json.loads(line).items() if name in known}
            if "started" in values:
                attempts.append(checked(Attempt, values))
            elif attempts:
                attempts[-1] = checked(Attempt, asdict(attempts[-1]) | values)
    return attempts


def note_end(log: Path, message: str) -> None:
    """Note the end of a start that left none, as of a job that a farm has ended."""
    attempts = read_attempts(log)
    if attempts and attempts[-1].ended is None:
        end = {"ended": time.time(), "succeeded": False, "message": message[:LONGEST_MESSAGE]}
        _write(attempts_file(log), end, "a")


def process_runs(host: str, pid: int, born: int | None) -> bool | None:
    """Tell whether a process runs; None if it is on another machine."""
    if host != socket.gethostname():
        return None
    return birth_of(pid) == born if born is not None else Path(f"/proc/{pid}").exists()


def birth_of(pid: int) -> int | None:
    """Start of a process of this machine, clock ticks after that of the machine; None without
    one.
    """
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def _write(path: Path, values: dict, mode: str) -> None:
    # one write of one line; a job that was killed in the middle of another leaves it without its
    # end
    cut_off = mode == "a" and _lacks_newline(path)
    line = json.dumps(values) + "\n"
    with suppress(OSError, InputError):
        if mode == "w":
            write_text(path, line)
        else:
            with path.open(mode) as file:
                file.write("\n" * cut_off + line)


def _lacks_newline(path: Path) -> bool:
    try:
        return path.read_bytes()[-1:] not in (b"", b"\n")
    except OSError:
        return False


def _usage() -> tuple[float, float]:
    """CPU seconds, and the largest memory in MB, of the process and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    return round(cpu, 3), round(max(one.ru_maxrss for one in used) * KILOBYTE / 1e6, 1)


def _bytes_through_calls() -> tuple[int, int]:
    """Bytes read and written so far by calls of the system."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
        values = dict(line.split(": ") for line in lines)
        return int(values["rchar"]), int(values["wchar"])
    except (OSError, KeyError, ValueError):  # not Linux, or hidden
        return 0, 0
