"""Boosted trees on all variables of the rows, of each fold or of the split of the files."""

from collections.abc import Callable, Sequence

import numpy as np

from calovision.core.classes import class_names
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS, Folds
from calovision.evaluation.results.taggers import TaggerBaseline
from calovision.evaluation.tagging.tables import variable_names
from calovision.storage import ImageCollection

BOOSTING = "boosting"
"""Name in the results."""


def score_boosting(
    collection: ImageCollection,
    weights: Callable[[np.ndarray], np.ndarray],
    *,
    seed: int,
    folds: Folds | None = None,
    variables: Sequence[str] | None = None,
) -> tuple[np.ndarray, TaggerBaseline]:
    """Scores of the rows of `scored_events`, and what was chosen.

    Parameters
    ----------
    collection
        The image files.
    weights
        Gives the weights of the loss ``(n,)`` of every row in the collection by the split of each;
        those of the training and the validation split are used.
    seed
        Of everything random.
    folds
        Each is scored by trees that its training split fitted and its validation split tuned.
    variables
        Columns that the trees see; None for all (`variable_names`).

    Returns
    -------
    Logits of two classes ``(n,)``, else log-probabilities ``(n, n_classes)``.

    Raises
    ------
    InputError
        If there is no variable, or a class has no row in the training or the validation split.
    """
    from calovision.evaluation.tagging.boosting import features_of_rows, fit_boosting

    names = variable_names(collection) if variables is None else list(variables)
    if not names:
        raise InputError(
            "the image files have no variable for the boosted trees; give images.jets.variables, "
            "or tagging.boosting: false"
        )
    features = features_of_rows({name: collection.column(name) for name in names}, names)
    labels = np.asarray(collection.column("label"), dtype=np.int64)
    splits = (
        [collection.splits()]
        if folds is None
        else [collection.splits(folds, fold) for fold in range(folds.number)]
    )
    scores, fits = [], []
    for split in splits:
        training, validation = (_part(split, labels, name, collection) for name in SPLITS[:2])
        of_rows = weights(split)
        parts = (
            (features[chosen], labels[chosen], of_rows[chosen]) for chosen in (training, validation)
        )
        fitted = fit_boosting(*next(parts), *next(parts), seed=seed)
        found = fitted.log_probabilities(features[split != SPLITS.index("train")])
        scores.append(found[:, 1] - found[:, 0] if found.shape[1] == 2 else found)
        fits.append(fitted)
    chosen = {name: [one.chosen[name] for one in fits] for name in fits[0].chosen}
    loss = float(np.mean([one.validation_loss for one in fits]))
    return np.concatenate(scores), TaggerBaseline(chosen, loss, tuple(names))


def _part(
    split: np.ndarray, labels: np.ndarray, name: str, collection: ImageCollection
) -> np.ndarray:
    """Booleans of the rows of a split; InputError if it lacks a class."""
    chosen = split == SPLITS.index(name)
    for label, one in enumerate(class_names(collection.classes)):
        if not (labels[chosen] == label).any():
            raise InputError(
                f"class '{one}' has no row in the {name} split: give more rows of it, or leave the "
                "class out"
            )
    return chosen
