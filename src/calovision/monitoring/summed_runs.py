"""Maps of consecutive runs added: towers too rarely hit for a statement in one run.

The sum of the hits holds all that n runs tell of a fault that is in all of them, and any method
takes it like the maps of one long run. It is followed block after block, with the last runs kept
and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import whole_number
from calovision.monitoring.consecutive import follows
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.methods import Scorer
    from calovision.monitoring.reference import Reference

SUMMED = ("n_events", "occupancy", "total")


@dataclass
class SummedRuns:
    """Sums of each run and the runs before it, block after block.

    Attributes
    ----------
    n_runs
        Runs that are added, with the run itself.
    largest_step
        Largest difference of two run numbers that is no gap (`consecutive.follows`).

    Raises
    ------
    InputError
        If one of them is less than 1.
    """

    n_runs: int
    largest_step: int = 1
    _last: RunMaps | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("n_runs", "largest_step"):
            whole_number(getattr(self, name), f"runs added: {name}", at_least=1)

    def add(self, maps: RunMaps) -> RunMaps:
        """Sums for the next runs; those without so many runs before them have no events.

        Raises
        ------
        InputError
            If the cells, channels or thresholds are not those of the runs before.
        """
        if len(maps) == 0:
            return maps
        before = maps[:0] if self._last is None else self._last
        MapLayout.of(before).require(maps, "the next runs", "those before")
        joined = replace(
            maps,
            **{
                name: np.concatenate([getattr(before, name), getattr(maps, name)])
                for name in ("run", "lumi_block", *SUMMED)
            },
        )
        starts = ~follows(joined, None, self.largest_step)
        rows = np.arange(len(joined))
        first = np.maximum.accumulate(np.where(starts, rows, 0))
        is_whole = (rows - first + 1 >= self.n_runs)[len(before) :]
        self._last = joined[max(len(joined) - self.n_runs + 1, 0) :] if self.n_runs > 1 else None
        sums = {
            name: _sums(getattr(joined, name), len(maps), self.n_runs, is_whole) for name in SUMMED
        }
        return replace(maps, **sums)


def _sums(values: np.ndarray, n: int, n_runs: int, is_whole: np.ndarray) -> np.ndarray:
    """Sums of ``n_runs`` rows for the last ``n`` of them; 0 where there are not so many."""
    found = np.zeros_like(values[len(values) - n :])
    for row in np.flatnonzero(is_whole):
        end = len(values) - n + row + 1
        found[row] = values[end - n_runs : end].sum(axis=0)
    return found


@dataclass(frozen=True)
class SummedMethod:
    """A method that looks at the sum of several consecutive runs.

    Attributes
    ----------
    method
        The method.
    n_runs, largest_step
        As of `SummedRuns`.
    """

    method: Scorer
    n_runs: int
    largest_step: int = 1

    @property
    def name(self) -> str:
        """Name of the method, with the number of runs."""
        return f"{self.method.name}_{self.n_runs}_summed"

    @property
    def title(self) -> str:
        """Title of the method, with the number of runs."""
        return f"{self.method.title}, sum of {self.n_runs} runs"

    def scores(self, maps: RunMaps, reference: Reference) -> np.ndarray:
        """Scores of the sums, NaN for runs without so many before them; the first one begins."""
        return self.method.scores(SummedRuns(self.n_runs, self.largest_step).add(maps), reference)


def runs_needed(expected_hits: np.ndarray, least_hits: float) -> np.ndarray:
    """Runs that must be added for each tower to have ``least_hits`` expected hits, from those of
    one run; inf for a tower that is never hit.

    Raises
    ------
    InputError
        If ``least_hits`` is not above 0.
    """
    if not least_hits > 0:
        raise InputError(f"runs needed: least_hits={least_hits:g} must be above 0")
    expected = np.asarray(expected_hits, dtype=np.float64)
    needed = np.ceil(
        np.divide(least_hits, expected, where=expected > 0, out=np.full(expected.shape, np.inf))
    )
    return np.maximum(needed, 1.0)
