"""Rows that taggers are compared on: classes, weights, and the events that they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_expit

from calovision.core.errors import InputError
from calovision.metrics import n_effective
from calovision.metrics.events import event_numbers, has_positive_sum, numeric_array, scaled_to_one


@dataclass(frozen=True)
class TaggedRows:
    """Rows of a split, with weights of which each class has the sum 1.

    Attributes
    ----------
    classes
        Names; their positions are the labels.
    labels
        int64 ``(n,)``.
    weights
        Within each class in proportion to the weights of the rows, which may be negative; the sum
        of each class is 1, so that no number depends on how many rows, or what cross-section, a
        class has.
    groups
        Event of each row, whole numbers from 0, ``(n,)``: a bootstrap draws all jets of an event
        together.
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(
        cls,
        classes: Sequence[str],
        labels: np.ndarray,
        weights: np.ndarray,
        *,
        groups: np.ndarray | None = None,
        where: str = "the test split",
    ) -> "TaggedRows":
        """Rows of labels and weights of any scale, ``(n,)`` each.

        Parameters
        ----------
        classes
            Names, two or more.
        labels, weights
            ``(n,)``.
        groups
            Event of each row, anything that `numpy.unique` sorts; None where each row is an event.
        where
            Names the rows in messages.

        Raises
        ------
        InputError
            If arrays do not fit together, a label is that of no class, or a class has no row or no
            positive sum of weights.
        """
        labels = event_numbers(labels, "labels")
        weights = event_numbers(weights, "weights", n_events=len(labels))
        if not np.isin(labels, range(len(classes))).all():
            raise InputError(
                f"labels must be the number of one of the {len(classes)} classes, from 0"
            )
        labels = labels.astype(np.int64)
        normalized = np.empty(len(labels))
        for label, name in enumerate(classes):
            members = labels == label
            normalized[members] = _sum_of_one(weights[members], name, where)
        places = np.arange(len(labels))
        if groups is not None:
            places = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
        if len(places) != len(labels):
            raise InputError(f"{len(labels)} rows but {len(places)} groups; give one per row")
        return cls(tuple(classes), labels, normalized, places)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @cached_property
    def n_groups(self) -> int:
        """Number of events."""
        return int(self.groups.max()) + 1

    def of_class(self, label: int) -> np.ndarray:
        """Booleans of the rows of a class, ``(n,)``."""
        return self.labels == label

    def n_eff(self, label: int) -> float:
        """Effective number of rows of a class."""
        return n_effective(self.weights[self.of_class(label)])


def _sum_of_one(weights: np.ndarray, name: str, where: str) -> np.ndarray:
    """Weights of a class over their sum."""
    if not len(weights):
        raise InputError(
            f"class '{name}' has no row in {where}: give more rows of it, or leave the class out"
        )
    if not has_positive_sum(weights):
        raise InputError(
            f"the weights of class '{name}' in {where} add up to {weights.sum():.3g}: their sum "
            "must be positive; give more rows of it"
        )
    scaled = scaled_to_one(weights)
    return scaled / scaled.sum()


def event_groups(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whole number of the event of each row, ``(n,)``, by the columns ``sample`` and
    ``event_number``.
    """
    samples = np.unique(np.asarray(columns["sample"]).astype(str), return_inverse=True)[1]
    keys = np.stack([samples.reshape(-1), np.asarray(columns["event_number"])], axis=1)
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def log_probabilities(scores: np.ndarray, name: str, n_classes: int) -> np.ndarray:
    """Log-probabilities ``(n, n_classes)`` of the scores of a classifier.

    Parameters
    ----------
    scores
        Of two classes logits of the second ``(n,)``, else log-probabilities ``(n, n_classes)``.
    name
        Names the classifier in messages.
    n_classes
        Number of classes.

    Raises
    ------
    InputError
        If they have another shape, or one is not finite.
    """
    values = numeric_array(scores, f"scores of '{name}'").astype(np.float64)
    if values.ndim == 1 and n_classes == 2:
        values = np.stack([log_expit(-values), log_expit(values)], axis=1)
    if values.ndim != 2 or values.shape[1] != n_classes:
        raise InputError(
            f"scores of '{name}' have the shape {values.shape}; the log-probabilities of "
            f"{n_classes} classes are ({len(values)}, {n_classes})"
        )
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values).all(axis=1)))
        raise InputError(f"scores of '{name}' are {values[row]} in row {row}: score the rows again")
    return values
