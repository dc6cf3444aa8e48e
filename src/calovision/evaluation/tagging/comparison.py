"""Numbers of all classifiers of ``tagging.json``, paired in the replicas of a bootstrap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calovision.core.numeric import finite_or_none
from calovision.evaluation.results.numbers import Interval
from calovision.evaluation.results.tagging import DiscriminantNumbers, TaggerNumbers
from calovision.evaluation.tagging.confusion import confusion_of, confusion_shares
from calovision.evaluation.tagging.discriminants import Discriminant, one_versus_rest
from calovision.evaluation.tagging.replicas import (
    Measured,
    OrderedNetwork,
    Replicas,
    cut_efficiencies,
)
from calovision.evaluation.tagging.rows import TaggedRows
from calovision.metrics import Rejection, rejection_at
from calovision.metrics.efficiencies import ONE_SIGMA

Passed = Mapping[str, Mapping[str, np.ndarray]]
"""Discriminant -> working point -> rows that pass the cuts of it, booleans ``(n,)``."""

N_REPLICAS = 200


@dataclass(frozen=True)
class _Sampled:
    """Numbers of a classifier with the rows as they are, and in the replicas (first axis); ``cuts``
    are background efficiencies at the signal efficiency of the cuts.
    """

    n_networks: int
    nominal: Measured
    replicas: Measured
    cuts: np.ndarray
    replica_cuts: np.ndarray
    n_eff: np.ndarray
    limits: dict[tuple[int, int], Rejection]
    confusion: np.ndarray

    def macro_auc(self, of_rest: Sequence[int]) -> tuple[float, np.ndarray]:
        """Mean of the areas of each class against the rest, and that of each replica."""
        chosen = list(of_rest)
        return float(self.nominal.auc[chosen].mean()), self.replicas.auc[:, chosen].mean(axis=1)


def compare_taggers(
    rows: TaggedRows,
    scores: Mapping[str, np.ndarray],
    discriminants: Mapping[str, Discriminant],
    signal_efficiencies: Mapping[str, float],
    *,
    passed: Passed | None = None,
    reference: str | None = None,
    n_replicas: int = N_REPLICAS,
    seed: int = 0,
) -> dict[str, TaggerNumbers]:
    """Classifier -> its numbers.

    Parameters
    ----------
    rows
        Test rows.
    scores
        Classifier -> log-probabilities of its networks, ``(n, n_networks, n_classes)``. Numbers of
        several networks are the mean of theirs, and the intervals include their spread.
    discriminants
        By name; among them those of each class against the rest.
    signal_efficiencies
        Name -> signal efficiency at which the rejection is given.
    passed
        Rows that pass the cuts of each discriminant and working point.
    reference
        Classifier to which the others are compared.
    n_replicas, seed
        Of the bootstrap.
    """
    points = np.tile([*signal_efficiencies.values()], (len(discriminants), 1))
    replicas = Replicas(rows, n_replicas=n_replicas, seed=seed)
    cuts = _Cuts(rows, discriminants, passed or {}, list(signal_efficiencies), replicas)
    sampled = {
        name: _sample(one, rows, [*discriminants.values()], points, replicas, cuts, position)
        for position, (name, one) in enumerate(scores.items())
    }
    of_rest = [list(discriminants).index(one.name) for one in one_versus_rest(rows.classes)]
    names = discriminants, list(signal_efficiencies)
    return {
        name: TaggerNumbers(
            n_networks=one.n_networks,
            macro_auc=interval_of(*one.macro_auc(of_rest)),
            accuracy=interval_of(one.nominal.accuracy, one.replicas.accuracy),
            differences={
                other: _difference(one.macro_auc(of_rest), theirs.macro_auc(of_rest))
                for other, theirs in sampled.items()
                if other != name
            },
            discriminants=_discriminants(one, sampled.get(reference), cuts, *names),
            confusion=confusion_shares(one.confusion, rows.classes),
        )
        for name, one in sampled.items()
    }


class _Cuts:
    """Efficiencies of cuts: signal and background, nan where a discriminant has none.

    ``nominal`` is ``(n_discriminants, n_points, 2)``, ``replicas`` has an axis of replicas before.
    """

    def __init__(
        self,
        rows: TaggedRows,
        discriminants: Mapping[str, Discriminant],
        passed: Passed,
        points: Sequence[str],
        replicas: Replicas,
    ) -> None:
        self._rows, self._discriminants, self._points = rows, discriminants, points
        self._passed = passed
        self.is_there = bool(passed)
        self.nominal = self._at(rows.weights)
        shape = (replicas.n_replicas, *self.nominal.shape)
        self.replicas = np.full(shape, np.nan)
        if self.is_there:
            for place, weights in enumerate(replicas.weights()):
                if weights is not None:
                    self.replicas[place] = self._at(weights)

    def _at(self, weights: np.ndarray) -> np.ndarray:
        found = np.full((len(self._discriminants), len(self._points), 2), np.nan)
        for place, (name, one) in enumerate(self._discriminants.items()):
            cuts = self._passed.get(name, {})
            where = [self._points.index(point) for point in cuts]
            if where:
                found[place, where] = cut_efficiencies(cuts, one, self._rows, weights)
        return found


def _sample(
    networks: np.ndarray,
    rows: TaggedRows,
    discriminants: Sequence[Discriminant],
    points: np.ndarray,
    replicas: Replicas,
    cuts: _Cuts,
    position: int,
) -> _Sampled:
    """Numbers of one classifier, with the rows as they are and in all replicas."""
    n_points = points.shape[1]
    ordered = [OrderedNetwork(one, discriminants, rows) for one in np.moveaxis(networks, 1, 0)]
    at = np.hstack([points, cuts.nominal[..., 0]])
    nominal = _mean([one.measure(rows.weights, at) for one in ordered])
    nothing = Measured(np.full_like(nominal.auc, np.nan), np.full_like(at, np.nan), np.nan)
    each = []
    drawn = replicas.networks(len(ordered), position)
    for network, weights, of_cuts in zip(drawn, replicas.weights(), cuts.replicas, strict=True):
        at = np.hstack([points, of_cuts[..., 0]])
        each.append(nothing if weights is None else ordered[network].measure(weights, at))
    of_replicas = Measured(*map(np.array, zip(*each, strict=True)))
    n_eff, limits = _passing(ordered[0], nominal, networks[:, 0], discriminants, rows, points)
    return _Sampled(
        n_networks=len(ordered),
        nominal=nominal._replace(background=nominal.background[:, :n_points]),
        replicas=of_replicas._replace(background=of_replicas.background[:, :, :n_points]),
        cuts=nominal.background[:, n_points:],
        replica_cuts=of_replicas.background[:, :, n_points:],
        n_eff=n_eff,
        limits=limits,
        confusion=np.mean([confusion_of(one.predicted, rows) for one in ordered], axis=0),
    )


def _mean(measured: Sequence[Measured]) -> Measured:
    """Mean of each number over networks."""
    return Measured(*(np.mean(one, axis=0) for one in zip(*measured, strict=True)))


def _passing(
    ordered: OrderedNetwork,
    nominal: Measured,
    log_probabilities: np.ndarray,
    discriminants: Sequence[Discriminant],
    rows: TaggedRows,
    points: np.ndarray,
) -> tuple[np.ndarray, dict[tuple[int, int], Rejection]]:
    """Effective number of background rows at each point, and limits where none is left; both of the
    first network.
    """
    n_eff = np.zeros(points.shape)
    limits = {}
    for place, (order, discriminant) in enumerate(zip(ordered.orders, discriminants, strict=True)):
        for point, efficiency in enumerate(points[place]):
            n_eff[place, point] = order.n_passing(rows.weights, efficiency)
            if not nominal.background[place, point] > 0:
                shares = discriminant.shares(rows.labels, rows.classes)
                chosen = shares > 0
                limits[place, point] = rejection_at(
                    discriminant.values(log_probabilities[chosen], rows.classes),
                    discriminant.is_signal(rows.labels[chosen], rows.classes),
                    rows.weights[chosen] * shares[chosen],
                    efficiency,
                )
    return n_eff, limits


def _discriminants(
    one: _Sampled,
    reference: _Sampled | None,
    cuts: _Cuts,
    discriminants: Mapping[str, Discriminant],
    points: Sequence[str],
) -> dict[str, DiscriminantNumbers]:
    found = {}
    for place, name in enumerate(discriminants):
        rejections = {point: _rejection(one, place, column) for column, point in enumerate(points)}
        ratios = None
        if reference is not None and reference is not one:
            ratios = {
                point: _ratio(
                    reference.nominal.background[place, column],
                    one.nominal.background[place, column],
                    reference.replicas.background[:, place, column],
                    one.replicas.background[:, place, column],
                )
                for column, point in enumerate(points)
            }
        found[name] = DiscriminantNumbers(
            interval_of(one.nominal.auc[place], one.replicas.auc[:, place]),
            rejections,
            ratios,
            _over_cuts(one, cuts, place, points),
        )
    return found


def _over_cuts(
    one: _Sampled, cuts: _Cuts, place: int, points: Sequence[str]
) -> dict[str, Interval] | None:
    """Ratio of the rejection to that of the cuts at the same signal efficiency."""
    found = {
        point: _ratio(
            cuts.nominal[place, column, 1],
            one.cuts[place, column],
            cuts.replicas[:, place, column, 1],
            one.replica_cuts[:, place, column],
        )
        for column, point in enumerate(points)
        if np.isfinite(cuts.nominal[place, column, 0])
    }
    return found or None


def _rejection(one: _Sampled, place: int, point: int) -> Rejection:
    if (place, point) in one.limits:
        return one.limits[place, point]
    background = float(one.nominal.background[place, point])
    replicas = one.replicas.background[:, place, point]
    found = interval_of(1.0 / background, _inverse(replicas))
    low = found.value if found.low is None else found.low
    return Rejection(1.0 / background, low, found.high, float(one.n_eff[place, point]))


def _ratio(
    above: float, below: float, above_replicas: np.ndarray, below_replicas: np.ndarray
) -> Interval:
    """Ratio of background efficiencies, None where one is 0; infinite in replicas where only the
    second is.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        replicas = above_replicas / below_replicas
    value = above / below if above > 0 and below > 0 else np.nan
    return interval_of(value, replicas)


def _inverse(efficiencies: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.where(
            efficiencies > 0, 1.0 / efficiencies, np.where(np.isnan(efficiencies), np.nan, np.inf)
        )


def _difference(mine: tuple[float, np.ndarray], theirs: tuple[float, np.ndarray]) -> Interval:
    return interval_of(mine[0] - theirs[0], mine[1] - theirs[1])


def interval_of(value: float, replicas: np.ndarray) -> Interval:
    """Value with the central 68.3 % of the replicas, widened to hold it; an end that is infinite is
    None.
    """
    known = replicas[~np.isnan(replicas)]
    if not len(known) or not np.isfinite(value):
        return Interval(finite_or_none(value), None, None)
    low = np.quantile(known, ONE_SIGMA[0], method="lower")
    high = np.quantile(known, ONE_SIGMA[1], method="higher")
    return Interval(*(finite_or_none(one) for one in (value, min(low, value), max(high, value))))
