"""HDF5 files of every kind are sealed with checksums, which readers compare; older ones are read,
too.
"""

import json
import os
import re
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from conftest import REPOSITORY
from fakes import write_image_file
from fakes_checksums import digits, of_attribute
from fakes_cli import fail, run, succeed
from fakes_maps import make_maps
from faults.changed_bytes import Change
from faults.stored_files import KINDS

from calovision.core.errors import InputError
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.storage import read_table, verify_file, write_table
from calovision.storage.hdf5 import created, opened, table_attributes
from calovision.storage.hdf5.heaps import check_heap

DATA = REPOSITORY / "tests" / "data"
SEALED = {
    "scores": "score file|HDF5 table",
    "tables": "HDF5 table",
    "maps of runs": "file of run maps",
    "references": "reference file",
    "exported images": "file of exported images",
    "scores of ROOT files": "HDF5 file",
}
"""Kind -> what its reader calls it."""
FOR_OTHERS = ("exported images", "scores of ROOT files")


@pytest.fixture(scope="module", params=SEALED)
def kind(request, tmp_path_factory):
    """A kind of files, a good one of them, and what else its reader needs."""
    folder = tmp_path_factory.mktemp("good")
    KINDS[request.param].write(folder)
    return request.param, folder / KINDS[request.param].damaged[0]


def read(name, path):
    return KINDS[name].read(path.parent)


def names_of(file):
    names = []
    file.visititems(lambda name, item: names.append(name) if hasattr(item, "dtype") else None)
    return names


def test_everything_has_a_checksum(kind):
    name, path = kind
    with h5py.File(path) as file:
        listed = json.loads(file.attrs["checksums"])
        names = names_of(file)
        assert listed["hash"] == "xxh3_64"
        assert listed["data"] == {one: digits(file, one) for one in names}
        assert set(listed["attributes"]) == set(file.attrs) - {"checksums"}
        single = {one for one in listed["attributes"] if np.size(file.attrs[one]) == 1}
        for one in single:
            assert listed["attributes"][one] == of_attribute(file, one), one
        assert len(names) + len(single) >= 4
        # in no heap, but where other programs want text
        assert not any(file[one].dtype.hasobject for one in names)
        texts = {one: file.attrs.get_id(one).dtype.hasobject for one in file.attrs}
        assert texts["checksums"] is False
        assert any(texts.values()) == (name in FOR_OTHERS)
    assert verify_file(path).startswith("good, ")


def test_a_flip_of_any_array_is_one_sentence(kind, tmp_path):
    name, path = kind
    content, good = path.read_bytes(), read(name, path)
    with h5py.File(path) as file:
        places = {one: byte_of(file[one]) for one in names_of(file)}
    for other in path.parent.iterdir():
        if other.is_file():
            (tmp_path / other.name).write_bytes(other.read_bytes())
    for one, place in places.items():
        (tmp_path / path.name).write_bytes(Change(((place, 4),)).of(content))
        with pytest.raises(InputError, match=rf"{path.name}: .*(damaged|'{one}'.*does not fit)"):
            verify_file(tmp_path / path.name)
        with pytest.raises(InputError, match=path.name):
            read(name, tmp_path / path.name)
    (tmp_path / path.name).write_bytes(content)
    assert read(name, tmp_path / path.name) == good


def byte_of(data):
    """Place of the first byte of an array in its file."""
    if data.id.get_offset() is not None:
        return data.id.get_offset()
    return data.id.get_chunk_info(0).byte_offset


