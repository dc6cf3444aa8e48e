"""Training weights that give all classes the same spectrum of some variables, such as pT and mass.

A network that is to tell classes apart by the image should not do so by the pT with which they were
made: within each class every row is weighted so that the spectrum is flat, or that of one of the
classes. A spectrum is a histogram. Its bins hold equally many rows of all classes together, each
class weighing the same; of a second variable, bins divide each bin of the first. Flat means that
every bin weighs the same, so that bins are narrow where the rows are: a spectrum that is constant
per GeV would give the few rows of a long tail most of the weight.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calovision.core.classes import class_names
from calovision.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from calovision.storage import ImageCollection

FEWEST_ROWS = 25
"""Rows of the smallest class for a bin, on average: with fewer there are fewer bins."""
LARGEST_FACTOR = 100.0
"""Weight of a row over the mean of its class at most: a few rows shall not be all that counts."""
WORTH_SAYING = 0.01  # part of the spectrum that a class lacks

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FlatWeights:
    """Factors of the weights by class and bin.

    Attributes
    ----------
    variables
        Names, in the order of their bins.
    edges
        Inner edges of the bins of each variable, ``(n_bins before, n_bins - 1)``: a row for every
        bin of the variables before it.
    factors
        ``(n_classes, n_bins)`` of the bins of all variables; 0 where a class has no row.
    """

    variables: tuple[str, ...]
    edges: tuple[np.ndarray, ...]
    factors: np.ndarray

    def of(self, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Factors ``(n,)`` of rows with variables ``(n, n_variables)`` and labels ``(n,)``."""
        return self.factors[labels, bins_of(values, self.edges)]

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "variables": list(self.variables),
            "edges": [edges.tolist() for edges in self.edges],
            "factors": self.factors.tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FlatWeights:
        """Inverse of `to_dict`."""
        import numpy as np

        edges = tuple(
            np.array(one, dtype=np.float64).reshape(len(one), -1) for one in values["edges"]
        )
        return cls(tuple(values["variables"]), edges, np.array(values["factors"]))


def fit_flat_weights(
    values: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    variables: Sequence[str],
    *,
    classes: Sequence[str] = (),
    like: str | None = None,
    n_bins: int = 20,
) -> FlatWeights:
    """Factors that make the weighted spectra of all classes the same and leave their sums.

    A class that has no row in a bin has its weight in the others. No row gets more than
    `LARGEST_FACTOR` times the mean of its class.

    Parameters
    ----------
    values
        Variables of the training rows, ``(n, n_variables)``, finite.
    labels, weights
        ``(n,)``; weights are not negative.
    variables
        Their names.
    classes
        Names of the classes; none for background and signal.
    like
        Class whose spectrum the others get; None for a flat one.
    n_bins
        Bins of each variable at most.

    Raises
    ------
    InputError
        If a class has no row of positive weight in the bins of the class that it is to be like.
    """
    import numpy as np

    names = class_names(classes)
    members = [labels == label for label in range(len(names))]
    smallest = min(np.count_nonzero(weights[mine] > 0) for mine in members)
    n_bins = max(min(n_bins, int((smallest / FEWEST_ROWS) ** (1 / len(variables)))), 1)
    edges = _edges(values, _same_sums(weights, members), n_bins)
    place = bins_of(values, edges)
    n_all = n_bins ** len(variables)
    sums, squares = (
        np.array([np.bincount(place[m], one[m], minlength=n_all) for m in members])
        for one in (weights, weights**2)
    )
    target = (sums.sum(axis=0) > 0).astype(np.float64)
    if like is not None:
        target = sums[list(names).index(like)]
    shares = np.array(
        [
            _shares(target, *of_class, name)
            for name, *of_class in zip(names, sums, squares, strict=True)
        ]
    )
    _tell(shares, target, names, variables)
    wanted = shares * sums.sum(axis=1, keepdims=True)
    factors = np.divide(wanted, sums, out=np.zeros_like(sums), where=sums > 0)
    return FlatWeights(tuple(variables), edges, factors)


