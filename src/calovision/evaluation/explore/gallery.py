"""Rows of a gallery: which are chosen, and where their images are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.storage import ImageCollection

N_EXTREME = 12
"""Rows of each class with the highest, and with the lowest score, beside those drawn at random."""
KEYS = ("sample", "event_number", "jet_index")


@dataclass(frozen=True)
class ChosenRows:
    """Rows of the gallery, by their positions in the table of the test rows.

    Attributes
    ----------
    rows
        Ascending, ``(n_chosen,)``.
    is_extreme
        Chosen for their score, and not drawn at random, booleans ``(n_chosen,)``.
    """

    rows: np.ndarray
    is_extreme: np.ndarray


def choose_rows(labels: np.ndarray, scores: np.ndarray, n: int, *, seed: int) -> ChosenRows:
    """Choose rows at random, the same number of each class, and those of extreme scores.

    Parameters
    ----------
    labels
        Class of each row, ``(n_rows,)``.
    scores
        Of each row, ``(n_rows,)``: of each class the `N_EXTREME` highest and lowest are taken, or
        fewer where these would be more than half of ``n``.
    n
        Number of rows of the gallery at most.
    seed
        Of the draw.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    n_extreme = min(N_EXTREME, n // (4 * max(len(classes), 1)))
    extreme, others = [], []
    for label in classes:
        rows = np.flatnonzero(labels == label)
        order = rows[np.argsort(scores[rows], kind="stable")]
        ends = np.unique(np.concatenate([order[:n_extreme], order[len(order) - n_extreme :]]))
        extreme.append(ends)
        others.append(rng.permutation(np.setdiff1d(rows, ends)))
    drawn = _share(others, n - sum(map(len, extreme)))
    rows = np.concatenate([*extreme, *drawn, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    is_extreme = np.arange(len(rows)) < sum(map(len, extreme))
    order = np.argsort(rows, kind="stable")
    return ChosenRows(rows[order], is_extreme[order])


def _share(rows: list[np.ndarray], n: int) -> list[np.ndarray]:
    """First rows of each class, the same number of each where it has them, ``n`` together."""
    taken = [0] * len(rows)
    left = max(n, 0)
    while left and any(t < len(one) for t, one in zip(taken, rows, strict=True)):
        open_classes = [k for k, one in enumerate(rows) if taken[k] < len(one)]
        each = max(left // len(open_classes), 1)
        for k in open_classes[:left]:
            more = min(each, len(rows[k]) - taken[k], left)
            taken[k] += more
            left -= more
    return [one[:number] for one, number in zip(rows, taken, strict=True)]


def find_rows(collection: ImageCollection, table: Mapping[str, np.ndarray]) -> np.ndarray:
    """Index in a collection of each row of a table, int64 ``(n_rows,)``.

    Rows are known by sample, event number and, of jets, the jet; of several with the same keys,
    which are all tested or none, the rows stand in the order of the files.

    Raises
    ------
    InputError
        If a row is in no file.
    """
    names = [name for name in KEYS if name in table]
    n_stored = len(collection)
    keys = [_key_of_both(collection, table, name) for name in names]
    order = np.lexsort(keys)
    starts = np.any([np.diff(key[order], prepend=key[order[0]]) != 0 for key in keys], axis=0)
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = np.cumsum(starts)
    of_files, of_table = groups[:n_stored], groups[n_stored:]
    order = np.argsort(of_files, kind="stable")
    places = np.searchsorted(of_files[order], of_table) + _occurrence(of_table)
    found = order[np.minimum(places, n_stored - 1)]
    if not np.array_equal(of_files[found], of_table):
        raise InputError(
            "the table of the test rows has rows that the image files lack: evaluate again "
            "(snakemake --forcerun list_images)"
        )
    return found


def _key_of_both(
    collection: ImageCollection, table: Mapping[str, np.ndarray], name: str
) -> np.ndarray:
    """Whole numbers that tell rows apart by a column: of the collection, then of the table."""
    if name != "sample":
        return np.concatenate([collection.column(name), table[name]]).astype(np.int64)
    numbers = {sample: k for k, sample in enumerate(collection.samples)}
    names, places = np.unique(np.asarray(table[name]).astype(str), return_inverse=True)
    of_files = [np.full(len(one), numbers[one.metadata.sample]) for one in collection.files]
    of_table = np.array([numbers.get(str(sample), -1) for sample in names], dtype=np.int64)
    return np.concatenate([*of_files, of_table[places.reshape(-1)]])


def _occurrence(groups: np.ndarray) -> np.ndarray:
    """Number of earlier rows that are of the same group, ``(n,)``."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    found = np.empty(len(groups), dtype=np.int64)
    found[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return found


def within_cells(lengths: np.ndarray, chosen: ChosenRows, most: int) -> ChosenRows:
    """Rows whose images have at most so many cells together: those of extreme scores before the
    others, which are left out at random.

    Parameters
    ----------
    lengths
        Cells of the image of each chosen row, ``(n_chosen,)``.
    chosen
        The rows.
    most
        Largest number of cells of all images.
    """
    others = np.random.default_rng(0).permutation(np.flatnonzero(~chosen.is_extreme))
    order = np.concatenate([np.flatnonzero(chosen.is_extreme), others])
    kept = np.sort(order[np.cumsum(lengths[order]) <= most])
    return ChosenRows(chosen.rows[kept], chosen.is_extreme[kept])
