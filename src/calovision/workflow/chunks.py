"""Chunks of samples: the files, and their entries, that one job simulates or converts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError

EVENTS_PER_BATCH = 250
"""Events that are simulated with one stream of random numbers."""

MOST_JOBS = 100_000
"""Jobs of one sample: more would fill the memory before the first begins."""


@dataclass(frozen=True)
class Chunk:
    """Files, and entries of them, that one job converts.

    Attributes
    ----------
    files
        A ROOT file of the sample, or some that follow each other; with ``:tree`` where the user
        names one.
    first
        Number of the first of them in the sample.
    n_files
        Files of the sample, where a number of the configuration stands for all of them and is
        divided; else None, so that a further file changes no other job.
    entries
        Entries of each file; None where they were not counted.
    entry_range
        First entry and the one behind the last (None: the end) of a part of a file; None for all.
    """

    files: Sequence[str]
    first: int
    n_files: int | None
    entries: Sequence[int | None]
    entry_range: tuple[int, int | None] | None

    def local_files(self) -> list[str]:
        """Files that a job waits for: without their trees; addresses (``root://...``) are none."""
        return [_without_tree(file) for file in self.files if "://" not in file]

    def in_folder(self, folder: Path) -> "Chunk":
        """The same chunk with files of the same names in another folder."""
        return replace(self, files=[str(folder / Path(file).name) for file in self.files])

    def to_parameter(self) -> dict[str, Any]:
        """Plain values, which Snakemake compares with those of the last run."""
        return dict(vars(self))


def _without_tree(path: str) -> str:
    """File of ``file.root:tree``."""
    file, separator, _ = path.rpartition(".root:")
    return f"{file}.root" if separator else path


def count_simulation_jobs(n_events: float, events_per_job: int) -> int:
    """Number of the simulation jobs of a sample."""
    n_batches = ceil(n_events / EVENTS_PER_BATCH)
    return ceil(n_batches / max(events_per_job // EVENTS_PER_BATCH, 1))


@cache
def simulation_edges(n_events: int, events_per_job: int) -> tuple[int, ...]:
    """First event of every simulation job of a sample, and the number of its events at the end.

    Jobs are whole batches but for the last one, so that their number changes no event.
    """
    n_batches = ceil(n_events / EVENTS_PER_BATCH)
    n_jobs = count_simulation_jobs(n_events, events_per_job)
    _check_number(n_jobs, "simulation.events_per_job")
    return (*(EVENTS_PER_BATCH * (n_batches * job // n_jobs) for job in range(n_jobs)), n_events)


def cut_sample(
    files: Sequence[str],
    entries: Sequence[int] | None = None,
    events_per_job: int | None = None,
    *,
    n_files: int | None = None,
    are_counted: bool = True,
) -> dict[str, Chunk]:
    """Cut a sample into the chunks of its jobs.

    Parameters
    ----------
    files
        ROOT files of the sample, in their order.
    entries, events_per_job
        Entries of each file and most entries of a job; None for a job for each file.
    n_files
        As `Chunk.n_files`.
    are_counted
        True if ``entries`` are those of the files. If not (a filter of the generator keeps fewer),
        the jobs do not rely on them.

    Returns
    -------
    Chunks by name: ``"0000"``, ``"0001"``, ...
    """
    known = [None] * len(files) if entries is None or not are_counted else list(entries)
    if entries is None or events_per_job is None:
        cuts = [(number, number + 1, None) for number in range(len(files))]
    else:
        from calovision.ntuples import cut_into_jobs

        _check_number(sum(size // events_per_job for size in entries), "images.events_per_job")
        cuts = cut_into_jobs(entries, events_per_job)
    return {
        f"{number:04d}": Chunk(files[first:end], first, n_files, known[first:end], entry_range)
        for number, (first, end, entry_range) in enumerate(cuts)
    }


def _check_number(n_jobs: int, key: str) -> None:
    """Raise InputError for more jobs of a sample than a workflow can list."""
    if n_jobs > MOST_JOBS:
        raise InputError(
            f"configuration key '{key}': it cuts a sample into {n_jobs} jobs, of which there can "
            f"be {MOST_JOBS}; give more events to each"
        )


def has_shared_counts(weights: Mapping[str, Any] | None) -> bool:
    """True if a number of a sample's ``weights`` stands for all its files and is divided among
    them.
    """
    counts = [(weights or {}).get(key) for key in ("n_generated", "sum_of_weights")]
    return any(isinstance(count, int | float) for count in counts)
