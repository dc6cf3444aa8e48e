"""Accounts of a training: rows of each split and sample that it read, left out and learned from."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from calovision.core.account import Account, Count
from calovision.storage import ImageCollection
from calovision.storage.counts import RowCounter

SHARE = "left out by the share of the split"
NO_TARGET = "without a target"
NO_WEIGHT = "weight 0 in the loss"
"""Why rows of a split are not learned from: ``training_share``, rows without a target, and those of
negative weight in schemes that give them none."""


def training_accounts(
    collection: ImageCollection,
    steps: Mapping[str, Sequence[tuple[str, np.ndarray]]],
    weights: Mapping[str, np.ndarray],
) -> list[Account]:
    """Accounts of the splits that a training looks at, by sample.

    Parameters
    ----------
    collection
        The image files.
    steps
        Split -> (reason, positions that are left), the first with all rows of the split; what a
        step leaves out goes by its reason.
    weights
        Split -> weights of the loss at the last of these positions.

    Returns
    -------
    Accounts of the stages "train split learned by" and "validation split learned by", which go on
    with the name of the network.
    """
    counter = RowCounter(collection)
    accounts = []
    for split, of_split in steps.items():
        last = of_split[-1][1]
        left = [*of_split, (NO_WEIGHT, last[weights[split] != 0])]
        counts = [(reason, counter.count(indices)) for reason, indices in left]
        for sample in counter.samples:
            of_sample = [(reason, one[sample]) for reason, one in counts]
            accounts.append(_account(split, sample, of_sample))
    return accounts


def _account(split: str, sample: str, steps: Sequence[tuple[str, Count]]) -> Account:
    """Account of a split of one sample; reasons for which nothing is left out are not named."""
    dropped = {
        reason: before - left
        for (_, before), (reason, left) in pairwise(steps)
        if before.n > left.n
    }
    return Account(
        f"{split} split learned by", sample, steps[0][1], dropped, {"learned": steps[-1][1]}
    )
