"""Selections of a search, and the events in their bins: nominal, and in replicas of a bootstrap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.reach.bins import SearchBins, bin_indices, filled
from calovision.evaluation.reach.few_events import counting_limit, counting_significance
from calovision.evaluation.reach.likelihood import asimov_limit, asimov_z
from calovision.evaluation.reach.statistics import CONFIDENCE, limit_roots
from calovision.evaluation.results.reach import COUNTING
from calovision.metrics import efficiency, n_effective
from calovision.metrics.events import (
    column_of,
    event_flags,
    event_labels,
    event_numbers,
    has_positive_sum,
)


@dataclass(frozen=True)
class Selection:
    """Bins in a column of the table: ascending lower edges, or None for a boolean column that makes
    one bin.

    With folds ``fold_edges`` are those of each fold, from 0, in as many bins; an event takes those
    of its fold, by the column ``fold``. ``edges`` are their means, which bin nothing.
    """

    column: str
    edges: tuple[float, ...] | None = None
    fold_edges: tuple[tuple[float, ...], ...] | None = None

    @classmethod
    def of_folds(cls, column: str, fold_edges: Sequence[Sequence[float]]) -> "Selection":
        """Bins with edges of their own in each fold."""
        means = np.mean(fold_edges, axis=0).tolist()
        return cls(column, tuple(means), tuple(map(tuple, fold_edges)))

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return 1 if self.edges is None else len(self.edges)

    def indices(self, table: Mapping[str, np.ndarray]) -> np.ndarray:
        """Bin of each event, ``(n_events,)``; 0 for none, then 1 to ``n_bins``."""
        values = column_of(table, self.column)
        if self.edges is None:
            return event_flags(values, f"values of '{self.column}'").astype(int)
        if self.fold_edges is None:
            return bin_indices(values, np.array(self.edges))
        folds = event_numbers(column_of(table, "fold"), "folds", n_events=len(values))
        indices = np.zeros(len(values), dtype=np.int64)
        for fold, edges in enumerate(self.fold_edges):
            members = folds == fold
            indices[members] = bin_indices(values[members], np.array(edges))
        return indices


class FilledSelections:
    """Test events in the bins of all selections, for the nominal weights and for replicas of the
    bootstrap.
    """

    def __init__(
        self,
        table: Mapping[str, np.ndarray],
        selections: Mapping[object, Selection],
        expected: Mapping[int, float],
        background_uncertainty: float,
        correlated: bool,
    ) -> None:
        self.labels = event_labels(column_of(table, "label")).astype(np.int8)
        weights = event_numbers(column_of(table, "weight"), "weights", n_events=len(self.labels))
        self.selections = selections
        self.expected = expected
        self.options = {"background_uncertainty": background_uncertainty, "correlated": correlated}
        self.weights = scaled_weights(self.labels, weights, expected)
        of_background = self.weights[self.labels == 0]
        none = efficiency(
            np.zeros(len(of_background)), of_background, name="the background (label 0)"
        )
        self.empty = none.high * expected[0]
        self.indices = {key: selection.indices(table) for key, selection in selections.items()}
        for key, indices in self.indices.items():
            event_numbers(
                indices, f"values of '{selections[key].column}'", n_events=len(self.labels)
            )

    def fill(self, key: object, counts: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        """Contents of `fill_bins` for a selection, for events that are there ``counts`` times (once
        without).
        """
        inside = self.indices[key] > 0
        events = self.indices[key][inside], self.labels[inside] == 1, self.weights[inside]
        counts = None if counts is None else counts[inside]
        return filled(*events, self.selections[key].n_bins, empty=self.empty, counts=counts)

    def n_eff(self, key: object) -> list[float]:
        """Effective background events in each bin."""
        bins = self.indices[key]
        is_background = self.labels == 0
        return [
            n_effective(self.weights[is_background & (bins == position)])
            for position in range(1, self.selections[key].n_bins + 1)
        ]

    def replicas(
        self,
        rng: np.random.Generator,
        n: int,
        methods: Mapping[object, Mapping[str, str]] | None = None,
    ) -> dict[object, dict[str, np.ndarray]]:
        """Selection -> significance and median limit on the signal strength in each replica,
        ``(n_replicas,)``.

        ``methods`` say how the nominal ones were found; for toys the formulas for many events give
        the spread.
        """
        of_selections: dict[object, list] = {key: [] for key in self.selections}
        for _ in range(n):
            counts = rng.poisson(1.0, len(self.weights)).astype(np.float64)
            scales = self._scales(counts)
            if scales is not None:
                for key, contents in of_selections.items():
                    signal, background, error, is_limit = self.fill(key, counts)
                    scale = np.where(is_limit, 1.0, scales[0])
                    contents.append((signal * scales[1], background * scale, error * scale))
        return {
            key: self._profiled(np.array(contents), (methods or {}).get(key))
            for key, contents in of_selections.items()
        }

    def _scales(self, counts: np.ndarray) -> dict[int, float] | None:
        """Factors that bring the sum of each label back to that expected; None for a replica
        without one of them.
        """
        of_labels = {
            label: (self.weights * counts)[self.labels == label] for label in self.expected
        }
        if not all(has_positive_sum(weights) for weights in of_labels.values()):
            return None
        return {label: events / of_labels[label].sum() for label, events in self.expected.items()}

    def _profiled(
        self, contents: np.ndarray, method: Mapping[str, str] | None = None
    ) -> dict[str, np.ndarray]:
        """Significance and limit for ``(n_replicas, 3, n_bins)`` signal, background and its
        error.
        """
        if not len(contents):
            return {"significance": np.zeros(0), "limit": np.zeros(0)}
        bins = SearchBins(contents[:, 0], contents[:, 1], contents[:, 2], **self.options)
        model = bins.signal, bins.background, bins.trials(), bins.common_trials()
        found = {
            "significance": asimov_z(*model),
            "limit": asimov_limit(*model, root=limit_roots(0.0)),
        }
        signal, background, variance = (
            one[:, 0] for one in (bins.signal, bins.background, bins.relative_variance())
        )
        if method and method["significance"] == COUNTING:
            found["significance"] = counting_significance(signal, background, variance)
        if method and method["limit"] == COUNTING:
            events = counting_limit(background, variance, 0.0, CONFIDENCE)
            found["limit"] = np.divide(
                events, signal, out=np.full(len(signal), np.inf), where=signal > 0
            )
        return found


def scaled_weights(
    labels: np.ndarray, weights: np.ndarray, expected: Mapping[int, float]
) -> np.ndarray:
    """Weights whose sum is that expected of each label; InputError if a label has no positive
    sum.
    """
    weights = event_numbers(weights, "weights", n_events=len(labels))
    scaled = np.zeros(len(weights))
    for label, events in expected.items():
        members = labels == label
        total = weights[members].sum()
        if not has_positive_sum(weights[members]):
            name = "signal" if label == 1 else "background"
            raise InputError(
                f"the weights of the {name} (label {label}) add up to {total:g}; reach needs "
                "events of it"
            )
        scaled[members] = weights[members] / total * events
    return scaled
