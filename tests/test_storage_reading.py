"""Reading image files: indexing, output arrays, threads, processes, compression, damaged files."""

import multiprocessing
import pickle
import sys

import numpy as np
import pytest
from fakes import make_columns, make_images, make_metadata, to_sparse, write_image_file
from fakes_checksums import edited
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.images import sparse_kernels
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.sparse_kernels import BLOCK
from calovision.storage import ImageCollection, ImageFile, ImageFileWriter

IMAGES = make_images(20)


def write_compressed(path, images=IMAGES, compression="blosc2"):
    with ImageFileWriter(path, images.shape[1:], compression=compression) as writer:
        writer.append(to_sparse(images), make_columns(len(images)))
        writer.close(make_metadata(images.shape[1:]))
    return path


@pytest.fixture(scope="module", params=[None, "blosc2"])
def file(request, tmp_path_factory):
    return ImageFile(
        write_compressed(tmp_path_factory.mktemp("a") / "a.h5", compression=request.param)
    )


@pytest.mark.parametrize(
    "index",
    [
        slice(3, 11),
        slice(None, None, -3),
        slice(30, 40),
        slice(-4, None),
        [5, 5, 0],
        [-1, 3, -20],
        [],
        np.array([7], dtype=np.uint8),
        np.arange(20) % 3 == 1,
        np.zeros(20, dtype=bool),
    ],
)
def test_indexing_is_that_of_numpy(file, index):
    expected = IMAGES[np.array(index, dtype=int) if isinstance(index, list) else index]
    assert file[index].shape == expected.shape
    assert np.array_equal(file[index], expected)


@pytest.mark.parametrize("index", [0, 19, -1, -20, np.int32(4)])
def test_one_image(file, index):
    assert file[index].shape == (2, 8, 8)
    assert np.array_equal(file[index], IMAGES[index])


@settings(max_examples=100)
@given(st.lists(st.integers(0, 19), max_size=30), st.integers(1, 4))
def test_any_rows_in_any_order(file, rows, threads):
    expected = IMAGES[np.array(rows, dtype=int)]
    assert np.array_equal(file.dense(rows, threads=threads), expected)
    assert np.array_equal(file.sparse(rows).dense(), expected)


@pytest.mark.parametrize(
    "index", [20, -21, [0, 20], [-21], [0.5], [[1, 2]], np.ones(19, dtype=bool), np.array([1.0])]
)
def test_images_that_do_not_exist(file, index):
    with pytest.raises(IndexError):
        file[index]


@pytest.mark.parametrize("rows", [[-1], [3, 20], np.array([2.0]), np.array([[1]])])
def test_rows_that_do_not_exist(file, rows):
    for source in (file, ImageCollection([file.path])):
        with pytest.raises(IndexError):
            source.dense(rows)
    with pytest.raises(
        IndexError, match=r"image (-1|20) does not exist: there are 20|must be a list of integers"
    ):
        file.sparse(rows)


def test_a_file_can_be_iterated(file):
    assert np.array_equal(np.stack(list(file)), IMAGES)
    parts = [(rows, images.dense()) for rows, images in file.iterate(7)]
    assert [len(rows) for rows, _ in parts] == [7, 7, 6]
    assert np.array_equal(np.concatenate([images for _, images in parts]), IMAGES)


def test_output_is_reused_and_cleared(file):
    out = np.full((4, 2, 8, 8), 7.0, dtype=np.float32)
    for rows in ([1, 2, 3, 4], [19, 0, 0, 5]):
        assert file.dense(rows, out=out) is out
        assert np.array_equal(out, IMAGES[rows])
    collection = ImageCollection([file.path, file.path])
    assert collection.dense([39, 0, 21, 2], out=out) is out
    assert np.array_equal(out, IMAGES[[19, 0, 1, 2]])


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((3, 2, 8, 8), dtype=np.float32),
        np.zeros((2, 2, 8, 8)),
        np.zeros((2, 2, 8, 16), dtype=np.float32)[..., ::2],
    ],
)
def test_output_that_does_not_fit(file, out):
    message = r"out is .*: it must be float32 \(2, 2, 8, 8\), C-contiguous"
    with pytest.raises(InputError, match=message):
        file.dense([0, 1], out=out)


