"""Checksums of image files: what is not what was written is refused, a copy in another layout is
not.
"""

import random
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xxhash
from damage import write_good
from fakes import make_images, write_image_file
from fakes_cli import run
from test_storage_writing import write

from calovision.core.errors import InputError
from calovision.storage import ImageCollection, ImageFile, merge_image_files
from calovision.storage.blocks import ROWS_OF_A_BLOCK, BlockWriter
from calovision.storage.hdf5.checksums import ArrayChecksum, array_checksum

DATA = Path(__file__).parent / "data"
N = 3 * ROWS_OF_A_BLOCK - 11
IMAGES = make_images(N)
FLIPS = 100


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_image_file(tmp_path_factory.mktemp("good") / "good.h5", images=IMAGES)


@pytest.fixture
def copy(good, tmp_path):
    path = tmp_path / "a.h5"
    shutil.copy(good, path)
    return path


def flip(path, name, position, bit=1):
    """Another bit in a number of a contiguous data set."""
    with h5py.File(path) as file:
        data = file[name]
        first, size = data.id.get_offset(), data.dtype.itemsize
    with path.open("r+b") as raw:
        raw.seek(first + position * size)
        byte = raw.read(1)[0]
        raw.seek(-1, 1)
        raw.write(bytes([byte ^ bit]))


def stored_position(row):
    """First stored cell of a row."""
    return int(np.count_nonzero(IMAGES[:row]))


@pytest.mark.parametrize("name", ["images/cells", "images/values"])
def test_flipped_bit_of_a_row_is_found_with_its_block(copy, name):
    row = ROWS_OF_A_BLOCK + 7
    flip(copy, name, stored_position(row))
    sentence = (
        rf"a\.h5: damaged image file \('{name}' do not fit their checksum in the block of rows 250 "
        r"to 499\); build it again"
    )
    file, collection = ImageFile(copy), ImageCollection([copy])
    others = [0, 249, 500, N - 1]
    assert np.array_equal(file.dense(others), IMAGES[others])
    assert np.array_equal(collection.load(np.arange(500, N)).dense(), IMAGES[500:])
    for read in (
        lambda: file.dense([499]),
        lambda: file[250],
        lambda: file.sparse([3, 300]),
        lambda: file.rows.read(240, 260),
        lambda: list(file.iterate(7)),
        lambda: collection.dense([row]),
        lambda: collection.load(np.arange(N)),
        lambda: list(collection.iterate(np.arange(N)[::-1])),
        lambda: merge_image_files([copy], copy),
        lambda: ImageFile(copy).check(),
    ):
        with pytest.raises(InputError, match=sentence):
            read()


@pytest.mark.parametrize(
    "name", ["images/offsets", "events/weight", "events/fat_jets", "statistics/total"]
)
def test_flipped_bit_of_a_column_is_found(copy, name):
    flip(copy, name, 5)
    file, sentence = ImageFile(copy), rf"a\.h5: damaged image file \('{name}' does not fit its che"
    reads = {
        "images": (lambda: file.dense([1]), lambda: file.rows.lengths(np.arange(3)), file.check),
        "events": (lambda: file.events[name.partition("/")[2]], file.check),
        "statistics": (lambda: file.statistics, lambda: ImageCollection([copy]).statistics()),
    }
    for read in reads[name.partition("/")[0]]:
        with pytest.raises(InputError, match=sentence):
            read()


def test_attributes_and_names_are_compared(copy):
    for change, message in (
        (
            lambda file: file.attrs.modify("cross_section_pb", 2.5),
            "the attribute 'cross_sec",
        ),
        (lambda file: file.attrs.__delitem__("units"), "a checksum of the attribute 'units', but"),
        (
            lambda file: file.attrs.create("classes", '["a", "b"]'),
            "no checksum of the attr",
        ),
        (lambda file: file.__delitem__("events/ht"), "of the data set 'events/ht', but not that"),
        (lambda file: file.__setitem__("events/new", np.arange(N)), "no checksum of the data set"),
        (lambda file: file.__delitem__("statistics"), "of the data set 'statistics/n', but not"),
        (lambda file: file.attrs.modify("version", 1), "the attribute 'version' does not"),
        (lambda file: file.attrs.__delitem__("checksums"), "version 2 with no checksums"),
        (lambda file: file.attrs.modify("checksums", "[1]"), "is no list of checksums"),
    ):
        path = copy.with_name("b.h5")
        shutil.copy(copy, path)
        with h5py.File(path, "r+") as file:
            change(file)
        with pytest.raises(InputError, match=rf"b\.h5: damaged image file \(.*{message}"):
            ImageFile(path)


def test_other_layouts_are_the_same_content(copy):
    """Compressed, in other chunks, of the other byte order: what is hashed are the numbers."""
    with h5py.File(copy, "r+") as file:
        for name, kind in (
            ("images/offsets", ">i8"),
            ("images/cells", ">u2"),
            ("images/values", ">f4"),
            ("images/checksums", ">u8"),
            ("events/weight", ">f8"),
            ("events/fat_jets", ">f8"),
            ("statistics/total", ">f8"),
        ):
            values = file[name][()].astype(kind)
            del file[name]
            file.create_dataset(name, data=values, compression="gzip")
    file = ImageFile(copy)
    file.check()
    assert np.array_equal(file.dense([N - 1, 0]), IMAGES[[N - 1, 0]])


