"""What an image file may hold, at the edge between right and wrong: rows, sums, labels, classes."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from fakes import make_columns, make_images, make_metadata, to_sparse
from fakes_checksums import edited

from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.images.grid import EtaPhiGrid
from calovision.storage import ImageFile, ImageFileWriter
from calovision.storage.attributes import read_values
from calovision.storage.checks import check_column, check_images, check_statistics
from calovision.storage.hdf5.opening import find_dataset
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
    for factor, is_constant in ((0.9, True), (1.0, True), (1.1, False)):
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


@pytest.mark.parametrize(
    ("labels", "wrong"), [([0, 1, 2], None), ([0, 3, 1], 3), ([-1, 0, 1], -1), ([2, 2, 2], None)]
)
def test_labels_of_rows_are_those_of_classes(labels, wrong):
    if wrong is None:
        check_column(PATH, "label", np.array(labels), OF_ROWS, 3)
    else:
        with pytest.raises(InputError, match=rf"'events/label' is {wrong} in row .* of the 3 cl"):
            check_column(PATH, "label", np.array(labels), OF_ROWS, 3)


@pytest.mark.parametrize(("n_phi", "fits"), [(8192, True), (8193, False)])
def test_images_have_as_many_cells_as_memory_holds(n_phi, fits):
    grid = {"n_eta": 4096, "n_phi": n_phi, "eta_range": [-5.0, 5.0]}
    values = {"channels": json.dumps(["et", "tracks"]), "grid": json.dumps(grid)}
    if fits:
        assert read_values(values)["grid"].n_phi == n_phi
    else:
        with pytest.raises(InputError, match="2x4096x8193 cells: there must be at most 67108864"):
            read_values(values)


@pytest.mark.parametrize(
    ("recipe", "is_known"),
    [
        ({}, True),
        ({"zero_center": True, "standardize": 0.0}, True),
        ({"zero_center": False, "standardize": None}, True),
        ({"zero_center": 1}, False),
        ({"zero_center": True, "standardize": -1e-9}, False),
        ({"zero_center": "yes", "standardize": 1.0}, False),
        ({"standardize": "1"}, False),
    ],
)
def test_recipes_of_jet_images_have_steps_that_readers_take(recipe, is_known):
    values = {"jet_recipe": json.dumps(recipe)}
    if is_known:
        assert read_values(values)["jet_recipe"] == recipe
    else:
        with pytest.raises(InputError, match="the attribute 'jet_recipe' is"):
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


def claiming(path, claimed, of_file):
    """An HDF5 file of so many bytes with a data set of bytes that claims more, never written."""
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (claimed,), dtype=np.uint8, chunks=(2**20,))
    size = path.stat().st_size
    assert size <= of_file
    with path.open("ab") as file:
        file.write(bytes(of_file - size))
    return path


@pytest.mark.parametrize(
    ("claimed", "of_file", "is_possible"),
    [
        (2**30, 8_000, True),
        (2**30 + 1, 8_000, False),
        (2**30 + 1, 200_000, False),
        (2**30 + 1, 2**18, False),
        (2**30 + 1, 2**18 + 1, True),
    ],
)
def test_data_sets_larger_than_their_file_may_hold(tmp_path, claimed, of_file, is_possible):
    path = claiming(tmp_path / "a.h5", claimed, of_file)
    with h5py.File(path) as file:
        if is_possible:
            assert find_dataset(path, file, "a").shape == (claimed,)
        else:
            with pytest.raises(InputError, match=f"'a' claims 1.07e.09 bytes in a .*{of_file}"):
                find_dataset(path, file, "a")


@pytest.mark.parametrize(("place", "offset", "row"), [(250, -1, 250), (5, 7, 4), (7, 2, 6)])
def test_offsets_that_lie_outside_are_named(tmp_path, place, offset, row):
    path = tmp_path / "a.h5"
    offsets = np.array([0] + 259 * [3] + [4])
    grid = EtaPhiGrid(2, 3, (-1.0, 1.0))
    with ImageFileWriter(path, (1, 2, 3)) as writer:
        writer.append(SparseImages(offsets, CELLS, VALUES, (1, 2, 3)), make_columns(260))
        writer.close(make_metadata(channels=("et",), units=("GeV",), grid=grid))
    with edited(path) as stored:
        stored["images/offsets"][place] = offset
        stored["images/cells"][0] = 6  # outside of the image
    with pytest.raises(InputError, match=rf"image {row} are not inside .*'images/offsets'"):
        ImageFile(path).rows.read(row, row + 1)
