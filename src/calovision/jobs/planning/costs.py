"""CPU time of a job from what similar jobs took: a start and a time per event, fitted to measured
jobs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calovision.jobs.planning.measured import Job, Run, SampleYield
from calovision.jobs.planning.memory import memory_mb, network_size

SEPARABLE = (
    1.5  # largest over smallest work of one key from which on the start can be told from the work
)
LEAST_SHARE = 0.3  # of the work in the time of a job, from which on that job measures a rate
LIKELY_START_S = 10.0  # of a job, where it could not be told from the work
FURTHEST = (
    10.0  # times the work that was measured, to which a job that was mostly start-up is carried
)


@dataclass(frozen=True)
class Rate:
    """Time and memory of a job: ``start_s + per_work_s * work``, at least ``least_s``.

    Attributes
    ----------
    start_s
        Start-up; 0 where jobs of one size only were measured, so that it cannot be told from the
        work.
    per_work_s
        Seconds for one event or image pass.
    least_s
        Time of the smallest job where the start-up is not known, else 0.
    memory_mb
        The largest of the jobs measured.
    basis
        In words: how many jobs of what, and how the rate was carried over to another sample or
        network.
    largest_work
        Of the jobs that were measured.
    is_start
        True if these were start-up for the most part, so that they say little of the time of the
        work.
    """

    start_s: float
    per_work_s: float
    least_s: float
    memory_mb: float
    basis: str
    largest_work: float = 0.0
    is_start: bool = False

    def reaches(self, n_jobs: int, work: float) -> bool:
        """True if the rate says something of jobs of this size."""
        return not self.is_start or work <= FURTHEST * self.largest_work * max(n_jobs, 1)

    def seconds(self, n_jobs: int, work: float) -> float:
        """Time of several jobs that share the work evenly."""
        return max(n_jobs * self.start_s + self.per_work_s * work, n_jobs * self.least_s)

    def carried_over(self, per_work_s: float, basis: str) -> "Rate":
        """The same start-up and memory with another time for the work."""
        return replace(self, per_work_s=per_work_s, basis=basis)


class CostModel:
    """Rates of the jobs of some runs.

    Parameters
    ----------
    runs
        Runs on the kind of machine that is planned for; where several measured the same, all of
        their jobs count.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._jobs: dict[tuple[str, str], list[tuple[Job, str]]] = {}
        for run in runs:
            for job in run.jobs:
                self._jobs.setdefault((job.rule, job.device), []).append((job, run.source))
        self.samples = {name: one.label for run in runs for name, one in run.samples.items()}
        self.multiply_adds = {key: adds for run in runs for key, adds in run.networks.items()}
        self._specifications = {key: one for run in runs for key, one in run.specifications.items()}
        self.cells = max((run.cells for run in runs), default=0)

    def devices(self, rule: str) -> set[str]:
        """Devices that a rule was measured on."""
        return {device for name, device in self._jobs if name == rule}

    def rate(self, rule: str, device: str = "cpu") -> Rate | None:
        """Rate of a rule whose jobs are all of one kind; None if it was not measured.

        Such rules (plots, the evaluation) are mostly start-up: where one size was measured they
        take that time.
        """
        rate = self._rates(rule, device, only_work=False).get("")
        if rate is None:
            return None
        rate = replace(rate, is_start=False)
        return rate if not rate.least_s else replace(rate, per_work_s=0.0)

    def sample_rate(self, rule: str, sample: str, label: int | None) -> Rate | None:
        """Rate of the files of a sample; of one that was not measured the mean of those with its
        label, or of all.
        """
        rates = self._rates(rule, "cpu")
        if sample in rates or not rates:
            return rates.get(sample)
        alike = [name for name in rates if self.samples.get(name) == label] or list(rates)
        return _mean([rates[name] for name in alike], f"mean of {', '.join(sorted(alike))}")

    def network_rate(
        self, rule: str, key: str, device: str, count_multiply_adds: Callable[[], int | None]
    ) -> Rate | None:
        """Rate of a network; of one that was not measured by its multiply-adds.

        A time per image and one per multiply-add are fitted to the networks that were measured.
        Without multiply-adds it is the rate of the slowest of them.
        """
        rates = self._rates(rule, device)
        if key in rates or not rates:
            return rates.get(key)
        slowest = max(rates.values(), key=lambda rate: rate.per_work_s)
        known = {
            other: self.multiply_adds[other] for other in rates if self.multiply_adds.get(other)
        }
        wanted = count_multiply_adds() if known else None
        if wanted is None:
            return slowest.carried_over(
                slowest.per_work_s, f"{key}: as {slowest.basis}, the slowest"
            )
        per_image, per_million = _fit_line(
            [(known[other] / 1e6, rates[other].per_work_s) for other in known]
        )
        per_work = per_image + per_million * wanted / 1e6
        return slowest.carried_over(
            per_work, f"{key}: by the multiply-adds of {', '.join(sorted(known))}"
        )

    def network_memory(
        self, rule: str, specification: Mapping, key: str, images: float, loaded_bytes: float
    ) -> float | None:
        """MB of a job of a network on a CPU: what is counted, over what was counted of the jobs
        that were measured.

        Parameters
        ----------
        specification, key
            Of the network.
        images, loaded_bytes
            As `memory.memory_mb` takes them.

        Returns
        -------
        None where nothing can be counted.
        """
        size, is_training = network_size(specification), rule == "train_network"
        if size is None:
            return None
        ratios: dict[str, list[float]] = {}
        for job, _ in self._jobs.get((rule, "cpu"), []):
            measured = (
                network_size(self._specifications[job.key])
                if job.key in self._specifications
                else None
            )
            if measured is not None and job.images:
                counted = memory_mb(
                    measured, job.images, is_training=is_training, loaded_bytes=job.loaded_bytes
                )
                ratios.setdefault(job.key, []).append(job.memory_mb / counted)
        mine = ratios.get(key) or [ratio for found in ratios.values() for ratio in found] or [1.0]
        counted = memory_mb(size, images, is_training=is_training, loaded_bytes=loaded_bytes)
        return float(np.median(mine)) * counted

    def _rates(self, rule: str, device: str, *, only_work: bool = True) -> dict[str, Rate]:
        """Key -> rate; of those whose jobs were mostly start-up only if there are no others."""
        found = self._jobs.get((rule, device), [])
        start, slopes, is_separable = fit_times([job for job, _ in found])
        rates = {}
        for key, slope in slopes.items():
            mine = [(job, source) for job, source in found if job.key == key]
            least = 0.0 if is_separable else min(_time(job) for job, _ in mine)
            memory = max(job.memory_mb for job, _ in mine)
            sources = ", ".join(dict.fromkeys(source for _, source in mine))
            jobs = f"{len(mine)} job{'s'[: len(mine) > 1]}"
            basis = f"{key + ': ' if key else ''}{jobs} of {sources}"
            largest = max((job for job, _ in mine), key=lambda job: job.work)
            is_start = slope * largest.work < LEAST_SHARE * _time(largest)
            if not is_separable:
                is_start = _time(largest) < LIKELY_START_S / (1 - LEAST_SHARE)
            rates[key] = Rate(start, slope, least, memory, basis, largest.work, is_start)
        of_work = {key: rate for key, rate in rates.items() if not rate.is_start}
        return of_work if of_work and only_work else rates


