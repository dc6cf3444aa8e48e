"""Writing image files: complete or not there, bounded memory, compression, merging."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from fakes import make_columns, make_images, make_metadata, to_sparse, write_image_file

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.storage import ImageFile, ImageFileWriter, merge_image_files

SHAPE = (2, 8, 8)
TESTS = Path(__file__).parent


def write(path, images, columns=None, *, sizes=None, metadata=None, **options):
    columns = make_columns(len(images)) if columns is None else columns
    with ImageFileWriter(path, images.shape[1:], **options) as writer:
        for chunk in np.split(np.arange(len(images)), np.cumsum(sizes or [len(images)])[:-1]):
            writer.append(
                to_sparse(images[chunk]), {name: values[chunk] for name, values in columns.items()}
            )
        writer.close(make_metadata(images.shape[1:], **(metadata or {})))
    return ImageFile(path, outside=options.get("to_merge", False))


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from fakes import make_columns, make_images, make_metadata, to_sparse
from calovision.storage import ImageFileWriter
from calovision.storage.hdf5 import spill

writer = ImageFileWriter({path!r}, (2, 8, 8))
writer.append(to_sparse(make_images(500)), make_columns(500))
if {in_close}:  # after the data sets have their places and a part of their bytes
    copy, done = spill.SpilledArray.copy_into, []

    def copy_and_die(self, *arguments):
        copy(self, *arguments)
        done.append(self)
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    spill.SpilledArray.copy_into = copy_and_die
    writer.close(make_metadata())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("in_close", [False, True])
@pytest.mark.parametrize("older", [False, True])
def test_killed_writer_leaves_no_file_under_its_name(tmp_path, in_close, older):
    path = tmp_path / "a.h5"
    if older:
        write_image_file(path, 3)
    program = KILLED.format(tests=str(TESTS), path=str(path), in_close=in_close)
    result = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert list(tmp_path.glob(".a.h5.*.part"))  # it was in the middle of something
    assert path.exists() == older
    assert not older or len(ImageFile(path)) == 3
    write_image_file(path, 7)
    assert len(ImageFile(path)) == 7
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]


def test_memory_does_not_grow_with_the_number_of_events(tmp_path):
    """40,000 events of 100 cells are 30 MB on disk; a writer that kept them would need as much."""
    program = f"""
import resource, sys
import numpy as np
sys.path.insert(0, {str(TESTS)!r})
from fakes import make_columns, make_metadata
from calovision.images import SparseImages
from calovision.storage import ImageFileWriter

n = 1000
every_cell = np.tile(np.arange(128), (n, 1))
cells = np.sort(np.random.default_rng(1).permuted(every_cell, axis=1)[:, :100])
values = np.ones(n * 100, np.float32)
images = SparseImages(np.arange(n + 1) * 100, cells.ravel().astype(np.uint16), values, (2, 8, 8))
columns = make_columns(n)
def write(path, n_chunks):
    with ImageFileWriter(path, (2, 8, 8)) as writer:
        for _ in range(n_chunks):
            writer.append(images, columns)
        writer.close(make_metadata())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(write({str(tmp_path / "a.h5")!r}, 2), write({str(tmp_path / "b.h5")!r}, 40))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    few, many = (int(kilobytes) for kilobytes in result.stdout.split())
    assert (tmp_path / "b.h5").stat().st_size > 30e6
    assert many - few < 12_000
    assert len(ImageFile(tmp_path / "b.h5")) == 40_000


def test_compressed_file_is_smaller_and_the_same(tmp_path):
    images = np.round(make_images(2000), 1)
    plain = write(tmp_path / "a.h5", images)
    small = write(tmp_path / "b.h5", images, sizes=[300, 1700], compression="blosc2")
    assert np.array_equal(small[:], plain[:])
    assert np.array_equal(small.statistics.total, plain.statistics.total)
    with h5py.File(small.path) as file, h5py.File(plain.path) as other:
        for name in ("images/cells", "images/values"):
            assert file[name].id.get_storage_size() < 0.8 * other[name].id.get_storage_size()
        assert file["images/cells"].chunks is not None
        assert file["images/offsets"].chunks is None


def test_compressed_file_of_several_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("calovision.storage.hdf5.spill.CHUNK", 64)
    images = make_images(40)
    file = write(tmp_path / "b.h5", images, compression="blosc2")
    with h5py.File(file.path) as stored:
        assert stored["images/values"].chunks == (64,)
    assert np.array_equal(file[[39, 0, 17]], images[[39, 0, 17]])


@pytest.mark.parametrize("n", [0, 1])
def test_compressed_file_of_few_events(tmp_path, n):
    images = make_images(n)
    assert np.array_equal(write(tmp_path / "b.h5", images, compression="blosc2")[:], images)


