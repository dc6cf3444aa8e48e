"""The score file: the output of one network for events of image files, those of a split or all.

Columns ``sample``, ``event_number``, ``split`` (and ``jet_index`` of jets) as in the image files, and ``score`` in
(0, 1), or a column for each of several classifiers. Attributes may say where the scores come from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from calovision.atomic import replaced
from calovision.errors import InputError
from calovision.storage.collection import ImageCollection
from calovision.storage.tables import read_table, write_table


def write_scores(
    path: Path,
    collection: ImageCollection,
    indices: np.ndarray,
    scores: np.ndarray | Mapping[str, np.ndarray],
    *,
    attributes: Mapping[str, str | int] | None = None,
) -> None:
    """Write the scores of the given events of a collection; ``attributes`` of the file as they are.

    ``scores`` are those of one classifier, ``(len(indices),)``, or classifier -> scores.
    """
    columns = scores if isinstance(scores, Mapping) else {"score": scores}
    with replaced(path) as temporary:
        write_table(temporary, {**_keys(collection, indices), **columns})
        with h5py.File(temporary, "a") as file:
            file.attrs.update(attributes or {})


def read_scores(path: Path, collection: ImageCollection, indices: np.ndarray) -> np.ndarray:
    """Scores of the given events of a collection, ``(len(indices),)``.

    Raises
    ------
    InputError
        If the file holds the scores of other events.
    """
    return read_score_columns(path, collection, indices, ["score"])["score"]


def read_score_columns(
    path: Path, collection: ImageCollection, indices: np.ndarray, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Classifier -> scores as `read_scores`, of a file with those of several classifiers.

    Raises
    ------
    InputError
        If the file holds the scores of other events, or not those of a classifier.
    """
    table = read_table(path)
    for name in names:
        if name not in table:
            raise InputError(f"{path}: no score file, it lacks the column '{name}': score the events again")
    for name, values in _keys(collection, indices).items():
        if name not in table or not np.array_equal(table[name], values):
            raise InputError(f"{path}: scores of other events than those of the image files: score the events again")
    return {name: table[name] for name in names}


def _keys(collection: ImageCollection, indices: np.ndarray) -> dict[str, np.ndarray]:
    names = ["event_number", "split", *(["jet_index"] if collection.metadata.kind == "jet" else [])]
    columns = {name: collection.column(name)[indices] for name in names}
    return {"sample": collection.sample_names()[indices], **columns}
