"""Tables of the evaluation against the rows that were scored."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from calovision.accounting.image_files import ROWS
from calovision.accounting.rows import require_rows
from calovision.core.account import Account, Count
from calovision.core.errors import InputError
from calovision.storage import ImageCollection
from calovision.storage.counts import RowCounter
from calovision.storage.hdf5 import read_table

EVALUATION, REGION = "evaluation", "signal region"
COLUMN = "signal_region"
EVALUATE_AGAIN = "remove the table and evaluate again"


def account_table(
    collection: ImageCollection,
    path: Path,
    indices: np.ndarray,
    weights: np.ndarray,
    left_out: Mapping[str, np.ndarray] | None = None,
) -> list[Account]:
    """Check the table of the test rows that all numbers of the comparison are of.

    Parameters
    ----------
    collection
        The image files.
    path
        The table.
    indices
        Positions of the rows that are tested, ``(n,)``.
    weights
        What the weight of each row of the collection is in the table, ``(n_rows,)``.
    left_out
        Reason -> which of ``indices`` are not in the table, booleans ``(n,)``; each is left out for
        one reason at most.

    Returns
    -------
    Accounts of each sample, ``evaluation`` and, where the table tells it, ``signal region``; their
    weights are those of the generator.

    Raises
    ------
    InputError
        If a row is not in it, or twice, or is none that is tested; if the weights of a sample have
        another sum; if a column of scores is NaN.
    """
    left_out = left_out or {}
    kept = indices[~np.any([np.zeros(len(indices), dtype=bool), *left_out.values()], axis=0)]
    what = f"{EVALUATION}: {path}"
    table = read_table(path)
    require_rows(what, table, collection, kept, EVALUATE_AGAIN)
    counter = RowCounter(collection)
    _check_weights(what, counter, kept, table["weight"], weights[kept])
    read, wrote = counter.count(indices), counter.count(kept)
    dropped = {reason: counter.count(indices[one]) for reason, one in left_out.items()}
    accounts = [
        Account(
            EVALUATION,
            sample,
            read[sample],
            {reason: one[sample] for reason, one in dropped.items()},
            {ROWS: wrote[sample]},
        )
        for sample in counter.samples
    ]
    for account in accounts:
        account.require_balance(str(path), EVALUATE_AGAIN)
    return accounts + _of_region(counter, kept, table)


def _check_weights(
    what: str, counter: RowCounter, kept: np.ndarray, found: np.ndarray, wanted: np.ndarray
) -> None:
    """Raise InputError unless the weights of each sample have the sum that they must have."""
    for sample, rows in counter.rows_of(kept).items():
        one, other = Count.of(found[rows]), Count.of(wanted[rows])
        if not one.has_weight_of(other):
            raise InputError(
                f"sample '{sample}', {what}: the weights of its {one.n:,} rows sum up to "
                f"{one.weight:.12g}, but those of the image files to {other.weight:.12g}; "
                f"{EVALUATE_AGAIN}"
            )


def _of_region(
    counter: RowCounter, kept: np.ndarray, table: Mapping[str, np.ndarray]
) -> list[Account]:
    """Accounts of the cuts of the search, where the table has them."""
    if COLUMN not in table:
        return []
    inside = table[COLUMN].astype(bool)
    counts = [counter.count(chosen) for chosen in (kept, kept[~inside], kept[inside])]
    return [
        Account(REGION, sample, read, {"outside": outside}, {REGION: of_region})
        for sample, read, outside, of_region in zip(
            counter.samples, *(one.values() for one in counts), strict=True
        )
    ]