def test_unknown_compression(tmp_path):
    with pytest.raises(
        InputError, match="compression 'zip' is unknown: choose from blosc2, or none"
    ):
        ImageFileWriter(tmp_path / "a.h5", SHAPE, compression="zip")
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_larger_array(tmp_path):
    """Offsets need not begin at 0: a view of some rows is appended as it is."""
    images = make_images(10)
    whole = to_sparse(images)
    part = SparseImages(whole.offsets[3:8], whole.cells, whole.values, whole.shape)
    columns = {name: values[3:7] for name, values in make_columns(10).items()}
    with ImageFileWriter(tmp_path / "a.h5", SHAPE) as writer:
        assert len(writer) == 0
        for _ in range(2):
            writer.append(part, columns)
        assert len(writer) == 8
        writer.close(make_metadata())
    assert np.array_equal(ImageFile(tmp_path / "a.h5")[:], images[[3, 4, 5, 6, 3, 4, 5, 6]])


def test_columns_keep_their_types(tmp_path):
    columns = make_columns(6) | {
        "passed": np.arange(6) % 2 == 0,
        "half": np.arange(6, dtype=np.float16),
        "overflow": np.arange(12.0).reshape(6, 2),
        "none": np.zeros((6, 0)),
    }
    file = write(tmp_path / "a.h5", make_images(6), columns, sizes=[2, 4])
    for name, values in columns.items():
        assert file.events[name].dtype == values.dtype
        assert np.array_equal(file.events[name], values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ht": np.zeros(3, dtype=complex)}, "event column 'ht' must be numbers, not complex128"),
        ({"ht": np.array(["a", "b", "c"])}, "event column 'ht' must be numbers, not <U1"),
        ({"ht": 3.0}, "event column 'ht' has 1 entries for 3 images"),
    ],
)
def test_columns_that_cannot_be_stored(tmp_path, change, message):
    with (
        ImageFileWriter(tmp_path / "a.h5", SHAPE) as writer,
        pytest.raises(InputError, match=f"a.h5: {message}"),
    ):
        writer.append(to_sparse(make_images(3)), make_columns(3) | change)


@pytest.mark.parametrize(
    "second", [np.zeros((3, 5, 3)), np.zeros((3, 5, 4), dtype=complex), np.zeros(3)]
)
def test_columns_that_change(tmp_path, second):
    with ImageFileWriter(tmp_path / "a.h5", SHAPE) as writer:
        writer.append(to_sparse(make_images(3)), make_columns(3))
        with pytest.raises(InputError, match=r"a.h5: event column 'fat_jets'"):
            writer.append(to_sparse(make_images(3)), make_columns(3) | {"fat_jets": second})


def test_columns_that_lose_digits(tmp_path):
    with ImageFileWriter(tmp_path / "a.h5", SHAPE) as writer:
        writer.append(
            to_sparse(make_images(3)), make_columns(3) | {"ht": np.zeros(3, dtype=np.float32)}
        )
        with pytest.raises(
            InputError, match=r"a.h5: event column 'ht' has rows of \(dtype\('float64'\)"
        ):
            writer.append(to_sparse(make_images(3)), make_columns(3))


def test_merged_file_is_its_parts(tmp_path):
    images = [make_images(n, seed=n) for n in (4, 0, 9)]
    flows = [[("generated", 10 * k, 5.0 * k), ("cut", k, 0.5)] for k in (1, 2, 3)]
    parts = [
        write(
            tmp_path / f"{k}.h5",
            images[k],
            make_columns(len(images[k]), first=100 * k),
            compression=(None, "blosc2", "blosc2")[k],
            metadata={
                "cut_flow": flows[k],
                "n_generated": 10 * (k + 1),
                "sum_of_weights": 5.0 * (k + 1),
                "cross_section_pb": (1.0, 2.0, 4.0)[k],
                "source_files": [(f"{k}.root", f"id{k}")],
                "skipped_files": [("bad.root", "ends early")] if k == 1 else [],
            },
        )
        for k in range(3)
    ]
    metadata = merge_image_files([part.path for part in parts], tmp_path / "all.h5")
    file = ImageFile(tmp_path / "all.h5")
    assert file.metadata == metadata
    assert np.array_equal(file[:], np.concatenate(images))
    for name in file.events:
        assert np.array_equal(
            file.events[name], np.concatenate([part.events[name] for part in parts])
        )
    assert metadata.cut_flow == [("generated", 60, 30.0), ("cut", 6, 1.5)]
    assert (metadata.n_generated, metadata.sum_of_weights) == (60, 30.0)
    assert metadata.cross_section_pb == pytest.approx((1 * 10 + 2 * 20 + 4 * 30) / 60)
    assert metadata.source_files == [("0.root", "id0"), ("1.root", "id1"), ("2.root", "id2")]
    assert metadata.skipped_files == [("bad.root", "ends early")]
    assert file.statistics.n == sum(part.statistics.n for part in parts)
    np.testing.assert_allclose(
        file.statistics.total, sum(part.statistics.total for part in parts), rtol=1e-12
    )


