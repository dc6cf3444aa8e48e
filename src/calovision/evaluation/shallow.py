"""Shallow classifiers of image files: fitted on the training split, tuned on the validation
split.
"""

from collections.abc import Sequence

import numpy as np

from calovision.evaluation.summary import column_names, split_indices
from calovision.metrics.events import event_numbers
from calovision.storage import ImageCollection


def score_shallow(
    collection: ImageCollection, names: Sequence[str], weights: np.ndarray, *, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, dict]]:
    """Scores of shallow classifiers for the events of the validation and test splits.

    Parameters
    ----------
    collection
        The image files.
    names
        Of `calovision.evaluation.baselines.BASELINES`.
    weights
        Of the loss, of every event in the collection, ``(n_events,)``; those of the training and of
        the validation split are used.
    seed
        Of everything random.

    Returns
    -------
    scores
        Classifier -> scores (logits) of the events `split_indices` gives for validation and test.
    chosen
        Classifier -> ``choices`` and ``validation_loss`` of the best.

    Raises
    ------
    InputError
        If a classifier is unknown or a column that it needs is not in the files, or there is not
        one finite weight an event.
    """
    from calovision.evaluation.baselines import (
        fit_shallow,
    )  # scikit-learn takes two seconds to load

    def events(*splits: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
        indices = split_indices(collection, *splits)
        return {
            name: collection.column(name)[indices] for name in column_names(collection)
        }, weights[indices]

    weights = event_numbers(weights, "weights", n_events=len(collection))
    training, validation, scored = (
        events("train"),
        events("validation"),
        events("validation", "test")[0],
    )
    scores, chosen = {}, {}
    for name in names:
        fitted = fit_shallow(name, *training, *validation, seed=seed)
        scores[name] = fitted.score(scored)
        chosen[name] = {"choices": fitted.chosen, "validation_loss": fitted.validation_loss}
    return scores, chosen
