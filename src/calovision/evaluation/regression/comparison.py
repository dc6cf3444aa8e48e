"""Bias and resolution of all predictions of a target, with paired intervals.

A bootstrap over events (Efron, Ann. Stat. 7 (1979) 1): each replica weights all rows of an event by
one Poisson number of mean 1, the same for all predictions, so that what they share cancels in
ratios.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import finite_or_none
from calovision.evaluation.regression.resolution_fit import FEWEST_BINS, fit_resolution
from calovision.evaluation.results.numbers import Interval
from calovision.evaluation.results.regression import (
    Closure,
    RegressorResult,
    ResidualBin,
    ResidualResult,
    ResolutionFit,
    SeedResult,
)
from calovision.metrics.events import has_positive_sum
from calovision.metrics.residuals import (
    CENTRAL,
    OrderedResiduals,
    ResidualNumbers,
    residual_numbers,
    residuals_of,
)

N_REPLICAS = 200
FEWEST_ROWS = 20
"""Rows of a bin: with fewer there is no resolution of it."""


@dataclass(frozen=True)
class RegressionRows:
    """Test rows.

    Attributes
    ----------
    truth
        True values, finite, and above 0 where residuals are relative, ``(n,)``.
    weights
        ``(n,)``.
    groups
        Event of each row, whole numbers from 0, ``(n,)``.
    is_relative
        Residuals are prediction / truth - 1.
    """

    truth: np.ndarray
    weights: np.ndarray
    groups: np.ndarray
    is_relative: bool = True

    def __post_init__(self) -> None:
        if not len(self.truth):
            raise InputError("no test row has a true value to compare with; give more rows")
        if not has_positive_sum(self.weights):
            raise InputError(
                f"the weights of the {len(self.truth)} test rows add up to "
                f"{self.weights.sum():.3g}: their sum must be positive; give more rows"
            )

    def residuals(self, predictions: np.ndarray) -> np.ndarray:
        """Of predictions ``(n,)``."""
        return residuals_of(predictions, self.truth, relative=self.is_relative)

    def replicas(self, n_replicas: int, seed: int) -> np.ndarray:
        """Numbers of each event in each replica, uint8 ``(n_replicas, n_events)``."""
        rng = np.random.default_rng(seed)
        counts = rng.poisson(1.0, (n_replicas, int(self.groups.max()) + 1))
        return np.minimum(counts, 255).astype(np.uint8)


def equal_edges(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Edges of at most n bins of about as many values, fewer where these repeat; of values that are
    all the same one bin around them.
    """
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)))
    if len(edges) == 1:
        width = max(abs(edges[0]) * 0.5, 0.5)
        return np.array([edges[0] - width, edges[0] + width])
    return edges


def compare_regressors(
    rows: RegressionRows,
    predictions: Mapping[str, np.ndarray],
    edges: np.ndarray,
    *,
    seeds: Mapping[str, Sequence[int]],
    references: Sequence[str] = (),
    with_fit: bool = False,
    n_replicas: int = N_REPLICAS,
    seed: int = 0,
) -> dict[str, RegressorResult]:
    """Name -> numbers of its predictions.

    Parameters
    ----------
    rows
        The test rows.
    predictions
        Of the networks of a model ``(n, n_networks)``, or of an opponent ``(n,)``.
    edges
        Of the bins of the true value, ascending; rows outside are in no bin.
    seeds
        Model -> seed of each network.
    references
        Names whose resolution the others are divided by.
    with_fit
        Fit the resolution against the true value as that of a calorimeter.
    n_replicas, seed
        Of the bootstrap.
    """
    means = {name: one.reshape(len(one), -1).mean(axis=1) for name, one in predictions.items()}
    counts = rows.replicas(n_replicas, seed)
    sampled = {name: _Sampled.of(rows, one, edges, counts) for name, one in means.items()}
    found = {}
    for name, one in sampled.items():
        of_prediction = _prediction_bins(rows, means[name], len(edges) - 1)
        over = {
            other: one.ratio(sampled[other])
            for other in references
            if other != name and other in sampled
        }
        bins = one.bins(edges)
        found[name] = RegressorResult(
            n_networks=predictions[name].shape[1] if predictions[name].ndim > 1 else 0,
            overall=one.overall(),
            truth_bins=bins,
            prediction_bins=of_prediction,
            closure=Closure(_largest(bins), _largest(of_prediction)),
            over=over,
            seeds=_seeds(rows, predictions[name], seeds.get(name, ())),
            fit=one.fit() if with_fit and rows.is_relative else None,
        )
    return found


def _seeds(
    rows: RegressionRows, predictions: np.ndarray, seeds: Sequence[int]
) -> dict[str, SeedResult]:
    columns = predictions.T if predictions.ndim > 1 else []
    return {
        str(seed): SeedResult(
            *map(finite_or_none, residual_numbers(rows.residuals(one), rows.weights))
        )
        for seed, one in zip(seeds, columns, strict=True)
    }


def _largest(bins: Sequence[ResidualBin]) -> float | None:
    """Largest absolute bias of bins."""
    medians = [
        abs(one.residuals.bias_median.value)
        for one in bins
        if one.residuals is not None and one.residuals.bias_median.value is not None
    ]
    return max(medians, default=None)