def test_a_flip_of_any_text_is_one_sentence(kind, tmp_path):
    """Of the attributes: fixed texts have a checksum of HDF5, others that of the seal."""
    path = kind[1]
    content = path.read_bytes()
    for other in path.parent.iterdir():
        if other.is_file():
            (tmp_path / other.name).write_bytes(other.read_bytes())
    with h5py.File(path) as file:
        texts = [value for value in file.attrs.values() if isinstance(value, bytes | str)]
    texts = [text.encode() if isinstance(text, str) else text for text in texts]
    for text in filter(None, texts):
        (tmp_path / path.name).write_bytes(Change(((content.index(text), 1),)).of(content))
        with pytest.raises(InputError, match=rf"{path.name}: (damaged|the attribute|not a)"):
            verify_file(tmp_path / path.name)


def test_messages_name_the_kind_and_what_is_wrong(tmp_path):
    path = tmp_path / "reference.h5"
    Reference.of(make_maps(40)).save(path)
    with h5py.File(path, "r+") as file:
        file["cells/rate"][0, 0, 0] += 0.25  # HDF5's own checksum of the chunk fits again
    with pytest.raises(
        InputError,
        match=r"reference.h5: damaged reference file \('cells/rate' does not fit its checksum\); ",
    ):
        Reference.load(path)
    with h5py.File(path, "r+") as file:
        file.attrs["n_events"] = 3
    with pytest.raises(InputError, match=r"\(the attribute 'n_events' does not fit its checksum\)"):
        Reference.load(path)
    write_run_maps(tmp_path / "maps.h5", make_maps(3))
    with h5py.File(tmp_path / "maps.h5", "r+") as file:
        file["runs/n_events"][1] += 1
        file["maps/total"][0, 0, 0, 0] += 1
    with pytest.raises(InputError, match=r"damaged file of run maps \('runs/n_events' does not fi"):
        RunMapFile(tmp_path / "maps.h5")
    with pytest.raises(InputError, match=r"damaged HDF5 file \('maps/total' does not fit its chec"):
        verify_file(tmp_path / "maps.h5")


def test_zeros_that_became_ones_are_found_in_parts_of_maps(tmp_path):
    """HDF5's own checksum of a chunk is the same for both."""
    path = tmp_path / "maps.h5"
    maps = make_maps(70)  # more rows than are read at a time
    for values in (maps.occupancy, maps.total):
        values[66, 1, 1, 4] = 0
    write_run_maps(path, maps)
    with h5py.File(path) as file:
        data = file["maps/total"]
        place = data.id.get_chunk_info_by_coord((66, 1, 0, 0)).byte_offset + 8 * 20
    content = path.read_bytes()
    assert content[place : place + 8] == bytes(8)
    path.write_bytes(content[:place] + b"\xff" * 8 + content[place + 8 :])
    with h5py.File(path) as file:
        assert np.isnan(file["maps/total"][66, 1, 1, 4])
    file = RunMapFile(path)
    file.cells(slice(0, 1))
    assert len(file[:66]) == 66
    for read_part in (
        lambda: file.cells(slice(1, 2), slice(1, 2)),
        lambda: file.cells(slice(1, 2), slice(3, 4)),
        lambda: file[60:],
        lambda: file.select([2, 66]).cells(),
    ):
        with pytest.raises(
            InputError, match=r"damaged file of run maps \('maps/total' .* checksum in row 66\); b"
        ):
            read_part()


def test_an_export_whose_format_is_damaged_is_not_taken_for_a_file_of_others(tmp_path):
    """Found by the drill: what it holds has names that files of others may have, too."""
    KINDS["exported images"].write(tmp_path)
    content = (tmp_path / "dense.h5").read_bytes()
    assert content.count(b"calovision-dense") == 1
    damaged = content.replace(b"calovision-dense", b"calovision-\0\0\0\0e")
    (tmp_path / "dense.h5").write_bytes(damaged)
    with pytest.raises(InputError, match=r"dense.h5: damaged .*'format' does not fit its checksum"):
        KINDS["exported images"].read(tmp_path)


