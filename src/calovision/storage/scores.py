"""Scores in files: the output of networks and other classifiers for events of image files.

Scores are logits; of more than two classes, the logarithms of their probabilities. A score file has
the columns ``sample``, ``event_number``, ``split`` (and ``jet_index`` of jets) as in the image
files, and ``logit``, or a column for each of several classifiers; its attribute ``scores`` is
"logit". Of more than two classes the column is ``log_probability`` ``(n, n_classes)``, and so says
the attribute. The attribute ``classes`` is a JSON list of their names, where they have any. Files
without the attribute ``scores`` are older and hold probabilities, in a column ``score`` or one for
each classifier. With folds there is the column ``fold``, and ``split`` is that of the event for the
fold.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.storage.collection import ImageCollection
from calovision.storage.hdf5 import read_table, table_attributes, write_table

WHAT = "score file"
SCALE = {"scores": "logit"}  # attribute of files with scores
SCORE, OLD_SCORE = "logit", "score"
SCORE_OF_CLASSES = "log_probability"


def write_scores(
    path: Path,
    collection: ImageCollection,
    indices: np.ndarray,
    scores: np.ndarray | Mapping[str, np.ndarray],
    *,
    classes: Sequence[str] = (),
    attributes: Mapping[str, str | int] | None = None,
    folds: np.ndarray | None = None,
    split: np.ndarray | None = None,
) -> None:
    """Write the scores of the given events of a collection; ``attributes`` of the file as they are.

    ``scores`` are those of one classifier, logits ``(len(indices),)``, or classifier -> scores;
    with more than two ``classes`` they are log-probabilities ``(len(indices), n_classes)`` in their
    order. ``folds`` and ``split`` are, with folds, the fold whose classifier scores each event, and
    the split that the event has for it.

    Parameters
    ----------
    path
        HDF5 file, which is replaced.
    collection, indices
        Image files, and the positions of the events that are scored.
    scores, classes, attributes, folds, split
        See above.
    """
    of_classes = len(classes) > 2
    name = SCORE_OF_CLASSES if of_classes else SCORE
    columns = scores if isinstance(scores, Mapping) else {name: scores}
    described = {"scores": name} | ({"classes": json.dumps(list(classes))} if classes else {})
    keys = keys_of_rows(collection, indices)
    if folds is not None:
        keys |= {"fold": folds, "split": split}
    write_table(path, {**keys, **columns}, attributes={**(attributes or {}), **described})


def read_scores(path: Path, collection: ImageCollection, indices: np.ndarray) -> np.ndarray:
    """Scores of the given events of a collection: logits ``(len(indices),)``, or of more than two
    classes log-probabilities ``(len(indices), n_classes)``.

    Parameters
    ----------
    path
        Score file of one classifier.
    collection
        Image files whose events are scored.
    indices
        Positions of the events in the collection, in any order.

    Raises
    ------
    InputError
        If the file holds the scores of other events or other classes, or probabilities that are 0
        or 1.
    """
    table = read_table(path)
    if SCORE_OF_CLASSES in table:
        return _columns(path, table, collection, indices, [SCORE_OF_CLASSES])[SCORE_OF_CLASSES]
    name = SCORE if OLD_SCORE not in table or SCORE in table else OLD_SCORE
    return _columns(path, table, collection, indices, [name])[name]


def read_score_columns(
    path: Path, collection: ImageCollection, indices: np.ndarray, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Classifier -> scores as `read_scores`, of a file with those of several classifiers.

    Parameters
    ----------
    path, collection, indices
        As in `read_scores`.
    names
        Classifiers.

    Raises
    ------
    InputError
        As `read_scores`, or if the file lacks the scores of a classifier.
    """
    return _columns(path, read_table(path), collection, indices, names)


