"""Scores of the last runs combined: chance does not come back in the next run, a fault does.

The CMS collaboration multiplies the loss maps of three consecutive lumi sections
(arXiv:2309.10157).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps

COMBINATIONS = {
    "product": "the product, of losses that are not negative",
    "stouffer": "the sum over the root of their number, of significances",
    "sum": "the sum, of logarithms of probabilities or of likelihood ratios",
}
"""Ways to combine the scores of several runs by name: what of, and for what."""


def combine(scores: np.ndarray, combination: str) -> np.ndarray:
    """Scores of several runs as one.

    Parameters
    ----------
    scores
        ``(n_runs, ...)``.
    combination
        One of `COMBINATIONS`. ``stouffer`` keeps the unit normal distribution of significances
        (Stouffer et al., The American Soldier, 1949).

    Returns
    -------
    float64 ``(...)``, NaN where one of the scores is.

    Raises
    ------
    InputError
        If there is no such combination, or losses to be multiplied are negative.
    """
    _check_combination(combination)
    scores = np.asarray(scores, dtype=np.float64)
    if combination == "product":
        if np.any(scores < 0):
            raise InputError(
                "consecutive runs: the product is for losses, but some of the scores are negative; "
                "choose 'stouffer' or 'sum'"
            )
        return np.prod(scores, axis=0)
    total = np.sum(scores, axis=0)
    return total / np.sqrt(len(scores)) if combination == "stouffer" else total


def follows(maps: RunMaps, last: tuple[int, int] | None, largest_step: int = 1) -> np.ndarray:
    """Test for each row of the maps that it follows the row before it, without a gap.

    Parameters
    ----------
    maps
        Runs, or lumi blocks of runs. Whole runs follow each other by run number, lumi blocks
        within their run.
    last
        Run and lumi block of the row before the first one; None without one.
    largest_step
        Largest difference of two numbers that is no gap. Less than 1 is one, too: a run that
        stands in two files is not its own successor.

    Returns
    -------
    bool ``(n,)``.
    """
    before = np.array([(0, 0) if last is None else last], dtype=np.int64).reshape(1, 2)
    rows = np.stack([maps.run, maps.lumi_block], axis=1).astype(np.int64)
    run_step, block_step = np.diff(np.concatenate([before, rows]), axis=0).T
    previous_block = np.concatenate([before, rows])[:-1, 1]
    whole = (rows[:, 1] == WHOLE_RUN) & (previous_block == WHOLE_RUN)
    blocks = (rows[:, 1] != WHOLE_RUN) & (previous_block != WHOLE_RUN)
    result = (whole & (run_step >= 1) & (run_step <= largest_step)) | (
        blocks & (run_step == 0) & (block_step >= 1) & (block_step <= largest_step)
    )
    if last is None and len(result):
        result[0] = False
    return result


@dataclass
class ConsecutiveScores:
    """Scores of each run combined with those of the runs before it, block after block.

    Keeps the scores of the last ``n_runs - 1`` rows, and nothing else.

    Attributes
    ----------
    n_runs
        Runs that are combined.
    combination
        One of `COMBINATIONS`.
    largest_step
        As of `follows`.

    Raises
    ------
    InputError
        If ``n_runs`` or ``largest_step`` is less than 1, or there is no such combination.
    """

    n_runs: int = 3
    combination: str = "product"
    largest_step: int = 1
    _layout: Any = field(default=None, init=False, repr=False)
    _last: tuple[int, int] | None = field(default=None, init=False, repr=False)
    _length: int = field(default=0, init=False, repr=False)
    _kept: np.ndarray | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("n_runs", "largest_step"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(
                    f"consecutive runs: {name} is {value!r}, but must be whole and at least 1"
                )
        _check_combination(self.combination)

    def add(self, maps: RunMaps, scores: np.ndarray) -> np.ndarray:
        """Combined scores of the next rows.

        Parameters
        ----------
        maps
            The next runs. Where their cells or channels are not those of the runs before, a new
            sequence begins, as after a gap.
        scores
            Their scores, ``(n, n_channels, n_eta, n_phi)``.

        Returns
        -------
        float64, the same shape: of each run and the ``n_runs - 1`` before it. NaN where so many do
        not follow each other, or one of them has no score.
        """
        scores = np.asarray(scores, dtype=np.float64)
        if len(maps) == 0:
            return scores.copy()
        layout = (maps.grid, maps.channels)
        if self._layout != layout:
            self._last, self._kept, self._length = None, None, 0
        lengths = self._lengths(follows(maps, self._last, self.largest_step))
        kept = scores[:0] if self._kept is None else self._kept
        rows = np.concatenate([kept, scores])
        combined = np.full(scores.shape, np.nan)
        for row in np.flatnonzero(lengths >= self.n_runs):
            end = len(kept) + row + 1
            combined[row] = combine(rows[end - self.n_runs : end], self.combination)
        self._layout = layout
        self._last = (int(maps.run[-1]), int(maps.lumi_block[-1]))
        self._length = int(lengths[-1])
        self._kept = rows[len(rows) - min(self.n_runs - 1, len(rows)) :].copy()
        return combined

    def _lengths(self, following: np.ndarray) -> np.ndarray:
        """Number of rows without a gap that end with each row, int64 ``(n,)``."""
        position = np.arange(1, len(following) + 1)
        begin = np.maximum.accumulate(np.where(following, 0, position))
        return np.where(begin > 0, position - begin + 1, position + self._length)


@dataclass(frozen=True)
class ConsecutiveMethod:
    """A method whose scores are those of several consecutive runs together.

    Attributes
    ----------
    method
        The method of single runs: ``name``, ``title`` and ``scores(maps, reference)``.
    n_runs, combination, largest_step
        As of `ConsecutiveScores`.
    """

    method: Any
    n_runs: int = 3
    combination: str = "product"
    largest_step: int = 1

    @property
    def name(self) -> str:
        """Name of the method, with the number of runs."""
        return f"{self.method.name}_{self.n_runs}_runs"

    @property
    def title(self) -> str:
        """Title of the method, with the number of runs."""
        return f"{self.method.title}, {self.n_runs} consecutive runs"

    def scores(self, maps: RunMaps, reference: Any) -> np.ndarray:
        """Combined scores of all the runs, as `ConsecutiveScores.add`; the first row begins a
        sequence.
        """
        consecutive = ConsecutiveScores(self.n_runs, self.combination, self.largest_step)
        return consecutive.add(maps, self.method.scores(maps, reference))


def _check_combination(name: str) -> None:
    if name not in COMBINATIONS:
        raise InputError(
            f"consecutive runs: there is no combination '{name}'{nearest(name, COMBINATIONS)}; "
            f"choose from {', '.join(COMBINATIONS)}"
        )
