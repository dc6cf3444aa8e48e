"""Event accounting from image files to trainings, scores, tables and maps of runs: honest ones
balance, and each way to lose or double an event is found with its numbers."""

import json

import numpy as np
import pytest
from fakes import make_columns, make_events, make_images, write_image_file, write_ntuple
from fakes_accounts import rewrite
from fakes_ntuples import write_file

from calovision.accounting import SampleSources
from calovision.accounting.applications import account_application
from calovision.accounting.networks import Network, account_networks, account_scores
from calovision.accounting.run_maps import account_run_maps
from calovision.accounting.tables import account_table
from calovision.core.account import Count
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS, Folds
from calovision.images.grid import EtaPhiGrid
from calovision.monitoring.accumulation import RunSource, accumulate_files
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_map_merge import merge_run_maps
from calovision.storage import ImageCollection, read_table, write_scores
from calovision.storage.hdf5 import write_table
from calovision.training.accounts import NO_TARGET, NO_WEIGHT, SHARE, training_accounts

SIZES = {"rpv": 30, "qcd": 20}
FOLDS = Folds(2, 7, 0.25)
TRAIN, VALIDATION, TEST = range(3)


@pytest.fixture
def collection(tmp_path):
    """Two samples in three files, with weights of both signs and event numbers that repeat."""
    paths = []
    for label, (name, first) in enumerate((("qcd", 0), ("rpv", 0), ("rpv", 5))):
        n = 20 if label == 0 else 15
        weights = np.where(np.arange(n) % 4 == 0, -0.5, 1.25)
        columns = make_columns(n, label=min(label, 1), first=first, weights=weights)
        options = {"sample": name, "label": min(label, 1), "source_files": [(f"{label}.root", "")]}
        path = tmp_path / f"{label}.h5"
        paths.append(write_image_file(path, images=make_images(n), columns=columns, **options))
    return ImageCollection(paths)


def networks_of(collection, folder, folds=None, seeds=(1, 2)):
    """Networks with the accounts of their training, and their scores."""
    found = []
    for seed in seeds:
        for fold in range(folds.number) if folds else [None]:
            split = collection.splits(folds, fold)
            name = f"cnn/seed{seed}" + ("" if fold is None else f"/fold{fold}")
            network = Network(name, folder / f"{name}.json", folder / f"{name}.h5", fold)
            network.model.parent.mkdir(parents=True, exist_ok=True)
            steps = {part: [("", np.flatnonzero(split == k))] for k, part in enumerate(SPLITS[:2])}
            weights = {part: np.ones(len(of[0][1])) for part, of in steps.items()}
            accounts = training_accounts(collection, steps, weights)
            training = {"accounts": [one.to_json() for one in accounts]}
            network.model.write_text(json.dumps({"training": training}))
            unseen = np.flatnonzero(split != TRAIN)
            of_fold = {}
            if folds:
                of_fold = {"folds": np.full(len(unseen), fold), "split": split[unseen]}
            scores = np.linspace(-1, 1, len(unseen))
            write_scores(network.scores, collection, unseen, scores, **of_fold)
            found.append(network)
    return found


def alter(path, change):
    """A table again, with other columns."""
    table = read_table(path)
    write_table(path, change(table))


def without(row):
    return lambda table: {name: np.delete(column, row, axis=0) for name, column in table.items()}


def twice(row):
    return lambda table: {
        name: np.insert(column, row, column[row], axis=0) for name, column in table.items()
    }


def put(name, row, value):
    def change(table):
        table[name][row] = value
        return table

    return change


def fail(call, *words):
    with pytest.raises(InputError) as caught:
        call()
    sentence = str(caught.value)
    for word in words:
        assert word in sentence, sentence
    assert "; remove" in sentence