def write_score_table(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write a table with columns of classifiers, ``(n,)`` or of several networks ``(n,
    n_networks)``: logits.

    Parameters
    ----------
    path
        HDF5 file, which is replaced.
    columns
        Classifier -> logits.
    """
    write_table(path, columns, attributes=SCALE)


def read_score_table(path: Path) -> dict[str, np.ndarray]:
    """Columns of `write_score_table`.

    Parameters
    ----------
    path
        HDF5 file.

    Raises
    ------
    InputError
        As `read_table`, or if the file is older and holds probabilities.
    """
    table = read_table(path)
    if not _has_logits(path):
        raise InputError(
            f"{path}: its scores are probabilities, as an older calovision wrote them: evaluate "
            "again "
            "(snakemake --forcerun evaluate)"
        )
    return table


def _columns(
    path: Path,
    table: Mapping[str, np.ndarray],
    collection: ImageCollection,
    indices: np.ndarray,
    names: Sequence[str],
) -> dict[str, np.ndarray]:
    """Columns of scores as logits, after a look at the events."""
    n_classes = len(_checked_classes(path, collection))
    n_numbers = n_classes if n_classes > 2 else 0
    for name in names:
        if name not in table:
            raise InputError(
                f"{path}: no score file, it lacks the column '{name}': score the events again"
            )
        _check_scores(path, name, table[name], n_numbers)
    check_keys(path, table, collection, indices)
    is_as_stored = n_numbers > 0 or _has_logits(path)
    return {
        name: table[name] if is_as_stored else _logits(path, name, table[name]) for name in names
    }


def _checked_classes(path: Path, collection: ImageCollection) -> tuple[str, ...]:
    """Classes whose scores the file holds, none where it does not say; InputError unless they are
    those of the image files.
    """
    stored = table_attributes(path, "classes", what=WHAT).get("classes", "[]")
    try:
        classes = tuple(json.loads(stored))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: its attribute 'classes' is no JSON list: score again") from error
    expected = collection.classes
    if classes != expected and (classes or len(expected) > 2):
        found, wanted = (", ".join(one) or "signal and background" for one in (classes, expected))
        raise InputError(
            f"{path}: its scores are those of {found}, but the classes of the image files are "
            f"{wanted}: score the events again"
        )
    return classes


def _has_logits(path: Path) -> bool:
    return table_attributes(path, "scores", what=WHAT).get("scores") == SCALE["scores"]


def _logits(path: Path, name: str, probabilities: np.ndarray) -> np.ndarray:
    """Logits of the probabilities of an older file; next to 0 and 1 these have lost the order of
    the events.
    """
    from scipy.special import logit  # the image builder goes without scipy

    probabilities = np.asarray(probabilities, dtype=np.float64)
    if not np.all((probabilities > 0) & (probabilities < 1)):
        raise InputError(
            f"{path}: '{name}' has scores of an older calovision that are rounded to 0 or 1, or "
            "outside: score the "
            "events again"
        )
    return logit(probabilities)


def _check_scores(path: Path, name: str, scores: np.ndarray, n_classes: int) -> None:
    """Raise InputError unless a column is one number an event, or one for each of the classes."""
    inner = (n_classes,) if n_classes else ()
    if scores.shape[1:] != inner or scores.dtype.kind not in "iuf":
        numbers = f"{n_classes} numbers" if n_classes else "one number"
        raise InputError(
            f"{path}: '{name}' is {scores.dtype} of shape {scores.shape}: scores are {numbers} an "
            "event"
        )
    if np.isnan(scores).any():
        row = int(np.argmax(np.isnan(scores).reshape(len(scores), -1).any(axis=1)))
        raise InputError(f"{path}: '{name}' is {scores[row]} in row {row}: score the events again")


def check_keys(
    path: Path,
    table: Mapping[str, np.ndarray],
    collection: ImageCollection,
    indices: np.ndarray,
) -> None:
    """Raise InputError unless the rows of a table are the given ones of a collection."""
    for name, values in keys_of_rows(collection, indices).items():
        if name == "split" and "fold" in table:  # that of the fold, not of the image files
            continue
        if name not in table or not np.array_equal(table[name], values):
            raise InputError(
                f"{path}: scores of other events than those of the image files: score the events "
                "again"
            )


def keys_of_rows(collection: ImageCollection, indices: np.ndarray) -> dict[str, np.ndarray]:
    """Columns by which the given rows are known again, by name."""
    names = ["event_number", "split", *(["jet_index"] if collection.metadata.kind == "jet" else [])]
    columns = {name: collection.column(name)[indices] for name in names}
    return {"sample": collection.sample_names()[indices], **columns}
