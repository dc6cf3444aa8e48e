"""The symmetry group of an event image and of a jet image."""

import numpy as np
import pytest
import torch
from fakes import make_images, make_metadata, write_image_file

from calovision.core.errors import InputError
from calovision.datasets import ImageLoader, apply_symmetry, group_elements, symmetries
from calovision.datasets.symmetry import draw_elements
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.storage import ImageCollection


def symmetric_images(image):
    """All images that rotations in phi and reflections in eta and phi make of one, by brute
    force."""
    for mirrored in (image, image[:, ::-1], image[:, :, ::-1], image[:, ::-1, ::-1]):
        for shift in range(image.shape[2]):
            yield np.roll(mirrored, shift, axis=2)


def turned(image, elements):
    return apply_symmetry(
        torch.from_numpy(image).expand(len(elements), -1, -1, -1), torch.from_numpy(elements)
    )


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 6, 64)])
def test_the_elements_give_the_whole_group(shape):
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    elements = group_elements(shape[2])
    found = [one.numpy().tobytes() for one in turned(image, elements)]
    assert found[0] == image.tobytes()  # the identity comes first
    assert elements.dtype == np.int64
    assert len(found) == len(set(found)) == 4 * shape[2]
    assert set(found) == {element.tobytes() for element in symmetric_images(image)}


def test_the_code_of_an_element():
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    one = lambda element: turned(image, np.array([element]))[0, 0].tolist()  # noqa: E731
    assert one(0) == image[0].tolist()
    assert one(1) == [[0, 3, 2, 1], [4, 7, 6, 5], [8, 11, 10, 9]]  # column j to -j
    assert one(2) == image[0, ::-1].tolist()
    assert one(4) == [[3, 0, 1, 2], [7, 4, 5, 6], [11, 8, 9, 10]]  # column j to j + 1
    assert one(4 + 1) == [
        [1, 0, 3, 2],
        [5, 4, 7, 6],
        [9, 8, 11, 10],
    ]  # mirrored first, then shifted


@pytest.mark.parametrize(
    ("n_rotations", "shifts"), [(1, [0]), (2, [0, 4]), (3, [0, 2, 5]), (8, list(range(8)))]
)
def test_evenly_spaced_rotations(n_rotations, shifts):
    expected = [4 * shift + reflection for shift in shifts for reflection in range(4)]
    assert group_elements(8, n_rotations).tolist() == expected


@pytest.mark.parametrize("n_rotations", [0, 9, -1])
def test_rotations_that_there_are_not(n_rotations):
    with pytest.raises(
        InputError, match=f"{n_rotations} rotations: images of 8 columns in phi have 1 to 8"
    ):
        group_elements(8, n_rotations)


@pytest.mark.parametrize("n_phi", [6, 7])
def test_jet_images_are_mirrored_about_their_axis_only(n_phi):
    image = np.random.default_rng(1).normal(size=(2, 5, n_phi)).astype(np.float32)
    found = turned(image, group_elements(n_phi, kind="jet")).numpy()
    expected = [image, image[:, :, ::-1], image[:, ::-1], image[:, ::-1, ::-1]]
    assert np.array_equal(found, np.array(expected))


EVENT = {"kind": "event", "jet_recipe": None}


@pytest.mark.parametrize(
    ("changes", "n_elements", "mirrors"),
    [
        (EVENT, 32, {1, 2}),
        (EVENT | {"grid": EtaPhiGrid(8, 8, (0.0, 2.5))}, 16, {1}),
        (EVENT | {"grid": EtaPhiGrid.with_eta_edges((-3, -1, -0.5, 0, 0.5, 1, 3), 8)}, 32, {1, 2}),
        (EVENT | {"grid": EtaPhiGrid.with_eta_edges((-3, -1, -0.5, 0, 1, 2, 3), 8)}, 16, {1}),
        ({"kind": "jet", "jet_recipe": None}, 4, {1, 2}),
        ({"kind": "jet", "jet_recipe": {"flip": None, "rotate": None}}, 4, {1, 2}),
        ({"kind": "jet", "jet_recipe": {"flip": "parity", "rotate": None}}, 2, {1}),
        ({"kind": "jet", "jet_recipe": {"flip": None, "rotate": "second_subjet"}}, 2, {2}),
        ({"kind": "jet", "jet_recipe": {"flip": "quadrant", "rotate": None}}, 1, set()),
        (
            {"kind": "jet", "jet_recipe": {"flip": "third_maximum", "rotate": "principal_axis"}},
            1,
            set(),
        ),
    ],
)
def test_symmetries_of_the_images_of_a_file(changes, n_elements, mirrors):
    changes = changes | ({"grid": JetGrid(8, 8, 1.6)} if changes["kind"] == "jet" else {})
    elements = symmetries(make_metadata(**changes))
    assert elements[0] == 0
    assert len(set(elements.tolist())) == len(elements) == n_elements
    assert {bit for bit in (1, 2) if np.any(elements & bit)} == mirrors
    assert set(elements // 4) == (
        set(range(8)) if changes["kind"] == "event" else {0, 7} if 1 in mirrors else {0}
    )


