"""Sparse images in memory: taking, joining and filling rows against plain numpy, and rows that are
none."""

import numpy as np
import pytest
from fakes import make_images, to_sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.images import SparseImages, cell_type
from calovision.images.requests import check_rows, rows_of_index
from calovision.images.sparse_kernels import divide, first_unsound

SHAPE = (2, 3, 5)
IMAGES = make_images(12, SHAPE)


def arrays(images):
    return images.offsets, images.cells, images.values


def assert_equal(found, expected):
    """The same rows, of the same types and shape."""
    for one, other in zip(arrays(found), arrays(expected), strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert found.shape == expected.shape


@pytest.mark.parametrize("n", [0, 1, 12])
def test_from_dense_and_back(n):
    sparse = SparseImages.from_dense(IMAGES[:n])
    assert_equal(sparse, to_sparse(IMAGES[:n]))
    for threads in (1, 3):
        assert np.array_equal(sparse.dense(threads=threads), IMAGES[:n])
    out = np.full((n, *SHAPE), np.nan, dtype=np.float32)
    assert sparse.dense(out) is out
    assert np.array_equal(out, IMAGES[:n])


@settings(max_examples=60)
@given(st.lists(st.integers(0, 11), max_size=20), st.integers(0, 12), st.integers(0, 12))
def test_take_part_and_concatenate_are_those_of_numpy(rows, first, last):
    sparse = to_sparse(IMAGES)
    assert_equal(sparse.take(rows), to_sparse(IMAGES[np.array(rows, dtype=int)]))
    first, last = sorted((first, last))
    middle = sparse.part(first, last)
    assert_equal(middle, to_sparse(IMAGES[first:last]))
    assert middle.values.size == 0 or np.shares_memory(middle.values, sparse.values)
    parts = [sparse.part(0, first), middle, sparse.part(last, 12)]
    assert_equal(SparseImages.concatenate(parts), sparse)


def test_concatenate_of_rows_inside_larger_arrays():
    """Offsets need not begin with 0, nor end where the cells do."""
    sparse = to_sparse(IMAGES)
    inside = SparseImages(sparse.offsets[3:7], sparse.cells, sparse.values, SHAPE)
    joined = SparseImages.concatenate([inside, inside])
    assert_equal(joined, to_sparse(np.concatenate([IMAGES[3:6]] * 2)))
    assert SparseImages.concatenate([sparse]) is sparse


def test_numbers_of_images():
    assert rows_of_index(-1, 5) == 4
    assert rows_of_index(np.int64(2), 5) == 2
    assert isinstance(rows_of_index(2, 5), int)
    assert rows_of_index([-1, 0, 3], 5).tolist() == [4, 0, 3]
    assert rows_of_index([3], 5).tolist() == [3]
    assert rows_of_index(slice(None, None, 2), 5).tolist() == [0, 2, 4]
    for wrong in ([1, 9, 12, -7], [-6, 3]):
        first = next(row for row in wrong if not 0 <= row < 5)
        with pytest.raises(IndexError, match=rf"image {first} does not exist: there are 5"):
            check_rows(wrong, 5)


def test_parts_of_different_shapes_are_not_joined():
    """Flat indices mean other cells in another shape."""
    other = to_sparse(np.ones((1, SHAPE[0], SHAPE[1] + 1, SHAPE[2]), np.float32))
    with pytest.raises(InputError, match=r"cannot be joined; give parts of one shape"):
        SparseImages.concatenate([to_sparse(IMAGES), other])
    with pytest.raises(InputError, match=r"no part cannot be joined"):
        SparseImages.concatenate([])


@pytest.mark.parametrize("cells", [np.int64, np.int16, np.uint8, ">u2"])
@pytest.mark.parametrize("offsets", [np.int32, np.int64])
def test_other_types_give_the_same(cells, offsets):
    sparse = to_sparse(IMAGES)
    other = SparseImages(
        sparse.offsets.astype(offsets),
        sparse.cells.astype(cells),
        sparse.values.astype(float),
        SHAPE,
    )
    assert np.array_equal(other.dense(), IMAGES)
    assert_equal(other.take([4, 1]), to_sparse(IMAGES[[4, 1]]))


OFFSETS = "the offsets must ascend within the 4 cells"
BEYOND = r"cells beyond the 30 of an image \(2, 3, 5\)"


@pytest.mark.parametrize(
    ("offsets", "cells", "n_values", "message"),
    [
        ([0, 3, 2], [0, 1, 2, 3], 4, OFFSETS),
        ([0, 2, 5], [0, 1, 2, 3], 4, OFFSETS),
        ([-1, 2, 4], [0, 1, 2, 3], 4, OFFSETS),
        ([0, 2, 4], [0, 1, 2, 30], 4, BEYOND),
        ([0, 2, 4], [0, 1, -2, 3], 4, BEYOND),
        ([0, 2, 4], [0, 1, 2, 3], 5, "5 values for 4 cells"),
        ([], [0, 1, 2, 3], 4, "no offsets"),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_rows_that_are_none_are_refused(offsets, cells, n_values, message, signed):
    cells = np.array(cells).astype(np.int64 if signed else np.uint16)
    values = np.ones(n_values, dtype=np.float32)
    images = SparseImages(np.array(offsets, dtype=np.int64), cells, values, SHAPE)
    with pytest.raises(InputError, match=f"sparse images: .*{message}"):
        images.dense()
    if offsets:
        with pytest.raises(InputError, match=f"sparse images: .*{message}"):
            images.take([0, 1])


def test_type_of_cells():
    assert cell_type((1, 256, 256)) == np.uint16
    assert cell_type((1, 256, 257)) == np.uint32
    with pytest.raises(InputError, match=r"more than 2\^32 cells"):
        cell_type((3, 2**16, 2**16))


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_every_wrong_place_of_a_row_is_found(dtype):
    """Rows of all lengths up to several vector registers, with one wrong number anywhere."""
    for n in range(1, 71):
        cells = np.arange(3, n + 3, dtype=dtype)
        offsets = np.array([0, n])
        values = np.linspace(-1, 1, n, dtype=np.float32)
        assert first_unsound(offsets, cells, values, n + 3) == -1
        assert first_unsound(offsets, cells, values, n + 2) == 0
        for place in range(n):
            wrong_cells = cells.copy()
            wrong_cells[place] = cells[place - 1] if place else cells[-1]
            assert first_unsound(offsets, wrong_cells, values, n + 3) == (0 if n > 1 else -1)
            for number in (np.nan, np.inf, -np.inf):
                wrong_values = values.copy()
                wrong_values[place] = number
                assert first_unsound(offsets, cells, wrong_values, n + 3) == 0


@pytest.mark.parametrize("n", [0, 1, 50])
def test_rows_are_divided_among_files_of_which_some_are_empty(n):
    starts = np.cumsum([0, 3, 0, 0, 7, 1, 0])
    indices = np.random.default_rng(2).integers(0, starts[-1], n)
    owners, bounds, rows, targets = divide(starts, indices)
    file = np.searchsorted(starts, indices, side="right") - 1
    order = np.argsort(file, kind="stable")
    assert owners.tolist() == np.unique(file).tolist()
    assert np.diff(bounds).tolist() == np.unique(file, return_counts=True)[1].tolist()
    assert targets.tolist() == order.tolist()
    assert rows.tolist() == (indices - starts[file])[order].tolist()
