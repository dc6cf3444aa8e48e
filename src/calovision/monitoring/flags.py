"""Flags of runs: what a crew sees. Towers that a method found, joined to objects, with since when.

`RunFlags` is the file ``flags.json``; docs/monitoring.md describes it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from calovision.core.result import Result

FORMAT = "calovision-run-flags"
VERSION = 1

STATES = ("good", "alarm", "known", "few_events", "no_statement")
"""States of a run: nothing flagged; an alarm; only known faults; fewer events than are needed for a
statement; events enough, but nothing can be said of any cell."""


@dataclass(frozen=True)
class FlaggedTower(Result):
    """A cell of a flagged object.

    Attributes
    ----------
    eta_index, phi_index, eta, phi
        Of the cell: its place in the maps, and its middle.
    score
        Of the method.
    expected_hits, found_hits
        Events with a hit, in a good run with as many events, and in this one.
    expected_mean, found_mean
        Mean value over the events, in the unit of the channel.
    since
        First run of the unbroken sequence of flags of this cell.
    """

    eta_index: int
    phi_index: int
    eta: float
    phi: float
    score: float
    expected_hits: float
    found_hits: float
    expected_mean: float
    found_mean: float
    since: int


@dataclass(frozen=True)
class Alarm(Result):
    """A flagged object of a run: neighbouring towers of a channel with the same deviation.

    Attributes
    ----------
    run, lumi_block
        Of the maps; None for a whole run.
    method
        That flagged it.
    kind
        Kind of fault by what the towers have in common (`calovision.monitoring.grouping.KINDS`).
    channel
        Name.
    eta, phi
        Ends of the object; of one that reaches over phi = pi the first is the larger.
    score
        Largest of its towers.
    expected_hits, found_hits
        Of all towers together.
    since
        First run in which one of its towers was flagged without interruption since.
    is_known
        The deviations of all its towers are known faults (`known_faults`): it raises no alarm.
    towers
        Its cells.
    fault
        Kind of fault by the classifier, of `calovision.monitoring.faults.FAULTS`; None without one.
    """

    run: int
    method: str
    kind: str
    channel: str
    eta: tuple[float, float]
    phi: tuple[float, float]
    score: float
    expected_hits: float
    found_hits: float
    since: int
    is_known: bool
    towers: tuple[FlaggedTower, ...]
    lumi_block: int | None = None
    fault: str | None = None


@dataclass(frozen=True)
class RunState(Result):
    """State of a run and the number of its alarms.

    Attributes
    ----------
    run, lumi_block, n_events
        Of the maps.
    state
        One of `STATES`.
    n_alarms, n_known
        Objects that raise an alarm, and known ones.
    n_towers
        Flagged towers by method.
    """

    run: int
    n_events: int
    state: str
    n_alarms: int
    n_known: int
    n_towers: dict[str, int]
    lumi_block: int | None = None


@dataclass(frozen=True)
class MethodFlags(Result):
    """A method, and from which score on it flags.

    Attributes
    ----------
    threshold
        Towers with this score or more are flagged.
    false_alarms
        Share of good runs in which one is, by chance.
    raises_alarm
        Its flags are alarms; else they are only counted.
    basis
        Where the threshold is from, a sentence.
    """

    title: str
    threshold: float
    false_alarms: float
    raises_alarm: bool
    basis: str


@dataclass(frozen=True)
class RunFlags(Result):
    """Flags of all runs, as of ``flags.json``.

    Attributes
    ----------
    format, version
        `FORMAT` and `VERSION`.
    channels
        Names.
    grid
        Cells in eta and phi; edges in eta.
    methods
        By name.
    min_events, consecutive_runs
        Least events of a run that is judged; runs that follow each other in which a tower must be
        flagged.
    runs
        State of each run, ascending.
    alarms
        Flagged objects, run after run, the largest score first.
    notes
        Sentences on what limits the statements.
    """

    format: str
    version: int
    channels: tuple[str, ...]
    grid: dict[str, Any]
    methods: dict[str, MethodFlags]
    min_events: int
    consecutive_runs: int
    runs: tuple[RunState, ...]
    alarms: tuple[Alarm, ...]
    notes: tuple[str, ...]

    @property
    def n_alarms(self) -> int:
        """Objects that raise an alarm."""
        return sum(run.n_alarms for run in self.runs)

    def runs_in(self, state: str) -> list[int]:
        """Numbers of the runs in a state."""
        return [run.run for run in self.runs if run.state == state]


def alarm_rows(alarms: Sequence[Alarm]) -> Iterator[dict[str, Any]]:
    """Rows of a table of towers, one each, with what they belong to."""
    for number, alarm in enumerate(alarms, start=1):
        for tower in alarm.towers:
            yield {
                "object": number,
                "run": alarm.run,
                "lumi_block": "" if alarm.lumi_block is None else alarm.lumi_block,
                "method": alarm.method,
                "kind": alarm.kind,
                "is_known": int(alarm.is_known),
                "channel": alarm.channel,
                **tower.to_json(),
            }
