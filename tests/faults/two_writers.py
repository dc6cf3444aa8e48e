"""Two processes that write the same output, the second one in the middle of the first one's work;
and a writer that is killed in the middle of its work.

A step is what Python does to the file system: it opens, lists, renames, removes, makes a folder.
"""

import os
import pickle
import random
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from tempfile import TemporaryDirectory

from calovision.core.errors import InputError
from calovision.jobs import locks
from faults.cases import Case, Drill, Judgement, Outcome, judge, judge_sentence
from faults.outputs import OUTPUTS, Output

STEPS = {"open", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
SECONDS = 3.0  # after which the second one is taken to wait for a lock of the first
NAMES = [name for name in OUTPUTS if name != "merged images"]


class _Steps:
    """Calls a function before one of the steps of this process in a folder; counts them."""

    def __init__(self) -> None:
        self._folder, self._at, self._act = "", -1, None
        self.count = 0
        self._is_watched = False

    def watch(self, folder: Path, at: int = -1, act: Callable[[], None] = lambda: None) -> None:
        """Begin to count; audit hooks stay for the life of a process."""
        self._folder, self._at, self._act, self.count = str(folder), at, act, 0
        if not self._is_watched:
            sys.addaudithook(self._hook)
            self._is_watched = True

    def stop(self) -> int:
        """Number of steps so far, which are not counted any more."""
        self._folder = ""
        return self.count

    def _hook(self, event: str, arguments: tuple) -> None:
        if not self._folder or event not in STEPS or not _is_below(arguments, self._folder):
            return
        self.count += 1
        if self.count == self._at:
            folder, self._folder = self._folder, ""
            self._act()
            self._folder = folder


def _is_below(arguments: tuple, folder: str) -> bool:
    with suppress(TypeError, ValueError):
        return os.fsdecode(arguments[0]).startswith(folder)
    return False


_STEPS = _Steps()


def _count_steps(output: Output) -> int:
    with TemporaryDirectory(prefix="faults-") as scratch:
        folder = Path(scratch, "output")
        folder.mkdir()
        output.write(folder, 0)
        _STEPS.watch(folder)
        output.write(folder, 1)
        return _STEPS.stop()


def _start_other(work: Callable[[], object]) -> tuple[Callable[[], None], Callable[[], object]]:
    """A process that waits to do some work; gives the functions that let it begin, and that give
    its result once it has ended.

    It is forked before the first one holds any lock, which a fork would hold, too.
    """
    begin, begun = Pipe()
    done, result = Pipe()
    if os.fork() == 0:
        with suppress(BaseException):
            begun.recv()
            try:
                result.send_bytes(pickle.dumps((True, work())))
            except BaseException as error:
                is_sentence = isinstance(error, InputError)
                text = str(error) if is_sentence else repr(error)
                result.send_bytes(pickle.dumps((False, (is_sentence, text))))
        os._exit(0)
    result.close()

    def let_begin() -> None:
        begin.send(True)
        select.select([done], [], [], SECONDS)

    return let_begin, lambda: pickle.loads(done.recv_bytes())


def _interrupted(output: Output, at: int, folder: Path) -> Judgement:
    """The second process writes and reads before a step of the first; then the first goes on."""
    locks.WAIT = 0.001
    place = folder / "output"
    place.mkdir()
    values = []
    for version in (2, 1, 0):
        output.write(place, version)
        values.append(output.read(place))

    def write_and_read() -> object:
        output.write(place, 2)
        return output.read(place)

    let_begin, other = _start_other(write_and_read)
    _STEPS.watch(place, at, let_begin)
    try:
        output.write(place, 1)
    finally:
        n_steps = _STEPS.stop()
    if n_steps < at:
        let_begin()
    is_read, seen = other()
    if not is_read:
        is_sentence, text = seen
        judged = judge_sentence(text, *output.files)
        if not is_sentence or judged.outcome is not Outcome.CLEAR:
            return Judgement(Outcome.UNCLEAR, f"the second: {text}")
    elif seen not in values:
        return Judgement(Outcome.WRONG, "the second reads neither version")
    return judge(
        lambda: output.read(place),
        lambda value: value in values[:2],
        *output.files,
        left=lambda: _hidden(place),
    )


def _killed(output: Output, at: int, folder: Path) -> Judgement:
    """A writer gets SIGKILL before one of its steps; then the next start writes."""
    place = folder / "output"
    place.mkdir()
    values = []
    for version in (2, 1, 0):
        output.write(place, version)
        values.append(output.read(place))
    child = os.fork()
    if child == 0:
        _STEPS.watch(place, at, lambda: os.kill(os.getpid(), signal.SIGKILL))
        with suppress(BaseException):
            output.write(place, 1)
        os._exit(0)
    os.waitpid(child, 0)
    first = judge(lambda: output.read(place), lambda value: value in values[1:], *output.files)
    if first.outcome not in (Outcome.RIGHT, Outcome.CLEAR):
        return first
    output.begin(place)
    output.write(place, 2)
    return judge(
        lambda: output.read(place),
        lambda value: value == values[0],
        *output.files,
        left=lambda: _hidden(place),
    )


def _hidden(place: Path) -> list[str]:
    return [path.name for path in place.iterdir() if path.name.startswith(".")]


def _cases_of(
    what: Callable[[Output, int, Path], Judgement],
) -> Callable[[int, int | None], Iterator[Case]]:
    def cases(seed: int, n_cases: int | None) -> Iterator[Case]:
        found = []
        for name in NAMES:
            for at in range(1, _count_steps(OUTPUTS[name]) + 1):

                def run(folder: Path, name: str = name, at: int = at) -> Judgement:
                    return what(OUTPUTS[name], at, folder)

                found.append(Case(f"{name}, before step {at}", run))
        random.Random(seed).shuffle(found)
        yield from found[:n_cases]

    return cases


TWO_WRITERS = Drill(
    "two_writers", "Two writers of one output, the second at every step", _cases_of(_interrupted)
)
KILLED_WRITERS = Drill(
    "killed_writers", "SIGKILL of a writer at every step, then the next start", _cases_of(_killed)
)
WRITER_DRILLS = (TWO_WRITERS, KILLED_WRITERS)
