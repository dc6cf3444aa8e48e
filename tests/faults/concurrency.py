"""The same job twice at the same time in one folder, and many cycles in one process."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
from fakes import make_images, write_image_file

from calovision.storage import ImageFile, export_dense, read_table, write_table
from faults.cases import Case, Drill, Judgement, Outcome
from faults.disturbed import Place, drawn, judged
from faults.jobs import Job
from faults.processes import End

CYCLES = 100


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    for job, _ in drawn(seed, n_cases, 0.5):
        yield Case(f"{job.name} twice at the same time", partial(_twice, job))
    for number in range(CYCLES if n_cases is None else n_cases):
        yield Case(f"cycle {number}", partial(_cycle, seed * CYCLES + number))


def _twice(job: Job, folder: Path) -> Judgement:
    """Both give the right files, or one says a sentence and the other gives them."""
    place = Place(folder).laid_out(job)
    ends: list[End] = []

    def call(_: int) -> None:
        ends.append(job.run(place.work, place.folder / "other.txt"))

    ends.append(job.run(place.work, place.folder / "one.txt", beside=call))
    found = [judged(job, place, end) for end in ends]
    for outcome in (Outcome.BROKEN, Outcome.WRONG, Outcome.UNCLEAR, Outcome.RIGHT):
        for one in found:
            if one.outcome is outcome:
                return one
    return Judgement(Outcome.UNCLEAR, f"neither was done: {found}")


def _cycle(seed: int, folder: Path) -> Judgement:
    """Write, read, export, and write again in the same place."""
    random = Random(seed)
    for _ in range(3):
        images = make_images(random.randint(0, 300), seed=random.randint(0, 10**6))
        path = write_image_file(folder / "a.h5", images=images)
        table = {"x": np.arange(random.randint(0, 1000))}
        write_table(folder / "t.h5", table)
        export_dense(path, folder / "d.h5")
        rows = np.random.default_rng(seed).permutation(len(images))
        same = np.array_equal(ImageFile(path).dense(rows), images[rows])
        if not same or not np.array_equal(read_table(folder / "t.h5")["x"], table["x"]):
            return Judgement(Outcome.WRONG)
    names = sorted(one.name for one in folder.iterdir())
    good = names == ["a.h5", "d.h5", "t.h5"]
    return Judgement(Outcome.RIGHT) if good else Judgement(Outcome.BROKEN, f"left: {names}")


CONCURRENCY = Drill("concurrency", "one job twice; cycles in one place", _cases, seconds=300)
