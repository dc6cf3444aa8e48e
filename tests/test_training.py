"""Training and scores: reproducible, able to learn a toy, the best epoch kept, and what they refuse."""

import logging
import warnings

import numpy as np
import pytest
import torch
from fakes import make_columns, make_images, write_image_file, write_two_samples

from calovision.datasets import training_weights
from calovision.errors import InputError
from calovision.metrics import auc, roc
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions, predict_scores, train_network

OPTIONS = TrainingOptions(epochs=2, batch_size=16, learning_rate=0.01, device="cpu", seed=3)


def train(collection, folder, **changes):
    options = TrainingOptions(**(vars(OPTIONS) | changes))
    return train_network(collection, folder, options, luminosity_fb=1.0, progress_bar=False)


def history(folder):
    return np.genfromtxt(folder / "history.csv", delimiter=",", names=True, ndmin=1)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Sixty events a class, of which 36 train, 12 validate and 12 test."""
    return ImageCollection(write_two_samples(tmp_path_factory.mktemp("images")))


@pytest.fixture(scope="module")
def trained(collection, tmp_path_factory):
    """Folder of a run long enough to learn the toy."""
    folder = tmp_path_factory.mktemp("trained")
    train(collection, folder, epochs=12, patience=12)
    return folder


def test_run_leaves_checkpoint_history_and_tensorboard(trained):
    assert sorted(path.name for path in trained.iterdir()) == ["best.ckpt", "history.csv", "tensorboard"]
    assert len(list((trained / "tensorboard").glob("events.out.tfevents.*"))) == 1


def test_history_has_one_row_per_epoch(trained):
    assert (trained / "history.csv").read_text().splitlines()[0] == "epoch,train_loss,validation_loss,validation_auc"
    rows = history(trained)
    assert rows["epoch"].tolist() == list(range(12))
    for name in rows.dtype.names:
        assert np.isfinite(rows[name]).all()
    assert rows["train_loss"][-1] < 0.5 * rows["train_loss"][0]


def test_toy_is_learned(collection, trained):
    test = np.flatnonzero(collection.column("split") == 2)
    scores, labels = predict_scores(collection, trained / "best.ckpt", test), collection.column("label")[test]
    assert auc(roc(scores, labels, np.ones(len(test)))) > 0.9
    assert scores[labels == 1].mean() > 0.5 > scores[labels == 0].mean()


def test_checkpoint_is_the_epoch_of_the_lowest_validation_loss(trained):
    checkpoint = torch.load(trained / "best.ckpt", weights_only=False)
    assert checkpoint["epoch"] == np.argmin(history(trained)["validation_loss"])


def test_checkpoint_gives_the_validation_numbers_of_its_epoch(collection, trained):
    """Loss and AUC of the history, computed here from the scores of the stored network."""
    validation = np.flatnonzero(collection.column("split") == 1)
    scores, labels = (
        predict_scores(collection, trained / "best.ckpt", validation),
        collection.column("label")[validation],
    )
    weights = training_weights(labels, np.ones(len(labels)), "balanced")
    loss = -np.mean(weights * np.where(labels == 1, np.log(scores), np.log1p(-scores)))
    best = history(trained)[np.argmin(history(trained)["validation_loss"])]
    assert best["validation_loss"] == pytest.approx(loss, rel=1e-4)
    assert best["validation_auc"] == pytest.approx(auc(roc(scores, labels, weights)), rel=1e-4)


def test_same_seed_gives_the_same_network(collection, tmp_path):
    every = np.arange(len(collection))
    paths = [train(collection, tmp_path / str(k), seed=seed) for k, seed in enumerate((5, 5, 6))]
    weights = [torch.load(path, weights_only=False)["state_dict"] for path in paths]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    first, same, other = (predict_scores(collection, path, every) for path in paths)
    assert np.array_equal(first, same)
    assert not np.allclose(first, other)
    histories = [(path.parent / "history.csv").read_text() for path in paths]
    assert histories[0] == histories[1] != histories[2]


def test_second_run_replaces_the_first(collection, tmp_path):
    train(collection, tmp_path, epochs=3)
    train(collection, tmp_path, epochs=1)
    assert history(tmp_path)["epoch"].tolist() == [0]
    assert torch.load(tmp_path / "best.ckpt", weights_only=False)["epoch"] == 0
    assert len(list((tmp_path / "tensorboard").glob("events.out.tfevents.*"))) == 1


def test_early_stopping(collection, tmp_path):
    """A learning rate of zero improves nothing after the running statistics settled."""
    train(collection, tmp_path, epochs=50, patience=2, learning_rate=1e-12, augmentation=False)
    rows = history(tmp_path)
    assert len(rows) < 50
    assert len(rows) - 1 - np.argmin(rows["validation_loss"]) == 2


def test_augmentation_is_of_the_training_only(collection, tmp_path):
    """It changes the training but not the scores of a trained network."""
    folders = {augmentation: tmp_path / str(augmentation) for augmentation in (True, False)}
    for augmentation, folder in folders.items():
        train(collection, folder, augmentation=augmentation)
    losses = [history(folder)["train_loss"][0] for folder in folders.values()]
    assert losses[0] != losses[1]
    scores = [predict_scores(collection, folders[True] / "best.ckpt", np.arange(20)) for _ in range(2)]
    assert np.array_equal(*scores)


@pytest.mark.parametrize("progress_bar", [True, False])
def test_run_says_nothing_but_its_progress(collection, tmp_path, capfd, caplog, progress_bar):
    with warnings.catch_warnings(), caplog.at_level(logging.INFO):
        warnings.simplefilter("error")
        options = TrainingOptions(**(vars(OPTIONS) | {"epochs": 1}))
        train_network(collection, tmp_path, options, luminosity_fb=1.0, progress_bar=progress_bar)
    output = capfd.readouterr()
    shown = output.out + output.err
    assert ("Epoch 0: 100%" in shown) == progress_bar
    assert ("validation_loss=" in shown) == progress_bar
    assert all(word not in shown for word in ("v_num", "litlogger", "GPU available", "Warning"))
    assert progress_bar or shown == ""
    assert [record.name for record in caplog.records] == ["calovision.training"] * 2
    assert caplog.records[0].getMessage() == "training small on 72 events, device cpu"
    assert logging.getLogger("lightning.pytorch").level != logging.WARNING


@pytest.mark.parametrize("weights", ["physical", "log1p"])
def test_weights_enter_the_loss(collection, tmp_path, weights):
    """All events of a class weigh the same here, so that each scheme gives the loss of the balanced one."""
    losses = []
    for scheme in ("balanced", weights):
        train(collection, tmp_path / scheme, epochs=1, weights=scheme)
        losses.append(history(tmp_path / scheme)["train_loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_scores_are_float64_between_zero_and_one_in_the_order_asked_for(collection, trained):
    every = predict_scores(collection, trained / "best.ckpt", np.arange(len(collection)), device="cpu")
    assert every.shape == (120,)
    assert every.dtype == np.float64
    assert np.all((every > 0) & (every < 1))
    some = predict_scores(collection, trained / "best.ckpt", np.array([100, 3, 3, 50]), batch_size=3)
    np.testing.assert_allclose(some, every[[100, 3, 3, 50]], rtol=1e-5)
    assert predict_scores(collection, trained / "best.ckpt", np.zeros(0, dtype=int)).shape == (0,)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"channels": ("had_et", "tracks")}, r"\('had_et', 'tracks'\)"),
        ({"images": make_images(5, (2, 8, 16))}, r"\(2, 8, 16\)"),
    ],
)
def test_scores_of_other_images_are_refused(tmp_path, trained, changes, found):
    other = ImageCollection([write_image_file(tmp_path / "a.h5", 5, **changes)])
    with pytest.raises(InputError, match=rf"best.ckpt: trained on images .*, but these are .*{found}"):
        predict_scores(other, trained / "best.ckpt", np.arange(5))


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize(("label", "title"), [(1, "signal"), (0, "background")])
def test_split_without_a_class(tmp_path, split, label, title):
    position = ("train", "validation").index(split)
    paths = write_two_samples(tmp_path, n_events=10)
    moved = make_columns(10)["split"]
    moved[moved == position] = 2
    name = ("qcd", "rpv")[label]
    write_image_file(paths[1 - label], 10, columns={"split": moved}, sample=name, label=label)
    with pytest.raises(InputError, match=rf"the {split} split has no {title} event \(label {label}\)"):
        train(ImageCollection(paths), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_sample_without_events(tmp_path):
    paths = [*write_two_samples(tmp_path, n_events=10), write_image_file(tmp_path / "jz3.h5", 0, sample="jz3")]
    with pytest.raises(InputError, match="sample 'jz3': none of its 100 events passes the preselection"):
        train(ImageCollection(paths), tmp_path / "model")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "equal"}, "train.weights 'equal' is unknown: choose from balanced, physical, log1p"),
        ({"network": "resnet"}, "unknown network 'resnet': choose from small"),
    ],
)
def test_option_that_is_unknown(collection, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        train(collection, tmp_path, **changes)


def test_gpu_where_there_is_none(collection, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        InputError, match=r"train.device is 'gpu' but there is none on this machine: choose auto or cpu"
    ):
        train(collection, tmp_path, device="gpu")


def test_loss_that_is_not_finite(tmp_path):
    paths = write_two_samples(tmp_path, n_events=20)
    images = make_images(20)
    images[:, 0, 0, 0] = np.nan
    write_image_file(paths[1], images=images)
    with pytest.raises(InputError, match=r"the training loss is not finite: lower train.learning_rate or look for NaN"):
        train(ImageCollection(paths), tmp_path / "model")
    assert not (tmp_path / "model" / "best.ckpt").exists()
