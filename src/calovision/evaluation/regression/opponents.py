"""Opponents of the networks: the calibrated sum of the image, and boosted trees.

Both learn on the training rows of each fold, or of the split of the files, the trees with a look at
the validation rows, and predict the rows that the networks predict.
"""

from collections.abc import Sequence
from itertools import islice, product

import numpy as np

from calovision.core.errors import InputError
from calovision.core.splits import SPLITS, Folds
from calovision.evaluation.folds import ScoredEvents
from calovision.storage import ImageCollection

SUM, BOOSTING = "sum", "boosting"
"""Names in the results."""
CHOICES = {"learning_rate": (0.05, 0.1), "max_leaf_nodes": (31,)}
MOST_TREES = 300
STEP = 25  # trees between two looks at the validation loss


def fit_opponents(
    collection: ImageCollection,
    truth: np.ndarray,
    scored: ScoredEvents,
    *,
    folds: Folds | None = None,
    variables: Sequence[str] = (),
    is_relative: bool = True,
    boosting: bool = True,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Opponent -> predictions of the rows of `scored`, ``(n_rows,)``.

    Parameters
    ----------
    collection
        The image files.
    truth
        Target of all of its rows, ``(n,)``; those where it is NaN are not learned from.
    scored
        Rows that do not train (`calovision.evaluation.folds.scored_events`).
    folds
        Folds of a cross-validation.
    variables
        Columns that the trees see beside the sums of the channels.
    is_relative
        Fit relative residuals: rows of true values above 0, weighted by their inverse square, and
        trees on the logarithm.
    boosting
        Fit boosted trees, too.
    seed
        Of everything random.

    Raises
    ------
    InputError
        If a fold has no training row.
    """
    sums = channel_sums(collection)
    features = _features(collection, sums, variables) if boosting else sums
    known = np.isfinite(truth) & ((truth > 0) | (not is_relative))
    found = {name: np.empty(len(scored.indices)) for name in ([SUM, BOOSTING][: 1 + boosting])}
    for fold, members in enumerate(scored.members()):
        split = collection.splits() if folds is None else collection.splits(folds, fold)
        training, validation = (known & (split == SPLITS.index(one)) for one in SPLITS[:2])
        if not training.any():
            raise InputError("no training row has a true value to learn from; give more rows")
        rows = scored.indices[members]
        weights = 1 / truth[training] ** 2 if is_relative else np.ones(training.sum())
        found[SUM][members] = _linear_fit(sums[training], truth[training], weights)(sums[rows])
        if boosting:
            parts = [(features[one], truth[one]) for one in (training, validation)]
            trees = _Trees(*parts, is_relative=is_relative, seed=seed)
            found[BOOSTING][members] = trees.predict(features[rows])
    return found


def channel_sums(collection: ImageCollection) -> np.ndarray:
    """Sum of the cells of each channel of every image, float64 ``(n, n_channels)``."""
    n_channels, n_eta, n_phi = collection.metadata.image_shape
    found = np.zeros((len(collection), n_channels))
    for places, images in collection.iterate(np.arange(len(collection))):
        offsets, cells, values = images.arrays()
        rows = np.repeat(np.arange(len(images)), np.diff(offsets))
        keys = rows * n_channels + cells.astype(np.int64) // (n_eta * n_phi)
        sums = np.bincount(keys, values.astype(np.float64), minlength=len(images) * n_channels)
        found[places] = sums.reshape(len(images), n_channels)
    return found


def _features(
    collection: ImageCollection, sums: np.ndarray, variables: Sequence[str]
) -> np.ndarray:
    """Sums and columns side by side; NaN where a column is not finite."""
    columns = [
        np.asarray(collection.column(name), np.float64).reshape(len(sums), -1) for name in variables
    ]
    table = np.hstack([sums, *columns])
    return np.where(np.isfinite(table), table, np.nan)


def _linear_fit(sums: np.ndarray, truth: np.ndarray, weights: np.ndarray):
    """Function from sums ``(n, n_channels)`` to predictions: a constant and a factor for each
    channel, of least squares.
    """
    roots = np.sqrt(weights / weights.max())
    table = np.hstack([np.ones((len(sums), 1)), sums])
    scale = np.abs(table).max(axis=0)
    scale[scale == 0] = 1.0
    found = np.linalg.lstsq(table / scale * roots[:, None], truth * roots, rcond=None)[0] / scale
    return lambda some: found[0] + some @ found[1:]


class _Trees:
    """Boosted trees with the choices, and as many of them, of the lowest validation loss.

    Parameters
    ----------
    training, validation
        Features ``(n, n_features)`` and true values ``(n,)``; without a validation row all trees of
        the first choice are taken.
    is_relative
        Learn the logarithm.
    seed
        Of everything random.
    """

    def __init__(
        self,
        training: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        *,
        is_relative: bool,
        seed: int,
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingRegressor  # takes two seconds to load

        self._is_relative = is_relative
        lowest = np.inf
        for values in product(*CHOICES.values()):
            choices = dict(zip(CHOICES, values, strict=True))
            trees = HistGradientBoostingRegressor(
                max_iter=MOST_TREES, early_stopping=False, random_state=seed, **choices
            ).fit(training[0], self._scaled(training[1]))
            losses = _losses(trees, validation[0], self._scaled(validation[1]))
            for n_trees, loss in losses or [(MOST_TREES, 0.0)]:
                if loss < lowest:
                    lowest, self._trees, self._n_trees = loss, trees, n_trees

    def _scaled(self, truth: np.ndarray) -> np.ndarray:
        return np.log(truth) if self._is_relative else truth

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predictions ``(n,)`` in the unit of the target."""
        if not len(features):
            return np.zeros(0)
        (raw,) = islice(self._trees.staged_predict(features), self._n_trees - 1, self._n_trees)
        return np.exp(raw) if self._is_relative else raw


def _losses(trees, features: np.ndarray, truth: np.ndarray) -> list[tuple[int, float]]:
    """Number of trees, and mean square of the residuals with so many."""
    if not len(truth):
        return []
    return [
        (n_trees, float(np.mean((raw - truth) ** 2)))
        for n_trees, raw in enumerate(trees.staged_predict(features), start=1)
        if n_trees % STEP == 0
    ]
