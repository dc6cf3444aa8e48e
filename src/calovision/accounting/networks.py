"""Networks: the rows that each was trained on, and those that it scored."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calovision.accounting.image_files import ROWS
from calovision.accounting.rows import require_rows
from calovision.core.account import Account
from calovision.core.errors import InputError
from calovision.core.result import from_json
from calovision.core.splits import SPLITS, TRAIN, Folds
from calovision.storage import ImageCollection
from calovision.storage.counts import RowCounter
from calovision.storage.hdf5 import read_table

TRAIN_AGAIN = "remove its folder and train it again"
SCORE_AGAIN = "remove the score file and score again"
SCORES = "scores"
UNSEEN = ("validation", "test")


@dataclass(frozen=True)
class Network:
    """A trained network and its scores.

    Attributes
    ----------
    name
        Model, seed and fold: ``"cnn/seed1/fold0"``.
    model, scores
        ``model.json`` and the score file.
    fold
        Its fold; None without folds.
    """

    name: str
    model: Path
    scores: Path
    fold: int | None = None


def account_networks(
    collection: ImageCollection, networks: Sequence[Network], folds: Folds | None = None
) -> list[Account]:
    """Check what networks learned from and what they scored.

    Parameters
    ----------
    collection
        Image files that the networks look at.
    networks
        The networks; with folds those of all folds of each seed.
    folds
        Folds, None without.

    Returns
    -------
    Accounts of each network and sample: of the splits of the training, if the model tells them, and
    ``scores``, of which the train split is dropped.

    Raises
    ------
    InputError
        If a network was trained on other rows than those of its splits, or did not score each row
        of the validation and test split once; if a score is NaN.
    """
    counter = RowCounter(collection)
    accounts = []
    for network in networks:
        split = collection.splits(folds, network.fold)
        counts = {
            name: counter.count(np.flatnonzero(split == number))
            for number, name in enumerate(SPLITS)
        }
        for account in _trained(network):
            name = account.stage.partition("_")[0]
            before = counts[name][account.sample]
            where = str(network.model)
            account.require_link(before, f"the {name} split now", where, TRAIN_AGAIN)
            account.require_balance(where, TRAIN_AGAIN)
            accounts.append(account)
        unseen = np.flatnonzero(split != TRAIN)
        what = f"{SCORES} of {network.name}: {network.scores}"
        _check_scores(what, network.scores, collection, unseen)
        everything = counter.count(np.arange(len(collection)))
        for sample in counter.samples:
            wrote = {name: counts[name][sample] for name in UNSEEN}
            dropped = {"trained on": counts["train"][sample]}
            read = everything[sample]
            accounts.append(Account(SCORES, sample, read, dropped, wrote, network.name))
    if folds is not None:
        _require_each_once(networks, len(collection))
    return accounts


def account_scores(
    collection: ImageCollection,
    path: Path,
    stage: str,
    *,
    network: str = "",
    all_rows: bool = False,
) -> list[Account]:
    """Check the scores of further image files: of their test split, or of all rows.

    Parameters
    ----------
    collection, path
        Image files, and the score file.
    stage, network
        Of the accounts.
    all_rows
        As with folds, each row by the networks that did not see it.
    """
    split = collection.splits()
    test = np.full(len(split), True) if all_rows else split == SPLITS.index("test")
    _check_scores(f"{stage}: {path}", path, collection, np.flatnonzero(test))
    counter = RowCounter(collection)
    counts = [counter.count(chosen) for chosen in (slice(None), ~test, test)]
    return [
        Account(
            stage,
            sample,
            counts[0][sample],
            {"not of the test split": counts[1][sample]} if not all_rows else {},
            {ROWS: counts[2][sample]},
            network,
        )
        for sample in counter.samples
    ]


def _trained(network: Network) -> list[Account]:
    """Accounts in ``model.json``; none of a model of an older version."""
    try:
        training = json.loads(network.model.read_text(encoding="utf-8"))["training"]
        found = [from_json(Account, one) for one in training.get("accounts", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{network.model}: no description of a trained model ({error}); {TRAIN_AGAIN}"
        ) from error
    return [replace(one, network=network.name) for one in found]


def _check_scores(what: str, path: Path, collection: ImageCollection, indices: np.ndarray) -> None:
    """Raise InputError unless a score file has the rows, each once, and no score is NaN."""
    table = read_table(path)
    require_rows(what, table, collection, indices, SCORE_AGAIN)
    for name, values in table.items():
        if values.dtype.kind == "f" and np.isnan(values).any():
            n = int(np.isnan(values.reshape(len(values), -1)).any(axis=1).sum())
            raise InputError(
                f"{what}: '{name}' is not a number in {n:,} of {len(values):,} rows; {SCORE_AGAIN}"
            )


def _require_each_once(networks: Sequence[Network], n_rows: int) -> None:
    """Raise InputError unless the networks of a seed together test each row once."""
    tested: dict[str, int] = {}
    for network in networks:
        table = read_table(network.scores)
        seed = network.name.rpartition("/")[0]
        n = int(np.sum((table["split"] == SPLITS.index("test")) & (table["fold"] == network.fold)))
        tested[seed] = tested.get(seed, 0) + n
    for seed, n in tested.items():
        if n != n_rows:
            raise InputError(
                f"{SCORES} of {seed}: its networks test {n:,} rows, but the image files have "
                f"{n_rows:,}, each of which one network tests that has not seen it; {SCORE_AGAIN}"
            )
