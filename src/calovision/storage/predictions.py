"""Predictions of a target in files, as `calovision.storage.scores` writes scores of classes.

The column ``prediction`` is in the unit of the target; beside it stand the keys of the rows. The
attribute ``scores`` of the file is "prediction", ``target`` and ``unit`` say of what. With folds
there is the column ``fold``, and ``split`` is that of the row for the fold.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.storage.collection import ImageCollection
from calovision.storage.hdf5 import read_table, table_attributes, write_table
from calovision.storage.scores import WHAT, check_keys, keys_of_rows

PREDICTION = "prediction"


def write_predictions(
    path: Path,
    collection: ImageCollection,
    indices: np.ndarray,
    predictions: np.ndarray,
    *,
    target: str,
    unit: str = "",
    attributes: Mapping[str, str | int] | None = None,
    folds: np.ndarray | None = None,
    split: np.ndarray | None = None,
) -> None:
    """Write the predictions ``(len(indices),)`` of the given rows of a collection.

    Parameters
    ----------
    path
        The file.
    collection, indices
        Image files, and positions of the rows.
    predictions
        In the unit of the target.
    target, unit
        Its column, and its unit.
    attributes
        Further ones of the file, as they are.
    folds, split
        With folds the fold whose network predicts each row, and the split that the row has for it.
    """
    keys = keys_of_rows(collection, indices)
    if folds is not None:
        keys |= {"fold": folds, "split": split}
    described = {"scores": PREDICTION, "target": target, "unit": unit}
    columns = {**keys, PREDICTION: np.asarray(predictions, dtype=np.float64)}
    write_table(path, columns, attributes={**(attributes or {}), **described})


def read_predictions(
    path: Path, collection: ImageCollection, indices: np.ndarray, target: str
) -> np.ndarray:
    """Predictions of the given rows of a collection, float64 ``(len(indices),)``.

    Raises
    ------
    InputError
        If the file holds other rows, another target, scores of classes, or NaN.
    """
    found = table_attributes(path, "target", what=WHAT).get("target")
    table = read_table(path)
    if PREDICTION not in table or found != target:
        holds = "scores of classes" if found is None else f"predictions of '{found}'"
        raise InputError(
            f"{path}: it holds {holds}, not predictions of '{target}': score the rows again"
        )
    check_keys(path, table, collection, indices)
    values = table[PREDICTION]
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(
            f"{path}: '{PREDICTION}' is not one finite number a row: score the rows again"
        )
    return values
