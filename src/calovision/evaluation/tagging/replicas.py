"""Replicas of the test rows by a bootstrap over events, the same ones for all classifiers.

Every replica weights the rows of each event by one Poisson number of mean 1 (Efron, Ann. Stat. 7
(1979) 1) and takes one network of each model at random, that of all folds of a seed together. Each
class is normalised again in each replica. One in which a class has no positive sum of weights is
left out: its numbers are nan.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from calovision.evaluation.tagging.discriminants import Discriminant
from calovision.evaluation.tagging.rows import TaggedRows
from calovision.metrics.events import has_positive_sum
from calovision.metrics.rejection import background_at


class OrderedRows:
    """Rows of both sides of a discriminant in the descending order of its values.

    Parameters
    ----------
    values
        Of all rows, ``(n,)``: larger = more like signal.
    discriminant
        Its sides.
    rows
        The rows.
    """

    def __init__(self, values: np.ndarray, discriminant: Discriminant, rows: TaggedRows) -> None:
        shares = discriminant.shares(rows.labels, rows.classes)
        members = np.flatnonzero(shares > 0)
        order = members[np.argsort(-values[members], kind="stable")]
        self._rows = order
        ends = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)
        self._ends = ends if len(ends) < len(order) else None  # without ties
        self._is_signal = discriminant.is_signal(rows.labels, rows.classes)[order]
        is_alone = len(discriminant.signal) == len(discriminant.background) == 1
        self._shares = None if is_alone else shares[order]

    def curve(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signal and background efficiency at each value, from (0, 0) to (1, 1), for weights of all
        rows of which each class has the sum 1.
        """
        own = self._weights(weights)
        signal = own * self._is_signal
        return self._running(signal), self._running(own - signal)

    def n_passing(self, weights: np.ndarray, signal_efficiency: float) -> float:
        """Effective number of background rows down to the value with a signal efficiency."""
        signal, _ = self.curve(weights)
        last = int(np.argmax(signal >= signal_efficiency - 1e-12))
        n_rows = last if self._ends is None or last == 0 else self._ends[last - 1] + 1
        passing = self._weights(weights)[:n_rows][~self._is_signal[:n_rows]]
        squares = float(passing @ passing)
        return float(passing.sum() ** 2 / squares) if squares > 0 else 0.0

    def _weights(self, weights: np.ndarray) -> np.ndarray:
        own = weights[self._rows]
        return own if self._shares is None else own * self._shares

    def _running(self, weights: np.ndarray) -> np.ndarray:
        sums = np.zeros(len(weights) + 1)
        np.cumsum(weights, out=sums[1:])
        return sums if self._ends is None else sums[np.append(0, self._ends + 1)]


class Measured(NamedTuple):
    """Numbers of one network with one set of weights: AUC ``(n_discriminants,)``, background
    efficiency at signal efficiencies ``(n_discriminants, n_points)``, mean accuracy of the classes.
    """

    auc: np.ndarray
    background: np.ndarray
    accuracy: float


class OrderedNetwork:
    """A network's rows in the orders of all discriminants.

    Parameters
    ----------
    log_probabilities
        ``(n, n_classes)``.
    discriminants, rows
        As in `OrderedRows`.
    """

    def __init__(
        self,
        log_probabilities: np.ndarray,
        discriminants: Sequence[Discriminant],
        rows: TaggedRows,
    ) -> None:
        self.orders = [
            OrderedRows(one.values(log_probabilities, rows.classes), one, rows)
            for one in discriminants
        ]
        self.predicted = np.argmax(log_probabilities, axis=1)
        self._is_right = self.predicted == rows.labels
        self._n_classes = rows.n_classes

    def measure(self, weights: np.ndarray, points: np.ndarray) -> Measured:
        """Numbers with weights of which each class has the sum 1, ``(n,)``; ``points`` are signal
        efficiencies of each discriminant, ``(n_discriminants, n_points)``.
        """
        areas, backgrounds = [], []
        for order, at_signal in zip(self.orders, points, strict=True):
            signal, background = order.curve(weights)
            areas.append(np.sum(np.diff(background) * (signal[1:] + signal[:-1])) / 2)
            found = background_at(signal, background, at_signal)
            backgrounds.append(np.clip(found, 0.0, 1.0))
        accuracy = float(weights[self._is_right].sum() / self._n_classes)
        return Measured(np.array(areas), np.array(backgrounds), accuracy)


class Replicas:
    """Weights of all replicas, drawn once.

    Parameters
    ----------
    rows
        The rows.
    n_replicas, seed
        Of the bootstrap.
    """

    def __init__(self, rows: TaggedRows, *, n_replicas: int, seed: int) -> None:
        self._rows = rows
        rng = np.random.default_rng(seed)
        counts = rng.poisson(1.0, (n_replicas, rows.n_groups))
        self._counts = np.minimum(counts, 255).astype(np.uint8)
        self.n_replicas = n_replicas
        self.seed = seed

    def weights(self) -> Iterator[np.ndarray | None]:
        """Weights of the rows in each replica, of which each class has the sum 1; None for one that
        is left out.
        """
        rows = self._rows
        for counts in self._counts:
            weights = rows.weights * counts[rows.groups]
            members = (weights[rows.of_class(label)] for label in range(rows.n_classes))
            if all(map(has_positive_sum, members)):
                sums = np.bincount(rows.labels, weights=weights, minlength=rows.n_classes)
                yield weights / sums[rows.labels]
            else:
                yield None

    def networks(self, n_networks: int, position: int) -> np.ndarray:
        """Number of the network of each replica, ``(n_replicas,)``; ``position`` is that of the
        model, whose networks are drawn apart from those of others.
        """
        rng = np.random.default_rng([self.seed, 1, position])
        return rng.integers(n_networks, size=self.n_replicas)


def cut_efficiencies(
    passed: Mapping[str, np.ndarray],
    discriminant: Discriminant,
    rows: TaggedRows,
    weights: np.ndarray,
) -> np.ndarray:
    """Signal and background efficiency of each of some cuts, ``(n_cuts, 2)``; ``passed`` holds
    booleans ``(n,)``.
    """
    own = weights * discriminant.shares(rows.labels, rows.classes)
    is_signal = discriminant.is_signal(rows.labels, rows.classes)
    return np.array(
        [[own[one & is_signal].sum(), own[one & ~is_signal].sum()] for one in passed.values()]
    ).reshape(-1, 2)
