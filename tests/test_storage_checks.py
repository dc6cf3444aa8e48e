"""What an image file may hold, at the edge between right and wrong: rows, sums, labels, classes."""

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import make_columns, make_images, make_metadata, to_sparse

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.storage import ImageFile, ImageFileWriter
from calovision.storage.attributes import read_values
from calovision.storage.checks import check_images, check_statistics
from calovision.storage.statistics import CONSTANT, PixelStatistics

PATH = Path("a.h5")
CELLS, VALUES = np.array([0, 3, 5, 1], np.uint16), np.array([1, 2, 3, 4], np.float32)


@pytest.mark.parametrize(
    ("offsets", "cells", "values", "wrong"),
    [
        ([0, 3, 4], [0, 5, 5, 1], VALUES, "the cells of image 0 do not ascend"),
        ([0, 3, 4], [0, 3, 5, 6], VALUES, "the cells of image 1 are not inside .*'images/cells'"),
        ([0, 3, 4], CELLS, [1, 2, 3, np.nan], "the values of image 1 are not finite"),
        ([0, 3, 2], CELLS, VALUES, "the cells of image 1 are not inside .*'images/offsets'"),
        ([0, 3, 5], CELLS, VALUES, "the cells of image 1 are not inside .*'images/offsets'"),
        ([-1, 3, 4], CELLS, VALUES, "the cells of image 0 are not inside .*'images/offsets'"),
        ([0, 3, 4], CELLS, VALUES[:3], "the cells of image 1 are not inside .*'images/offsets'"),
    ],
)
def test_rows_that_are_none_are_told_apart(offsets, cells, values, wrong):
    images = object.__new__(SparseImages)  # which checks its offsets itself
    for name, array in {
        "offsets": np.array(offsets, np.int64),
        "cells": np.array(cells, np.uint16),
        "values": np.array(values, np.float32),
        "shape": (1, 2, 3),
    }.items():
        object.__setattr__(images, name, array)
    with pytest.raises(InputError, match=rf"a\.h5: {wrong}.*: nothing of this chunk is written"):
        check_images(PATH, images, 6)


def test_rows_that_may_be():
    check_images(PATH, SparseImages(np.array([0, 3, 3, 4]), CELLS, VALUES, (1, 2, 3)), 6)


@pytest.mark.parametrize(
    ("n", "total", "squares", "is_possible"),
    [
        (2, 1.0, 0.0, True),
        (0, 0.0, 0.0, True),
        (2, -1.0, 0.5, True),
        (2, 1.0, -0.5, False),
        (2, np.inf, 1.0, False),
        (2, 1.0, np.nan, False),
        (-1, 1.0, 1.0, False),
        (3, 1.0, 1.0, False),
    ],
)
def test_sums_that_may_be_those_of_two_images(n, total, squares, is_possible):
    sums = np.array([[[total]]]), np.array([[[squares]]])
    if is_possible:
        check_statistics(PATH, n, sums, 2)
    else:
        with pytest.raises(InputError, match=r"a\.h5: 'statistics"):
            check_statistics(PATH, n, sums, 2)


def test_a_pixel_is_constant_up_to_the_digits_of_float32():
    for factor, is_constant in ((0.9, True), (1.1, False)):
        squares = 4.0 * (1 + factor * CONSTANT)
        statistics = PixelStatistics(1, np.full((1, 1, 1), 2.0), np.full((1, 1, 1), squares))
        assert (statistics.std[0, 0, 0] == 0.0) == is_constant
    assert CONSTANT == 2.0**-38


@pytest.mark.parametrize(
    ("label", "classes", "is_known"),
    [
        (0, (), True),
        (1, (), True),
        (2, (), False),
        (-1, (), False),
        (-1, ("a", "b", "c"), True),
        (2, ("a", "b", "c"), True),
        (3, ("a", "b", "c"), False),
        (2, ("a", "b"), False),
    ],
)
def test_labels_are_those_of_classes(label, classes, is_known):
    values = {"label": label} | ({"classes": json.dumps(classes)} if classes else {})
    if is_known:
        assert read_values(values)["label"] == label
    else:
        with pytest.raises(InputError, match=f"the attribute 'label' is '?{label}"):
            read_values(values)


@pytest.mark.parametrize("classes", [["a"], ["a", "a"], ["a", ""], [], "ab", [1, 2]])
def test_classes_are_two_names_or_more(classes):
    with pytest.raises(InputError, match="the attribute 'classes' is"):
        read_values({"classes": json.dumps(classes)})


@pytest.fixture
def of_classes(tmp_path):
    """An image file of 12 rows of three classes, the last of which are none's."""
    path = tmp_path / "a.h5"
    images = make_images(12)
    images[8:] = 0
    with ImageFileWriter(path, (2, 8, 8)) as writer:
        writer.append(to_sparse(images), make_columns(12, label=2))
        writer.close(make_metadata(label=2, classes=("a", "b", "c")))
    return path, images


def test_classes_and_pieces_are_read_as_they_were_written(of_classes):
    path, images = of_classes
    file = ImageFile(path)
    assert (file.metadata.label, file.metadata.classes) == (2, ("a", "b", "c"))
    for first, last in ((0, 12), (0, 0), (5, 5), (3, 9), (11, 12), (12, 12)):
        piece = file.sparse(np.arange(first, last))
        assert np.array_equal(piece.dense(), images[first:last])
        assert np.array_equal(file.rows.read(first, last).dense(), images[first:last])
    assert file.rows.select(np.arange(0), np.arange(0), read=True).images.dense().shape[0] == 0