def test_kernel_against_plain_python():
    images = make_images(30, (3, 5, 7), seed=4)
    sparse, rows = to_sparse(images), np.array([4, 29, 4, 0])
    out = np.full((6, 105), np.nan, dtype=np.float32)
    targets = np.array([5, 0, 2, 3])
    assert (
        sparse_kernels.densify(sparse.offsets, sparse.cells, sparse.values, rows, targets, out)
        == -1
    )
    assert np.array_equal(out[targets], images[rows].reshape(4, 105))
    assert np.isnan(out[[1, 4]]).all()


@pytest.mark.parametrize(
    "n_cells", [sparse_kernels.BLOCK - 1, sparse_kernels.BLOCK, 3 * sparse_kernels.BLOCK + 5]
)
@pytest.mark.parametrize("descending", [False, True])
def test_kernel_at_the_edges_of_its_blocks(n_cells, descending):
    edges = np.arange(0, n_cells + BLOCK, BLOCK)
    cells = np.unique(np.clip(np.concatenate([edges - 1, edges, edges + 1]), 0, n_cells - 1))
    cells = (cells[::-1] if descending else cells).astype(np.uint16)
    values = np.arange(1, len(cells) + 1, dtype=np.float32)
    offsets, out = np.array([0, 0, len(cells)]), np.full((2, n_cells), np.nan, dtype=np.float32)
    expected = np.zeros((2, n_cells), dtype=np.float32)
    expected[1, cells] = values
    assert sparse_kernels.densify(offsets, cells, values, np.arange(2), np.arange(2), out) == -1
    assert np.array_equal(out, expected)
    cells[len(cells) // 2] = n_cells
    assert sparse_kernels.densify(offsets, cells, values, np.arange(2), np.arange(2), out) == 1


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("name", "position", "value"),
    [
        ("cells", 40, 128),
        ("offsets", 5, -1),
        ("offsets", 5, 10**9),
        ("offsets", 6, 1),
        ("offsets", 6, 10**9),
    ],
)
def test_damaged_rows_end_in_a_sentence(tmp_path, name, position, value, threads):
    """What points outside is never followed: it would overwrite foreign memory."""
    path = write_image_file(tmp_path / "a.h5", images=IMAGES)
    with edited(path) as damaged:
        damaged[f"images/{name}"][position] = value
    file = ImageFile(path)
    with pytest.raises(
        InputError, match=r"a.h5: damaged image file \(the cells of image \d+ are not inside"
    ):
        file.dense(np.arange(20), threads=threads)
    with pytest.raises(InputError, match=r"a.h5: damaged image file"):
        ImageCollection([path]).dense(np.arange(20))
    collection, several = ImageCollection([path]), np.arange(19, -1, -1)
    reads = [
        lambda: file.sparse(several),
        lambda: collection.sparse(several),
        lambda: collection.load(several),
    ]
    reads.append(lambda: list(collection.iterate(several, 2)))
    if name == "offsets":
        reads += [
            lambda: list(file.iterate(3)),
            lambda: file.rows.lengths(np.array([5, 4])),
            lambda: file.sparse([4, 5]),
        ]
    for read in reads:
        row = (
            "[3456]"
            if name == "offsets"
            else str(np.searchsorted(file.rows.offsets, position, side="right") - 1)
        )
        with pytest.raises(
            InputError, match=rf"a.h5: damaged image file \(the cells of image {row} "
        ):
            read()


def test_damaged_compressed_row_is_named(tmp_path):
    """A range of compressed rows is read as a piece of its own, but its images keep their
    numbers."""
    path = write_compressed(tmp_path / "a.h5")
    with edited(path) as damaged:
        damaged["images/cells"][damaged["images/offsets"][7]] = 128
    with pytest.raises(
        InputError, match=r"a.h5: damaged image file \(the cells of image 7 are not inside"
    ):
        ImageFile(path).dense([6, 7, 8])