def test_whoever_writes_is_sealed(tmp_path):
    """Also a writer that knows nothing of checksums."""
    path = tmp_path / "a.h5"
    with created(path) as file:
        file.attrs["text"], file.attrs["texts"], file.attrs["n"] = "é", ["a", "bcd"], 3
        file["group/x"] = np.arange(12.0).reshape(4, 3)
        file["n"] = 7
    with h5py.File(path) as file:
        listed = json.loads(file.attrs["checksums"])
        assert listed["data"] == {one: digits(file, one) for one in ("group/x", "n")}
        assert (file.attrs["text"].decode(), file.attrs["texts"].tolist()) == ("é", [b"a", b"bcd"])
        file_texts = file.attrs.get_id("texts").dtype
        assert (file_texts, h5py.check_string_dtype(file_texts).encoding) == ("S3", "utf-8")
    assert verify_file(path) == "good, 3 attributes and 2 data sets fit their checksums"
    with (
        pytest.raises(TypeError, match="names: texts of variable length: write them by NewFile"),
        created(tmp_path / "b.h5") as file,
    ):
        file.create_dataset("names", data=["a"], dtype=h5py.string_dtype())


def test_texts_of_tables(tmp_path):
    """Any text of any length, none, and of no row."""
    path = tmp_path / "t.h5"
    for names in (np.array(["tt̄", "", "QCD " * 40], dtype=object), np.array([], dtype="U3")):
        write_table(path, {"name": names, "x": np.arange(len(names))}, attributes={"a": ""})
        assert read_table(path)["name"].tolist() == names.tolist()
        assert table_attributes(path, "a", "b") == {"a": ""}


@pytest.mark.parametrize("name", ["scores", "run_maps", "reference", "dense"])
def test_older_files_are_read(name):
    path = DATA / "unsealed" / f"{name}.h5"
    assert "without checksums" in verify_file(path)
    if name == "scores":
        table = read_table(path)
        assert table["sample"].tolist() == ["rpv"] * 5 + ["qcd"] * 5
        assert table["logit"].tolist() == np.linspace(-2, 2.5, 10).tolist()
        assert table_attributes(path, "model", "n_rotations") == {
            "model": "small",
            "n_rotations": 2,
        }
    elif name == "run_maps":
        assert np.array_equal(RunMapFile(path)[:].total, make_maps(4, n_events=100).total)
    elif name == "reference":
        expected = Reference.of(make_maps(40))
        found = Reference.load(path)
        assert np.array_equal(found.rate, expected.rate)
        assert found.doubts == expected.doubts


HEAP = DATA / "unsealed" / "reference.h5"
SWEEP = """
import sys
from calovision.core.errors import InputError
from calovision.storage.hdf5 import opened
content, first, stop = open(sys.argv[1], "rb").read(), *map(int, sys.argv[3:])
counts = [0, 0]
for bit in range(8 * first, 8 * stop):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    open(sys.argv[2], "wb").write(changed)
    try:
        with opened(sys.argv[2]) as file:
            dict(file.attrs)
        counts[0] += 1
    except InputError:
        counts[1] += 1
print(*counts)
"""


