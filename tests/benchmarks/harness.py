"""Methods in interleaved rounds, and the bars that they must reach."""

import gc
import importlib.util
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Method = Callable[[], object]


class DisagreementError(Exception):
    """Two methods of a benchmark gave different results, so that their times cannot be compared."""


@dataclass(frozen=True)
class Settings:
    """Size of a run: events, rounds, the folder for files, and the entries of the file of the
    memory benchmark."""

    n_events: int
    rounds: int
    scratch: Path
    memory_events: int
    process_events: int


@dataclass
class Benchmark:
    """Methods that do the same work.

    Attributes
    ----------
    title
        One line for the report.
    n_events
        What one run of a method handles, for events/s.
    methods
        Name -> function without arguments. With ``self_timed`` it returns its own time in seconds.
    check
        Compares the results of the methods, raises DisagreementError; runs before the timing.
    measure_values
        Gives numbers that are no times: method -> quantity -> value.
    rounds_factor
        Rounds relative to the run's, for what takes long.
    details
        What else goes into bench.json beside the methods; ``measure_values`` may fill it.
    """

    title: str
    n_events: int
    methods: dict[str, Method] = field(default_factory=dict)
    bars: tuple["Bar", ...] = ()
    check: Callable[[], None] = lambda: None
    measure_values: Callable[[], dict[str, dict[str, float]]] = dict
    self_timed: bool = False
    rounds_factor: float = 1.0
    details: dict[str, object] = field(default_factory=dict)


@dataclass
class Result:
    """Seconds of each method, ``(rounds,)`` arrays in the order of the rounds, and the other
    numbers."""

    benchmark: Benchmark
    seconds: dict[str, np.ndarray]
    values: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Outcome:
    """A bar and what was reached; ``low`` and ``high`` are the extremes of a round; None if it was
    not measured."""

    bar: str
    reached: float | None
    low: float | None
    high: float | None
    unit: str
    holds: bool


@dataclass(frozen=True)
class TimeRatio:
    """Time of ``of`` (the fastest, if there are several) over the time of ``to``.

    "At least 80 times faster than a peer" is ``TimeRatio("peer", "ours", at_least=80)``, "at most
    1.3 times the time of reading" is ``TimeRatio("ours", "reading", at_most=1.3)``.
    """

    of: str | tuple[str, ...]
    to: str
    at_least: float | None = None
    at_most: float | None = None

    def judge(self, result: Result) -> Outcome:
        names = (self.of,) if isinstance(self.of, str) else self.of
        limit = (
            f"at least {self.at_least:g}" if self.at_most is None else f"at most {self.at_most:g}"
        )
        wording = f"time of {' or '.join(names)} / time of {self.to}: {limit}"
        # All peers of a bar must be there: without one of them the best is unknown.
        if not {*names, self.to} <= set(result.seconds):
            return Outcome(wording, None, None, None, "", False)
        medians = {name: np.median(result.seconds[name]) for name in (*names, self.to)}
        best = min(names, key=medians.get)
        ratio = float(medians[best] / medians[self.to])
        rounds = result.seconds[best] / result.seconds[self.to]
        return Outcome(
            wording,
            ratio,
            rounds.min(),
            rounds.max(),
            "",
            _within(ratio, self.at_least, self.at_most),
        )


@dataclass(frozen=True)
class TimeLimit:
    """The shortest time of a method in seconds, for what other processes can only slow down."""

    method: str
    at_most: float

    def judge(self, result: Result) -> Outcome:
        wording = f"{self.method}: at most {self.at_most:g} s"
        if self.method not in result.seconds:
            return Outcome(wording, None, None, None, "s", False)
        seconds = result.seconds[self.method]
        return Outcome(
            wording,
            seconds.min(),
            seconds.min(),
            seconds.max(),
            "s",
            bool(seconds.min() <= self.at_most),
        )


@dataclass(frozen=True)
class ValueLimit:
    """A number that is no time."""

    method: str
    quantity: str
    at_most: float
    unit: str

    def judge(self, result: Result) -> Outcome:
        wording = f"{self.method}: at most {self.at_most:g} {self.unit}"
        value = result.values.get(self.method, {}).get(self.quantity)
        if value is None:
            return Outcome(wording, None, None, None, self.unit, False)
        return Outcome(wording, value, value, value, self.unit, value <= self.at_most)


Bar = TimeRatio | TimeLimit | ValueLimit


def _within(value: float, at_least: float | None, at_most: float | None) -> bool:
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def measure(benchmark: Benchmark, rounds: int) -> Result:
    """Check that the methods agree, run each once to warm up, then time them in interleaved
    rounds."""
    benchmark.check()
    for method in benchmark.methods.values():
        method()
    gc.collect()
    gc.freeze()  # what is loaded is not looked through before each timing
    rounds = max(2, round(rounds * benchmark.rounds_factor))
    names = list(benchmark.methods)
    seconds = {name: np.zeros(rounds) for name in names}
    for turn in range(rounds):
        first = turn % max(len(names), 1)
        for name in names[first:] + names[:first]:
            seconds[name][turn] = _time(benchmark.methods[name], self_timed=benchmark.self_timed)
    return Result(benchmark, seconds, benchmark.measure_values())


def _time(method: Method, *, self_timed: bool) -> float:
    gc.collect()  # no method pays for the garbage of another
    start = time.perf_counter()
    returned = method()
    elapsed = time.perf_counter() - start
    return float(returned) if self_timed else elapsed


def installed(module: str) -> bool:
    """Whether a peer can be imported; without it its methods are left out and its bars are not
    reached."""
    return importlib.util.find_spec(module) is not None


def require_equal_images(images: np.ndarray, reference: np.ndarray, method: str) -> None:
    """Raise DisagreementError unless the same cells are filled with the same sums (to float32
    rounding)."""
    different = np.count_nonzero((images != 0) != (reference != 0))
    if (
        images.shape != reference.shape
        or different
        or not np.allclose(images, reference, rtol=1e-5, atol=1e-6)
    ):
        raise DisagreementError(
            f"{method}: its images differ from the reference ({different} cells filled otherwise)"
        )


def require_equal(method: str, numbers: Iterable[object], reference: Iterable[object]) -> None:
    """Raise DisagreementError unless two lists of numbers are the same."""
    numbers, reference = list(numbers), list(reference)
    if numbers != reference:
        raise DisagreementError(f"{method}: {numbers[:5]} instead of {reference[:5]}")
