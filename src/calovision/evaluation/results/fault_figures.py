"""Figures of merit of methods that look for faults of a detector, and their tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from calovision.core.digits import in_digits, interval_in_digits
from calovision.core.markdown import Markdown, markdown_table
from calovision.core.result import Result
from calovision.evaluation.results.numbers import Interval


@dataclass(frozen=True)
class TowerRoc:
    """Share of the faulty towers that are flagged, against that of the sound ones."""

    false_positive_rate: tuple[float, ...]
    detection: tuple[float, ...]


@dataclass(frozen=True)
class FaultFigures(Result):
    """Figures of merit of a method for a fault of one strength in runs of one number of events.

    Attributes
    ----------
    method, fault, strength, n_events
        Names, the strength as the fault has it, and the events of each run.
    n_runs, n_faulty, n_sound
        Runs, half of them without the fault, and their towers that are tested.
    false_discovery_rate
        FP / (FP + TP) among the tested towers of all runs, at the threshold that flags 99 % of the
        faulty ones (arXiv:2309.10157); None without sound towers. It depends on the share of faulty
        towers, ``n_faulty / (n_faulty + n_sound)``.
    n_false, n_true
        FP and TP at that threshold.
    threshold
        That threshold; None where it takes towers without a score.
    detection
        Share of the faulty towers that are flagged at the threshold for the false alarms.
    found_runs
        Share of the runs with the fault in which a faulty tower is flagged there.
    auc
        Area under the ROC curve of towers.
    roc
        The curve.
    is_extrapolated
        There are too few good runs to see the rate of false alarms of ``detection``.
    """

    method: str
    fault: str
    strength: float
    n_events: int
    n_runs: int
    n_faulty: int
    n_sound: int
    false_discovery_rate: Interval
    n_false: int
    n_true: int
    threshold: float | None
    detection: Interval
    found_runs: Interval
    auc: Interval
    roc: TowerRoc
    is_extrapolated: bool = False

    @property
    def share(self) -> float:
        """Share of faulty towers among those that are tested."""
        return self.n_faulty / (self.n_faulty + self.n_sound)


@dataclass(frozen=True)
class TestedTowers:
    """Towers that figures of merit are of: with enough hits expected in a run.

    Attributes
    ----------
    n_events
        Events of a run.
    n_tested, n_towers
        Tested ones, and all that are live in the reference.
    """

    n_events: int
    n_tested: int
    n_towers: int


@dataclass(frozen=True)
class MonitoringFigures(Result):
    """Figures of merit of several methods.

    Attributes
    ----------
    titles
        Method -> title.
    faults
        Fault -> title.
    least_hits
        Expected hits in a run from which on a tower is tested.
    tested
        How many that are, by events of a run.
    false_alarms
        Share of good runs with a false alarm at the threshold of `FaultFigures.detection`.
    figures
        One for each method, fault, strength and number of events.
    """

    titles: dict[str, str]
    faults: dict[str, str]
    least_hits: float
    tested: tuple[TestedTowers, ...]
    false_alarms: float
    figures: tuple[FaultFigures, ...]

    def find(self, method: str, fault: str, strength: float, n_events: int) -> FaultFigures:
        """One of the figures; KeyError if there is none."""
        for one in self.figures:
            found = (one.method, one.fault, one.strength, one.n_events)
            if found == (method, fault, strength, n_events):
                return one
        raise KeyError((method, fault, strength, n_events))

    def false_discovery_table(self) -> list[str]:
        """Markdown table of the false-discovery rates at 99 % detection, the lowest in bold."""
        return self._table(_false_discovery_text, lambda one: one.false_discovery_rate.value, min)

    def detection_table(self) -> list[str]:
        """Markdown table of the shares of faulty towers that are detected, the largest in bold."""
        return self._table(
            lambda one: _with_interval(one.detection), lambda one: one.detection.value, max
        )

    def in_words(self) -> list[str]:
        """Sentences on what was tested."""
        sentences = [
            f"Runs of {one.n_events} events: {one.n_tested} of {one.n_towers} live towers have "
            f"{self.least_hits:g} expected hits or more and are tested "
            f"({one.n_tested / max(one.n_towers, 1):.0%}); of the others nothing is said."
            for one in self.tested
        ]
        if any(one.is_extrapolated for one in self.figures):
            sentences.append(
                f"A false alarm in {self.false_alarms:.3g} of the good runs is an extrapolation: there "
                "are too few of them to see it."
            )
        return sentences

    def _table(
        self,
        text: Callable[[FaultFigures], str],
        value: Callable[[FaultFigures], float | None],
        best_of: Callable[[Iterable[float]], float],
    ) -> list[str]:
        rows: dict[tuple, dict[str, FaultFigures]] = {}
        for one in self.figures:
            rows.setdefault((one.fault, one.strength, one.n_events), {})[one.method] = one
        lines = []
        for (fault, strength, n_events), by_method in rows.items():
            known = [value(one) for one in by_method.values() if value(one) is not None]
            best = best_of(known) if len(set(known)) > 1 else None
            cells = [
                _bold(text(by_method[name]), value(by_method[name]) == best)
                if name in by_method
                else ""
                for name in self.titles
            ]
            share = in_digits(next(iter(by_method.values())).share, 2)
            lines.append([self.faults[fault], f"{strength:g}", n_events, share, *cells])
        header = ["Fault", "Strength", "Events a run", "Share faulty", *self.titles.values()]
        return markdown_table(header, lines)


def _false_discovery_text(one: FaultFigures) -> str:
    rate = one.false_discovery_rate
    if rate.value is None:
        return "none"
    if one.n_false == 0:
        return f"below {in_digits(rate.high, 2)}"
    return _with_interval(rate)


def _with_interval(number: Interval) -> str:
    if number.value is None:
        return "none"
    return interval_in_digits(number.value, number.low, number.high, 2)


def _bold(text: str, is_best: bool) -> Markdown:
    return Markdown(f"**{text}**" if is_best else text)
