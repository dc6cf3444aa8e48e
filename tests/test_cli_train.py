"""``calovision train``."""

import json
import re
import shutil
from dataclasses import fields

import numpy as np
import pytest
from fakes import write_image_file, write_two_samples
from fakes_cli import fail, fail_usage, stored, succeed
from sklearn.metrics import roc_auc_score

from calovision.cli.generated import given_values, options_group
from calovision.core.splits import Folds
from calovision.metrics.roc import auc_with_error
from calovision.models import load_model
from calovision.scoring import score_collection
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions, train_network

QUICK = ("--epochs", 2, "--batch-size", 16, "--option", "width=2", "--device", "cpu")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_two_samples(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, files):
    """Folder of a model, and what was printed."""
    folder = tmp_path_factory.mktemp("models") / "mine"
    arguments = ("--channels", "tracks", "--variables", "ht, mj_sum", "--no-augmentation")
    return folder, succeed("train", *files, "-o", folder, *QUICK, *arguments, "--seed", 3)


def test_training_is_that_of_the_library(tmp_path, files, trained):
    folder, text = trained
    options = TrainingOptions(
        epochs=2,
        batch_size=16,
        options={"width": 2},
        device="cpu",
        channels=("tracks",),
        variables=("ht", "mj_sum"),
        augmentation=False,
        seed=3,
    )
    train_network(ImageCollection(files), tmp_path, options, luminosity_fb=36.1, progress_bar=False)
    mine, own = (
        json.loads((path / "model.json").read_text())["training"] for path in (folder, tmp_path)
    )
    assert mine["options"] == own["options"]
    assert mine["validation_loss"] == own["validation_loss"]
    assert stored(text, "validation loss") == f"{own['validation_loss']:.6g}"
    assert stored(text, "epochs") == f"2 of at most 2, the best is {own['best_epoch']}"
    collection = ImageCollection(files)
    test = np.flatnonzero(collection.column("split") == 2)
    scores = score_collection(load_model(folder), collection, test)
    area = roc_auc_score(collection.column("label")[test], scores)
    assert re.match(rf"{area:.4f} \+- 0\.\d+ \(24 events;", stored(text, "test AUC"))


def test_error_of_the_area_is_the_spread_of_it():
    rng = np.random.default_rng(1)
    labels = np.arange(600) % 3 == 0
    both = []
    for _ in range(150):
        weights = rng.choice([-1.0, 1.0, 3.0], 600, p=[0.1, 0.6, 0.3])
        both.append(auc_with_error(rng.normal(labels * 1.0), labels, weights))
    values, errors = np.array(both).T
    assert values.mean() == pytest.approx(0.76025, abs=0.006)  # Phi(1 / sqrt 2)
    assert errors.mean() == pytest.approx(values.std(), rel=0.15)
    scores, weights = np.array([0.0, 1.0, 1.0, 2.0]), np.ones(4)
    # shares of the signal 0.75, 1 and of the background 1, 0.75
    assert auc_with_error(scores, [0, 0, 1, 1], weights) == (0.875, pytest.approx(np.sqrt(1 / 64)))


def test_every_option_of_a_training_is_one_of_the_command():
    group = options_group(TrainingOptions)
    assert given_values(group(), TrainingOptions) == vars(TrainingOptions())
    given = group(options=["widths=[8, 16]", "name=a=b", "rate=1e-3"], channels="a, b")
    values = given_values(given, TrainingOptions)
    assert values["options"] == {"widths": [8, 16], "name": "a=b", "rate": "1e-3"}
    assert values["channels"] == ("a", "b")
    assert [one.name for one in fields(group)] == [one.name for one in fields(TrainingOptions)]


def test_output_that_exists_is_refused_but_for_a_killed_training(tmp_path, files, trained):
    sentence = fail("train", *files, "-o", trained[0], *QUICK)
    assert f"{trained[0]} holds a model already: give another name or --force" in sentence
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    assert "other exists and is not empty" in fail("train", *files, "-o", other, *QUICK)
    assert "is a file" in fail("train", *files, "-o", other / "notes.txt", *QUICK)
    again = tmp_path / "again"
    shutil.copytree(trained[0], again)
    (again / "model.json").unlink()
    (again / "resume").mkdir()  # as a training has it that was killed
    succeed("train", *files, "-o", again, *QUICK, "--epochs", 1)
    assert json.loads((again / "model.json").read_text())["training"]["epochs"] == 1
    succeed("train", *files, "-o", again, *QUICK, "--epochs", 1, "--force", "--threads", 1)


def test_folds_are_trained_and_their_mean(tmp_path, files):
    """The area is that of each event by the network that did not see it."""
    folder = tmp_path / "model"
    text = succeed("train", *files, "-o", folder, *QUICK, "--epochs", 1, "--folds", 2)
    mean = load_model(folder / "final")
    folds = Folds(**mean.training_run["folds"])
    assert vars(folds) == {"number": 2, "seed": 1, "validation_share": 0.25}
    collection = ImageCollection(files)
    of_event, labels = collection.folds(folds), collection.column("label")
    scores = np.zeros(len(collection))
    for fold in (0, 1):
        run = load_model(folder / f"fold{fold}")
        assert run.training_run["fold"] == fold
        mine = np.flatnonzero(of_event == fold)
        scores[mine] = score_collection(run, collection, mine)
    area = roc_auc_score(labels, scores)
    assert re.match(rf"{area:.4f} \+- 0\.\d+ \(120 events;", stored(text, "AUC, out of fold"))
    again = ("train", *files, "-o", folder, *QUICK, "--folds", 2)
    assert "holds a model already: give another name or --force" in fail(*again)
    few = ("train", *files, "-o", tmp_path / "few", *QUICK, "--folds", 70)
    assert "split.folds is 70, but there are only 60 signal events" in fail(*few)


def test_images_that_cannot_train_end_with_a_sentence(tmp_path, files):
    output = tmp_path / "model"
    sentence = fail("train", files[1], "-o", output)
    assert "all samples have the label 0: give at least one sample with label 1" in sentence
    split = {"split": np.zeros(20, dtype=np.uint8)}
    paths = [
        write_image_file(tmp_path / f"{label}.h5", columns=split, label=label, sample=f"s{label}")
        for label in (0, 1)
    ]
    assert "no image is of the validation split" in fail("train", *paths, "-o", output)
    assert "give NAME=VALUE, as width=32" in fail("train", *files, "-o", output, "--option", "x")
    twice = ("--option", "width=2", "--option", "width=3")
    assert "width is given twice" in fail("train", *files, "-o", output, *twice)
    assert "no option depth" in fail("train", *files, "-o", output, "--option", "depth=2")
    wrong = fail("train", *files, "-o", output, "--learning-rate", 0)
    assert "train.learning_rate is 0" in wrong
    assert "--schedule" in fail_usage("train", *files, "-o", output, "--schedule", "step")
    assert not output.exists()