def test_nothing_is_compared_twice(good, monkeypatch):
    compared = []
    original = xxhash.xxh3_64_intdigest
    monkeypatch.setattr(
        xxhash,
        "xxh3_64_intdigest",
        lambda content: compared.append(len(content)) or original(content),
    )
    file = ImageFile(good)
    for _ in range(2):
        file.dense([1, 3, 260])
        file.rows.read(2, 240)
    assert len(compared) == 2 * 2
    for _ in range(2):
        file.check()
        file.dense(np.arange(N))
    assert len(compared) == 2 * 3
    stored = np.count_nonzero(IMAGES)
    assert sum(compared) == stored * (2 + 4)


@pytest.mark.parametrize("sizes", [[N], [1] * 5 + [N - 5], [250, 250, N - 500], [100] * 7 + [39]])
@pytest.mark.parametrize("compression", [None, "blosc2"])
def test_chunks_do_not_change_the_checksums(good, tmp_path, sizes, compression):
    with h5py.File(good) as file:
        expected = file["images/checksums"][()].tolist()
    path = write(tmp_path / "a.h5", IMAGES, sizes=sizes, compression=compression).path
    ImageFile(path).check()
    with h5py.File(path) as file:
        assert file["images/checksums"][()].tolist() == expected


def test_merged_files_are_of_version_2(tmp_path):
    merge_image_files([DATA / "version1_qcd.h5"], tmp_path / "a.h5")
    assert not ImageFile(DATA / "version1_qcd.h5").has_checksums
    file = ImageFile(tmp_path / "a.h5")
    assert file.has_checksums
    file.check()
    assert np.array_equal(file[:], ImageFile(DATA / "version1_qcd.h5")[:])


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", ">i4", "f2", ">f8"])
def test_checksum_in_pieces(dtype):
    values = (np.arange(60).reshape(20, 3) % 2).astype(dtype)
    checksum = ArrayChecksum()
    for piece in np.split(values, [0, 7, 19]):
        checksum.add(piece)
    assert checksum.digits(values.dtype, values.shape) == array_checksum(values)
    assert array_checksum(values) == array_checksum(values.astype(values.dtype.newbyteorder()))
    assert array_checksum(values) == array_checksum(np.asfortranarray(values))
    assert array_checksum(values) != array_checksum(values.reshape(3, 20))
    assert array_checksum(np.array(["ab", "c"], object)) != array_checksum(
        np.array(["a", "bc"], object)
    )


def test_no_rows_have_no_blocks(tmp_path):
    assert BlockWriter().checksums().shape == (0, 2)
    file = write(tmp_path / "a.h5", make_images(0))
    file.check()
    assert file.has_checksums


def test_command(tmp_path, copy):
    plain, new = tmp_path / "old.h5", tmp_path / "new.h5"
    shutil.copy(DATA / "version1_jets.h5", plain)
    write_image_file(new, 20)
    result = run("verify", new, plain)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{new}: good, 20 images and 9 columns fit their checksums",
        f"{plain}: 15 images and 10 columns without checksums (version 1), nothing is wrong that "
        "shows without them",
    ]
    flip(copy, "events/ht", 3)
    (tmp_path / "none.h5").write_text("no HDF5")
    result = run("verify", copy, new, tmp_path / "none.h5", tmp_path / "absent.h5")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert "a.h5: damaged image file ('events/ht' does not fit its checksum)" in lines[0]
    assert lines[1].endswith("fit their checksums")
    assert "none.h5: not a readable HDF5 file" in lines[2]
    assert "absent.h5: no such HDF5 file" in lines[3]


def read_all(path):
    """Everything that a reader gives of a file."""
    file = ImageFile(path)
    found = {"images": file.dense(np.arange(len(file))), "metadata": file.metadata.to_attributes()}
    found |= dict(file.events) | vars(file.statistics)
    return {name: getattr(one, "tolist", lambda one=one: one)() for name, one in found.items()}


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_anywhere_in_a_file(tmp_path, seed):
    """Of the numbers, the attributes or of what HDF5 itself writes: the same content or a
    sentence, and no crash."""
    content = write_good(tmp_path / "good.h5").read_bytes()
    good, path, rng = read_all(tmp_path / "good.h5"), tmp_path / "a.h5", random.Random(seed)
    n_refused = 0
    for _ in range(FLIPS):
        position, bit = rng.randrange(len(content)), 1 << rng.randrange(8)
        changed = bytearray(content)
        changed[position] ^= bit
        path.write_bytes(changed)
        try:
            assert read_all(path) == good, (position, bit)
        except InputError:
            n_refused += 1
    assert n_refused > FLIPS / 3
