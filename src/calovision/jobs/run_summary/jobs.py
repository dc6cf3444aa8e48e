"""List of a run's jobs, written when it starts, and the state of its process.

Paths below the folder of results are stored relative to it, so that the folder may be moved.
"""

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced
from calovision.jobs.attempts import birth_of, process_runs
from calovision.jobs.records import checked

JOBS = "run/jobs.json"
RUN = "run/run.json"


@dataclass(frozen=True)
class Job:
    """One job: its rule, its name among the jobs of the rule, its files, and whether the run had to
    do it.

    ``inputs`` are the data that it reads, without programs; ``epochs`` is the largest number of a
    training.
    """

    rule: str
    name: str
    log: Path
    benchmark: Path
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    is_needed: bool
    epochs: int | None = None


@dataclass(frozen=True)
class Run:
    """The last run: its jobs, its process, when it started (seconds since 1970), and how it ended
    if it has.

    ``folder`` is where the results were then; None for runs of earlier versions.
    """

    jobs: list[Job]
    started: float
    host: str
    pid: int
    born: int | None
    log: str
    ended: float | None = None
    succeeded: bool | None = None
    folder: str | None = None

    @property
    def is_active(self) -> bool | None:
        """True while it goes on; None if its process is on another machine and left no end."""
        return False if self.ended is not None else process_runs(self.host, self.pid, self.born)


def start_run(
    results: Path, jobs: Iterable[Mapping[str, Any]], *, is_complete: bool, logs: Sequence[str]
) -> None:
    """Write the list of jobs of a run that starts.

    Parameters
    ----------
    results
        Folder of results.
    jobs
        Of each job ``rule``, ``name``, ``log``, ``benchmark``, ``inputs``, ``outputs`` (paths),
        ``is_needed`` and ``epochs`` as in `Job`.
    is_complete
        Whether these are all jobs of the workflow. If not, the jobs of earlier runs stay in the
        list.
    logs
        The run's own logs, of which the first is kept; there may be none.
    """
    results = Path(results)
    relative = _Relative(results)
    # thousands of image files are the input of many jobs: each list is kept once
    lists: dict[tuple[str, ...], int] = {}
    rows = {}
    for job in jobs:
        inputs = lists.setdefault(tuple(map(relative, job["inputs"])), len(lists))
        paths = {name: relative(job[name]) for name in ("log", "benchmark")}
        outputs = [relative(path) for path in job["outputs"]]
        rows[job["rule"], job["name"]] = {**job, **paths, "inputs": inputs, "outputs": outputs}
    kept = {} if is_complete else _earlier_rows(results, lists)
    content = {"inputs": list(lists), "jobs": list((kept | rows).values())}
    _write(results / JOBS, content)
    log = str(Path(logs[0]).absolute()) if logs else "none"
    process = {"host": socket.gethostname(), "pid": os.getpid(), "born": birth_of(os.getpid())}
    _write(
        results / RUN,
        {"started": time.time(), **process, "log": log, "folder": str(results.resolve())},
    )


def end_run(results: Path, *, succeeded: bool) -> None:
    """Note how the run ended."""
    path = Path(results) / RUN
    _write(path, {**_read(path), "ended": time.time(), "succeeded": succeeded})


def read_run(results: Path) -> Run:
    """The last run that wrote into a folder of results.

    Raises
    ------
    InputError
        If there was none.
    """
    results = Path(results)
    content, of_run = _read(results / JOBS), _read(results / RUN)
    with _damaged(results / JOBS):
        inputs = [tuple(results / path for path in paths) for paths in content["inputs"]]
        jobs = [_job(results, row, inputs) for row in content["jobs"]]
    with _damaged(results / RUN):
        return checked(Run, {"jobs": jobs, **of_run})


@contextmanager
def _damaged(path: Path) -> Iterator[None]:
    """Raise InputError where a file holds something else than it should."""
    try:
        yield
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error}); the next run writes it anew") from None


def _job(results: Path, row: Mapping[str, Any], inputs: list[tuple[Path, ...]]) -> Job:
    paths = {name: results / row[name] for name in ("log", "benchmark")}
    outputs = tuple(results / path for path in row["outputs"])
    return checked(Job, {**row, **paths, "inputs": inputs[row["inputs"]], "outputs": outputs})


def _earlier_rows(results: Path, lists: dict[tuple[str, ...], int]) -> dict[tuple[str, str], dict]:
    """Rows of the jobs of earlier runs, none of them to be done now; their inputs join the
    lists.
    """
    try:
        content = _read(results / JOBS)
        rows = {}
        for row in content["jobs"]:
            inputs = lists.setdefault(tuple(content["inputs"][row["inputs"]]), len(lists))
            rows[row["rule"], row["name"]] = {**row, "inputs": inputs, "is_needed": False}
        return rows
    except (InputError, KeyError, TypeError, IndexError):
        return {}


class _Relative:
    """Paths relative to a folder where they are below it, else absolute; addresses (root://...) as
    they are.
    """

    def __init__(self, folder: Path) -> None:
        self._prefixes = [f"{folder}{os.sep}", f"{folder.absolute()}{os.sep}"]

    def __call__(self, path: object) -> str:
        text = str(path)
        for prefix in self._prefixes:
            if text.startswith(prefix):
                return text.removeprefix(prefix)
        return text if "://" in text else str(Path(text).absolute())


def _write(path: Path, content: object) -> None:
    with replaced(path) as temporary:
        temporary.write_text(json.dumps(content))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; {path.parent.parent} is no folder of results, or its run has "
            "not started, or was "
            "started with --no-hooks: give the results_dir of a run"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged ({error}); the next run writes it anew") from None
