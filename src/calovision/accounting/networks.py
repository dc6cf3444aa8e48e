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

TRAIN_AGAIN = "remove the folder of the network and train it again"
SCORE_AGAIN = "remove the score file and score again"
SCORES = "scores"
UNSEEN = ("validation", "test")
TEST = SPLITS.index("test")


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

    @property
    def seed(self) -> str:
        """Model and seed, which the networks of all folds share."""
        return self.name if self.fold is None else self.name.rpartition("/")[0]


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
        of the validation and test split once; with folds, if a row is not tested by one network of
        each seed; if a score is NaN.
    """
    counter = RowCounter(collection)
    tested = {network.seed: np.zeros(len(collection), dtype=np.int64) for network in networks}
    accounts = []
    for network in networks:
        split = collection.splits(folds, network.fold)
        by_split = {
            name: counter.count(np.flatnonzero(split == number))
            for number, name in enumerate(SPLITS)
        }
        for account in _trained(network):
            name = account.stage.partition(" ")[0]
            before, where = by_split[name][account.sample], str(network.model)
            account.require_link(before, f"the {name} split now", where, TRAIN_AGAIN)
            account.require_balance(where, TRAIN_AGAIN)
            accounts.append(account)
        tested[network.seed][_tested(network, collection, split)] += 1
        everything = counter.count(np.arange(len(collection)))
        for sample in counter.samples:
            wrote = {name: by_split[name][sample] for name in UNSEEN}
            dropped = {"learned from": by_split["train"][sample]}
            account = Account(SCORES, sample, everything[sample], dropped, wrote, network.name)
            accounts.append(account)
    if folds is not None:
        for seed, n_networks in tested.items():
            _require_each_once(seed, n_networks)
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
    is_test = np.full(len(collection), True) if all_rows else collection.column("split") == TEST
    _read_scores(f"{stage}: {path}", path, collection, np.flatnonzero(is_test))
    counter = RowCounter(collection)
    chosen = [np.flatnonzero(one) for one in (is_test | True, ~is_test, is_test)]
    everything, others, test = map(counter.count, chosen)
    return [
        Account(
            stage,
            sample,
            everything[sample],
            {} if all_rows else {"not of the test split": others[sample]},
            {ROWS: test[sample]},
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


def _tested(network: Network, collection: ImageCollection, split: np.ndarray) -> np.ndarray:
    """Positions of the rows that a network tests, by the splits in its score file.

    Raises
    ------
    InputError
        Unless the file has each row of the validation and test split once, with this split.
    """
    what = f"{SCORES} of {network.name}: {network.scores}"
    unseen = np.flatnonzero(split != TRAIN)
    table = _read_scores(what, network.scores, collection, unseen)
    stated = table.get("split", split[unseen])
    moved = np.flatnonzero(stated != split[unseen])
    if len(moved):
        number = table["event_number"][moved[0]]
        raise InputError(
            f"{what}: {len(moved):,} of {len(unseen):,} rows were of another split when they were "
            f"scored, the first one, of the event {number}, of '{SPLITS[stated[moved[0]]]}' "
            f"instead of '{SPLITS[split[unseen[moved[0]]]]}'; {SCORE_AGAIN}"
        )
    if network.fold is not None and np.any(table.get("fold", -1) != network.fold):
        raise InputError(
            f"{what}: it is not of the fold {network.fold} of its name alone; {SCORE_AGAIN}"
        )
    return unseen[stated == TEST]


def _read_scores(
    what: str, path: Path, collection: ImageCollection, indices: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of a score file; InputError unless it has the given rows, each once, and no score is
    NaN.
    """
    table = read_table(path)
    require_rows(what, table, collection, indices, SCORE_AGAIN)
    for name, values in table.items():
        if values.dtype.kind == "f" and np.isnan(values).any():
            n = int(np.isnan(values.reshape(len(values), -1)).any(axis=1).sum())
            raise InputError(
                f"{what}: '{name}' is not a number in {n:,} of {len(values):,} rows; {SCORE_AGAIN}"
            )
    return table


def _require_each_once(seed: str, n_networks: np.ndarray) -> None:
    """Raise InputError unless each row is tested by one network of a seed."""
    wrong = np.flatnonzero(n_networks != 1)
    if len(wrong):
        raise InputError(
            f"{SCORES} of {seed}: of {len(n_networks):,} rows {np.sum(n_networks == 0):,} are "
            f"tested by no network and {np.sum(n_networks > 1):,} by several, but each is to be by "
            f"the one that did not see it; {SCORE_AGAIN}"
        )