def fit_times(jobs: Iterable[Job]) -> tuple[float, dict[str, float], bool]:
    """Fit ``start + slope[key] * work`` to the times of jobs, none negative, by their relative
    deviations.

    Returns
    -------
    Start, slopes by key, and whether the sizes of the jobs differ enough to tell both; the start is
    0 otherwise.
    """
    from scipy.optimize import nnls

    jobs = [job for job in jobs if _time(job) > 0]
    works: dict[str, list[float]] = {}
    for job in jobs:
        works.setdefault(job.key, []).append(job.work)
    if not jobs:
        return 0.0, {}, False
    is_separable = any(max(sizes) > SEPARABLE * min(sizes) for sizes in works.values())
    keys = list(works)
    matrix = np.zeros((len(jobs), len(keys) + 1))
    matrix[:, -1] = float(is_separable)
    for row, job in zip(matrix, jobs, strict=True):
        row[keys.index(job.key)] = job.work
    matrix /= np.array([_time(job) for job in jobs])[:, None]
    scale = np.maximum(matrix.max(axis=0), np.finfo(float).tiny)
    numbers = nnls(matrix / scale, np.ones(len(jobs)))[0] / scale
    start = float(numbers[-1]) if is_separable else 0.0
    return start, dict(zip(keys, map(float, numbers), strict=False)), is_separable


def _fit_line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Intercept and slope, neither negative, by the relative deviations; through 0 if there is one
    point only.
    """
    from scipy.optimize import nnls

    x, y = (np.array(values, dtype=float) for values in zip(*points, strict=True))
    if len(set(x)) == 1:
        return 0.0, float(np.max(y / x))
    intercept, slope = nnls(np.stack([np.ones_like(x), x], axis=1) / y[:, None], np.ones(len(x)))[0]
    return float(intercept), float(slope)


def _time(job: Job) -> float:
    """A GPU is taken for the whole time of its job."""
    return job.wall_s if job.device == "gpu" else job.cpu_s


def _mean(rates: Sequence[Rate], basis: str) -> Rate:
    per_work = float(np.mean([rate.per_work_s for rate in rates]))
    least, memory = (
        max(getattr(rate, name) for rate in rates) for name in ("least_s", "memory_mb")
    )
    largest, is_start = (
        max(rate.largest_work for rate in rates),
        all(rate.is_start for rate in rates),
    )
    return Rate(rates[0].start_s, per_work, least, memory, basis, largest, is_start)


def total_yields(runs: Iterable[Run]) -> dict[str, SampleYield]:
    """Yield of each sample over several runs."""
    totals: dict[str, SampleYield] = {}
    for run in runs:
        for name, one in run.samples.items():
            totals[name] = totals.get(name, SampleYield(one.label)) + one
    return totals