def flat_values(
    collection: ImageCollection, indices: np.ndarray, variables: Sequence[str]
) -> np.ndarray:
    """Variables of `fit_flat_weights` of the given rows, float32 ``(n, n_variables)``.

    Raises
    ------
    InputError
        If a column is not there, is not one number a row, or is not finite.
    """
    from calovision.datasets.variables import load_variables

    values = load_variables(collection, indices, variables, key="train.flat_in")
    if values.shape[1] != len(variables):
        several = next(name for name in variables if collection.column(name).ndim > 1)
        raise InputError(
            f"train.flat_in: '{several}' is several numbers; give variables of one each"
        )
    return values


def bins_of(values: np.ndarray, edges: Sequence[np.ndarray]) -> np.ndarray:
    """Bin of each row, int64 ``(n,)``, of values ``(n, n_variables)`` and `FlatWeights.edges`."""
    import numpy as np

    place = np.zeros(len(values), dtype=np.int64)
    for column, of_variable in zip(values.T, edges, strict=True):
        after = np.empty_like(place)
        for number, inner in enumerate(of_variable):
            mine = np.flatnonzero(place == number)
            after[mine] = np.searchsorted(inner, column[mine], side="right")
        place = place * (of_variable.shape[1] + 1) + after
    return place


def _same_sums(weights: np.ndarray, members: Sequence[np.ndarray]) -> np.ndarray:
    """Weights with which each class has the sum 1."""
    import numpy as np

    scaled = np.zeros(len(weights))
    for mine in members:
        scaled[mine] = weights[mine] / weights[mine].sum()
    return scaled


def _edges(values: np.ndarray, weights: np.ndarray, n_bins: int) -> tuple[np.ndarray, ...]:
    """Inner edges by weighted quantiles, those of each variable in the bins of the ones before."""
    import numpy as np

    edges: list[np.ndarray] = []
    for position in range(values.shape[1]):
        place = bins_of(values[:, :position], edges)
        edges.append(
            np.array(
                [
                    _quantiles(values[place == number, position], weights[place == number], n_bins)
                    for number in range(n_bins**position)
                ]
            ).reshape(n_bins**position, n_bins - 1)
        )
    return tuple(edges)


def _quantiles(values: np.ndarray, weights: np.ndarray, n_bins: int) -> np.ndarray:
    """The n_bins - 1 values that divide rows into parts of the same weight; of no rows, zeros."""
    import numpy as np

    if not weights.any():
        return np.zeros(n_bins - 1)
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    targets = below[-1] * np.arange(1, n_bins) / n_bins
    return values[order][np.searchsorted(below, targets, side="right").clip(max=len(values) - 1)]


def _shares(target: np.ndarray, sums: np.ndarray, squares: np.ndarray, name: str) -> np.ndarray:
    """Part of a class that each bin is to have, ``(n_bins,)``."""
    import numpy as np

    wanted = np.where(sums > 0, target, 0.0)
    if not wanted.any():
        raise InputError(
            f"train.flat_like: the class '{name}' has no row where the spectrum is that of the "
            "other class; leave flat_like out"
        )
    effective = np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0)
    largest = LARGEST_FACTOR * effective / effective.sum()
    shares = wanted / wanted.sum()
    is_full = np.zeros(len(shares), dtype=bool)
    while (over := (shares > largest) & ~is_full).any():  # the others take what is too much
        is_full |= over
        shares[is_full] = largest[is_full]
        free = np.where(is_full, 0.0, wanted)
        shares += free / free.sum() * (1 - shares[is_full].sum()) - np.where(is_full, 0.0, shares)
    return shares


def _tell(
    shares: np.ndarray, target: np.ndarray, names: Sequence[str], variables: Sequence[str]
) -> None:
    """Warn of classes that lack a part of the spectrum."""
    lacking = (target * (shares == 0)).sum(axis=1) / target.sum()
    for name, part in zip(names, lacking, strict=True):
        if part > WORTH_SAYING:
            logger.warning(
                "train.flat_in: the class '%s' has no row in %.0f %% of the spectrum of %s, so "
                "that its own differs from that of the others",
                name,
                100 * part,
                " and ".join(variables),
            )
