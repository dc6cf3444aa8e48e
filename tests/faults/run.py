"""Cases in processes of their own, some at a time; one that dies costs its case only."""

import logging
import math
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from faults.cases import GOOD, Case, Drill, Judgement, Outcome, Tally, bad_case

MOST_MEMORY = 12 * 2**30
"""Address space of a case, bytes: one that asks for more gets a MemoryError, as on a small
machine."""


@dataclass
class _Running:
    case: Case
    process: BaseProcess
    connection: Connection
    folder: Path
    end: float


def run_drill(
    drill: Drill, seed: int, n_cases: int | None, n_processes: int, share: float = 1.0
) -> Tally:
    """Judgements of all cases of a drill, or a share of them: those behind each other from a place
    on that depends on the seed, so that some seeds come to all.

    A case is a fork of this process, so that what the drill has prepared is shared, and what a case
    breaks is not.
    """
    tally = Tally(drill)
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        cases = _part(list(drill.cases(seed, n_cases)), seed, share)
        n_at_once = n_processes if drill.parallel else 1
        for case, judgement in _in_processes(cases, drill, Path(scratch), n_at_once):
            tally.judged.append((case.name, judgement))
            if judgement.outcome not in GOOD:
                print(bad_case(drill, case.name, judgement), file=sys.stderr, flush=True)
    return tally


def _part(cases: list[Case], seed: int, share: float) -> list[Case]:
    n = math.ceil(share * len(cases))
    return [cases[(seed * n + number) % len(cases)] for number in range(n)]


def _in_processes(
    cases: Iterable[Case], drill: Drill, scratch: Path, n_at_once: int
) -> Iterator[tuple[Case, Judgement]]:
    waiting, running, number = iter(cases), [], 0
    while True:
        while len(running) < n_at_once and (case := next(waiting, None)) is not None:
            number += 1
            running.append(_start(case, scratch / f"{number:06d}", drill.seconds))
        if not running:
            return
        left = min(one.end for one in running) - time.monotonic()
        wait([one.connection for one in running], timeout=max(left, 0))
        for one in running[:]:
            judgement = _ended(one)
            if judgement is not None:
                running.remove(one)
                shutil.rmtree(one.folder, ignore_errors=True)
                yield one.case, judgement


def _start(case: Case, folder: Path, seconds: float) -> _Running:
    folder.mkdir()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_run, args=(case, folder, sender))
    process.start()
    sender.close()
    return _Running(case, process, receiver, folder, time.monotonic() + seconds)


def _run(case: Case, folder: Path, sender: Connection) -> None:
    """Run one case and send its judgement, in a process group of its own."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(folder)
    logging.getLogger().addHandler(logging.NullHandler())  # warnings of hundreds of cases
    try:
        judgement = case.run(folder)
    except BaseException:
        judgement = Judgement(Outcome.UNCLEAR, traceback.format_exc()[-800:])
    sender.send(judgement)
    sender.close()
    sys.stdout.flush()
    os._exit(0)


def _ended(one: _Running) -> Judgement | None:
    """Judgement of a case that has ended, was ended by a signal, or takes too long; None of one
    that runs.
    """
    if one.connection.poll():
        try:
            judgement = one.connection.recv()
        except EOFError:
            one.process.join()
            judgement = Judgement(Outcome.BROKEN, _end(one.process.exitcode))
    elif time.monotonic() > one.end:
        judgement = Judgement(Outcome.BROKEN, "it took too long")
    else:
        return None
    with suppress(ProcessLookupError, PermissionError):  # what it started dies with it
        os.killpg(one.process.pid, signal.SIGKILL)
    one.process.join()
    one.connection.close()
    return judgement


def _end(code: int | None) -> str:
    if code is not None and code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with {code} without a judgement"
