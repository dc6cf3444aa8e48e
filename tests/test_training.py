"""Training: reproducible, able to learn a toy, the best epoch kept, what it shows, and what it
refuses."""

import json
import logging
import warnings

import fakes_training
import numpy as np
import pytest
import torch
from fakes import make_columns, make_images, write_image_file, write_two_samples
from fakes_checksums import edited
from fakes_models import make_specification
from torch.nn.functional import binary_cross_entropy_with_logits

from calovision.core.errors import InputError
from calovision.datasets import ImageLoader, training_weights
from calovision.images.grid import JetGrid
from calovision.metrics import auc, roc, signal_efficiency_at
from calovision.models import SCALINGS, ScalingStatistics, load_model, make_model
from calovision.scoring import score_collection
from calovision.storage import ImageCollection
from calovision.training import HISTORY, TrainingOptions, train_network
from calovision.training.classifier import ImageClassifier
from calovision.training.data import ImageData

OPTIONS = TrainingOptions(
    epochs=2, batch_size=16, learning_rate=0.01, device="cpu", precision="fp32", seed=3
)


def train(collection, folder, **changes):
    return fakes_training.train(collection, folder, OPTIONS, **changes)


def history(folder):
    return np.genfromtxt(folder / "history.csv", delimiter=",", names=True, ndmin=1, deletechars="")


def scores_of(folder, collection, indices):
    return score_collection(
        load_model(folder, allow_imports=True), collection, indices, device="cpu"
    )


def weights_of(folder):
    return load_model(folder, allow_imports=True).state_dict()


def equal_weights(first, second):
    return all(
        torch.equal(weights_of(first)[name], weights)
        for name, weights in weights_of(second).items()
    )


def validation(collection):
    indices = np.flatnonzero(collection.column("split") == 1)
    return indices, collection.column("label")[indices]


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


def test_run_leaves_model_history_and_tensorboard(trained):
    names = ["history.csv", "model.json", "model.safetensors", "tensorboard"]
    assert sorted(path.name for path in trained.iterdir()) == names
    assert len(list((trained / "tensorboard").glob("events.out.tfevents.*"))) == 1


def test_history_has_one_row_per_epoch(trained):
    assert tuple((trained / "history.csv").read_text().splitlines()[0].split(",")) == HISTORY
    rows = history(trained)
    assert rows["epoch"].tolist() == list(range(12))
    for name in HISTORY:
        assert np.isfinite(rows[name]).all()
    assert rows["train_loss"][-1] < 0.5 * rows["train_loss"][0]
    assert np.all((rows["train_accuracy"] >= 0) & (rows["train_accuracy"] <= 1))
    assert rows["train_accuracy"][-1] > 0.8
    assert np.all(rows["images_per_s"] > 0)


def test_toy_is_learned(collection, trained):
    test = np.flatnonzero(collection.column("split") == 2)
    scores, labels = scores_of(trained, collection, test), collection.column("label")[test]
    assert auc(roc(scores, labels, np.ones(len(test)))) > 0.9
    assert scores[labels == 1].mean() > 0 > scores[labels == 0].mean()


def test_model_gives_the_validation_numbers_of_the_best_epoch(collection, trained):
    """Numbers of the history, computed here from the scores of the stored network."""
    indices, labels = validation(collection)
    scores = scores_of(trained, collection, indices)
    weights = training_weights(labels, np.ones(len(labels)), "balanced")
    loss = np.mean(weights * np.logaddexp(0, np.where(labels == 1, -scores, scores)))
    best = history(trained)[np.argmin(history(trained)["validation_loss"])]
    assert best["validation_loss"] == pytest.approx(loss, rel=1e-4)
    assert best["validation_auc"] == pytest.approx(auc(roc(scores, labels, weights)), rel=1e-4)
    assert best["validation_accuracy"] == pytest.approx(np.mean((scores > 0) == labels))
    for point in ("1e-2", "1e-3"):
        value = signal_efficiency_at(scores, labels, weights, float(point)).value
        assert best[f"validation_signal_efficiency_{point}"] == pytest.approx(value, rel=1e-4)


