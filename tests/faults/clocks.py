"""Clocks that jump while a job runs, and files from the future and of long ago."""

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from faults.cases import Case, Drill, Judgement, Outcome
from faults.disturbed import Place, drawn, judged
from faults.jobs import Job, copied

DAY = 86400.0
JUMPS = (-400 * DAY, -3600.0, 7200.0, 400 * DAY)


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    for job, random in drawn(seed, n_cases, 0.5):
        jump, after = random.choice(JUMPS), random.randint(0, 20)
        shift = random.choice(JUMPS)
        name = f"{job.name}: files {shift:g} s, the clock {jump:g} s after {after} questions"
        yield Case(name, partial(_jump, job, jump, after, shift))


def _jump(job: Job, jump: float, after: int, shift: float, folder: Path) -> Judgement:
    """Nothing but a right result is good: no decision is left to times."""
    place = Place(folder).laid_out(job)
    copied(place.work)
    random = Random(f"{jump} {shift} {after}")
    for path in place.work.rglob("*"):
        if path.is_file():
            moment = time.time() + shift * random.random()
            os.utime(path, (moment, moment))
    end = job.run(place.work, place.output, prepare=lambda: _disturb_clock(jump, after))
    judgement = judged(job, place, end)
    if judgement.outcome is Outcome.CLEAR:
        return Judgement(Outcome.UNCLEAR, judgement.seen)
    return judgement


def _disturb_clock(jump: float, after: int) -> None:
    """Let the clock of this process jump after some questions."""
    right, questions = time.time, iter(range(10**9))
    time.time = lambda: right() + (jump if next(questions) >= after else 0.0)
    time.time_ns = lambda: int(1e9 * time.time())


CLOCKS = Drill("clock", "clock that jumps", _cases, seconds=300)
