"""Processes that a drill disturbs: forks of this one, in a process group of their own."""

import atexit
import ctypes
import multiprocessing.process
import multiprocessing.util
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.cases import Judgement, Outcome, judge_sentence

DIED = 70  # exit status of one that raised what it should not


@dataclass(frozen=True)
class End:
    """End of a process: its exit status, or minus the number of a signal; what it printed; numbers
    of the processes of its group that still ran a moment later.
    """

    status: int
    text: str
    alive: tuple[int, ...] = ()

    def judged(self, is_right: Callable[[], bool], *names: str) -> Judgement:
        """Judgement: right results, or exit status 1 with one sentence, which names one of
        ``names``.
        """
        if self.status < 0:
            return Judgement(Outcome.BROKEN, f"{signal.Signals(-self.status).name}: {self.last}")
        if self.alive:
            return Judgement(Outcome.BROKEN, f"alive: {self.alive}")
        if self.status == 0:
            return Judgement(Outcome.RIGHT if is_right() else Outcome.WRONG, self.last)
        if self.status != 1 or "Traceback" in self.text:
            return Judgement(Outcome.UNCLEAR, f"exit status {self.status}: {self.text[-800:]}")
        return judge_sentence(self.last, *names)

    @property
    def last(self) -> str:
        """Last line that was printed."""
        return (self.text.strip().splitlines() or [""])[-1]


def run_apart(
    call: Callable[[], object],
    folder: Path,
    *,
    output: Path,
    prepare: Callable[[], None] = lambda: None,
    kill_after: float | None = None,
    beside: Callable[[int], None] = lambda pid: None,
) -> End:
    """Run a call in a fork of this process, whose end is that of a whole interpreter.

    Parameters
    ----------
    call
        What it does; an exit status by SystemExit.
    folder
        Its working folder.
    output
        File for what it prints, outside of what is disturbed.
    prepare
        Called in the fork before the call, such as for its limits.
    kill_after
        Seconds after which it is killed, with SIGKILL and alone.
    beside
        Called with the number of the process while it runs.
    """
    pid = os.fork()
    if pid == 0:
        _child(call, folder, output, prepare)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    beside(pid)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return End(status, output.read_text(errors="replace"), _survivors(pid))


def _child(call: Callable, folder: Path, output: Path, prepare: Callable) -> None:
    os.setpgid(0, 0)
    atexit._clear()  # what this process would do at its end is not the business of its fork
    multiprocessing.process._children.clear()
    descriptor = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = (
        open(number, "w", closefd=False)  # noqa: SIM115  it ends with the process
        for number in (1, 2)
    )
    status = 0
    try:
        os.chdir(folder)
        prepare()
        call()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = DIED
    atexit._run_exitfuncs()
    multiprocessing.util._exit_function()
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).exit(status)  # the libraries end, too: HDF5 writes what it has not written


def _survivors(group: int, patience: float = 5.0) -> tuple[int, ...]:
    """Processes of a group that run after they were given time to end; they are killed then."""
    end = time.monotonic() + patience
    while (alive := _members(group)) and time.monotonic() < end:
        time.sleep(0.02)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
    return alive


def _members(group: int) -> tuple[int, ...]:
    """Processes of a group that have not ended."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, of, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(of) == group and state not in "ZX":
            found.append(int(entry.name))
    return tuple(found)
