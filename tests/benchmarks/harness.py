"""Methods in interleaved rounds, and the bars that they must reach: distances to a floor of the
same rounds."""

import gc
import importlib.util
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.others import CpuTimes, share_of_others

Method = Callable[[], object]


INTERVAL = (0.16, 0.5, 0.84)  # quantiles of the rounds: 68 % of them, and their median
FEWEST_ROUNDS = 3
"""Fewer tell nothing of their spread: no miss is told from noise by them."""
RUNS_OF_PEERS = 2
BUSY = 0.15  # part of the machine that others may have where a miss is one
VERDICTS = ("holds", "noise", "missed", "not measured")


class DisagreementError(Exception):
    """Two methods of a benchmark gave different results, so that their times cannot be compared."""


@dataclass(frozen=True)
class Settings:
    """Size of a run: events, the folder for files, and the entries of the files of the benchmarks
    of memory and of processes."""

    n_events: int
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
    peers
        Methods of others, without a bar. They run once or twice before the rounds; one that fails
        is left out, and said in the report.
    check
        Compares the results of the methods, raises DisagreementError; runs before the timing.
    check_peer
        The same for the peer of a name.
    measure_values
        Gives numbers that are no times: method -> quantity -> value.
    details
        What else goes into bench.json beside the methods; ``measure_values`` may fill it.
    """

    title: str
    n_events: int
    methods: dict[str, Method] = field(default_factory=dict)
    bars: tuple["Bar", ...] = ()
    peers: dict[str, Method] = field(default_factory=dict)
    check: Callable[[], None] = lambda: None
    check_peer: Callable[[str], None] = lambda name: None
    measure_values: Callable[[], dict[str, dict[str, float]]] = dict
    self_timed: bool = False
    details: dict[str, object] = field(default_factory=dict)


@dataclass
class Result:
    """Seconds of each method, arrays in the order of the rounds (of peers those before), the
    other numbers, and why what is missing is missing."""

    benchmark: Benchmark
    seconds: dict[str, np.ndarray]
    values: dict[str, dict[str, float]]
    notes: dict[str, str] = field(default_factory=dict)
    others: float = 0.0
    """Part of the machine that other processes had during the rounds."""


@dataclass(frozen=True)
class Outcome:
    """A bar and what was reached; 68 % of the rounds lie between ``low`` and ``high``; None if it
    was not measured."""

    bar: str
    reached: float | None
    low: float | None
    high: float | None
    unit: str
    verdict: str
    """One of `VERDICTS`."""


@dataclass(frozen=True)
class TimeRatio:
    """Time of ``of`` (the fastest, if there are several) over the time of ``to``, round by round.

    "At most 1.3 times the time of the copy" is ``TimeRatio("ours", "copy", at_most=1.3)``, "three
    times as fast as the copy" is ``TimeRatio("copy", "ours", at_least=3)``.
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
        if not {*names, self.to} <= set(result.seconds):
            return Outcome(wording, None, None, None, "", "not measured")
        fastest = min(names, key=lambda name: np.median(result.seconds[name]))
        rounds = result.seconds[fastest] / result.seconds[self.to]
        return self._judge(wording, rounds, is_busy=result.others > BUSY)

    def _judge(self, wording: str, rounds: np.ndarray, *, is_busy: bool) -> Outcome:
        """The median of the rounds against the bar. A miss needs the interval of the rounds, and
        `FEWEST_ROUNDS` of them, on the wrong side, and a machine that others let alone."""
        low, median, high = (float(value) for value in np.quantile(rounds, INTERVAL))
        if self._admits(median):
            verdict = "holds"
        elif is_busy or len(rounds) < FEWEST_ROUNDS or self._admits(low) or self._admits(high):
            verdict = "noise"
        else:
            verdict = "missed"
        return Outcome(wording, median, low, high, "", verdict)

    def _admits(self, ratio: float) -> bool:
        return (self.at_least is None or ratio >= self.at_least) and (
            self.at_most is None or ratio <= self.at_most
        )


@dataclass(frozen=True)
class ValueLimit:
    """A number that is no time, and that noise does not change."""

    method: str
    quantity: str
    at_most: float
    unit: str

    def judge(self, result: Result) -> Outcome:
        wording = f"{self.method}: at most {self.at_most:g} {self.unit}"
        value = result.values.get(self.method, {}).get(self.quantity)
        if value is None:
            return Outcome(wording, None, None, None, self.unit, "not measured")
        verdict = "holds" if value <= self.at_most else "missed"
        return Outcome(wording, value, value, value, self.unit, verdict)


Bar = TimeRatio | ValueLimit


def measure(benchmark: Benchmark, deadline: float) -> Result:
    """Check that the methods agree, run each once to warm up, then time them in interleaved rounds
    until the deadline (of ``time.perf_counter``), which `FEWEST_ROUNDS`
    may pass by as much time as there was."""
    latest = 2 * deadline - time.perf_counter()
    benchmark.check()
    peers, notes = _usable_peers(benchmark)
    methods = list(benchmark.methods)
    for name in methods:
        benchmark.methods[name]()
    gc.collect()
    gc.freeze()  # what is loaded is not looked through before each timing
    times: dict[str, list[float]] = {name: [] for name in (*methods, *peers)}
    _time_peers(benchmark, peers, times, deadline)
    turn, length, before = 0, 0.0, CpuTimes.now()
    while turn == 0 or time.perf_counter() + length < (
        latest if turn < FEWEST_ROUNDS else deadline
    ):
        start = time.perf_counter()
        first = turn % max(len(methods), 1)
        for name in methods[first:] + methods[:first]:
            times[name].append(_time(benchmark.methods[name], self_timed=benchmark.self_timed))
        length = time.perf_counter() - start
        turn += 1
        if not methods:
            break
    others = share_of_others(before, CpuTimes.now())
    seconds = {name: np.array(values) for name, values in times.items() if values}
    return Result(benchmark, seconds, benchmark.measure_values(), notes, others)


def _usable_peers(benchmark: Benchmark) -> tuple[list[str], dict[str, str]]:
    """Peers that give the same results, and why the others are left out: their faults are no
    reason to measure nothing."""
    usable, notes = [], {}
    for name in benchmark.peers:
        try:
            benchmark.check_peer(name)
        except Exception as error:
            notes[name] = f"left out: {type(error).__name__}: {error}"
        else:
            usable.append(name)
    return usable, notes


def _time_peers(
    benchmark: Benchmark, peers: list[str], times: dict[str, list[float]], deadline: float
) -> None:
    """Peers once each, and again where that takes less than a tenth of the time that is left."""
    for name in peers:
        for _ in range(RUNS_OF_PEERS):
            start = time.perf_counter()
            times[name].append(_time(benchmark.peers[name], self_timed=benchmark.self_timed))
            now = time.perf_counter()
            if 10 * (now - start) > deadline - now:
                break


def _time(method: Method, *, self_timed: bool) -> float:
    gc.collect()  # no method pays for the garbage of another
    start = time.perf_counter()
    returned = method()
    elapsed = time.perf_counter() - start
    return float(returned) if self_timed else elapsed


def installed(module: str) -> bool:
    """Whether a peer can be imported; without it its methods are left out."""
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