def _prediction_bins(
    rows: RegressionRows, predictions: np.ndarray, n_bins: int
) -> tuple[ResidualBin, ...]:
    """Residuals in bins of as many rows of the prediction, without intervals."""
    edges = equal_edges(predictions, n_bins)
    residuals = rows.residuals(predictions)
    place = bin_of(predictions, edges)
    bins = []
    for number, (low, high) in enumerate(pairwise(edges)):
        mine = place == number
        numbers = residual_numbers(residuals[mine], rows.weights[mine])
        found = ResidualResult(*(Interval(finite_or_none(one), None, None) for one in numbers))
        mean = float(np.mean(predictions[mine])) if mine.any() else None
        n_rows = int(np.count_nonzero(mine))
        bins.append(
            ResidualBin(
                float(low), float(high), n_rows, mean, found if n_rows >= FEWEST_ROWS else None
            )
        )
    return tuple(bins)


def bin_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each value, int64 ``(n,)``; the last edge is in the last bin, and -1 is outside."""
    place = np.searchsorted(edges, values, side="right") - 1
    place[values == edges[-1]] = len(edges) - 2
    return np.where((place >= 0) & (place < len(edges) - 1), place, -1)


@dataclass(frozen=True)
class _Sampled:
    """Residuals with the rows as they are and in the replicas: overall first, then each bin; four
    numbers of each (`ResidualNumbers`).

    Attributes
    ----------
    nominal
        ``(1 + n_bins, 4)``.
    replicas
        ``(n_replicas, 1 + n_bins, 4)``.
    n_rows, means
        Of each bin.
    """

    nominal: np.ndarray
    replicas: np.ndarray
    n_rows: np.ndarray
    means: np.ndarray

    @classmethod
    def of(
        cls, rows: RegressionRows, predictions: np.ndarray, edges: np.ndarray, counts: np.ndarray
    ) -> "_Sampled":
        residuals = rows.residuals(predictions)
        place = bin_of(rows.truth, edges)
        members = [np.flatnonzero(place == number) for number in range(len(edges) - 1)]
        parts = [np.arange(len(residuals)), *members]
        ordered = [OrderedResiduals(residuals[one]) for one in parts]

        def measure(weights: np.ndarray) -> list[ResidualNumbers]:
            return [each.numbers(weights[one]) for each, one in zip(ordered, parts, strict=True)]

        return cls(
            np.array(measure(rows.weights)),
            np.array([measure(rows.weights * one[rows.groups]) for one in counts]),
            np.array([len(one) for one in members]),
            np.array([rows.truth[one].mean() if len(one) else np.nan for one in members]),
        )

    def overall(self) -> ResidualResult:
        return self._result(0)

    def bins(self, edges: np.ndarray) -> tuple[ResidualBin, ...]:
        return tuple(
            ResidualBin(
                float(low),
                float(high),
                int(self.n_rows[number]),
                finite_or_none(self.means[number]),
                self._result(number + 1) if self.n_rows[number] >= FEWEST_ROWS else None,
            )
            for number, (low, high) in enumerate(pairwise(edges))
        )

    def _result(self, place: int) -> ResidualResult:
        return ResidualResult(
            *(
                interval(self.nominal[place, number], self.replicas[:, place, number])
                for number in range(4)
            )
        )

    def ratio(self, other: "_Sampled") -> Interval:
        """Resolution over that of another, paired; None over one that is 0."""
        if not other.nominal[0, 2] > 0:
            return Interval(None, None, None)
        below = np.where(other.replicas[:, 0, 2] > 0, other.replicas[:, 0, 2], np.nan)
        return interval(self.nominal[0, 2] / other.nominal[0, 2], self.replicas[:, 0, 2] / below)

    def fit(self) -> ResolutionFit | None:
        """Terms of the resolution; None of too few bins."""
        enough = (self.n_rows >= FEWEST_ROWS) & (self.nominal[1:, 2] > 0) & (self.means > 0)
        if np.count_nonzero(enough) < FEWEST_BINS:
            return None
        energies = self.means[enough]
        errors = np.nanstd(self.replicas[:, 1:, 2][:, enough], axis=0)
        parameters, chi2 = fit_resolution(energies, self.nominal[1:, 2][enough], errors)
        of_replicas = np.array(
            [
                fit_resolution(energies, one[enough], errors)[0]
                for one in self.replicas[:, 1:, 2]
                if np.isfinite(one[enough]).all()
            ]
        ).reshape(-1, 3)
        terms = [interval(parameters[i], of_replicas[:, i]) for i in range(3)]
        return ResolutionFit(*terms, chi2, int(np.count_nonzero(enough)))


def interval(value: float, replicas: np.ndarray) -> Interval:
    """Value with the central 68.3 % of the replicas, NaN of them left out."""
    known = replicas[np.isfinite(replicas)]
    if not np.isfinite(value) or not len(known):
        return Interval(finite_or_none(value), None, None)
    low, high = np.quantile(known, CENTRAL)
    return Interval(float(value), float(low), float(high))
