"""Cuts of a search for jets: a window of the mass and a cut on a ratio of N-subjettiness."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calovision.evaluation.results.numbers import Interval
from calovision.evaluation.results.tagging import CutPoint
from calovision.evaluation.tagging.discriminants import Discriminant
from calovision.evaluation.tagging.rows import TaggedRows
from calovision.metrics import efficiency

MASS = "mass"
RATIOS = ("tau21", "tau32")
"""Columns that windows of the mass are combined with."""
N_EDGES = 15  # quantiles of the signal's mass that may be edges of the window


@dataclass(frozen=True)
class MassCuts:
    """A window of the mass, and a cut on a variable.

    Attributes
    ----------
    low, high
        Edges of the mass, GeV; -inf and inf where a side is open.
    variable, is_below, threshold
        Column whose values are at most, or else at least, the threshold. Rows without it fail.
    """

    low: float
    high: float
    variable: str
    is_below: bool
    threshold: float

    def passed(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Booleans of rows with these columns, ``(n,)``."""
        mass, values = columns[MASS], columns[self.variable]
        is_inside = values <= self.threshold if self.is_below else values >= self.threshold
        return (mass >= self.low) & (mass <= self.high) & is_inside

    def __str__(self) -> str:
        window = []
        if np.isfinite(self.low):
            window.append(f"{self.low:.4g} GeV <= ")
        window.append(MASS)
        if np.isfinite(self.high):
            window.append(f" <= {self.high:.4g} GeV")
        sign = "<=" if self.is_below else ">="
        cut = f"{self.variable} {sign} {self.threshold:.3g}"
        return cut if len(window) == 1 else f"{''.join(window)} and {cut}"


def best_cuts(
    rows: TaggedRows,
    columns: Mapping[str, np.ndarray],
    discriminant: Discriminant,
    signal_efficiencies: Mapping[str, float],
) -> dict[str, MassCuts]:
    """Signal efficiency by name -> the cuts that leave the least background at it.

    Parameters
    ----------
    rows
        Validation rows.
    columns
        Their columns; without the mass, or without any ratio, there are no cuts.
    discriminant
        Classes that are told apart.
    signal_efficiencies
        By name; one that no cuts reach has none.
    """
    ratios = [name for name in RATIOS if name in columns]
    if MASS not in columns or not ratios:
        return {}
    shares = discriminant.shares(rows.labels, rows.classes)
    chosen = shares > 0
    weights = (rows.weights * shares)[chosen]
    is_signal = discriminant.is_signal(rows.labels, rows.classes)[chosen]
    mass = np.asarray(columns[MASS], dtype=np.float64)[chosen]
    best: dict[str, tuple[float, MassCuts]] = {}
    for name in ratios:
        values = np.asarray(columns[name], dtype=np.float64)[chosen]
        for is_below in (True, False):
            scan = _Scan(values if is_below else -values, mass, weights, is_signal)
            for low, high in _windows(mass[is_signal]):
                for point, (background, threshold) in scan.find(
                    low, high, signal_efficiencies
                ).items():
                    if point not in best or background < best[point][0]:
                        edge = threshold if is_below else -threshold
                        best[point] = background, MassCuts(low, high, name, is_below, edge)
    return {point: best[point][1] for point in signal_efficiencies if point in best}


class _Scan:
    """Rows in the ascending order of a variable, of which windows of the mass are looked at."""

    def __init__(
        self, values: np.ndarray, mass: np.ndarray, weights: np.ndarray, is_signal: np.ndarray
    ) -> None:
        order = np.argsort(values, kind="stable")
        order = order[np.isfinite(values[order])]
        self._values, self._mass = values[order], mass[order]
        self._signal = np.where(is_signal, weights, 0.0)[order]
        self._background = np.where(is_signal, 0.0, weights)[order]

    def find(
        self, low: float, high: float, signal_efficiencies: Mapping[str, float]
    ) -> dict[str, tuple[float, float]]:
        """Background efficiency and threshold at each signal efficiency that the window reaches."""
        inside = (self._mass >= low) & (self._mass <= high)
        signal = np.maximum.accumulate(np.cumsum(self._signal * inside))
        if not len(signal):
            return {}
        background = np.cumsum(self._background * inside)
        found = {}
        for name, target in signal_efficiencies.items():
            place = int(np.searchsorted(signal, target - 1e-12))
            if place < len(signal):
                threshold = float(self._values[place])
                last = int(np.searchsorted(self._values, threshold, side="right")) - 1
                found[name] = float(background[last]), threshold
        return found


def _windows(mass: np.ndarray) -> Iterator[tuple[float, float]]:
    """Windows between quantiles of the signal's mass, or open at a side, the widest first."""
    edges = np.quantile(mass, np.linspace(0.0, 1.0, N_EDGES))
    edges = np.concatenate([[-np.inf], edges, [np.inf]])
    for width in range(len(edges) - 1, 0, -1):
        for first in range(len(edges) - width):
            yield float(edges[first]), float(edges[first + width])


def cut_point(
    cuts: Sequence[MassCuts], passed: np.ndarray, discriminant: Discriminant, rows: TaggedRows
) -> CutPoint:
    """Cuts, of each fold where they differ, and efficiencies of the test rows that pass them."""
    weights = rows.weights * discriminant.shares(rows.labels, rows.classes)
    is_signal = discriminant.is_signal(rows.labels, rows.classes)
    signal, background = (
        efficiency(passed[members], weights[members], name=f"the {name}")
        for name, members in (
            ("signal", is_signal),
            ("background", ~is_signal & (weights != 0)),
        )
    )
    value, low, high = (
        1 / one if one > 0 else None for one in (background.value, background.high, background.low)
    )
    words = "; ".join(dict.fromkeys(map(str, cuts)))
    return CutPoint(words, signal, background, Interval(value, low, high))
