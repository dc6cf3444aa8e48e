"""Batches of any size are trained with; what cannot be trained is named before anything is
written."""

import numpy as np
import pytest
from fakes import make_images, write_image_file, write_two_samples
from fakes_models import IMAGE_NETWORKS
from fakes_training import train as train_with

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.models import load_model
from calovision.scoring import score_collection
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions
from calovision.training.monitoring import FollowRun

OPTIONS = TrainingOptions(
    epochs=2, batch_size=16, learning_rate=0.01, device="cpu", precision="fp32", seed=3
)
NARROW = {"hep_cnn": {"dense": 8}, "nersc": {"width": 4}, "jet_cnn": {"dense": [8]}}


def train(collection, folder, **changes):
    return train_with(collection, folder, OPTIONS, **changes)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    return ImageCollection(write_two_samples(tmp_path_factory.mktemp("images")))


def write_split(folder, split, shape=(2, 16, 16)):
    """Two samples whose events are in the given splits."""
    folder.mkdir()
    columns = {"split": np.array(split, dtype=np.uint8), "event_number": np.arange(len(split))}
    grid = EtaPhiGrid(shape[1], shape[2])
    paths = [
        write_image_file(
            folder / f"{name}.h5",
            images=make_images(len(split), shape, seed=label),
            columns=columns,
            sample=name,
            label=label,
            grid=grid,
        )
        for name, label in (("rpv", 1), ("qcd", 0))
    ]
    return ImageCollection(paths)


@pytest.mark.parametrize(
    ("split", "batch_size", "steps"),
    [([0, 0, 0, 1], 1, 6), ([0, 0, 0, 1], 5, 1), ([0, 0, 0, 1], 1000, 1), ([0, 1], 64, 1)],
    ids=["one image", "one is left", "larger than the split", "one event of each class"],
)
def test_batches_of_any_size_are_trained_with(tmp_path, monkeypatch, split, batch_size, steps):
    collection, seen = write_split(tmp_path / "images", split), []
    monkeypatch.setattr(
        FollowRun, "on_train_batch_end", lambda *arguments: seen.append(len(arguments[4]))
    )
    train(collection, tmp_path / "model", batch_size=batch_size, epochs=1)
    assert len(seen) == steps
    assert sum(seen) == 2 * split.count(0) - (batch_size == 5)
    scores = score_collection(
        load_model(tmp_path / "model"), collection, np.arange(2 * len(split)), device="cpu"
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("network", IMAGE_NETWORKS)
def test_every_network_is_trained_with_single_images(tmp_path, network):
    collection = write_split(tmp_path / "images", [0, 1])
    train(
        collection,
        tmp_path / "model",
        network=network,
        options=NARROW.get(network, {}),
        batch_size=1,
        epochs=1,
    )
    scores = score_collection(
        load_model(tmp_path / "model"), collection, np.arange(4), device="cpu"
    )
    assert np.isfinite(scores).all()


def test_batch_normalization_of_a_single_number_says_so(tmp_path):
    collection = write_split(tmp_path / "images", [0, 0, 1])
    network = "fakes_networks:NormalizedNetwork"
    with pytest.raises(
        InputError, match=r"batch normalization of single numbers, .* train.batch_size to 2 or more"
    ):
        train(collection, tmp_path / "model", network=network, batch_size=1)
    train(
        collection, tmp_path / "model", network=network, batch_size=3
    )  # of four events: one would be left


@pytest.mark.parametrize(
    ("split", "name"), [([0, 0], "validation"), ([1, 1], "train"), ([2], "train")]
)
def test_empty_split_is_named(tmp_path, split, name):
    with pytest.raises(InputError, match=f"no image is of the {name} split"):
        train(write_split(tmp_path / "images", split), tmp_path / "model")


def test_patience_of_none_still_trains(collection, tmp_path):
    train(collection, tmp_path, epochs=3, patience=0)
    assert 1 <= load_model(tmp_path).training_run["epochs"] <= 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "train.batch_size is 0: give a whole number from 1 on"),
        ({"batch_size": 2.5}, "train.batch_size is 2.5: give a whole number from 1 on"),
        ({"epochs": 0}, "train.epochs is 0: give a whole number from 1 on"),
        ({"epochs": -1}, "train.epochs is -1: give a whole number from 1 on"),
        ({"patience": -1}, "train.patience is -1: give a whole number from 0 on"),
        ({"n_devices": 0}, "train.n_devices is 0: give a whole number from 1 on"),
        ({"learning_rate": float("nan")}, "train.learning_rate is nan: give a number above 0"),
        ({"learning_rate": 0.0}, "train.learning_rate is 0.0: give a number above 0"),
        ({"gradient_clip": 0.0}, "train.gradient_clip is 0.0: give a number above 0"),
        (
            {"checkpoint_minutes": float("inf")},
            "train.checkpoint_minutes is inf: give a number above 0",
        ),
    ],
)
def test_numbers_that_are_impossible(collection, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        train(collection, tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []
