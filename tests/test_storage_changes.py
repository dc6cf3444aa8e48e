"""Image files that somebody replaces, writes to or cuts off while they are open: the old numbers or
a sentence."""

import os
import pickle
import shutil

import numpy as np
import pytest
from fakes import make_images, write_image_file

from calovision.core.errors import InputError
from calovision.datasets import ImageLoader, Reading
from calovision.images import sparse_kernels
from calovision.storage import ImageCollection, ImageFile, ImageFileWriter

OLD, NEW = make_images(600, seed=1), make_images(600, seed=2)
CHANGED = r"a\.h5: the image file was replaced or written to after it had been opened: start again"


def in_its_place(path, content):
    """A new file under the name, as programs that write complete files do."""
    other = path.with_name("new.h5")
    shutil.copy(content, other)
    other.replace(path)


def over_it(path, content):
    """The same file, written anew, as `cp` does."""
    path.write_bytes(content.read_bytes())


def cut_off(path, _):
    os.truncate(path, path.stat().st_size // 3)


def emptied(path, _):
    os.truncate(path, 0)


def one_number(path, _):
    with path.open("r+b") as file:
        file.seek(-64, os.SEEK_END)
        file.write(b"\x7f" * 32)


CHANGES = (in_its_place, over_it, cut_off, emptied, one_number)


@pytest.fixture
def paths(tmp_path):
    """A file to open, and one of the same shape and of other lengths to put in its place."""
    columns = {"extra": np.arange(600.0)}  # all that follows lies elsewhere
    return write_image_file(tmp_path / "a.h5", images=OLD), write_image_file(
        tmp_path / "b.h5", images=NEW, columns=columns
    )


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_read_yet(paths, change):
    file, collection = ImageFile(paths[0]), ImageCollection([paths[0]])
    change(*paths)
    for read in (
        lambda: file.dense([3, 1]),
        lambda: file.sparse([1, 2]),
        lambda: file.rows.lengths(np.arange(3)),
        lambda: list(file.iterate()),
        lambda: file.events["weight"],
        lambda: file.statistics,
        lambda: collection.column("ht"),
        lambda: collection.load(np.arange(600)),
        lambda: pickle.loads(pickle.dumps(file)),
    ):
        with pytest.raises(InputError, match=rf"{CHANGED}|a\.h5: not a readable HDF5 file"):
            read()


@pytest.mark.parametrize("change", CHANGES)
def test_rows_are_in_use(paths, change):
    """Whoever has mapped a file keeps it where another takes its place; a file that itself changes
    is let go of."""
    file, rows = ImageFile(paths[0]), np.random.default_rng(1).permutation(600)
    assert np.array_equal(file.dense(rows), OLD[rows])
    change(*paths)
    if change is in_its_place:
        assert np.array_equal(file.dense(rows), OLD[rows])
    else:
        with pytest.raises(InputError, match=CHANGED):
            file.dense(rows)
        with pytest.raises(InputError, match=CHANGED):
            file.sparse(rows)
    with pytest.raises(InputError, match=rf"{CHANGED}|a\.h5: not a readable HDF5 file"):
        file.events["ht"]


@pytest.mark.parametrize("change", [over_it, cut_off])
def test_batches_of_a_training(paths, change):
    collection = ImageCollection([paths[0]])
    batches = iter(
        ImageLoader(collection, np.arange(600), batch_size=100, reading=Reading(in_memory=False))
    )
    assert np.array_equal(next(batches).dense().numpy(), OLD[:100])
    change(*paths)
    with pytest.raises(InputError, match=CHANGED):
        next(batches)


def test_compressed_file(tmp_path, paths):
    other = tmp_path / "c.h5"
    with ImageFileWriter(other, (2, 8, 8), compression="blosc2") as writer:
        writer.append_file(ImageFile(paths[0]))
        writer.close(ImageFile(paths[0]).metadata)
    file = ImageFile(other)
    in_its_place(other, paths[1])
    with pytest.raises(InputError, match=r"c\.h5: the image file was replaced"):
        file.dense([5, 2])


def test_file_that_is_touched_or_renamed_is_opened_again(paths):
    """What was opened is refused, since nobody knows what was done; opened anew it is good."""
    file = ImageFile(paths[0])
    os.utime(paths[0])
    with pytest.raises(InputError, match=CHANGED):
        file.dense([1])
    assert np.array_equal(ImageFile(paths[0]).dense([1]), OLD[[1]])


def test_removed_file_stays_for_those_who_use_it(paths):
    file = ImageFile(paths[0])
    assert np.array_equal(file.dense([1]), OLD[[1]])
    paths[0].unlink()
    assert np.array_equal(file.dense([2]), OLD[[2]])
    with pytest.raises(InputError, match=r"a\.h5: the image file is no longer there"):
        file.events["ht"]


@pytest.mark.parametrize("read", ["dense", "sparse"])
def test_file_that_is_written_to_while_rows_are_read(paths, monkeypatch, read):
    """Between the look at the file and the end of the reading: no such batch is given."""
    name = {"dense": "densify", "sparse": "copy_rows"}[read]
    original = getattr(sparse_kernels, name)

    def late(*arguments, **options):
        over_it(*paths)
        return original(*arguments, **options)

    file = ImageFile(paths[0])
    assert np.array_equal(file.dense([1]), OLD[[1]])
    monkeypatch.setattr(sparse_kernels, name, late)
    with pytest.raises(InputError, match=CHANGED):
        getattr(file, read)([5, 3])