def test_symmetry_keeps_the_cells_and_their_channels():
    images = torch.from_numpy(make_images(10, (3, 8, 16)))
    before = images.clone()
    result = apply_symmetry(images, torch.arange(10) * 5)
    assert torch.equal(images, before)
    assert torch.equal(result.flatten(2).sort().values, images.flatten(2).sort().values)
    # one element for all channels of an image: |channel 0 - channel 1| keeps its cells
    distance = [
        (values[:, 0] - values[:, 1]).flatten(1).sort().values for values in (images, result)
    ]
    assert torch.equal(*distance)


def test_symmetry_on_another_device():
    images, elements = (
        torch.zeros(3, 2, 8, 8, device="meta"),
        torch.zeros(3, dtype=torch.int64, device="meta"),
    )
    result = apply_symmetry(images, elements)
    assert (result.shape, result.device.type) == (images.shape, "meta")


@pytest.mark.parametrize("n", [32, 5])
def test_drawn_elements_are_uniform(n):
    """In each event over the epochs, and in each epoch over the events."""
    group = np.arange(100, 100 + n)
    drawn = np.array(
        [draw_elements(group, np.arange(400), seed=7, epoch=epoch) for epoch in range(400)]
    )
    assert drawn.dtype == np.int64
    mean = drawn.size / n
    assert abs(np.bincount(drawn.ravel() - 100, minlength=n) - mean).max() < 5 * np.sqrt(mean)
    for axis in (0, 1):
        chi2 = [
            ((np.bincount(row - 100, minlength=n) - 400 / n) ** 2).sum() / (400 / n)
            for row in np.moveaxis(drawn, axis, 0)
        ]
        assert np.mean(chi2) == pytest.approx(n - 1, rel=0.1)
    # neighbours do not follow each other
    same = [np.mean(drawn[1:] == drawn[:-1]), np.mean(drawn[:, 1:] == drawn[:, :-1])]
    np.testing.assert_allclose(same, 1 / n, atol=0.006)


def test_drawn_element_is_that_of_the_event_alone():
    group = group_elements(64)
    every = draw_elements(group, np.arange(1000), seed=3, epoch=2)
    chosen = np.array([999, 0, 17, 17])
    assert np.array_equal(draw_elements(group, chosen, seed=3, epoch=2), every[chosen])
    for seed, epoch in [(3, 3), (4, 2), (2, 3)]:
        assert (
            np.mean(draw_elements(group, np.arange(1000), seed=seed, epoch=epoch) == every) < 0.03
        )
    # written down, so that a run can be resumed by a later version
    assert every[:4].tolist() == [plain_hash(3, 2, index) % 256 for index in range(4)]
    assert draw_elements(group, np.arange(4), seed=1, epoch=0).tolist() == [46, 54, 35, 255]


def plain_hash(seed, epoch, index):
    """The hash with Python's integers."""
    state = 0
    for number in (seed, epoch, index):
        state = (state + (number + 1) * 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
        state ^= state >> 31
    return state


def test_jet_images_are_not_rolled(tmp_path):
    columns = {"jet_index": np.zeros(20, dtype=int)} | {
        name: np.ones(20) for name in ("pt", "eta", "phi", "mass")
    }
    path = write_image_file(
        tmp_path / "a.h5", 20, columns=columns, grid=JetGrid(8, 8, 1.6), kind="jet"
    )
    collection = ImageCollection([path])
    (batch,) = ImageLoader(collection, np.arange(20), batch_size=20, augmentation=True)
    assert set(batch.elements.tolist()) == {0, 2, 4 * 7 + 1, 4 * 7 + 3}
    for image, original in zip(batch.dense().numpy(), collection.dense(np.arange(20)), strict=True):
        mirrored = [original, original[:, ::-1], original[:, :, ::-1], original[:, ::-1, ::-1]]
        assert any(np.array_equal(image, one) for one in mirrored)
