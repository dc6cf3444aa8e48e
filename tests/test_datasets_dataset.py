"""Images with labels for torch's own DataLoader."""

import pickle

import numpy as np
import pytest
import torch
from fakes import write_two_samples
from torch.utils.data import DataLoader

from calovision.core.errors import InputError
from calovision.datasets import ImageDataset, training_weights
from calovision.storage import ImageCollection, ImageFile


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_two_samples(tmp_path_factory.mktemp("images"), n_events=10)


def test_loader_of_torch_gives_images_with_their_labels(paths):
    collection = ImageCollection(paths)
    loader = DataLoader(ImageDataset(collection, columns=("weight", "event_number")), batch_size=6)
    images, labels, weights, numbers = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert (images.dtype, labels.dtype) == (torch.float32, torch.float32)
    assert np.array_equal(images.numpy(), collection.dense(np.arange(20)))
    assert labels.tolist() == [1.0] * 10 + [0.0] * 10
    assert np.array_equal(weights.numpy(), collection.column("weight"))
    assert np.array_equal(numbers.numpy(), collection.column("event_number"))


def test_shuffled_loader_keeps_image_and_label_together(paths):
    data = ImageDataset(ImageCollection(paths), columns=("event_number",))
    loader = DataLoader(
        data, batch_size=7, shuffle=True, generator=torch.Generator().manual_seed(1)
    )
    seen = set()
    for images, labels, numbers in loader:
        for image, label, number in zip(images, labels.tolist(), numbers.tolist(), strict=True):
            path = paths[0] if label else paths[1]
            assert np.array_equal(image.numpy(), ImageFile(path)[number])
            seen.add((label, number))
    assert len(seen) == 20


def test_one_file_and_one_split(paths):
    file = ImageFile(paths[1])
    for name, number in (("train", 0), ("validation", 1), ("test", 2)):
        data = ImageDataset(file, split=name)
        expected = np.flatnonzero(file.events["split"] == number)
        assert len(data) == len(expected) > 0
        for place, row in enumerate(expected):
            image, label = data[place]
            assert np.array_equal(image.numpy(), file[row])
            assert label == 0
        assert np.array_equal(data[-1][0].numpy(), file[expected[-1]])
    assert len(list(ImageDataset(file))) == 10  # ends by an IndexError
    again = pickle.loads(pickle.dumps(data))  # as to a worker process
    assert torch.equal(again[0][0], data[0][0])


def test_weights_of_the_loss_through_two_workers(paths):
    """Background of another weight and size: both classes have the same sum, and mean 1."""
    data = ImageDataset(ImageCollection(paths), split="train", weights="balanced")
    loader = DataLoader(
        data, batch_size=5, num_workers=2, multiprocessing_context="fork", shuffle=False
    )
    images, labels, weights = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert np.array_equal(images.numpy(), data.collection.dense(data.indices))
    assert weights.dtype == torch.float32
    assert weights[labels == 1].sum() == weights[labels == 0].sum() == len(data) / 2 == 6
    raw = ImageDataset(
        ImageCollection(paths), weights="raw", luminosity_fb=36.1, columns=("event_number",)
    )
    expected = training_weights(
        raw.collection.column("label"), raw.collection.event_weights(36.1), "raw"
    )
    assert [raw[place][2] for place in (0, 19)] == pytest.approx(expected[[0, 19]])
    assert raw[3][3] == raw.collection.column("event_number")[3]


def test_bad_input_is_named(paths):
    with pytest.raises(
        InputError, match="split 'training' is unknown: choose from train, validation, test"
    ):
        ImageDataset(ImageFile(paths[0]), split="training")
    with pytest.raises(InputError, match=r"train\.weights 'flat' is unknown"):
        ImageDataset(ImageCollection(paths), weights="flat")
    with pytest.raises(InputError, match="no event with label 0 has a positive weight"):
        ImageDataset(ImageFile(paths[0]), weights="balanced")
    with pytest.raises(InputError, match="no column 'mass'"):
        ImageDataset(ImageFile(paths[0]), columns=("mass",))
    with pytest.raises(IndexError, match="event 10 does not exist: there are 10"):
        ImageDataset(ImageFile(paths[0]))[10]