def test_cells_outside_are_named_by_their_image(tmp_path):
    path = write_image_file(tmp_path / "a.h5", images=IMAGES)
    with edited(path) as damaged:
        damaged["images/cells"][damaged["images/offsets"][7]] = 128
    file = ImageFile(path)
    collection = ImageCollection([write_image_file(tmp_path / "b.h5", 5), path])
    for read in (
        lambda: file.sparse([1, 7]),
        lambda: file.sparse([6, 7, 8]),
        lambda: collection.sparse([0, 12, 1]),
        lambda: collection.load(np.arange(25)),
    ):
        with pytest.raises(
            InputError, match=r"a.h5: damaged image file \(the cells of image 7 are not inside"
        ):
            read()
    assert np.array_equal(collection.sparse([4, 11, 13]).dense()[1:], IMAGES[[6, 8]])


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Collection of four files, one compressed and one empty, and its images."""
    folder, parts = (
        tmp_path_factory.mktemp("several"),
        [IMAGES, make_images(7, seed=2), make_images(13, seed=3)],
    )
    paths = [
        write_image_file(folder / "a.h5", images=parts[0]),
        write_image_file(folder / "none.h5", 0),
        write_compressed(folder / "b.h5", parts[1]),
        write_image_file(folder / "c.h5", images=parts[2], sample="rpv", label=1),
    ]
    return ImageCollection(paths), np.concatenate(parts)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 39), max_size=50), st.integers(1, 20))
def test_sparse_images_of_several_files_in_any_order(several, indices, chunk_size):
    collection, images = several
    expected = images[np.array(indices, dtype=int)]
    for found in (collection.sparse(indices), collection.load(indices)):
        assert found.shape == (2, 8, 8)
        assert found.cells.dtype == np.uint16
        assert found.offsets[0] == 0
        assert np.array_equal(
            np.diff(found.offsets), np.count_nonzero(expected.reshape(len(indices), 128), axis=1)
        )
        assert np.array_equal(found.dense(), expected)
    assert np.array_equal(collection.row_lengths(indices), np.diff(found.offsets))
    again = np.zeros_like(expected)
    sizes = []
    for targets, part in collection.iterate(indices, chunk_size):
        again[targets] = part.dense()
        sizes.append(len(set(np.array(indices)[targets])))
    assert np.array_equal(again, expected)
    assert max(sizes, default=0) <= chunk_size


def test_sparse_cells_are_those_of_the_file(several):
    collection, images = several
    found, expected = collection.sparse([39, 3, 3, 24]), to_sparse(images[[39, 3, 3, 24]])
    for name in ("offsets", "cells", "values"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).flags.owndata  # no view of a file that may go


@pytest.mark.parametrize("indices", [[-1], [3, 40], np.array([2.0]), np.array([[1]])])
def test_sparse_events_that_do_not_exist(several, indices):
    collection, _ = several
    for read in (
        collection.sparse,
        collection.load,
        collection.row_lengths,
        lambda ids: list(collection.iterate(ids)),
    ):
        with pytest.raises(
            IndexError,
            match=r"image (-1|40) does not exist: there are 40|must be a list of integers",
        ):
            read(indices)


def test_rows_of_images_in_memory(several):
    images = to_sparse(IMAGES)
    assert np.array_equal(images.take([7, 0, 7, 19]).dense(), IMAGES[[7, 0, 7, 19]])
    assert np.array_equal(images.take([]).dense(), IMAGES[:0])
    with pytest.raises(IndexError, match="image 20 does not exist"):
        images.take([20])
    images.cells[images.offsets[3]] = 128
    with pytest.raises(InputError, match="sparse images: cells beyond the 128 of an image"):
        images.take([1, 3])


def test_gather_does_not_follow_offsets_that_changed():
    """Between measuring and copying somebody may overwrite the file: nothing may be written
    outside."""
    sparse = to_sparse(IMAGES)
    rows = np.array([4, 2])
    cells, values = np.full(50, 9, dtype=np.uint16), np.zeros(50, dtype=np.float32)
    bounds = np.array([0, 1, 2])
    assert np.diff(sparse.offsets)[4] != 1
    arrays = sparse.offsets, sparse.cells, sparse.values
    assert (
        sparse_kernels.copy_rows(*arrays, rows, np.array([0, 1]), 128, bounds, cells, values) == 4
    )
    assert np.all(cells == 9)


def test_loading_many_images_maps_nothing(tmp_path):
    collection = ImageCollection(
        [write_image_file(tmp_path / "a.h5", images=IMAGES), write_compressed(tmp_path / "b.h5")]
    )
    collection.load(np.arange(0, 40, 3))
    list(collection.iterate(np.arange(0, 40, 3)))
    mapped, compressed = (file._arrays for file in collection.files)
    assert "images/cells" not in mapped._mapped
    assert "images/values" not in mapped._mapped
    assert compressed._loaded == {}
    assert [file.rows.is_mapped for file in collection.files] == [True, False]


def test_files_that_do_not_change_are_opened_again_in_another_process(several):
    collection, images = several
    collection.sparse([3, 22, 39])
    pickled = pickle.dumps(collection)
    assert len(pickled) < 3000
    again = pickle.loads(pickled)
    assert again.files[0]._arrays.source.mapped is None  # nothing is mapped before it is needed
    assert again.of_sample("rpv")[0] is again.files[3]
    assert np.array_equal(again.sparse([39, 22, 3]).dense(), images[[39, 22, 3]])


def test_events_are_read_when_asked_for(tmp_path):
    file = ImageFile(write_image_file(tmp_path / "a.h5", 20))
    assert set(file.events) == set(make_columns(1))
    assert "ht" in file.events
    assert "absent" not in file.events
    assert file.events._columns == {}
    assert len(file.events["ht"]) == 20
    assert set(file.events._columns) == {"ht"}
    assert file.events["ht"] is file.events["ht"]
    assert file.events["ht"].flags.writeable
    assert set(file.events | {"more": np.zeros(20)}) == {*make_columns(1), "more"}
    with pytest.raises(KeyError, match="absent"):
        file.events["absent"]


def test_rows_are_memory_mapped_once(tmp_path):
    """One map a file: each costs a file descriptor, and data sets are lists of many files."""
    file = ImageFile(write_image_file(tmp_path / "a.h5", 50))
    file.dense([3])
    assert isinstance(file._arrays.source.mapped, np.memmap)
    for name in ("images/cells", "images/values", "events/ht"):
        array = file._arrays.whole(name)
        assert (
            array.base is file._arrays.source.mapped
            or array.base is file._arrays.source.mapped.base
        )
        assert not array.flags.writeable


@pytest.mark.parametrize("compression", [None, "blosc2"])
def test_pickles_as_its_path(tmp_path, compression):
    images = make_images(3000)
    path = write_compressed(tmp_path / "a.h5", images, compression)
    file = ImageFile(path)
    assert np.array_equal(file.dense([2999, 4]), images[[2999, 4]])
    pickled = pickle.dumps(file)
    assert len(pickled) < 1000
    assert np.array_equal(pickle.loads(pickled).dense([2999, 4]), images[[2999, 4]])
    assert np.array_equal(
        pickle.loads(pickle.dumps(ImageCollection([path]))).dense([1]), images[[1]]
    )


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("compression", [None, "blosc2"])
def test_survives_a_fork(tmp_path, compression):
    images = make_images(300)
    file = ImageFile(write_compressed(tmp_path / "a.h5", images, compression))
    first = file.dense([5, 299, 0])
    with multiprocessing.get_context("fork").Pool(2) as pool:
        parts = pool.map(file.dense, [[5, 299, 0], [7]])
    assert np.array_equal(parts[0], first)
    assert np.array_equal(parts[1], images[[7]])


def test_going_through_a_file_maps_nothing(tmp_path):
    """Mapped pages stay in memory, and a file may be larger than that."""
    file = ImageFile(write_image_file(tmp_path / "a.h5", images=IMAGES))
    assert np.array_equal(np.concatenate([images.dense() for _, images in file.iterate(6)]), IMAGES)
    assert file._arrays.source.mapped is None


def test_compressed_range_is_not_kept(tmp_path):
    """Who goes through a compressed file piece by piece needs the memory of a piece only."""
    images = make_images(200)
    file = ImageFile(write_compressed(tmp_path / "a.h5", images))
    assert np.array_equal(file.dense(np.arange(150, 180)), images[150:180])
    assert np.array_equal(file[199], images[199])
    assert file._arrays._loaded == {}
    assert np.array_equal(file.dense([7, 3]), images[[7, 3]])
    assert set(file._arrays._loaded) == {"images/cells", "images/values"}


def test_compressed_file_without_the_plugin(tmp_path, monkeypatch):
    file = ImageFile(write_compressed(tmp_path / "a.h5"))
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    with pytest.raises(
        InputError,
        match=r"a.h5: 'images/cells' is compressed by a filter of .* hdf5plugin: install",
    ):
        file.dense([3, 1])


def test_file_that_disappears(tmp_path):
    path = write_image_file(tmp_path / "a.h5", 20)
    file = ImageFile(path)
    path.unlink()
    for read in (lambda: file.dense([3]), lambda: list(file.iterate())):
        with pytest.raises(InputError, match=r"a.h5: the image file is no longer there"):
            read()


@pytest.mark.parametrize("compression", [None, "blosc2"])
def test_large_cells(tmp_path, compression):
    images = np.zeros((3, 1, 300, 300), dtype=np.float32)
    images[1, 0, 299, 299], images[2, 0, 0, 0] = 2.5, -1.0
    file = ImageFile(write_compressed(tmp_path / "a.h5", images, compression))
    assert np.array_equal(file.dense([2, 1, 0]), images[::-1])


def labels(figure):
    return [axes.get_xlabel() for axes in figure.axes]


def test_plot_of_an_event(tmp_path):
    figure = ImageFile(write_image_file(tmp_path / "a.h5", images=IMAGES)).plot(-1)
    assert labels(figure).count(r"$\eta$") == 2
    assert "qcd, event 19" in figure.get_suptitle()
    shown = figure.axes[0].collections[0].get_array().compressed()
    assert sorted(shown) == pytest.approx(sorted(IMAGES[19, 0][IMAGES[19, 0] > 0]))


@pytest.mark.parametrize(
    ("grid", "kind"),
    [
        (JetGrid(8, 8, 1.6), "jet"),
        (EtaPhiGrid.with_eta_edges((-3, -1, -0.5, 0, 1, 2, 2.5, 3, 4), 8), "event"),
    ],
)
def test_plot_on_other_grids(tmp_path, grid, kind):
    """The cells are drawn where the grid has them."""
    jets = {"jet_index": np.arange(20)} | {
        name: np.ones(20) for name in ("pt", "eta", "phi", "mass")
    }
    path = write_image_file(tmp_path / "a.h5", images=IMAGES, columns=jets, grid=grid, kind=kind)
    figure = ImageFile(path).plot(3)
    mesh = figure.axes[0].collections[0]
    np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], grid.edges_in_eta)
    np.testing.assert_allclose(mesh.get_coordinates()[:, 0, 1], grid.edges_in_phi)
    shown = mesh.get_array().filled(0)
    assert np.array_equal(shown, IMAGES[3, 0].T)
    assert ("jet 3" in figure.get_suptitle()) == (kind == "jet")
    with pytest.raises(IndexError):
        ImageFile(path).plot(20)


def test_fat_jets_of_several_radii_are_said(tmp_path, caplog):
    radii = (1.0, 0.8, 1.0, None)
    paths = [
        write_image_file(tmp_path / f"{k}.h5", sample=f"s{k}", seed=k, fat_jet_radius=radius)
        for k, radius in enumerate(radii)
    ]
    ImageCollection(paths[2:])
    assert caplog.text == ""
    ImageCollection(paths)
    assert "have different radii (1 of s0, s2, 0.8 of s1)" in caplog.text
