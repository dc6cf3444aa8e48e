"""Batches, training weights and the symmetries of a collider event."""

import numpy as np
import pytest
import torch
from fakes import make_images, write_two_samples

from calovision.datasets import WEIGHT_SCHEMES, ImageDataset, make_loader, random_symmetry, training_weights
from calovision.errors import InputError
from calovision.storage import ImageCollection


@pytest.fixture
def collection(tmp_path):
    return ImageCollection(write_two_samples(tmp_path, n_events=20))


def test_batches_in_order(collection):
    indices, weights = np.arange(5, 31), np.arange(26) / 2
    dataset = ImageDataset(collection, indices, weights)
    batches = list(make_loader(dataset, batch_size=10))
    assert [len(batch[0]) for batch in batches] == [10, 10, 6]
    images, labels, batch_weights = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert np.array_equal(images.numpy(), collection.dense(indices))
    assert labels.tolist() == [1.0] * 15 + [0.0] * 11
    assert batch_weights.tolist() == weights.tolist()
    assert {values.dtype for values in (images, labels, batch_weights)} == {torch.float32}


def test_weights_default_to_one(collection):
    (batch,) = make_loader(ImageDataset(collection, [3, 1]), batch_size=8)
    assert batch[2].tolist() == [1.0, 1.0]


def test_no_events(collection):
    assert list(make_loader(ImageDataset(collection, np.zeros(0, dtype=int)), batch_size=8)) == []


def order_of_two_epochs(collection, **options):
    """Positions in the collection, recovered from the weights, of two epochs."""
    loader = make_loader(ImageDataset(collection, np.arange(40), np.arange(40)), batch_size=8, **options)
    return [[int(weight) for batch in loader for weight in batch[2]] for _ in range(2)]


def test_shuffled_order_is_that_of_the_seed(collection):
    first, second = order_of_two_epochs(collection, shuffle=True, seed=1)
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second != list(range(40))
    torch.rand(7)  # the state of the global generator does not matter
    assert order_of_two_epochs(collection, shuffle=True, seed=1) == [first, second]
    assert order_of_two_epochs(collection, shuffle=True, seed=2)[0] != first
    assert order_of_two_epochs(collection) == [list(range(40))] * 2


@pytest.mark.parametrize(("n_events", "sizes"), [(40, [16, 16]), (16, [16]), (17, [16]), (9, [9])])
def test_training_drops_a_short_last_batch_but_never_all(collection, n_events, sizes):
    loader = make_loader(ImageDataset(collection, np.arange(n_events)), batch_size=16, shuffle=True)
    assert [len(batch[0]) for batch in loader] == sizes


def test_training_weights_closed_form():
    labels, weights = np.array([1, 0, 1, 0, 0, 0]), np.array([1.0, 3.0, 3.0, 1.0, -5.0, 0.0])
    assert training_weights(labels, weights, "balanced").tolist() == [1.5, 0.75, 1.5, 0.75, 0.75, 0.75]
    np.testing.assert_allclose(training_weights(labels, weights, "physical"), [0.75, 2.25, 2.25, 0.75, 0, 0])
    logarithms = np.log([2.0, 4.0, 4.0, 2.0]) / np.log(8.0) * 3
    np.testing.assert_allclose(training_weights(labels, weights, "log1p"), [*logarithms, 0, 0])


@pytest.mark.parametrize("scheme", WEIGHT_SCHEMES)
def test_training_weights_of_both_classes_have_the_same_sum(scheme):
    rng = np.random.default_rng(1)
    labels, weights = rng.integers(2, size=1000), 10 ** rng.uniform(-5, 5, 1000)
    result = training_weights(labels, weights, scheme)
    np.testing.assert_allclose([result[labels == label].sum() for label in (0, 1)], [500, 500])
    # the scale of the event weights (the luminosity) cancels but for the logarithm
    if scheme != "log1p":
        np.testing.assert_allclose(training_weights(labels, 7 * weights, scheme), result)


@pytest.mark.parametrize(("labels", "weights"), [([1, 1], [1.0, 1.0]), ([0, 1], [-1.0, 1.0])])
def test_class_without_weight(labels, weights):
    with pytest.raises(InputError, match="no event with label 0 has a positive weight"):
        training_weights(np.array(labels), np.array(weights), "physical")


def symmetric_images(image):
    """All images that rotations in phi and reflections in eta and phi make of one, by brute force."""
    for mirrored in (image, image[:, ::-1], image[:, :, ::-1], image[:, ::-1, ::-1]):
        for shift in range(image.shape[2]):
            yield np.roll(mirrored, shift, axis=2)


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 6, 64)])
def test_random_symmetry_is_one_of_the_group(shape):
    torch.manual_seed(1)
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    group = {element.tobytes() for element in symmetric_images(image)}
    assert len(group) == 4 * shape[2]
    n = 20 * len(group)
    found = [turned.numpy().tobytes() for turned in random_symmetry(torch.from_numpy(image).expand(n, -1, -1, -1))]
    assert set(found) == group  # each occurs, and nothing else
    counts = np.unique(found, return_counts=True)[1]
    assert abs(counts - 20).max() < 5 * np.sqrt(20)


def test_random_symmetry_keeps_the_cells_and_their_channels():
    torch.manual_seed(1)
    images = torch.from_numpy(make_images(10, (3, 8, 16)))
    turned = random_symmetry(images)
    assert torch.equal(turned.flatten(2).sort().values, images.flatten(2).sort().values)
    # one element for all channels of an image: |channel 0 - channel 1| keeps its cells
    distance = [(values[:, 0] - values[:, 1]).flatten(1).sort().values for values in (images, turned)]
    assert torch.equal(*distance)


def test_random_symmetry_differs_within_a_batch_and_leaves_its_input():
    torch.manual_seed(1)
    images = torch.from_numpy(make_images(1, (2, 8, 64))).repeat(64, 1, 1, 1)
    before = images.clone()
    turned = random_symmetry(images)
    assert torch.equal(images, before)
    assert len({image.numpy().tobytes() for image in turned}) > 40
    assert not torch.equal(random_symmetry(images), turned)


def test_random_symmetry_is_that_of_the_seed():
    images = torch.from_numpy(make_images(10))
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(random_symmetry(images))
    assert torch.equal(*results)