@pytest.mark.parametrize("folds", [None, FOLDS], ids=["splits", "folds"])
def test_honest_networks_balance(collection, tmp_path, folds) -> None:
    accounts = account_networks(collection, networks_of(collection, tmp_path, folds), folds)
    stages = ["train split learned by", "validation split learned by", "scores"]
    assert {one.stage for one in accounts} == set(stages)
    for account in accounts:
        account.require_balance("here", "nothing")
    scores = [one for one in accounts if one.stage == "scores" and one.sample == "rpv"]
    tested = sum(one.wrote["test"].n for one in scores)
    weight = collection.column("weight")[20:]
    if folds is None:
        assert tested == 2 * 6
        test = weight[collection.column("split")[20:] == TEST]
        assert scores[0].wrote["test"] == Count(6, test.sum(), abs(test).sum())
    else:  # each once for each seed
        assert tested == 2 * 30
        total = sum(one.wrote["test"].weight for one in scores)
        assert total == pytest.approx(2 * weight.sum())


def test_training_on_other_events(collection, tmp_path) -> None:
    """One event less in the image files, or another weight, after the training."""
    networks = networks_of(collection, tmp_path)
    path = collection.files[0].path
    split, weight = (collection.files[0].events[name].copy() for name in ("split", "weight"))
    before = split.copy()
    split[0] = TEST
    rewrite(path, columns={"split": split})
    changed = ImageCollection([file.path for file in collection.files])
    words = "sample 'qcd', train split learned by of cnn/seed1", "seed1.json: 12 rows were read"
    fail(lambda: account_networks(changed, networks), *words, "has 11: 1 is there twice or")
    total = weight[before == TRAIN].sum()
    weight[1] += 1
    rewrite(path, columns={"split": before, "weight": weight})
    changed = ImageCollection([file.path for file in collection.files])
    words = f"is {total:.12g}, but that of the train split now {total + 1:.12g}"
    fail(lambda: account_networks(changed, networks), words)


def test_training_that_does_not_balance(collection, tmp_path) -> None:
    networks = networks_of(collection, tmp_path, seeds=[1])
    content = json.loads(networks[0].model.read_text())
    content["training"]["accounts"][0]["wrote"]["learned"]["n"] -= 2
    networks[0].model.write_text(json.dumps(content))
    fail(lambda: account_networks(collection, networks), "of 12 rows", "10 written", "2 are lost")
    networks[0].model.write_text("{}")
    fail(lambda: account_networks(collection, networks), "no description of a trained model")


def test_older_models_tell_nothing(collection, tmp_path) -> None:
    networks = networks_of(collection, tmp_path, seeds=[1])
    networks[0].model.write_text(json.dumps({"training": {}}))
    assert {one.stage for one in account_networks(collection, networks)} == {"scores"}


