"""Pixel statistics of the training split, and images standardized with them, against numpy on dense
images."""

import numpy as np
import pytest
from fakes import make_columns, make_images, make_metadata, to_sparse, write_image_file
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.images.grid import JetGrid
from calovision.storage import (
    ImageCollection,
    ImageFile,
    ImageFileWriter,
    PixelStatistics,
    standardize,
)

TRAINING = np.arange(20) % 5 < 3


def statistics_of(images, chosen=None):
    statistics = PixelStatistics.empty(images.shape[1:])
    statistics.add(
        to_sparse(images), np.ones(len(images), dtype=bool) if chosen is None else chosen
    )
    return statistics


@given(st.integers(0, 1000), st.integers(1, 30), st.floats(0.1, 1e5))
def test_mean_and_std_are_those_of_numpy(seed, n, scale):
    images = make_images(n, seed=seed, scale=scale)
    images[::3] *= -1
    chosen = np.random.default_rng(seed).random(n) < 0.6
    chosen[0] = True
    statistics = statistics_of(images, chosen)
    expected = images[chosen].astype(np.float64)
    assert statistics.n == chosen.sum()
    np.testing.assert_allclose(
        statistics.mean, expected.mean(axis=0), rtol=1e-12, atol=1e-12 * scale
    )
    np.testing.assert_allclose(statistics.std, expected.std(axis=0), rtol=1e-6, atol=1e-6 * scale)


def test_closed_form():
    """A pixel of 1, 2, 6 has mean 3 and variance 14/3; one that is 4 once has 4/3 and 32/9."""
    images = np.zeros((3, 1, 1, 3), dtype=np.float32)
    images[:, 0, 0, 0], images[1, 0, 0, 1] = (1, 2, 6), 4
    statistics = statistics_of(images)
    np.testing.assert_allclose(statistics.mean, [[[3, 4 / 3, 0]]])
    np.testing.assert_allclose(statistics.std**2, [[[14 / 3, 32 / 9, 0]]])


def test_constant_pixel_has_no_negative_variance():
    """Rounding of the sums of several files makes it negative, whose root would be NaN."""
    ones = np.ones((1, 1, 1))
    statistics = PixelStatistics(3, 3 * ones, np.nextafter(3, 0) * ones)
    assert statistics.total_of_squares / 3 < statistics.mean**2
    assert statistics.std[0, 0, 0] == 0


def test_sums_do_not_depend_on_the_images_at_a_time():
    images = to_sparse(make_images(50, seed=3, scale=1e3))
    every, parts = (PixelStatistics.empty(images.shape) for _ in range(2))
    every.add(images, np.ones(50, bool))
    for first in range(0, 50, 7):
        part = images.part(first, min(first + 7, 50))
        parts.add(part, np.ones(len(part), bool))
    assert np.array_equal(every.total, parts.total)
    assert np.array_equal(every.total_of_squares, parts.total_of_squares)


