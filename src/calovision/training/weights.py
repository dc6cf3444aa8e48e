"""Weights of the loss, by the options of a training."""

import numpy as np

from calovision.datasets import FlatWeights, fit_flat_weights, training_weights
from calovision.datasets.flat import flat_values
from calovision.datasets.flat_target import fit_flat_target
from calovision.storage import ImageCollection
from calovision.training.options import TrainingOptions

ROWS = "row"
"""Name of the one class that all rows have where a target is learned."""


def fit_flat(
    collection: ImageCollection,
    indices: np.ndarray,
    event_weights: np.ndarray,
    options: TrainingOptions,
) -> FlatWeights | None:
    """Weights of training rows that make the spectra of ``options.flat_in`` the same for all
    classes, or flat where a target is learned; None for no variable. Arguments as of
    `loss_weights`.
    """
    if not options.flat_in:
        return None
    labels, classes = _labels(collection, indices, options)
    weights = training_weights(labels, event_weights[indices], options.weights, classes)
    values = flat_values(collection, indices, options.flat_in)
    if options.target is not None:
        is_log = options.target_scale != "linear"
        return fit_flat_target(
            values[:, 0], weights, options.flat_in[0], n_bins=options.flat_bins, log=is_log
        )
    return fit_flat_weights(
        values,
        labels,
        weights,
        options.flat_in,
        classes=classes,
        like=options.flat_like,
        n_bins=options.flat_bins,
    )


def _labels(
    collection: ImageCollection, indices: np.ndarray, options: TrainingOptions
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Label of each row, and the names of the classes; with a target all rows are of one kind."""
    if options.target is not None:
        return np.zeros(len(indices), dtype=np.int64), (ROWS,)
    return collection.column("label")[indices], collection.classes


def loss_weights(
    collection: ImageCollection,
    indices: np.ndarray,
    event_weights: np.ndarray,
    options: TrainingOptions,
    flat: FlatWeights | None,
) -> np.ndarray:
    """Weights of the loss of the given rows, float64 ``(len(indices),)``.

    Parameters
    ----------
    collection
        The image files.
    indices
        Positions of the rows.
    event_weights
        Of all rows of the collection (`calovision.datasets.event_weights`).
    options
        Those of the training.
    flat
        As `fit_flat` gives it of the training rows.

    Raises
    ------
    InputError
        As `calovision.datasets.training_weights`.
    """
    labels, classes = _labels(collection, indices, options)
    factors = None
    if flat is not None:
        factors = flat.of(flat_values(collection, indices, flat.variables), labels)
    return training_weights(
        labels,
        event_weights[indices],
        options.weights,
        classes,
        factors=factors,
        class_weights=options.class_weights,
    )
