"""Tests run on the code as it is and on changed code, each time in a fork of this process.

A fork has imported whatever packages the tests need, but nothing of calovision: it imports the
changed text in place of the module. Compiled kernels run as plain Python (NUMBA_DISABLE_JIT), since
the cache of numba could serve a mutant the right kernel, or the right code a mutant's. What warns
only then, arithmetic of single numbers as it is in kernels, is no error.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numba.extending
import pytest

from mutants.mutations import Mutation
from mutants.targets import SOURCES, TESTS

MOST_MEMORY = 8 * 2**30
"""Address space of a fork, bytes."""
SLOWEST = 5.0
"""Seconds of the process, unchanged and traced: a longer test is ended, not tried on mutants."""
OUTPUT = "output.txt"
IN_PLAIN_PYTHON = ("overflow", "invalid value", "divide by zero")
"""Warnings of single numbers, of which compiled kernels give none."""
PLAIN = {"_trailing_zeros": lambda word: (int(word) & -int(word)).bit_length() - 1}
"""Intrinsics, which numba has no plain Python for."""


@dataclass
class Test:
    """One test of the unchanged code."""

    name: str
    seconds: float  # of this process
    passed: bool


@dataclass
class Report:
    """What a fork sends: the exit status of pytest; of the unchanged code also the tests, contexts
    of lines by file, and the modules of other packages.

    A context is a test, the file of a test in whose set-up the line ran, or "" for an import.
    """

    status: int
    tests: list[Test] = field(default_factory=list)
    contexts: dict[Path, dict[int, list[str]]] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)


def run_unchanged(test_files: Sequence[Path], module_files: Sequence[Path]) -> Report:
    """Tests of the code as it is, and which of them run each line of the modules."""
    report, said = _forked(lambda: _traced(test_files, module_files), seconds=1200)
    ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if report is None or not report.tests or report.status not in ended:
        raise RuntimeError(f"the tests of the unchanged code ended without a report:\n{said}")
    for name in report.modules:  # once, and not in each of the forks to come
        with suppress(ImportError):
            importlib.import_module(name)
    return report


def is_killed(mutation: Mutation, tests: Sequence[Test]) -> bool:
    """Whether one of some tests fails, or the run dies or takes too long, with a mutation."""
    seconds = 20 + 5 * sum(test.seconds for test in tests)
    report, _ = _forked(lambda: _mutated(mutation, tests), round(seconds))
    return report is None or report.status not in (0, pytest.ExitCode.NO_TESTS_COLLECTED)


def _forked(task: Callable[[], Report], seconds: int) -> tuple[Report | None, str]:
    """What a task gives and says at last, in a process and folder of its own; None if it dies or
    computes for more than some seconds (or waits for ten times as many: the machine may be busy).
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    process = multiprocessing.get_context("fork").Process(
        target=_run, args=(task, folder, sender, seconds)
    )
    process.start()
    sender.close()
    report = None
    if receiver.poll(10 * seconds):
        with suppress(EOFError):
            report = receiver.recv()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    receiver.close()
    said = (folder / OUTPUT).read_text(encoding="utf-8", errors="replace")[-4000:]
    shutil.rmtree(folder, ignore_errors=True)
    return report, said


def _run(task: Callable[[], Report], folder: Path, sender: Connection, seconds: int) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(folder)
    output = os.open(folder / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    numba.core.extending._Intrinsic.__call__ = lambda self, *args: PLAIN[self._name](*args)
    sender.send(task())
    sys.stdout.flush()
    sender.close()
    os._exit(0)


def _traced(test_files: Sequence[Path], module_files: Sequence[Path]) -> Report:
    import coverage

    measured = coverage.Coverage(
        data_file=None, config_file=False, include=[str(file) for file in module_files]
    )
    measured.start()
    recorder = _Recorder(measured)
    status = _pytest(test_files, recorder)
    measured.stop()
    data = measured.get_data()
    contexts = {file: data.contexts_by_lineno(str(file)) for file in module_files}
    return Report(status, recorder.tests, contexts, _modules_of_others())


def _modules_of_others() -> list[str]:
    """Names of the modules that were imported from elsewhere, in the order of their imports."""
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return [
        name
        for name, file in files.items()
        if file and "site-packages" in file and not Path(file).is_relative_to(TESTS.parent)
    ]


def _mutated(mutation: Mutation, tests: Sequence[Test]) -> Report:
    sys.meta_path.insert(0, _Changed(mutation.file, mutation.source()))
    order = {test.name: place for place, test in enumerate(tests)}
    files = {TESTS.parent / name.partition("::")[0] for name in order}
    return Report(_pytest(sorted(files), _Chosen(order), "-x"))


def _pytest(test_files: Sequence[Path], plugin: object, *options: str) -> int:
    configuration = TESTS.parent / "pyproject.toml"
    arguments = [
        "--assert=plain",
        "-c",
        configuration,
        f"--rootdir={TESTS.parent}",
        "--numprocesses=0",
        "-q",
    ]
    arguments += ["-p", "no:cacheprovider", f"--basetemp={Path.cwd() / 'tests'}"]
    for what in IN_PLAIN_PYTHON:
        arguments += ["-W", f"ignore:{what} encountered in scalar:RuntimeWarning"]
    arguments += ["--hypothesis-profile=few", *options, *test_files]
    return int(pytest.main([str(argument) for argument in arguments], plugins=[plugin]))


class _Chosen:
    """Keeps some tests, in their order."""

    def __init__(self, order: dict[str, int]) -> None:
        self.order = order

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order),
            key=lambda item: self.order[item.nodeid],
        )


class _Recorder:
    """Keeps outcome and time of each test, and tells the tracer which one runs."""

    def __init__(self, measured) -> None:
        self.measured = measured
        self.tests: list[Test] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        start = time.process_time()
        try:
            return (yield)
        finally:
            self.tests[-1].seconds = time.process_time() - start

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        self.measured.switch_context(item.nodeid.partition("::")[0])
        with _ended_if_slow():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self.measured.switch_context(item.nodeid)
        try:
            with _ended_if_slow():
                return (yield)
        finally:
            self.measured.switch_context(item.nodeid.partition("::")[0])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup":
            self.tests.append(Test(report.nodeid, 0.0, report.passed))
        else:
            self.tests[-1].passed &= report.passed


@contextmanager
def _ended_if_slow() -> Iterator[None]:
    """Ends what runs in it after `SLOWEST`: not outside, where pytest itself would end."""
    signal.signal(signal.SIGVTALRM, _too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOWEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _too_slow(number: int, frame: object) -> None:
    # not an error, which hypothesis would look for a smaller example of
    raise pytest.skip.Exception("a longer test is not tried on mutants")


class _Changed(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Finds one module, with another text."""

    def __init__(self, file: Path, source: str) -> None:
        parts = file.relative_to(SOURCES.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        super().__init__(name, str(file))
        self.source = source

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, name):
        return compile(self.source, self.path, "exec", dont_inherit=True)