CHANGES = {
    "lost": (without(3), "has 19 rows for 20", "1 is lost (event 9 of sample 'qcd')"),
    "twice": (twice(3), "has 21 rows for 20", "1 is there once too often (event 9 of sample"),
    "of another sample": (
        put("sample", 0, "ttbar"),
        "has 20 rows for 20",
        "1 is lost (event 3 of sample 'qcd')",
        "1 is of no such row of the image files (event 3 of sample 'ttbar')",
    ),
    "another event": (put("event_number", 0, 99), "1 is of no such row", "event 99 of"),
    "in another order": (
        lambda table: {name: column[::-1] for name, column in table.items()},
        "its 20 rows are in another order",
    ),
    "not a number": (put("logit", 2, np.nan), "'logit' is not a number in 1 of 20 rows"),
    "another split": (put("split", 0, TEST), "1 of 20 rows were of another split"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_scores_that_changed(collection, tmp_path, change) -> None:
    networks = networks_of(collection, tmp_path)
    alter_it, *words = CHANGES[change]
    alter(networks[1].scores, alter_it)
    where = f"scores of cnn/seed2: {networks[1].scores}"
    fail(lambda: account_networks(collection, networks), where, *words)


def test_folds_that_test_an_event_twice(collection, tmp_path) -> None:
    networks = networks_of(collection, tmp_path, FOLDS, seeds=[1])
    first, second = (read_table(network.scores) for network in networks)
    extra = np.flatnonzero(second["split"] == TEST)[0]
    grown = {name: np.append(column, second[name][extra]) for name, column in first.items()}
    write_table(networks[0].scores, grown)
    n = len(first["split"])
    fail(
        lambda: account_networks(collection, networks, FOLDS),
        f"scores of cnn/seed1/fold0: {networks[0].scores}: it has {n + 1} rows for {n}",
    )
    write_table(networks[0].scores, first)
    only_one = networks[:1]
    n_lost = int(np.sum(collection.folds(FOLDS) == 1))
    fail(
        lambda: account_networks(collection, only_one, FOLDS),
        f"scores of cnn/seed1: of 50 rows {n_lost} are tested by no network and 0 by several",
    )
    swapped = [
        Network(one.name, one.model, other.scores, one.fold)
        for one, other in zip(networks, networks[::-1], strict=True)
    ]
    fail(lambda: account_networks(collection, swapped, FOLDS), "scores of cnn/seed1/fold0")


def test_scores_of_further_files(collection, tmp_path) -> None:
    test = np.flatnonzero(collection.column("split") == TEST)
    write_scores(tmp_path / "s.h5", collection, test, np.zeros(len(test)))
    qcd, rpv = account_scores(collection, tmp_path / "s.h5", "scores, worse")
    assert (qcd.read.n, qcd.dropped["not of the test split"].n, qcd.output.n) == (20, 16, 4)
    assert (rpv.read.n, rpv.output.n) == (30, 6)
    every = np.arange(50)
    fail(
        lambda: account_scores(collection, tmp_path / "s.h5", "scores", all_rows=True),
        "it has 10 rows for 50 of the image files: 40 are lost (the first event 0 of sample 'qcd')",
    )
    write_scores(tmp_path / "s.h5", collection, every, np.zeros(50))
    assert account_scores(collection, tmp_path / "s.h5", "scores", all_rows=True)[1].output.n == 30


def table_of(collection, folder, rows):
    weights = 3 * collection.column("weight")
    keys = {name: collection.column(name)[rows] for name in ("event_number", "split")}
    columns = {"sample": collection.sample_names()[rows], "weight": weights[rows], **keys}
    columns["signal_region"] = np.arange(len(rows)) % 2 == 0
    write_table(folder / "test_events.h5", columns)
    return folder / "test_events.h5", weights


def test_table_of_test_events(collection, tmp_path) -> None:
    rows = np.flatnonzero(collection.column("split") == TEST)
    path, weights = table_of(collection, tmp_path, rows)
    evaluation, _, region, other = account_table(collection, path, rows, weights)
    assert (evaluation.output.n, region.output.n, other.output.n) == (4, 2, 3)
    alter(path, put("weight", 0, 100.0))
    total = weights[rows[:4]].sum()
    fail(
        lambda: account_table(collection, path, rows, weights),
        f"sum up to {total - weights[rows[0]] + 100:.12g}, but those of the image files to "
        f"{total:.12g}",
    )
    path, _ = table_of(collection, tmp_path, rows[1:])
    fail(lambda: account_table(collection, path, rows, weights), "has 9 rows for 10", "is lost")


def test_rows_without_a_target_are_left_out(collection, tmp_path) -> None:
    rows = np.flatnonzero(collection.column("split") == TEST)
    path, weights = table_of(collection, tmp_path, rows[2:])
    left_out = {NO_TARGET: np.arange(10) < 2}
    qcd, *_ = account_table(collection, path, rows, weights, left_out)
    assert (qcd.read.n, qcd.dropped[NO_TARGET].n, qcd.output.n) == (4, 2, 2)
    fail(lambda: account_table(collection, path, rows, weights), "has 8 rows for 10", "2 are lost")


def test_what_a_training_leaves_out(collection) -> None:
    """A share of the split, rows without a target, and those that the loss gives no weight."""
    rows = np.arange(50)
    steps = {"train": [("", rows), (SHARE, rows[::2]), (NO_TARGET, rows[::2][1:])]}
    weights = {"train": np.where(np.arange(24) < 4, 0.0, 1.0)}
    qcd, rpv = training_accounts(collection, steps, weights)
    assert {reason: one.n for reason, one in qcd.dropped.items()} == {
        SHARE: 10,
        NO_TARGET: 1,
        NO_WEIGHT: 4,
    }
    assert (qcd.output.n, rpv.dropped.keys(), rpv.output.n) == (5, {SHARE}, 15)
    for account in (qcd, rpv):
        account.require_balance("here", "nothing")


SCHEMA = """tree: t
towers: {eta: tow_eta, phi: tow_phi, e_em: tow_e_em, e_had: tow_e_had}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Maps of two ROOT files with runs in both, and the merged ones."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "own.yaml").write_text(SCHEMA)
    layout = MapLayout.of_channels(EtaPhiGrid(4, 4), ("em",), {})
    for name, n in (("a", 9), ("b", 6)):
        towers, _ = make_events(n, seed=n)
        columns = {f"tow_{one}": towers[one] for one in ("eta", "phi", "e_em", "e_had")}
        columns["runnr"] = (np.arange(n) % 3).astype(np.int32)
        root = write_file(folder / f"{name}.root", t=columns)
        source = RunSource([root], schema=folder / "own.yaml", run="runnr")
        accumulate_files(source, folder / f"{name}.h5", layout)
    merge_run_maps([folder / "a.h5", folder / "b.h5"], folder / "all.h5")
    return folder


def account_runs(folder, maps=("a", "b"), merged="all", files=("a", "b")):
    paths = [folder / f"{name}.h5" for name in maps]
    roots = [str(folder / f"{name}.root") for name in files]
    sources = SampleSources(roots, str(folder / "own.yaml"))
    return account_run_maps({"data": paths}, folder / f"{merged}.h5", {"data": sources})


def test_maps_of_runs(runs, tmp_path) -> None:
    of_maps, of_merged = account_runs(runs)
    assert (of_maps.read.n, of_maps.dropped, of_maps.output.n, of_merged.output.n) == (
        15,
        {},
        15,
        15,
    )
    fail(lambda: account_runs(runs, maps=["a"]), "b.root (6 entries) is in 0 files of run maps")
    fail(lambda: account_runs(runs, files=["a"]), "b.root", "in 1 files", "but 0 times among")
    merge_run_maps([runs / "a.h5"], runs / "part.h5")
    fail(
        lambda: account_runs(runs, merged="part"),
        "run 0 has 3 events, but 5 in the files that were merged: 2 are lost",
    )


def test_maps_that_lost_events(runs) -> None:
    file = RunMapFile(runs / "a.h5")
    some = file.select(slice(0, 2))[:]
    write_run_maps(runs / "less.h5", some, origin=file.origin)
    fail(
        lambda: account_runs(runs, maps=["less", "b"]),
        "less.h5 has 6 events of 9 entries of its ROOT files: 3 are lost",
    )


def test_friend_trees_of_further_files(tmp_path) -> None:
    roots = [
        write_ntuple(tmp_path / f"{n}.root", *make_events(n), cross_section_pb=1.0) for n in (4, 3)
    ]
    scores = [
        write_file(tmp_path / f"s{n}.root", calovision_scores={"score": np.zeros(n)})
        for n in (4, 3)
    ]
    sources = SampleSources([str(path) for path in roots])
    account = account_application("data", scores, sources)
    assert (account.read.n, account.wrote["entries"].n) == (7, 7)
    fail(
        lambda: account_application("data", scores[::-1], sources),
        "s3.root has scores of 3 entries, but",
        "4.root has 4: 1 is lost",
    )