def test_flipped_bits_of_a_heap_end_in_a_sentence(tmp_path):
    """Of all that HDF5 believes of the texts in an older file; it would loop for ever at some."""
    first = HEAP.read_bytes().index(b"GCOL")
    command = [sys.executable, "-c", SWEEP, HEAP, tmp_path / "a.h5", str(first), str(first + 300)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    n_read, n_refused = map(int, done.stdout.split())
    assert n_read + n_refused == 2400
    assert n_refused > 500


def heap(*objects, size=4096):
    """Bytes of a heap of objects, number and length each, and the free space behind."""
    content = b"GCOL\1\0\0\0" + size.to_bytes(8, "little")
    for number, length in objects:
        content += number.to_bytes(8, "little") + length.to_bytes(8, "little")
        content += b"x" * (-(-length // 8) * 8 if number else 0)
    return content[:size] + bytes(max(size - len(content), 0))


def test_heaps_that_are_not_sound():
    check_heap(heap((1, 5), (3, 16), (0, 4096 - 16 - 24 - 32)))
    check_heap(heap((1, 4096 - 16 - 16 - 8)))  # no room for free space
    for wrong in (
        heap((1, 5), (0, 4096 - 16 - 16)),
        heap((1, 5), (1, 5), (0, 4096 - 16 - 48)),
        heap((1, 5), (2, 5000)),
        heap((1, 5)),
        heap((1, 5), (0, 4096 - 16 - 24))[:-1],
        heap((0, 48), size=64),
    ):
        with pytest.raises(OSError, match="a heap of texts"):
            check_heap(wrong)


def test_commands(tmp_path):
    maps, images = tmp_path / "maps.h5", write_image_file(tmp_path / "images.h5")
    write_run_maps(maps, make_maps(3))
    text = succeed("inspect", maps)
    assert "checksums  yes" in text
    for row in (r"maps/total +float64 +3x2x4x16", r"format +calovision-run-maps", r"n_rows +3"):
        assert re.search(row, text)
    assert "checksums  no" in succeed("inspect", DATA / "unsealed" / "reference.h5")
    assert "--event and --png display images" in fail("inspect", maps, "--event", 1)
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["x"] = 1
    assert "not a calovision-images file" in fail("inspect", tmp_path / "foreign.h5")
    assert run("verify", maps, images).exit_code == 0
    content = maps.read_bytes()
    with h5py.File(maps) as file:
        place = byte_of(file["maps/total"])
    maps.write_bytes(Change(((place, 1),)).of(content))
    result = run("verify", maps, images)
    assert result.exit_code == 1
    assert "maps.h5: damaged" in result.output.splitlines()[0]


def test_other_programs_get_text(tmp_path):
    """Of exports and of scores of ROOT files: `str` from h5py alone."""
    for name in FOR_OTHERS:
        folder = tmp_path / name
        folder.mkdir()
        KINDS[name].write(folder)
        with h5py.File(folder / KINDS[name].damaged[0]) as file:
            texts = {one: value for one, value in file.attrs.items() if not np.isscalar(value)}
            assert isinstance(file.attrs["sample" if name == FOR_OTHERS[0] else "model"], str)
            assert all(isinstance(value, np.ndarray) for value in texts.values())
    with h5py.File(tmp_path / FOR_OTHERS[0] / "dense.h5") as file:
        assert file.attrs["channels"] == '["em_et", "tracks"]'
        assert file["events/sample"].asstr()[()].tolist() == ["rpv"] * 5 + ["qcd"] * 5
    with opened(tmp_path / FOR_OTHERS[0] / "dense.h5") as file:
        assert file.attrs["sample"] == "rpv, qcd"


def test_no_file_holds_the_time_of_writing(tmp_path):
    """Groups of any depth and each way to make a data set; h5py before 3.16 keeps those times."""
    for name in "ab":
        with created(tmp_path / name, alignment=512) as file:
            file.create_dataset("events/jets/pt", data=np.arange(3.0))
            file.write("names/of", ["one", "two"])
            file.growing("runs/rows/n", (2,), np.int64).append(np.ones((3, 2)))
            file.create_group("empty/within")
            assert file["events/jets/pt"].id.get_offset() % 512 == 0
        time.sleep(1.1)  # HDF5 counts whole seconds
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_seal_is_right_where_reads_are_short(tmp_path, monkeypatch):
    """Some file systems give less than is there; the rest was taken for zeros."""
    whole = os.pread

    def short(descriptor, size, offset):
        return whole(descriptor, max(size // 3, 1), offset)

    monkeypatch.setattr(os, "pread", short)
    with created(tmp_path / "a.h5") as file:
        file.create_dataset("a", data=np.arange(1.0, 2000.0), chunks=(500,))
    monkeypatch.undo()
    assert verify_file(tmp_path / "a.h5").startswith("good")