@pytest.mark.parametrize(
    "compressions", [(None, None, None), (None, "blosc2", None), ("blosc2", None, "blosc2")]
)
@pytest.mark.parametrize("compression", [None, "blosc2"])
def test_merging_in_small_pieces_and_onto_a_part(tmp_path, monkeypatch, compressions, compression):
    """Rows copied as bytes and rows read and appended, in any order."""
    monkeypatch.setattr("calovision.storage.writer.ROWS_AT_A_TIME", 3)
    parts = [make_images(n, seed=n) for n in (7, 5, 4)]
    paths = [tmp_path / f"{k}.h5" for k in range(3)]
    for path, images, packed in zip(paths, parts, compressions, strict=True):
        with ImageFileWriter(path, images.shape[1:], compression=packed) as writer:
            for rows in (slice(0, 2), slice(2, None)):
                columns = {name: column[rows] for name, column in make_columns(len(images)).items()}
                writer.append(to_sparse(images[rows]), columns)
            writer.close(make_metadata())
    statistics = sum(
        (ImageFile(path).statistics for path in paths[1:]), ImageFile(paths[0]).statistics
    )
    merge_image_files(paths, paths[0], compression=compression)
    merged = ImageFile(paths[0])
    assert np.array_equal(merged[:], np.concatenate(parts))
    assert merged.events["event_number"].tolist() == [*range(7), *range(5), *range(4)]
    assert merged.statistics.n == statistics.n
    np.testing.assert_allclose(merged.statistics.total, statistics.total)


def test_skipped_files_do_not_count_in_the_merged_cross_section(tmp_path):
    """Files whose sources were all skipped have no cross-section of their own."""
    nothing = {"n_generated": 0, "sum_of_weights": 0.0, "cross_section_pb": np.nan, "cut_flow": []}
    paths = [write(tmp_path / f"{k}.h5", make_images(0), metadata=nothing).path for k in range(2)]
    assert np.isnan(merge_image_files(paths, tmp_path / "none.h5").cross_section_pb)
    paths.append(write(tmp_path / "2.h5", make_images(3), metadata={"cross_section_pb": 1.5}).path)
    assert merge_image_files(paths, tmp_path / "all.h5").cross_section_pb == 1.5


def test_files_that_cannot_be_merged(tmp_path):
    paths = [write_image_file(tmp_path / "a.h5"), write_image_file(tmp_path / "b.h5", sample="jz4")]
    with pytest.raises(
        InputError, match=r"c.h5: image files of one sample can be merged, not of qcd, jz4"
    ):
        merge_image_files(paths, tmp_path / "c.h5")
    paths[1] = write_image_file(tmp_path / "b.h5", columns={"more": np.zeros(20)})
    with pytest.raises(InputError, match=r"c.h5: event column 'more' is not in every chunk"):
        merge_image_files(paths, tmp_path / "c.h5")
    paths[1] = write_image_file(
        tmp_path / "b.h5", cut_flow=[("generated", 1, 1.0), ("other", 1, 1.0)]
    )
    with pytest.raises(InputError, match="the cut flows of the files have different cuts"):
        merge_image_files(paths, tmp_path / "c.h5")
    assert not (tmp_path / "c.h5").exists()


@pytest.mark.parametrize("compression", [None, "blosc2"])
def test_parts_to_merge_refer_to_their_rows_and_merge_to_the_same_file(tmp_path, compression):
    images, n = make_images(500), {"a": 0, "b": 200, "c": 200}  # the second part is empty
    bounds = {
        name: slice(first, last)
        for (name, first), last in zip(n.items(), [200, 200, 500], strict=True)
    }
    columns = make_columns(500)
    for name, rows in bounds.items():
        part = {column: values[rows] for column, values in columns.items()}
        whole = write(tmp_path / f"{name}.h5", images[rows], part)
        outside = write(tmp_path / "parts" / f"{name}.h5", images[rows], part, to_merge=True)
        np.testing.assert_array_equal(outside[:], whole[:])
        n_stored = np.count_nonzero(images[rows])
        assert (
            whole.path.stat().st_size - outside.path.stat().st_size >= n_stored * (2 + 4) - 8 * 64
        )
    merge_image_files(
        [tmp_path / f"{name}.h5" for name in n], tmp_path / "whole.h5", compression=compression
    )
    parts = [tmp_path / f"parts/{name}.h5" for name in n]
    with pytest.raises(
        InputError, match=r"parts/a.h5: 'images/cells' takes its data from other files"
    ):
        merge_image_files(parts, tmp_path / "merged.h5")
    merge_image_files(parts, tmp_path / "merged.h5", compression=compression, outside=True)
    shutil.rmtree(tmp_path / "parts")
    assert (tmp_path / "merged.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    np.testing.assert_array_equal(ImageFile(tmp_path / "merged.h5")[:], images)


def test_part_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match=r"metadata of images \(1, 8, 8\) do not fit"):
        write(
            tmp_path / "a.h5",
            make_images(5),
            metadata={"channels": ("em_et",), "units": ("GeV",)},
            to_merge=True,
        )
    assert list(tmp_path.iterdir()) == []
