"""Memory that does not suffice, as where a batch system limits it."""

import resource
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from faults.cases import GOOD, Case, Drill, Judgement, Outcome
from faults.disturbed import Place, drawn, judged
from faults.jobs import Job

MEGABYTE = 2**20
OF_LIBRARIES = (
    *("std::bad_alloc", "SystemError: error return without exception set"),
    *("double free or corruption", "cannot allocate memory for thread-local data"),
)
"""Ends of libraries, which the package cannot put into words; or else by one of `SIGNALS`."""
SIGNALS = (-signal.SIGSEGV, -signal.SIGABRT)
MOST = 200  # MB more than the process has when it starts


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    for job, random in drawn(seed, n_cases, 1):
        more = int(MOST * random.random() ** 2)
        yield Case(f"{job.name} with {more} MB more", partial(_limit, job, more))


def _limit(job: Job, more: int, folder: Path) -> Judgement:
    place = Place(folder).laid_out(job)

    def limit() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize() + more * MEGABYTE
        resource.setrlimit(resource.RLIMIT_AS, (size, size))

    end = job.run(place.work, place.output, prepare=limit)
    judgement = judged(job, place, end)
    of_library = end.status in SIGNALS or any(text in end.text for text in OF_LIBRARIES)
    if judgement.outcome in GOOD or not of_library:
        return judgement
    again = judged(job, place, job.run(place.work, place.output))
    if again.outcome is not Outcome.RIGHT:
        return Judgement(Outcome.BROKEN, f"{judgement.seen}; without a limit: {again}")
    return Judgement(Outcome.UNAVOIDABLE, judgement.seen)


MEMORY = Drill(
    "memory",
    "memory limit",
    _cases,
    note="some libraries of C and C++ end the process themselves where the memory does not suffice "
    "(std::bad_alloc, SIGABRT; SIGSEGV where they do not look), or lose the reason (SystemError); "
    "the job then runs again without a limit, which must give the right files and leave nothing",
    seconds=300,
)
