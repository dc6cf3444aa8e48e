"""Cases of a drill, and the judgement of what one came to."""

import re
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from calovision.core.errors import InputError

LONGEST_SENTENCE = 600
_MACHINERY = re.compile(r"Traceback|<[a-z_.]+ object at 0x|File \".*\", line \d+")


class Outcome(StrEnum):
    """What a case came to; the columns of the table, in their order.

    ``UNAVOIDABLE`` is a wrong result that no program could notice, as a file that somebody made
    consistent on purpose; its judgement says why.
    """

    RIGHT = "right"
    CLEAR = "clear error"
    UNAVOIDABLE = "unavoidable"
    UNCLEAR = "unclear or traceback"
    WRONG = "silent wrong"
    BROKEN = "ended by a signal, left behind"


GOOD = (Outcome.RIGHT, Outcome.CLEAR, Outcome.UNAVOIDABLE)


@dataclass(frozen=True)
class Judgement:
    """Outcome of a case, with a sentence that says what was seen."""

    outcome: Outcome
    seen: str = ""


@dataclass(frozen=True)
class Case:
    """One thing that may happen.

    Attributes
    ----------
    name
        Says what is done, so that the case can be found again: "byte 4711 ^ 0x20".
    run
        Is given an empty folder of its own, in a process that may die; gives a judgement.
    """

    name: str
    run: Callable[[Path], Judgement]


@dataclass(frozen=True)
class Drill:
    """A row of the table.

    Attributes
    ----------
    name
        For `--only`.
    title
        First column of the table.
    cases
        Is given a seed and the number of cases wanted, None for all of it (at least as many as the
        table of the issue that asked for the drill), and gives the cases: the same for the same
        seed.
    note
        Sentence below the table, such as why some cases are unavoidable.
    seconds
        Longest time of one case; one that takes longer is broken.
    parallel
        Whether several cases may run at the same time.
    with_library
        Whether its process loads the library of `faults.faulty_calls`.
    """

    name: str
    title: str
    cases: Callable[[int, int | None], Iterable[Case]]
    note: str = ""
    seconds: float = 60.0
    parallel: bool = True
    with_library: bool = False


@dataclass
class Tally:
    """Judgements of the cases of a drill, in the order in which they ended."""

    drill: Drill
    judged: list[tuple[str, Judgement]] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        """Number of cases that came to an outcome."""
        return sum(judgement.outcome is outcome for _, judgement in self.judged)

    @property
    def bad(self) -> Iterator[tuple[str, Judgement]]:
        """Cases that came to none of `GOOD`."""
        return (one for one in self.judged if one[1].outcome not in GOOD)


def bad_case(drill: Drill, name: str, judgement: Judgement) -> str:
    """Line for a case that came to none of what it may."""
    return f"{drill.name}: {name}: {judgement.outcome.value}: {judgement.seen}"


def judge(
    call: Callable[[], object],
    is_right: Callable[[object], bool],
    *names: str,
    left: Callable[[], Iterable[object]] = tuple,
) -> Judgement:
    """Judge what a call gives.

    Parameters
    ----------
    call
        Does what the user would, in this process.
    is_right
        Whether what it returned is right, which may compare it with what undamaged files give.
    names
        Texts of which an error must name one: the file, or the key.
    left
        Gives what was left behind that must not be, such as temporary files.

    Warnings count as errors that the user sees: the result beside them may be another one, if the
    warning names one of ``names``.
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = call()
            good = is_right(result)
        except InputError as error:
            judgement = judge_sentence(str(error), *names)
        except Exception:  # the drill is about them
            last = traceback.format_exc().strip().splitlines()
            judgement = Judgement(Outcome.UNCLEAR, " | ".join(last[-3:]))
        else:
            judgement = Judgement(Outcome.RIGHT if good else Outcome.WRONG)
    told = [str(one.message) for one in warned if any(name in str(one.message) for name in names)]
    if judgement.outcome is Outcome.WRONG and told:
        judgement = judge_sentence(told[0], *names)
    remains = list(left())
    return Judgement(Outcome.BROKEN, f"left: {remains}") if remains else judgement


def judge_sentence(text: str, *names: str) -> Judgement:
    """Judge an error's text: one line of readable length, which names one of ``names``."""
    clear = (
        0 < len(text) <= LONGEST_SENTENCE
        and "\n" not in text.strip()
        and not _MACHINERY.search(text)
        and (not names or any(name in text for name in names))
    )
    return Judgement(Outcome.CLEAR if clear else Outcome.UNCLEAR, text)
