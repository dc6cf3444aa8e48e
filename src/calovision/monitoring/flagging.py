"""Scores of runs to flags: streamed over blocks of runs, with since when each tower is flagged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.monitoring.compared_runs import ComparedRuns
from calovision.monitoring.flags import (
    FORMAT,
    VERSION,
    Alarm,
    FlaggedTower,
    MethodFlags,
    RunFlags,
    RunState,
)
from calovision.monitoring.grouping import connected, deviations, kind_of
from calovision.monitoring.known import Known, are_known
from calovision.monitoring.methods import scores_of_each
from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.methods import Scorer
    from calovision.monitoring.reference import Reference

LOW = (0, 1, 4)
"""Kinds of deviations downwards; towers that deviate downwards and upwards are not one object."""

LARGEST = 999.0
"""Score in the table in place of an infinite one: of a channel without any hit."""


DEAD_CHANNEL = 100.0
"""Hits that a channel must be expected to have in a run for it to be dead without any: fewer may be
those of one or two events of many hits, or none by chance."""
DEAD_CELL = 20.0
"""The same of its most frequent cell, which an event hits once at most."""


class _Numbers(NamedTuple):
    """Numbers of each cell of a run, ``(n_channels, n_eta, n_phi)`` each."""

    expected_hits: np.ndarray
    found_hits: np.ndarray
    expected_mean: np.ndarray
    found_mean: np.ndarray


@dataclass(frozen=True)
class FlagRules:
    """Rules by which towers are flagged.

    Attributes
    ----------
    min_events
        Least events of a run that is judged.
    consecutive_runs
        Judged runs that follow each other in which a tower must have a score above the threshold.
    known
        Deviations of towers that are known (`calovision.monitoring.known`).
    """

    min_events: int = 1
    consecutive_runs: int = 1
    known: Known = frozenset()


class _History:
    """Since when each tower has scores above the threshold of a method.

    A run that is not judged, or a tower of which nothing can be said, neither begins nor ends a
    sequence.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.since = np.zeros(shape, dtype=np.int64)
        self.length = np.zeros(shape, dtype=np.int64)

    def add(self, run: int, scores: np.ndarray, threshold: float) -> np.ndarray:
        """Mask of the towers above the threshold in this run, which is the next one."""
        is_above = scores >= threshold  # not where nothing can be said
        begins = is_above & (self.length == 0)
        self.since[begins] = run
        self.length[is_above] += 1
        self.length[~is_above & ~np.isnan(scores)] = 0
        return is_above


def flag_runs(
    blocks: Iterable[RunMaps],
    reference: "Reference",
    scorers: Sequence["Scorer"],
    methods: Mapping[str, MethodFlags],
    rules: FlagRules,
    *,
    notes: Sequence[str] = (),
) -> RunFlags:
    """Flags of runs, which are gone through once, a block at a time.

    Parameters
    ----------
    blocks
        Maps ascending in run and lumi block.
    reference
        Of the same cells and channels.
    scorers
        Methods, loaded.
    methods
        Threshold of each by its name.
    rules
        When a tower is flagged.
    notes
        Sentences on what limits the statements.

    Raises
    ------
    InputError
        If a run comes twice, or the maps are not those of the reference.
    """
    flagger = Flagger(reference, scorers, methods, rules)
    runs: list[RunState] = []
    alarms: list[Alarm] = []
    for maps in blocks:
        for state, found in flagger.add(maps):
            runs.append(state)
            alarms += found
    if not runs:
        raise InputError("no run to judge: the maps are empty")
    edges = [float(edge) for edge in reference.grid.edges_in_eta]
    return RunFlags(
        FORMAT,
        VERSION,
        tuple(reference.channels),
        {"n_eta": reference.grid.n_eta, "n_phi": reference.grid.n_phi, "eta_edges": edges},
        dict(methods),
        rules.min_events,
        rules.consecutive_runs,
        tuple(runs),
        tuple(alarms),
        tuple(notes),
    )