def test_file_has_the_statistics_of_its_training_split(tmp_path):
    """Weights do not count: they span decades."""
    images = make_images(20)
    file = ImageFile(
        write_image_file(tmp_path / "a.h5", images=images, columns={"weight": np.arange(20.0)})
    )
    assert file.statistics.n == 12
    np.testing.assert_allclose(file.statistics.mean, images[TRAINING].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(file.statistics.std, images[TRAINING].std(axis=0), rtol=1e-5)


def test_statistics_of_a_collection(tmp_path):
    """Those of the files add up, whether stored or not."""
    images = [make_images(20, seed=1), make_images(15, seed=2), make_images(0)]
    paths = [write_image_file(tmp_path / f"{k}.h5", images=part) for k, part in enumerate(images)]
    with ImageFileWriter(paths[1], (2, 8, 8), statistics=False) as writer:
        writer.append(to_sparse(images[1]), make_columns(15))
        writer.close(make_metadata())
    assert ImageFile(paths[1]).statistics is None
    statistics = ImageCollection(paths).statistics()
    expected = np.concatenate([images[0][TRAINING], images[1][TRAINING[:15]]])
    assert statistics.n == 21
    np.testing.assert_allclose(statistics.mean, expected.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(statistics.std, expected.std(axis=0), rtol=1e-5)


def test_sum_leaves_the_terms_alone():
    one, other = statistics_of(make_images(3)), statistics_of(make_images(4, seed=2))
    before = one.total.copy()
    assert (one + other).n == 7
    np.testing.assert_allclose((one + other).total, one.total + other.total)
    assert one.n == 3
    assert np.array_equal(one.total, before)


def test_statistics_that_do_not_add_up():
    with pytest.raises(InputError, match=r"images \(2, 8, 8\) and \(2, 8, 9\) do not add up"):
        statistics_of(make_images(3)) + statistics_of(make_images(3, (2, 8, 9)))


@pytest.mark.parametrize(
    ("row", "cells", "stop"), [(1, [0, 200], 2), (1, [0, 1], 3), (0, [200, 0], 2)]
)
def test_damaged_rows_are_refused(row, cells, stop):
    offsets = np.array([0, 1 - row, stop])
    images = SparseImages(
        offsets, np.array(cells, dtype=np.uint16), np.ones(2, dtype=np.float32), (2, 8, 8)
    )
    with pytest.raises(InputError, match=f"image {row} has cells outside its shape"):
        PixelStatistics.empty((2, 8, 8)).add(images, np.array([True, True]))


def test_no_image():
    statistics = PixelStatistics.empty((2, 8, 8))
    with pytest.raises(InputError, match="none of the images is of the training split"):
        statistics.mean  # noqa: B018
    with pytest.raises(InputError, match="none of the images is of the training split"):
        standardize(make_images(2), statistics)


@pytest.mark.parametrize("zero_center", [True, False])
@pytest.mark.parametrize("floor", [1e-5, 0.02, 1.0, None])
def test_standardized_images(zero_center, floor):
    images = make_images(50)
    statistics = statistics_of(images)
    wide = images.astype(np.float64)
    expected = (wide - wide.mean(axis=0) * zero_center) / (
        1 if floor is None else wide.std(axis=0) + floor
    )
    result = standardize(images, statistics, zero_center=zero_center, floor=floor)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    assert np.array_equal(images, make_images(50))
    assert (
        standardize(images, statistics, zero_center=zero_center, floor=floor, out=images) is images
    )
    assert np.array_equal(images, result)


def test_standardized_training_images_have_mean_0_and_std_1():
    images = make_images(200) + 1
    result = standardize(images, statistics_of(images), floor=0.0)
    np.testing.assert_allclose(result.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(result.std(axis=0), 1, atol=1e-4)


def test_pixel_that_never_changes_without_floor():
    images = np.zeros((3, 1, 1, 2), dtype=np.float32)
    images[:, 0, 0, 1] = (1, 2, 3)
    result = standardize(images, statistics_of(images), floor=0.0)
    assert result[:, 0, 0, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(result[:, 0, 0, 1], [-(1.5**0.5), 0, 1.5**0.5], rtol=1e-6)


@pytest.mark.parametrize(
    "changes", [{"zero_center": True, "standardize": 0.5}, {"standardize": 0.1}, {}]
)
def test_standardized_as_the_jet_recipe_says(tmp_path, changes):
    """By the statistics of the training split of all files, whichever images are asked for."""
    parts = [make_images(20, seed=seed) for seed in (1, 2)]
    jets = {name: np.zeros(20) for name in ("jet_index", "pt", "eta", "phi", "mass")}
    options = {"kind": "jet", "grid": JetGrid(8, 8, 1.0), "jet_recipe": changes}
    paths = [
        write_image_file(tmp_path / f"{k}.h5", images=images, columns=jets, **options)
        for k, images in enumerate(parts)
    ]
    collection = ImageCollection(paths)
    images = np.concatenate(parts).astype(np.float64)
    train = images[collection.column("split") == 0]
    center = train.mean(axis=0) if changes.get("zero_center") else 0
    scale = train.std(axis=0) + changes["standardize"] if changes else 1
    chosen = np.array([31, 2, 7])
    expected = (images[chosen] - center) / scale
    np.testing.assert_allclose(collection.standardized(chosen), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "floor", "message"),
    [
        ((2, 8, 9), 1.0, r"\(2, 8, 9\) do not fit statistics of \(2, 8, 8\)"),
        ((2, 8, 8), -1.0, "floor -1.0"),
    ],
)
def test_bad_arguments(shape, floor, message):
    with pytest.raises(InputError, match=message):
        standardize(make_images(2, shape), statistics_of(make_images(3)), floor=floor)


@pytest.mark.parametrize("n", [1000, 20_000])
def test_constant_pixels_of_many_images_are_constant(n):
    """The rounding of their sums was taken as a spread, by which the pixel became 10^7."""
    values = np.random.default_rng(1).exponential(1.0, (1, 1, 1, 30)).astype(np.float32)
    images = np.repeat(values, n, axis=0)
    statistics = statistics_of(images)
    assert not statistics.std.any()
    assert not standardize(images[:1], statistics, zero_center=False, floor=0.0).any()
