"""Scores of events by networks that did not see them, where folds of a cross-validation trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from calovision.core.errors import InputError
from calovision.core.splits import Folds
from calovision.models import ImageModel
from calovision.scoring.evaluation import ensemble
from calovision.scoring.scores import score_collection
from calovision.storage import ImageCollection


def score_out_of_fold(
    networks: Sequence[ImageModel],
    collection: ImageCollection,
    folds: Folds,
    **options: Any,
) -> np.ndarray:
    """Scores of all events of image files, each by the networks of its fold, float64
    ``(n_events,)`` or, of more than two classes, ``(n_events, n_classes)``: of several seeds those
    of their ensemble (`calovision.scoring.evaluation.ensemble`).

    Parameters
    ----------
    networks
        Those of the first seed, one for each fold in their order, then those of the next seed.
    collection
        Image files of samples of the training, or of samples that no network saw.
    folds
        Of the training.
    **options
        As of `score_collection`.

    Raises
    ------
    InputError
        As `score_collection`, or if the networks are not as many for each fold.
    """
    if not networks or len(networks) % folds.number:
        raise InputError(
            f"{len(networks)} networks for {folds.number} folds: give one of each fold for every "
            "seed"
        )
    of_event = collection.folds(folds)
    n_outputs = networks[0].specification.n_outputs
    scores = np.zeros(len(collection) if n_outputs == 1 else (len(collection), n_outputs))
    for fold in range(folds.number):
        indices = np.flatnonzero(of_event == fold)
        of_seeds = [
            score_collection(network, collection, indices, **options)
            for network in networks[fold :: folds.number]
        ]
        scores[indices] = ensemble(np.stack(of_seeds, axis=1), networks[0].specification)
    return scores
