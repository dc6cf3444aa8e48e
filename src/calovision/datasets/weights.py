"""Weights of the training loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from calovision.core.classes import class_names
from calovision.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from calovision.storage import ImageCollection

WEIGHT_SCHEMES = ("balanced", "log1p", "raw", "none")
"""Ways to weigh the events in the loss (`event_weights`)."""


def event_weights(collection: ImageCollection, scheme: str, luminosity_fb: float) -> np.ndarray:
    """Event weights for `training_weights`, ``(n,)``: expected events for the schemes that look at
    the cross-sections, which the others need not know.

    Parameters
    ----------
    collection
        Image files.
    scheme
        One of `WEIGHT_SCHEMES`.
    luminosity_fb
        Integrated luminosity, 1/fb.
    """
    if scheme in ("raw", "log1p"):
        return collection.event_weights(luminosity_fb)
    return collection.column("weight")


def training_weights(
    labels: np.ndarray,
    event_weights: np.ndarray,
    scheme: str,
    classes: Sequence[str] = (),
    *,
    factors: np.ndarray | None = None,
    class_weights: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Weights of the training loss, mean 1.

    Parameters
    ----------
    labels, event_weights
        ``(n,)`` each; expected events (``ImageCollection.event_weights``).
    scheme
        ``balanced``: every event of a class counts the same; ``log1p``: within a class by log(1 +
        event weight), as the case study does (arXiv:1711.03573); ``raw``: within a class by the
        event weight. In these all classes have the same sum, and the last two give events of
        negative weight the weight 0. ``none``: every event counts 1.
    classes
        Names of the classes, whose positions are the labels; none for background and signal.
    factors
        Of the weights within a class (`calovision.datasets.flat`), ``(n,)``; None for 1.
    class_weights
        Class -> what its weights are multiplied by, 1 for those that are left out.

    Returns
    -------
    float64 ``(n,)``.

    Raises
    ------
    InputError
        If the scheme is unknown, an event weight is not finite, or a class has no event of positive
        weight.
    """
    import numpy as np

    if scheme not in WEIGHT_SCHEMES:
        raise InputError(
            f"train.weights '{scheme}' is unknown: choose from {', '.join(WEIGHT_SCHEMES)}"
        )
    labels = np.asarray(labels)
    event_weights = np.asarray(event_weights, dtype=np.float64)
    n_bad = np.count_nonzero(~np.isfinite(event_weights))
    if n_bad:
        raise InputError(
            f"{n_bad} of {len(event_weights)} event weights are not finite: look at the generator "
            "weights and the "
            "cross-sections of the samples"
        )
    within = _within_class(event_weights, scheme)
    if factors is not None:
        within = within * factors
    if len(within) and not within.any():
        raise InputError(
            f"no event has a positive weight, so train.weights '{scheme}' is impossible: take "
            "'balanced'"
        )
    names = class_names(classes)
    sums = [within[labels == label].sum() for label in range(len(names))]
    for label, total in enumerate(sums):
        if not total > 0:
            which = f"label {label}" if not classes else f"the class '{names[label]}'"
            every = "both" if len(names) == 2 else "all"
            raise InputError(
                f"no event with {which} has a positive weight: give events of {every} classes"
            )
    labels = labels.astype(np.intp)
    if scheme != "none":
        within = within / np.take(sums, labels) * (len(labels) / len(names))
    if not class_weights:
        return within
    weighted = within * np.take([class_weights.get(name, 1.0) for name in names], labels)
    return weighted * (len(labels) / weighted.sum())


def _within_class(event_weights: np.ndarray, scheme: str) -> np.ndarray:
    """Weights within a class, up to a factor, ``(n,)``."""
    import numpy as np

    if scheme in ("balanced", "none"):
        return np.ones(len(event_weights))
    positive = np.clip(event_weights, 0, None)
    return np.log1p(positive) if scheme == "log1p" else positive