def test_model_says_how_it_was_trained(trained):
    training = load_model(trained).training_run
    rows = history(trained)
    assert (training["epochs"], training["best_epoch"]) == (12, np.argmin(rows["validation_loss"]))
    assert (training["n_training"], training["n_validation"]) == (72, 24)
    assert training["options"]["learning_rate"] == 0.01
    assert training["samples"] == {"rpv": 1, "qcd": 0}


def test_learning_rate_is_that_of_the_schedule(collection, tmp_path):
    """In the last step of each of two epochs of four, by the formulas of the schedules."""
    rates = {}
    for schedule in ("one_cycle", "cosine", "constant"):
        train(collection, tmp_path / schedule, schedule=schedule)
        rates[schedule] = history(tmp_path / schedule)["learning_rate"]
    assert rates["constant"].tolist() == [0.01, 0.01]
    np.testing.assert_allclose(
        rates["cosine"], 0.005 * (1 + np.cos(np.pi * np.array([3, 7]) / 8)), rtol=1e-4
    )
    assert rates["one_cycle"][-1] == pytest.approx(0.01 / 25 / 1e4, rel=1e-3)


def test_same_seed_gives_the_same_network(collection, tmp_path):
    """To the last bit, and wherever there is room in the memory."""
    folders, held = [tmp_path / str(k) for k in range(3)], []
    for folder, seed in zip(folders, (5, 5, 6), strict=True):
        train(collection, folder, seed=seed)
        held += [
            np.empty(n, dtype=np.uint8) for n in np.random.default_rng(1).integers(1, 5000, 3000)
        ]
        del held[::2]
    assert equal_weights(folders[0], folders[1])
    assert not equal_weights(folders[0], folders[2])
    columns = [[history(folder)[name].tolist() for name in HISTORY[:-1]] for folder in folders]
    assert columns[0] == columns[1] != columns[2]


def test_second_run_replaces_the_first(collection, tmp_path):
    train(collection, tmp_path, epochs=3)
    train(collection, tmp_path, epochs=1)
    assert history(tmp_path)["epoch"].tolist() == [0]
    assert load_model(tmp_path).training_run["epochs"] == 1
    assert len(list((tmp_path / "tensorboard").glob("events.out.tfevents.*"))) == 1


def test_early_stopping(collection, tmp_path):
    """A learning rate of zero improves nothing after the running statistics settled."""
    train(collection, tmp_path, epochs=50, patience=2, learning_rate=1e-12, augmentation=False)
    rows = history(tmp_path)
    assert len(rows) < 50
    assert len(rows) - 1 - np.argmin(rows["validation_loss"]) == 2


def test_augmentation_is_of_the_training_only(collection, tmp_path):
    """It changes the training but not the scores of a trained network."""
    losses = []
    for augmentation in (True, False):
        train(collection, tmp_path / str(augmentation), augmentation=augmentation)
        losses.append(history(tmp_path / str(augmentation))["train_loss"][0])
    assert losses[0] != losses[1]
    both = [scores_of(tmp_path / "True", collection, np.arange(20)) for _ in range(2)]
    np.testing.assert_allclose(*both, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "bf16"},
        {"channels_last": False},
        {"gradient_clip": 0.01},
        {
            "gradient_clip": 0.01,
            "precision": "bf16",
        },  # Lightning does not clip before every kind of step
        {"scaling": "maximum"},
        {"variables": ("n_fat_jets", "ht")},
        {"circular": False},
        {"options": {"width": 4}},
    ],
)
def test_choice_changes_the_training(collection, tmp_path, changes, trained):
    train(collection, tmp_path, epochs=1, **changes)
    assert history(tmp_path)["validation_loss"][0] != history(trained)["validation_loss"][0]
    assert np.isfinite(scores_of(tmp_path, collection, np.arange(10))).all()


def test_statistics_are_those_of_the_training_split(collection, tmp_path):
    train(collection, tmp_path, epochs=1, scaling="maximum", variables=("ht",))
    chosen = np.flatnonzero(collection.column("split") == 0)
    buffers = {name: values.numpy() for name, values in weights_of(tmp_path).items()}
    maxima = collection.dense(chosen).max(axis=(0, 2, 3))
    assert any(
        values.size == 2 and np.allclose(1 / values.ravel(), maxima) for values in buffers.values()
    )
    ht = collection.column("ht")[chosen]
    for number in (ht.mean(), 1 / ht.std()):
        assert any(values.size == 1 and np.allclose(values, number) for values in buffers.values())


