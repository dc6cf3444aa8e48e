"""Classifiers against each other on the same events, so that fluctuations which they share cancel in the ratio.

A bootstrap (Efron, Ann. Stat. 7 (1979) 1) over events and over the networks of a model: every replica weights each
event by a Poisson number of mean 1 and takes one network of each model at random. The background efficiency of the
signal region is that of the replica. Weights may be negative. Intervals hold 68.3 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calovision.errors import InputError

ONE_SIGMA = (0.158655, 0.841345)


@dataclass(frozen=True)
class Comparison:
    """Signal efficiencies of classifiers in every replica of the test events.

    Attributes
    ----------
    nominal
        Classifier -> signal efficiency with the events as they are; of a model the mean over its networks.
    replicas
        Classifier -> signal efficiency of each replica, ``(n_replicas,)``.
    """

    nominal: dict[str, float]
    replicas: dict[str, np.ndarray]

    def value(self, name: str) -> dict[str, float]:
        """Signal efficiency of a classifier: ``value``, ``low``, ``high``."""
        return _interval(self.nominal[name], self.replicas[name])

    def ratio(self, name: str, reference: str) -> dict[str, float]:
        """Ratio of the signal efficiencies of two classifiers, paired: ``value``, ``low``, ``high``."""
        if not self.nominal[reference] > 0:
            return {"value": float("nan"), "low": float("nan"), "high": float("nan")}
        below = np.where(self.replicas[reference] > 0, self.replicas[reference], np.nan)
        return _interval(self.nominal[name] / self.nominal[reference], self.replicas[name] / below)


def compare_paired(
    scores: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    background_efficiency: float | None = None,
    signal_region: np.ndarray | None = None,
    n_replicas: int = 300,
    seed: int = 0,
) -> Comparison:
    """Signal efficiencies at one background efficiency, in replicas of the events.

    Parameters
    ----------
    scores
        Classifier -> scores ``(n,)``, or of the networks of a model ``(n, n_networks)``.
    labels, weights
        1 (signal) or 0, and event weights, ``(n,)``.
    background_efficiency
        Working point; None takes that of the signal region in each replica.
    signal_region
        Booleans ``(n,)``; if given, the comparison has the classifier ``signal_region``, at its own efficiencies.
    n_replicas, seed
        Of the bootstrap.

    Raises
    ------
    InputError
        If neither a working point nor a signal region is given, or a class is empty.
    """
    labels, weights = np.asarray(labels).astype(bool), np.asarray(weights, dtype=np.float64)
    if background_efficiency is None and signal_region is None:
        raise InputError("a comparison needs a background efficiency or a signal region: give one")
    if not (labels.any() and (~labels).any()):
        raise InputError("a comparison needs events of signal and background: one class is empty")
    orders = {name: _Ordered(networks, labels) for name, networks in scores.items()}
    region = None if signal_region is None else np.asarray(signal_region, dtype=bool)
    rng = np.random.default_rng(seed)

    def efficiencies(of_events: np.ndarray, networks: Mapping[str, Sequence[int]]) -> dict[str, float]:
        found = {} if region is None else {"signal_region": _share(region, labels, of_events)}
        point = _share(region, ~labels, of_events) if background_efficiency is None else background_efficiency
        for name, order in orders.items():
            found[name] = float(np.mean([order.signal_efficiency(k, of_events, point) for k in networks[name]]))
        return found

    nominal = efficiencies(weights, {name: range(order.n_networks) for name, order in orders.items()})
    replicas = [
        efficiencies(
            weights * rng.poisson(1.0, len(weights)),
            {name: [rng.integers(order.n_networks)] for name, order in orders.items()},
        )
        for _ in range(n_replicas)
    ]
    return Comparison(nominal, {name: np.array([replica[name] for replica in replicas]) for name in nominal})


def bootstrap_roc(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    signal_efficiencies: np.ndarray,
    *,
    n_replicas: int = 200,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Band of a ROC curve over events and networks: what another sample and another training would give.

    Parameters
    ----------
    scores
        ``(n,)``, or of the networks of a model ``(n, n_networks)``.
    labels, weights
        As in `compare_paired`.
    signal_efficiencies
        Where the band is wanted, ``(n_points,)``.
    n_replicas, seed
        Of the bootstrap.

    Returns
    -------
    Lower and upper background efficiency at each point, ``(n_points,)``: 68.3 % of the replicas are inside.
    """
    weights = np.asarray(weights, dtype=np.float64)
    order = _Ordered(scores, np.asarray(labels).astype(bool))
    rng = np.random.default_rng(seed)
    replicas = [
        order.background_efficiencies(
            int(rng.integers(order.n_networks)), weights * rng.poisson(1.0, len(weights)), signal_efficiencies
        )
        for _ in range(n_replicas)
    ]
    low, high = np.quantile(replicas, ONE_SIGMA, axis=0)
    return low, high


class _Ordered:
    """Scores of the networks of a model, sorted once for all replicas."""

    def __init__(self, scores: np.ndarray, labels: np.ndarray) -> None:
        columns = np.asarray(scores, dtype=np.float64).reshape(len(labels), -1).T
        self.n_networks = len(columns)
        self._networks = []
        for column in columns:
            order = np.argsort(-column, kind="stable")
            ends = np.append(np.flatnonzero(np.diff(column[order])), len(order) - 1)  # last event of each tie
            self._networks.append((order, ends, labels[order]))

    def _sums(self, network: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weight of signal and of background that reaches each score, from none on."""
        order, ends, is_signal = self._networks[network]
        sorted_weights = weights[order]
        signal = np.append(0.0, np.cumsum(np.where(is_signal, sorted_weights, 0.0))[ends])
        return signal, np.append(0.0, np.cumsum(np.where(is_signal, 0.0, sorted_weights))[ends])

    def background_efficiencies(self, network: int, weights: np.ndarray, at_signal: np.ndarray) -> np.ndarray:
        """At signal efficiencies, ``(n_points,)``; linear between two scores."""
        signal, background = self._sums(network, weights)
        return np.interp(at_signal, np.maximum.accumulate(signal) / signal[-1], background / background[-1])

    def signal_efficiency(self, network: int, weights: np.ndarray, background_efficiency: float) -> float:
        """At a background efficiency; linear between two scores, as `metrics.signal_efficiency_at`."""
        signal, background = self._sums(network, weights)
        background = np.maximum.accumulate(background)  # the first crossing, with negative weights too
        target = background_efficiency * background[-1]
        after = min(int(np.searchsorted(background, target, side="right")), len(background) - 1)
        step = background[after] - background[after - 1]
        share = np.clip((target - background[after - 1]) / step, 0.0, 1.0) if step > 0 else 1.0
        return float((signal[after - 1] + share * (signal[after] - signal[after - 1])) / signal[-1])


def _share(passed: np.ndarray, members: np.ndarray, weights: np.ndarray) -> float:
    """Weighted share of the members that pass."""
    return float(weights[passed & members].sum() / weights[members].sum())


def _interval(value: float, replicas: np.ndarray) -> dict[str, float]:
    """Value with the central 68.3 % of the replicas, shifted to it where the bootstrap is biased."""
    finite = replicas[np.isfinite(replicas)]
    if not len(finite):
        return {"value": float(value), "low": float("nan"), "high": float("nan")}
    low, high = np.quantile(finite, ONE_SIGMA)
    return {"value": float(value), "low": float(min(low, value)), "high": float(max(high, value))}
