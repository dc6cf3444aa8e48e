"""Replicas of a bootstrap over test events and networks, for all classifiers alike."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from calovision.evaluation.results.numbers import REGION
from calovision.metrics import RegionPoint, crossing, region_point
from calovision.metrics.events import has_positive_sum
from calovision.metrics.rejection import background_at
from calovision.metrics.roc import between


class PairedSample:
    """Events and networks of all classifiers, to draw replicas from."""

    def __init__(
        self,
        tables: Mapping[str, np.ndarray],
        is_signal: np.ndarray,
        weights: np.ndarray,
        region: np.ndarray | None,
        background_efficiency: float | None,
        folds: np.ndarray | None = None,
    ) -> None:
        self._is_signal = is_signal
        self._weights = weights
        self._region = region
        self._point = background_efficiency
        any_sign = bool((weights < 0).any())
        self._orders = {
            name: OrderedScores(networks, is_signal, any_sign=any_sign, folds=folds)
            for name, networks in tables.items()
        }

    def replica(self, rng: np.random.Generator) -> dict[str, float]:
        """Signal efficiencies of a replica; nan in one in which a class has no positive sum of
        weights.
        """
        of_events = self._weights * rng.poisson(1.0, len(self._weights))
        networks = {name: order.draw(rng) for name, order in self._orders.items()}
        signal = of_events[self._is_signal]
        is_complete = has_positive_sum(signal) and has_positive_sum(of_events[~self._is_signal])
        if not is_complete:
            return dict.fromkeys([REGION, *self._orders], np.nan)
        point = self._point
        efficiencies = {}
        if self._region is not None:
            passing = signal[self._region[self._is_signal]].sum() / signal.sum()
            efficiencies[REGION] = float(np.clip(passing, 0.0, 1.0))
        if point is None:
            point = region_point(self._region, self._is_signal, of_events)
        for name, order in self._orders.items():
            efficiencies[name] = order.signal_efficiency(networks[name], of_events, point)
        return efficiencies


class _Order(NamedTuple):
    """Events in descending order of a score: their rows, the last of each tie, whether they are
    signal.
    """

    rows: np.ndarray
    ends: np.ndarray
    is_signal: np.ndarray

    @classmethod
    def of(
        cls, scores: np.ndarray, is_signal: np.ndarray, rows: np.ndarray | None = None
    ) -> "_Order":
        """Order of scores ``(n,)``, those of all events or of some rows."""
        order = np.argsort(-scores, kind="stable")  # fast where sorted parts follow each other
        ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
        return cls(order if rows is None else rows[order], ends, is_signal[order])


class OrderedScores:
    """Scores of the networks of a model, sorted once for all replicas.

    With several networks and folds, the networks of a replica are drawn for each fold by itself;
    their events, which are sorted within the fold, are merged.
    """

    def __init__(
        self,
        scores: np.ndarray,
        is_signal: np.ndarray,
        *,
        any_sign: bool = False,
        folds: np.ndarray | None = None,
    ) -> None:
        self.n_networks = scores.shape[1]
        self._any_sign = any_sign
        self._is_signal = is_signal
        self._folds = None
        if folds is None or self.n_networks == 1:
            self._networks = [_Order.of(column, is_signal) for column in scores.T]
        else:
            members = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
            self._folds = [[_sorted(column, one) for column in scores.T] for one in members]

    def draw(self, rng: np.random.Generator) -> _Order:
        """Events in the order of one network, or of one of each fold, at random."""
        if self._folds is None:
            return self._networks[int(rng.integers(self.n_networks))]
        networks = rng.integers(self.n_networks, size=len(self._folds))
        drawn = [fold[network] for fold, network in zip(self._folds, networks, strict=True)]
        rows, scores = (np.concatenate(one) for one in zip(*drawn, strict=True))
        return _Order.of(scores, self._is_signal[rows], rows)

    def _curve(
        self, order: _Order, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Signal efficiency, background efficiency and share of the absolute background at each
        score, starting at 0.
        """
        sorted_weights = weights[order.rows]
        of_background = np.where(order.is_signal, 0.0, sorted_weights)
        columns = [np.where(order.is_signal, sorted_weights, 0.0), of_background]
        if self._any_sign:
            columns.append(np.abs(of_background))
        signal, background, *shares = (_running_shares(column, order.ends) for column in columns)
        return signal, background, shares[0] if shares else background

    def background_efficiencies(
        self, order: _Order, weights: np.ndarray, at_signal: np.ndarray
    ) -> np.ndarray:
        """Background efficiencies at signal efficiencies, ``(n_points,)``; linear between two
        scores.
        """
        signal, background, _ = self._curve(order, weights)
        return background_at(signal, background, at_signal)

    def signal_efficiency(
        self, order: _Order, weights: np.ndarray, point: float | RegionPoint
    ) -> float:
        """Signal efficiency at a working point; linear between two scores, as
        `metrics.signal_efficiency_at`.
        """
        signal, background, shares = self._curve(order, weights)
        is_region = isinstance(point, RegionPoint)
        target, near = (point.background_efficiency, point.share) if is_region else (point, None)
        place = crossing(background, target, shares=shares, near=near)
        return float(np.clip(between(signal, place), 0.0, 1.0))


def _sorted(scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Some rows in descending order of their scores, and these."""
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    return rows, scores[rows]


def _running_shares(weights: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Share of the weights up to each of the ends, starting at 0, ``(n_ends + 1,)``."""
    sums = np.zeros(len(weights) + 1)
    np.cumsum(weights, out=sums[1:])
    if len(ends) < len(weights):
        sums = sums[np.append(0, ends + 1)]
    sums /= sums[-1]
    return sums