@pytest.mark.parametrize("progress_bar", [True, False])
def test_run_says_nothing_but_its_progress(collection, tmp_path, capfd, caplog, progress_bar):
    with warnings.catch_warnings(), caplog.at_level(logging.INFO):
        warnings.simplefilter("error")
        options = TrainingOptions(**(vars(OPTIONS) | {"epochs": 1}))
        train_network(collection, tmp_path, options, luminosity_fb=1.0, progress_bar=progress_bar)
    output = capfd.readouterr()
    shown = output.out + output.err
    assert ("Epoch 0: 100%" in shown) == progress_bar
    assert ("auc=" in shown) == progress_bar
    assert all(word not in shown for word in ("v_num", "litlogger", "GPU available", "Warning"))
    assert progress_bar or shown == ""
    assert {record.name for record in caplog.records} == {"calovision.training.run"}
    assert caplog.records[0].getMessage() == "training small on 72 events, device cpu"
    assert logging.getLogger("lightning.pytorch").level != logging.WARNING


@pytest.mark.parametrize("augmentation", [False, True])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_loss_is_that_of_dense_images(collection, scaling, augmentation):
    """Scaled before the images are dense or after: the same logits and loss but for the rounding;
    the batch stays."""
    indices = np.flatnonzero(collection.column("split") == 0)
    weights = np.linspace(0.5, 1.5, len(indices))
    (batch,) = ImageLoader(
        collection, indices, weights=weights, batch_size=100, augmentation=augmentation, seed=2
    )
    before = batch.values.clone()
    statistics = ScalingStatistics(
        maxima=np.full(2, 9.0), mean=np.ones((2, 8, 8)), std=np.full((2, 8, 8), 3.0)
    )
    torch.manual_seed(1)
    model = make_model(make_specification(scaling=scaling), statistics).eval()
    classifier = ImageClassifier(model, OPTIONS)
    with torch.no_grad():
        logits, expected = classifier(batch), model(batch.dense())
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-6)
    losses = [
        binary_cross_entropy_with_logits(x, batch.labels, weight=batch.weights)
        for x in (logits, expected)
    ]
    torch.testing.assert_close(*losses, rtol=1e-6, atol=0)
    assert torch.equal(batch.values, before)
    assert logits.std() > 1e-4


def test_network_on_points(tmp_path):
    """Trained on the hardest towers and tracks of the files, stored, loaded and scored; the images
    are all empty."""
    rng, paths = np.random.default_rng(1), []
    for label, scale in ((0, 20.0), (1, 160.0)):
        points = {
            name: np.stack(
                [rng.exponential(scale, (60, n)), *rng.normal(size=(fields - 1, 60, n))], axis=-1
            )
            for name, n, fields in (("leading_towers", 6, 4), ("leading_tracks", 3, 3))
        }
        images, points = (
            np.zeros((60, 2, 8, 8), dtype=np.float32),
            {k: v.astype(np.float32) for k, v in points.items()},
        )
        name = ("qcd", "rpv")[label]
        paths.append(
            write_image_file(
                tmp_path / f"{name}.h5", images=images, columns=points, sample=name, label=label
            )
        )
    collection = ImageCollection(paths)
    choices = {"network": "deep_sets", "options": {"towers": 6, "tracks": 3, "width": 16}}
    choices |= {"variables": ("leading_towers", "leading_tracks"), "epochs": 15, "patience": 15}
    train(collection, tmp_path / "run", **choices)
    indices, labels = validation(collection)
    assert (
        auc(roc(scores_of(tmp_path / "run", collection, indices), labels, np.ones(len(labels))))
        > 0.95
    )
    with pytest.raises(
        InputError, match="'deep_sets' takes 49 variables, of 10 towers and 3 tracks, not 33"
    ):
        train(collection, tmp_path / "b", **choices | {"options": {"towers": 10, "tracks": 3}})


