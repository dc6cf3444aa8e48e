"""The score file: the output of one network for every event of the validation and test splits.

Columns ``sample``, ``event_number``, ``split`` as in the image files, and ``score`` in (0, 1).
"""

from pathlib import Path

import numpy as np

from calovision.errors import InputError
from calovision.storage.collection import ImageCollection
from calovision.storage.tables import read_table, write_table


def write_scores(path: Path, collection: ImageCollection, indices: np.ndarray, scores: np.ndarray) -> None:
    """Write the scores of the given events of a collection."""
    write_table(path, {**_keys(collection, indices), "score": scores})


def read_scores(path: Path, collection: ImageCollection, indices: np.ndarray) -> np.ndarray:
    """Scores of the given events of a collection, ``(len(indices),)``.

    Raises
    ------
    InputError
        If the file holds the scores of other events.
    """
    table = read_table(path)
    if "score" not in table:
        raise InputError(f"{path}: no score file, it lacks the column 'score': score the events again")
    for name, values in _keys(collection, indices).items():
        if name not in table or not np.array_equal(table[name], values):
            raise InputError(f"{path}: scores of other events than those of the image files: score the events again")
    return table["score"]


def _keys(collection: ImageCollection, indices: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "sample": collection.sample_names()[indices],
        "event_number": collection.column("event_number")[indices],
        "split": collection.column("split")[indices],
    }
