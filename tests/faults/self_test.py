"""A drill of the drills: each outcome once, so that none is ever taken for another.

It is not part of the table.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from calovision.core.errors import InputError
from faults.cases import Case, Drill, Judgement, Outcome, judge


def _raise(error: Exception) -> None:
    raise error


def _die(folder: Path) -> Judgement:
    os.kill(os.getpid(), signal.SIGKILL)
    return Judgement(Outcome.RIGHT)


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    yield Case("right", lambda folder: judge(lambda: 2, lambda value: value == 2))
    yield Case("silent wrong", lambda folder: judge(lambda: 3, lambda value: value == 2))
    named = InputError("a.root: ends early; copy it again")
    yield Case("clear error", lambda folder: judge(lambda: _raise(named), bool, "a.root"))
    yield Case("unclear or traceback", lambda folder: judge(lambda: _raise(KeyError("x")), bool))
    yield Case("ended by a signal, left behind", _die)


SELF_TEST = Drill("self_test", "Drills themselves", _cases)