@pytest.mark.parametrize("weights", ["raw", "log1p"])
def test_weights_enter_the_loss(collection, tmp_path, weights):
    """All events of a class weigh the same here, so that each scheme gives the loss of the balanced
    one."""
    losses = []
    for scheme in ("balanced", weights):
        train(collection, tmp_path / scheme, epochs=1, weights=scheme)
        losses.append(history(tmp_path / scheme)["train_loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def read_tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(folder / "tensorboard"))
    board.Reload()
    return board


def test_tensorboard_holds_the_history_and_pictures(trained):
    board = read_tensorboard(trained)
    rows = history(trained)
    for name in HISTORY[1:]:
        values = [event.value for event in board.Scalars(name)]
        np.testing.assert_allclose(values, rows[name], rtol=1e-5, atol=1e-6)
    assert [event.step for event in board.Scalars("validation_loss")] == [
        4 * epoch + 3 for epoch in range(12)
    ]
    for name in ("roc", "output_of_both_classes"):
        assert [event.step for event in board.Images(name)] == [4, 24, 44, 48]


def test_jet_images(tmp_path):
    """They are not periodic, and their pixels are standardized with the statistics of the training
    split."""
    paths = write_two_samples(tmp_path, n_events=40)
    columns = {name: np.ones(40) for name in ("jet_index", "pt", "eta", "phi", "mass")}
    jets = {
        "kind": "jet",
        "grid": JetGrid(8, 8, 1.6),
        "jet_recipe": {"zero_center": True, "standardize": 0.02},
    }
    for label, (path, name) in enumerate(zip(reversed(paths), ("qcd", "rpv"), strict=True)):
        images = make_images(40, seed=label, scale=1 + 3 * label)
        write_image_file(path, images=images, columns=columns, sample=name, label=label, **jets)
    collection = ImageCollection(paths)
    train(collection, tmp_path / "model", epochs=8, scaling="standardize")
    model = load_model(tmp_path / "model")
    assert (model.specification.kind, model.specification.circular) == ("jet", False)
    chosen = collection.dense(np.flatnonzero(collection.column("split") == 0)).astype(np.float64)
    scaled = model.scaling(torch.from_numpy(chosen).float()).numpy()
    np.testing.assert_allclose(
        scaled, (chosen - chosen.mean(axis=0)) / (chosen.std(axis=0) + 0.02), atol=1e-4
    )
    indices, labels = validation(collection)
    scores = scores_of(tmp_path / "model", collection, indices)
    assert auc(roc(scores, labels, np.ones(len(labels)))) > 0.8


def test_users_own_network(collection, tmp_path):
    train(collection, tmp_path, network="fakes_training:NetworkWithoutState", options={"width": 3})
    description = json.loads((tmp_path / "model.json").read_text())
    assert "fakes_training:NetworkWithoutState" in json.dumps(description)
    assert scores_of(tmp_path, collection, np.arange(4)).shape == (4,)
    with pytest.raises(InputError, match="allow"):
        load_model(tmp_path)


@pytest.mark.parametrize(("name", "other"), [("train", "validation"), ("validation", "train")])
def test_share_takes_a_part_of_its_split_alone(tmp_path, name, other):
    """A smaller part is inside a larger one, so that a learning curve adds events."""
    collection = ImageCollection(write_two_samples(tmp_path, n_events=2000))
    key = {"train": "training_share", "validation": "validation_share"}[name]
    indices = {
        share: ImageData(collection, TrainingOptions(**{key: share}), luminosity_fb=1.0).indices
        for share in (0.25, 0.5, 1.0)
    }
    whole = indices[1.0][name]
    assert np.array_equal(
        whole, np.flatnonzero(collection.column("split") == ("train", "validation").index(name))
    )
    for smaller, larger in ((0.25, 0.5), (0.5, 1.0)):
        assert set(indices[smaller][name]) < set(indices[larger][name])
        assert np.array_equal(indices[smaller][other], indices[1.0][other])
        n, spread = len(whole), np.sqrt(len(whole) * smaller * (1 - smaller))
        assert abs(len(indices[smaller][name]) - smaller * n) < 4 * spread


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize(("label", "title"), [(1, "signal"), (0, "background")])
def test_split_without_a_class(tmp_path, split, label, title):
    position = ("train", "validation").index(split)
    paths = write_two_samples(tmp_path, n_events=10)
    moved = make_columns(10)["split"]
    moved[moved == position] = 2
    name = ("qcd", "rpv")[label]
    write_image_file(paths[1 - label], 10, columns={"split": moved}, sample=name, label=label)
    with pytest.raises(
        InputError, match=rf"the {split} split has no {title} event \(label {label}\)"
    ):
        train(ImageCollection(paths), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_sample_without_events(tmp_path):
    paths = [
        *write_two_samples(tmp_path, n_events=10),
        write_image_file(tmp_path / "jz3.h5", 0, sample="jz3"),
    ]
    with pytest.raises(
        InputError, match="sample 'jz3': none of its 100 events passes the preselection"
    ):
        train(ImageCollection(paths), tmp_path / "model")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([np.nan] * 10, "weight"),
        ([0.0] * 10, "sum up to|no event with label 0 has a positive weight"),
    ],
)
def test_weights_that_are_none(tmp_path, weights, message):
    paths = write_two_samples(tmp_path, n_events=10)
    with edited(paths[1]) as file:
        file["events/weight"][:] = weights
    with pytest.raises(InputError, match=message):
        train(ImageCollection(paths), tmp_path / "model", weights="raw")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"weights": "equal"},
            "train.weights 'equal' is unknown: choose from balanced, log1p, raw, none",
        ),
        ({"training_share": 0}, "train.training_share is 0: give a part above 0, at most 1"),
        (
            {"validation_share": 1.5},
            "train.validation_share is 1.5: give a part above 0, at most 1",
        ),
        (
            {"schedule": "step"},
            "train.schedule 'step' is unknown: choose from one_cycle, cosine, constant",
        ),
        (
            {"precision": "fp8"},
            "train.precision 'fp8' is unknown: choose from auto, fp32, bf16, fp16",
        ),
        ({"precision": "fp16"}, "train.precision 'fp16' needs a GPU: choose auto, bf16 or fp32"),
        ({"device": "tpu"}, "train.device 'tpu' is unknown: choose from auto, cpu, gpu"),
        ({"network": "vgg"}, "unknown network 'vgg'; choose from .*resnet"),
        (
            {"batch_size": 9, "n_devices": 2},
            "train.batch_size 9 cannot be divided among 2 processes: choose a mult",
        ),
    ],
)
def test_option_that_is_unknown_or_impossible(collection, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        train(collection, tmp_path / "model", **changes)
    assert not (tmp_path / "model").exists()


def test_gpu_where_there_is_none(collection, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        InputError,
        match=r"train.device is 'gpu' but there is none on this machine: choose auto or cpu",
    ):
        train(collection, tmp_path, device="gpu")


def test_bad_options_leave_an_older_model(collection, tmp_path):
    train(collection, tmp_path, epochs=1)
    before = (tmp_path / "model.json").read_text()
    with pytest.raises(InputError):
        train(collection, tmp_path, network="vgg")
    assert (tmp_path / "model.json").read_text() == before


def test_image_that_is_not_finite_is_named(tmp_path):
    paths = write_two_samples(tmp_path, n_events=20)
    with edited(paths[1]) as file:
        file["images/values"][file["images/offsets"][7]] = np.nan
    with pytest.raises(InputError, match=r"qcd.h5: .*image 7.* not finite"):
        train(ImageCollection(paths), tmp_path / "model")
    assert not (tmp_path / "model" / "model.json").exists()


def test_learning_rate_that_diverges(collection, tmp_path):
    with pytest.raises(InputError, match=r"not finite.*lower train.learning_rate"):
        train(collection, tmp_path, epochs=20, learning_rate=1e30, schedule="constant")


def test_out_of_memory_says_what_would_fit(collection, tmp_path):
    with pytest.raises(
        InputError, match=r"out of memory on device cpu with train.batch_size 16: 2 would fit"
    ):
        train(collection, tmp_path, network="fakes_training:GreedyNetwork")
    assert not (tmp_path / "model.json").exists()