class Flagger:
    """Flags of blocks of runs, as `flag_runs`; its memory does not grow with their number.

    All live cells of a channel without any hit, where enough are expected (`DEAD_CHANNEL`), are
    flagged, whatever the method: what is expected of them cannot be taken from the run itself.
    """

    def __init__(
        self,
        reference: "Reference",
        scorers: Sequence["Scorer"],
        methods: Mapping[str, MethodFlags],
        rules: FlagRules,
    ) -> None:
        self.reference = reference
        self.scorers = scorers
        self.methods = methods
        self.rules = rules
        shape = np.shape(reference.rate)
        self.live = np.asarray(reference.rate) > 0
        self.histories = {one.name: _History(shape) for one in scorers}
        self.last: tuple[int, int] | None = None
        # a method that tells kinds of faults, and its kinds of the cells of the run
        self.teller: Any = next((one for one in scorers if hasattr(one, "kinds")), None)
        self.kinds: np.ndarray | None = None

    def add(self, maps: RunMaps) -> Iterator[tuple[RunState, list[Alarm]]]:
        """State and flagged objects of each run of the next block."""
        compared = ComparedRuns(maps, self.reference)
        scores = scores_of_each(self.scorers, compared)
        kinds = None if self.teller is None else self.teller.kinds(maps, self.reference)
        expected = compared.expected
        dead = self.live & self._are_empty(maps)[..., None, None]
        scale = np.where(dead, 1.0, expected.scale[..., None, None])
        numbers = _Numbers(
            np.where(dead, self.reference.rate * expected.n_events, expected.hits),
            maps.occupancy,
            self.reference.mean * scale,
            maps.mean,
        )
        for row in range(len(maps)):
            self._check_order(int(maps.run[row]), int(maps.lumi_block[row]))
            of_row = {name: np.where(dead[row], np.inf, one[row]) for name, one in scores.items()}
            self.kinds = None if kinds is None else kinds[row]
            yield self._flag(maps, row, of_row, _Numbers(*(one[row] for one in numbers)))

    def _are_empty(self, maps: RunMaps) -> np.ndarray:
        """Channels without a hit where there should be some, bool ``(n_runs, n_channels)``."""
        rate, n_events = self.reference.rate, maps.n_events[:, None]
        is_expected = rate.sum(axis=(1, 2)) * n_events >= DEAD_CHANNEL
        is_expected |= rate.max(axis=(1, 2)) * n_events >= DEAD_CELL
        return is_expected & (maps.occupancy.sum(axis=(2, 3)) == 0)

    def _check_order(self, run: int, lumi_block: int) -> None:
        key = run, lumi_block
        if self.last is not None and key <= self.last:
            of_block = "" if lumi_block == WHOLE_RUN else f", lumi block {lumi_block}"
            again = "comes twice" if key == self.last else f"comes after run {self.last[0]}"
            raise InputError(
                f"run {run}{of_block} {again}: give maps that ascend, each run once (merge files "
                "that share runs)"
            )
        self.last = key

    def _flag(
        self, maps: RunMaps, row: int, scores: Mapping[str, np.ndarray], numbers: "_Numbers"
    ) -> tuple[RunState, list[Alarm]]:
        run, n_events = int(maps.run[row]), int(maps.n_events[row])
        block = None if maps.lumi_block[row] == WHOLE_RUN else int(maps.lumi_block[row])
        is_judged = n_events >= self.rules.min_events
        alarms: list[Alarm] = []
        n_towers = dict.fromkeys(scores, 0)
        says_nothing = True
        for name, values in scores.items() if is_judged else ():
            history = self.histories[name]
            mask = history.add(run, values, self.methods[name].threshold)
            mask &= history.length >= self.rules.consecutive_runs
            says_nothing &= bool(np.isnan(values).all())
            n_towers[name] = int(mask.sum())
            if self.methods[name].raises_alarm and mask.any():
                objects = self._objects(name, mask, values, numbers)
                alarms += [Alarm(run=run, lumi_block=block, **one) for one in objects]
        alarms.sort(key=lambda one: (-one.score, -len(one.towers)))
        n_known = sum(one.is_known for one in alarms)
        state = "few_events" if not is_judged else "no_statement" if says_nothing else "good"
        if alarms:
            state = "known" if n_known == len(alarms) else "alarm"
        n_alarms = len(alarms) - n_known
        return RunState(run, n_events, state, n_alarms, n_known, n_towers, block), alarms

    def _objects(
        self, method: str, mask: np.ndarray, scores: np.ndarray, numbers: "_Numbers"
    ) -> Iterator[dict[str, Any]]:
        """Fields of the alarms of a method in a run, without run and lumi block."""
        # those without a hit of which the score is infinite are of an empty channel
        is_dead = np.isposinf(scores) & (numbers.found_hits == 0)
        deviation = np.where(is_dead, 0, deviations(*numbers))
        is_low = np.isin(deviation, LOW)
        since = self.histories[method].since
        for channel, plane in enumerate(mask):
            name = self.reference.channels[channel]
            for side in (plane & is_low[channel], plane & ~is_low[channel]):
                for cells in connected(side):
                    index = (channel, *cells.T)
                    towers = self._towers(index, scores, numbers, since)
                    found = deviation[index]
                    total = int(deviations(*(one[index].sum() for one in numbers)))
                    yield {
                        "method": method,
                        "kind": kind_of(found, cells, self.live[channel], total),
                        "channel": name,
                        **_extent(self.reference.grid, cells),
                        "score": max(one.score for one in towers),
                        "expected_hits": sum(one.expected_hits for one in towers),
                        "found_hits": sum(one.found_hits for one in towers),
                        "since": min(one.since for one in towers),
                        "is_known": are_known(
                            self.rules.known, name, map(tuple, cells.tolist()), found
                        ),
                        "towers": towers,
                        "fault": self._fault(index),
                    }

    def _fault(self, index: tuple) -> str | None:
        """Kind of fault that most towers of an object have by the method that tells it."""
        if self.kinds is None:
            return None
        told = self.kinds[index]
        told = told[told >= 0]
        return self.teller.kind_names[np.bincount(told).argmax()] if len(told) else None

    def _towers(
        self, index: tuple, scores: np.ndarray, numbers: "_Numbers", since: np.ndarray
    ) -> tuple[FlaggedTower, ...]:
        grid = self.reference.grid
        etas, phis = (_middles(edges) for edges in (grid.edges_in_eta, grid.edges_in_phi))
        _, eta, phi = index
        columns = [_finite(values[index]) for values in (scores, *numbers)]
        rows = zip(eta.tolist(), phi.tolist(), *columns, since[index].tolist(), strict=True)
        return tuple(
            FlaggedTower(e, p, float(etas[e]), float(phis[p]), *rest) for e, p, *rest in rows
        )


def _finite(values: np.ndarray) -> list[float]:
    return np.nan_to_num(values, nan=0.0, posinf=LARGEST).tolist()


def _middles(edges: np.ndarray) -> np.ndarray:
    return (edges[:-1] + edges[1:]) / 2


def _extent(grid: EtaPhiGrid, cells: np.ndarray) -> dict[str, tuple[float, float]]:
    """Ends of an object in eta and phi; in phi from behind its widest gap, around phi = pi."""
    etas, phis = grid.edges_in_eta, grid.edges_in_phi
    eta, phi = cells[:, 0], np.unique(cells[:, 1])
    n_phi = len(phis) - 1
    gaps = np.diff(np.append(phi, phi[0] + n_phi))
    widest = int(gaps.argmax())
    is_full = len(phi) == n_phi
    first, last = (0, n_phi - 1) if is_full else (phi[(widest + 1) % len(phi)], phi[widest])
    return {
        "eta": (float(etas[eta.min()]), float(etas[eta.max() + 1])),
        "phi": (float(phis[first]), float(phis[last + 1])),
    }
