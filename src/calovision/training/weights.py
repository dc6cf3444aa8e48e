"""Weights of the loss, by the options of a training."""

import numpy as np

from calovision.datasets import FlatWeights, fit_flat_weights, training_weights
from calovision.datasets.flat import flat_values
from calovision.storage import ImageCollection
from calovision.training.options import TrainingOptions


def fit_flat(
    collection: ImageCollection,
    indices: np.ndarray,
    event_weights: np.ndarray,
    options: TrainingOptions,
) -> FlatWeights | None:
    """Weights of training rows that make the spectra of ``options.flat_in`` the same for all
    classes; None for no variable. Arguments as of `loss_weights`.
    """
    if not options.flat_in:
        return None
    labels = collection.column("label")[indices]
    classes = collection.classes
    weights = training_weights(labels, event_weights[indices], options.weights, classes)
    return fit_flat_weights(
        flat_values(collection, indices, options.flat_in),
        labels,
        weights,
        options.flat_in,
        classes=classes,
        like=options.flat_like,
        n_bins=options.flat_bins,
    )


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
    labels = collection.column("label")[indices]
    factors = None
    if flat is not None:
        factors = flat.of(flat_values(collection, indices, flat.variables), labels)
    return training_weights(
        labels,
        event_weights[indices],
        options.weights,
        collection.classes,
        factors=factors,
        class_weights=options.class_weights,
    )
