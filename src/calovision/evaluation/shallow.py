"""Shallow classifiers of image files, fitted on the training split and tuned on the validation
split.
"""

from collections.abc import Sequence

import numpy as np

from calovision.core.result import to_json
from calovision.evaluation.events import column_names, split_indices
from calovision.evaluation.results.baselines import FittedBaseline, FittedBaselines
from calovision.metrics.events import event_numbers
from calovision.storage import ImageCollection


def score_shallow(
    collection: ImageCollection, names: Sequence[str], weights: np.ndarray, *, seed: int
) -> tuple[dict[str, np.ndarray], FittedBaselines]:
    """Scores (logits) of shallow classifiers for the events of the validation and test splits, in
    the order of `split_indices`, and what was chosen for each.

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

    Raises
    ------
    InputError
        If a classifier is unknown or a column that it needs is not in the files, or there is not
        one finite weight an event.
    """
    from calovision.evaluation.baselines import fit_shallow  # loads scikit-learn: two seconds

    weights = event_numbers(weights, "weights", n_events=len(collection))
    columns = column_names(collection)

    def events(*splits: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
        indices = split_indices(collection, *splits)
        return {name: collection.column(name)[indices] for name in columns}, weights[indices]

    training = events("train")
    validation = events("validation")
    scored, _ = events("validation", "test")
    scores = {}
    fits = {}
    for name in names:
        fitted = fit_shallow(name, *training, *validation, seed=seed)
        scores[name] = fitted.score(scored)
        fits[name] = FittedBaseline(to_json(fitted.chosen), fitted.validation_loss)
    return scores, FittedBaselines(fits)
