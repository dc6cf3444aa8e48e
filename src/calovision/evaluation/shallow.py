"""Shallow classifiers of image files, fitted on the training split and tuned on the validation
split.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.core.result import to_json
from calovision.core.splits import SPLITS, Folds
from calovision.evaluation.events import column_names
from calovision.evaluation.results.baselines import FittedBaseline, FittedBaselines
from calovision.metrics.events import event_numbers
from calovision.storage import ImageCollection


def score_shallow(
    collection: ImageCollection,
    names: Sequence[str],
    weights: np.ndarray,
    *,
    seed: int,
    folds: Folds | None = None,
    further: Sequence[str] = (),
) -> tuple[dict[str, np.ndarray], FittedBaselines]:
    """Scores (logits) of shallow classifiers for the rows of `scored_events`, and what was chosen
    for each.

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
    folds
        Each is scored by classifiers that its training split fitted and its validation split tuned.

    further
        Variables that all classifiers see beside their own.

    Raises
    ------
    InputError
        If a classifier is unknown or a column that it needs is not in the files, or there is not
        one finite weight an event.
    """
    weights = event_numbers(weights, "weights", n_events=len(collection))
    columns = {name: collection.column(name) for name in column_names(collection)}
    if folds is None:
        scores, fits = _score(columns, collection.splits(), names, weights, seed, further)
        return scores, FittedBaselines(fits)
    of_folds = [
        _score(columns, collection.splits(folds, fold), names, weights, seed, further)
        for fold in range(folds.number)
    ]
    scores = {name: np.concatenate([found[name] for found, _ in of_folds]) for name in names}
    return scores, FittedBaselines(
        {name: _together([fit[name] for _, fit in of_folds]) for name in names}
    )


def _score(
    columns: Mapping[str, np.ndarray],
    split: np.ndarray,
    names: Sequence[str],
    weights: np.ndarray,
    seed: int,
    further: Sequence[str],
) -> tuple[dict[str, np.ndarray], dict[str, FittedBaseline]]:
    """Scores of the events that do not train by the split of each event, and the fits."""
    from calovision.evaluation.baselines import fit_shallow  # loads scikit-learn: two seconds

    def events(*splits: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
        chosen = np.isin(split, [SPLITS.index(name) for name in splits])
        return {name: values[chosen] for name, values in columns.items()}, weights[chosen]

    training = events("train")
    validation = events("validation")
    scored, _ = events("validation", "test")
    scores = {}
    fits = {}
    for name in names:
        fitted = fit_shallow(name, *training, *validation, seed=seed, further=further)
        scores[name] = fitted.score(scored)
        fits[name] = FittedBaseline(to_json(fitted.chosen), fitted.validation_loss)
    return scores, fits


def _together(folds: Sequence[FittedBaseline]) -> FittedBaseline:
    """The fits of one classifier: the choices of each fold in a list, the mean loss."""
    return FittedBaseline(
        {name: [one.choices[name] for one in folds] for name in folds[0].choices},
        float(np.mean([one.validation_loss for one in folds])),
    )
