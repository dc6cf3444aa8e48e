"""Paired comparison of classifiers on the same events: fluctuations that they share cancel in the
ratio.

A bootstrap (Efron, Ann. Stat. 7 (1979) 1) over events and over the networks of a model: every
replica weights each event by a Poisson number of mean 1 and takes one network of each model at
random, or with folds one for each fold, independently. The working point of the signal region is
that of the replica (`calovision.metrics.region_point`), also where none of its background is left.
Weights may be negative; a replica in which those of a class do not add up to a positive number is
left out. Uncertainties are 68.3 % intervals.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import finite_or_none
from calovision.evaluation.replicas import OrderedScores, PairedSample
from calovision.evaluation.results.numbers import REGION, Interval
from calovision.evaluation.working_points import mean_efficiency
from calovision.metrics import (
    Efficiency,
    efficiency,
    region_point,
    signal_efficiency_at,
)
from calovision.metrics.efficiencies import ONE_SIGMA
from calovision.metrics.events import (
    check_weights,
    event_flags,
    event_labels,
    event_numbers,
    event_table,
    has_positive_sum,
)


@dataclass(frozen=True)
class Comparison:
    """Signal efficiencies of classifiers in every replica of the test events.

    Attributes
    ----------
    efficiencies
        Classifier -> signal efficiency with the events as they are
        (`calovision.metrics.signal_efficiency_at`); of a model that of all networks
        (`mean_efficiency`).
    replicas
        Classifier -> signal efficiency of each replica, ``(n_replicas,)``; nan for one that is left
        out.
    """

    efficiencies: dict[str, Efficiency]
    replicas: dict[str, np.ndarray]

    @property
    def nominal(self) -> dict[str, float]:
        """Classifier -> value of its signal efficiency."""
        return {name: one.value for name, one in self.efficiencies.items()}

    def value(self, name: str) -> Interval:
        """Signal efficiency of a classifier, with the spread of its replicas."""
        return _interval(self.nominal[name], self.replicas[name])

    def ratio(self, name: str, reference: str) -> Interval:
        """Ratio of the signal efficiencies of two classifiers, paired; None over one that keeps no
        signal.
        """
        if not self.nominal[reference] > 0:
            return Interval(None, None, None)
        below = np.where(self.replicas[reference] > 0, self.replicas[reference], np.nan)
        return _interval(self.nominal[name] / self.nominal[reference], self.replicas[name] / below)


def compare_paired(
    scores: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    background_efficiency: float | None = None,
    signal_region: np.ndarray | None = None,
    folds: np.ndarray | None = None,
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
        Booleans ``(n,)``; if given, the comparison has the classifier ``signal_region``, at its own
        efficiencies.
    folds
        Fold of each event, ``(n,)``, whose networks scored it; None without folds.
    n_replicas, seed
        Of the bootstrap.

    Raises
    ------
    InputError
        If neither a working point nor a signal region is given, a class is empty or has no positive
        sum of weights, or arrays do not fit together.
    """
    if background_efficiency is None and signal_region is None:
        raise InputError("a comparison needs a background efficiency or a signal region: give one")
    is_signal, weights = _classes(labels, weights)
    tables = {
        name: event_table(networks, f"scores of '{name}'", n_events=len(weights))
        for name, networks in scores.items()
    }
    region = None
    if signal_region is not None:
        region = event_flags(signal_region, "values of the signal region", n_events=len(weights))
    found = _efficiencies(tables, is_signal, weights, region, background_efficiency)
    folds = _checked_folds(folds, len(weights))
    sample = PairedSample(tables, is_signal, weights, region, background_efficiency, folds)
    rng = np.random.default_rng(seed)
    replicas = [sample.replica(rng) for _ in range(n_replicas)]
    return Comparison(
        found, {name: np.array([replica[name] for replica in replicas]) for name in found}
    )


def bootstrap_roc(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    signal_efficiencies: np.ndarray,
    *,
    folds: np.ndarray | None = None,
    n_replicas: int = 200,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Band of a ROC curve from a bootstrap over events and networks, as for another sample and
    another training.

    Parameters
    ----------
    scores
        ``(n,)``, or of the networks of a model ``(n, n_networks)``.
    labels, weights
        As in `compare_paired`.
    signal_efficiencies
        Where the band is wanted, ``(n_points,)``.
    folds
        As in `compare_paired`.
    n_replicas, seed
        Of the bootstrap.

    Returns
    -------
    Lower and upper background efficiency at each point, ``(n_points,)``: 68.3 % of the replicas are
    inside. nan if a class has no positive sum of weights in any of them.

    Raises
    ------
    InputError
        As `compare_paired`, or if a signal efficiency is outside [0, 1].
    """
    is_signal, weights = _classes(labels, weights)
    table = event_table(scores, "scores", n_events=len(weights))
    folds = _checked_folds(folds, len(weights))
    order = OrderedScores(table, is_signal, folds=folds)
    at_signal = event_numbers(signal_efficiencies, "signal efficiencies")
    if ((at_signal < 0) | (at_signal > 1)).any():
        raise InputError("signal efficiencies outside [0, 1] are on no curve; give those inside")
    rng = np.random.default_rng(seed)
    replicas = []
    for _ in range(n_replicas):
        network = order.draw(rng)
        of_events = weights * rng.poisson(1.0, len(weights))
        if has_positive_sum(of_events[is_signal]) and has_positive_sum(of_events[~is_signal]):
            replicas.append(order.background_efficiencies(network, of_events, at_signal))
    if not replicas:
        return np.full(len(at_signal), np.nan), np.full(len(at_signal), np.nan)
    low, high = np.quantile(replicas, ONE_SIGMA, axis=0)
    return low, high


def _checked_folds(folds: np.ndarray | None, n_events: int) -> np.ndarray | None:
    return None if folds is None else event_numbers(folds, "folds", n_events=n_events)


def _classes(labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels as booleans, and weights; InputError if a class is empty or has no positive sum of
    weights.
    """
    is_signal = event_labels(labels)
    weights = event_numbers(weights, "weights", n_events=len(is_signal), finite=False)
    if not (is_signal.any() and (~is_signal).any()):
        raise InputError("a comparison needs events of signal and background: one class is empty")
    for name, members in (
        ("the signal (label 1)", is_signal),
        ("the background (label 0)", ~is_signal),
    ):
        check_weights(weights[members], name)
    return is_signal, weights


def _efficiencies(
    tables: Mapping[str, np.ndarray],
    is_signal: np.ndarray,
    weights: np.ndarray,
    region: np.ndarray | None,
    background_efficiency: float | None,
) -> dict[str, Efficiency]:
    """Signal efficiencies of the nominal events, by the functions that all other tables use."""
    found = {}
    if region is not None:
        found[REGION] = efficiency(
            region[is_signal], weights[is_signal], name="the signal (label 1)"
        )
    point = (
        region_point(region, is_signal, weights)
        if background_efficiency is None
        else background_efficiency
    )
    for name, networks in tables.items():
        found[name] = mean_efficiency(
            [signal_efficiency_at(one, is_signal, weights, point) for one in networks.T]
        )
    return found


def _interval(value: float, replicas: np.ndarray) -> Interval:
    """Value with the central 68.3 % of the replicas, shifted to it where the bootstrap is
    biased.
    """
    finite = replicas[np.isfinite(replicas)]
    if not len(finite):
        return Interval(finite_or_none(value), None, None)
    low, high = np.quantile(finite, ONE_SIGMA)
    return Interval(*(finite_or_none(one) for one in (value, min(low, value), max(high, value))))
