"""The image file's promises: frozen files, the specification read by h5py alone, attributes, kinds.

The frozen files of tests/data were written once and must be readable for ever. ``version1_qcd`` and
``version1_rpv``: by the first release's `ImageFileWriter` (commit ca3931b), 20 and 12 events of two
channels on 8x8 cells. ``version1_jets`` and ``version1_blosc2``: 15 jets with a recipe and a
skipped file; 20 events on eta edges, Blosc2. Row e of all has e % 4 cells a channel, at (7 e + 11
j) % 64 in the first and (5 e + 3 j) % 64 in the second for j < e % 4; the value at the flat cell c
is 0.25 (e + 1) + c.
"""

import json
import re
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from fakes import make_columns, make_images, make_metadata, to_sparse, write_image_file
from fakes_checksums import edited, seal

import calovision.storage
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.storage import ImageCollection, ImageFile, ImageFileWriter, ImageMetadata
from calovision.storage.metadata import ATTRIBUTES

DATA = Path(__file__).parent / "data"
PAGE = Path(calovision.storage.__file__).with_name("FORMAT.md")
JETS = {"jet_index": np.zeros(20, int)} | {
    name: np.ones(20) for name in ("pt", "eta", "phi", "mass")
}


def frozen_image(row):
    image = np.zeros(128, dtype=np.float32)
    for j in range(row % 4):
        for cell in ((7 * row + 11 * j) % 64, 64 + (5 * row + 3 * j) % 64):
            image[cell] = 0.25 * (row + 1) + cell
    return image.reshape(2, 8, 8)


@pytest.mark.parametrize(("name", "n"), [("qcd", 20), ("rpv", 12), ("jets", 15), ("blosc2", 20)])
def test_frozen_images(name, n):
    file = ImageFile(DATA / f"version1_{name}.h5")
    expected = np.stack([frozen_image(row) for row in range(n)])
    assert len(file) == n
    assert np.array_equal(file[:], expected)
    assert np.array_equal(file.sparse([7, 3, 7]).dense(), expected[[7, 3, 7]])
    assert np.array_equal(file[n - 1], expected[-1])


def test_frozen_event_file():
    file = ImageFile(DATA / "version1_qcd.h5")
    i = np.arange(20)
    assert file.events["event_number"].tolist() == (1000 + i).tolist()
    assert file.events["weight"].tolist() == np.where(i % 5 == 4, -0.5, 1 + 0.125 * i).tolist()
    assert file.events["split"].tolist() == [0, 0, 0, 1, 2] * 4
    assert file.events["mj_sum"].tolist() == (150.0 + 2 * i).tolist()
    assert file.events["fat_jets"][3, :3].tolist() == [
        [503, 0.1 * 3, -2.25, 93],
        [297, 0, 2.25, 63],
        [0, 0, 0, 0],
    ]
    assert file.events["overflow"].tolist() == np.stack([2.0 * i, 0.5 * i], axis=1).tolist()
    assert file.metadata == ImageMetadata(
        sample="qcd",
        label=0,
        grid=EtaPhiGrid(8, 8),
        channels=("em_et", "tracks"),
        units=("GeV", ""),
        selection={"leading jet": "leading_pt > 440"},
        cut_flow=[("generated", 100, 100.0), ("leading jet", 20, 32.0)],
        cross_section_pb=2.0,
        n_generated=100,
        sum_of_weights=100.0,
        source_files=[("qcd.root", "0123-qcd")],
        configuration_hash="abcdef0123456789",
        package_version="0.1.0",
    )
    assert file.metadata.kind == "event"
    assert file.metadata.skipped_files == []


def test_frozen_collection():
    """2 pb from a sum of 100, and 2 pb from 80, at 1/fb: 20 and 25 events a unit of weight."""
    collection = ImageCollection([DATA / "version1_qcd.h5", DATA / "version1_rpv.h5"])
    weights = collection.event_weights(1.0)
    np.testing.assert_allclose(weights[[0, 4, 20, 23]], [20.0, -10.0, 25.0, 25 * 1.375])
    assert collection.statistics().n == 12 + 7
    expected = np.stack([frozen_image(row) for row in (*range(20), *range(12))])[
        collection.column("split") == 0
    ]
    np.testing.assert_allclose(collection.statistics().mean, expected.mean(axis=0), rtol=1e-6)


def test_frozen_jet_file():
    file = ImageFile(DATA / "version1_jets.h5")
    i = np.arange(15)
    assert file.metadata.kind == "jet"
    assert file.metadata.grid == JetGrid(8, 8, 1.6)
    assert file.metadata.jet_recipe == {"rotate": True, "normalize": "L1", "steps": [1, 2]}
    assert file.metadata.skipped_files == [("bad.root", "ends early")]
    assert file.events["jet_index"].tolist() == (i % 3).tolist()
    assert file.events["pt"].tolist() == (500.0 - 10 * i).tolist()
    training = np.stack([frozen_image(row) for row in (0, 1, 2, 9, 10, 11)])
    assert file.statistics.n == 6
    np.testing.assert_allclose(file.statistics.total, training.sum(axis=0))
    np.testing.assert_allclose(file.statistics.std, training.std(axis=0), atol=1e-4)


def test_frozen_file_with_eta_edges():
    file = ImageFile(DATA / "version1_blosc2.h5")
    assert file.metadata.grid.eta_edges == (-2.5, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5)
    assert file.events["weight_variations"][7].tolist() == [1.0, 8.0]
    assert file.statistics is None


def test_reader_of_the_specification():
    """The code of the page itself, run on files of both kinds."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    for name, row in (("qcd", 7), ("jets", 11), ("rpv", 4)):
        scope = {"row": row}
        exec(code.replace("images.h5", str(DATA / f"version1_{name}.h5")), scope)
        assert np.array_equal(scope["image"], frozen_image(row))
    assert (scope["label"], scope["weight"]) == (1, -0.5)


def test_every_attribute_and_column_is_specified(tmp_path):
    page = PAGE.read_text()
    for path in DATA.glob("*.h5"):
        with h5py.File(path) as file:
            names = [*file.attrs, *file["events"], *file["images"], *file.get("statistics", ())]
            assert [name for name in names if f"`{name}`" not in page] == []


def test_writer_keeps_the_specification(tmp_path):
    """Types, order and alignment, as the page has them."""
    with h5py.File(write_image_file(tmp_path / "a.h5", 30)) as file:
        offsets, cells, values = (
            file["images"][name][()] for name in ("offsets", "cells", "values")
        )
        assert offsets[0] == 0
        for start, stop in pairwise(offsets):
            assert np.all(np.diff(cells[start:stop].astype(int)) > 0)
        assert np.all(values != 0)
        for dataset in (*file["images"].values(), *file["events"].values()):
            assert dataset.id.get_offset() % 64 == 0
        assert file["statistics/total"].dtype == np.float64


def test_additions_are_written_only_where_they_say_something():
    plain = make_metadata().to_attributes()
    assert set(plain) & {"kind", "jet_recipe", "skipped_files"} == set()
    assert "eta_edges" not in json.loads(plain["grid"])
    grid = EtaPhiGrid.with_eta_edges((-1.0, 0.5, 2.0), 8)
    info = make_metadata((2, 2, 8), grid=grid, skipped_files=[("b.root", "no tree")])
    assert json.loads(info.to_attributes()["grid"])["eta_edges"] == [-1.0, 0.5, 2.0]
    assert ImageMetadata.from_attributes(info.to_attributes()) == info
    jet = make_metadata(grid=JetGrid(8, 8, 0.8), kind="jet", jet_recipe={"flip": True})
    assert ImageMetadata.from_attributes(jet.to_attributes()) == jet


def test_every_attribute_is_read():
    """A field of the metadata that readers did not know would be lost without a word."""
    assert set(ATTRIBUTES) == {"format", "version", *(item.name for item in fields(ImageMetadata))}


def test_numbers_of_numpy_are_numbers():
    info = make_metadata(n_generated=np.int64(7), sum_of_weights=np.float32(2.5), label=np.int8(1))
    attributes = info.to_attributes()
    assert (attributes["n_generated"], attributes["sum_of_weights"], attributes["label"]) == (
        7,
        2.5,
        1,
    )


def test_unknown_attributes_and_groups_are_ignored(tmp_path):
    path = write_image_file(tmp_path / "a.h5", 20)
    with h5py.File(path, "r+") as file:
        file.attrs["later"] = "{}"
        file["later/numbers"] = np.arange(3)
    assert ImageFile(path).metadata == make_metadata()


def test_only_four_columns_are_needed(tmp_path):
    columns = {
        name: values
        for name, values in make_columns(3).items()
        if name in ("event_number", "label", "split")
    }
    with ImageFileWriter(tmp_path / "a.h5", (2, 8, 8)) as writer:
        writer.append(to_sparse(make_images(3)), columns | {"weight": np.ones(3)})
        writer.close(make_metadata())
    collection = ImageCollection([tmp_path / "a.h5"])
    assert set(collection.files[0].events) == {"event_number", "label", "weight", "split"}
    with pytest.raises(
        InputError, match=r"a.h5: no column 'mj_sum', only .*: build the images again with the jets"
    ):
        collection.column("mj_sum")


def test_jets_need_their_columns(tmp_path):
    jet = {"kind": "jet", "grid": JetGrid(8, 8, 0.8)}
    with pytest.raises(InputError, match=r"a.h5: the event column 'jet_index' is missing"):
        write_image_file(tmp_path / "a.h5", 20, **jet)
    assert list(tmp_path.iterdir()) == []
    path = write_image_file(tmp_path / "a.h5", 20, columns=JETS, **jet)
    with edited(path) as file:
        del file["events/mass"]
    with pytest.raises(InputError, match=r"a.h5: incomplete image file \(no events/mass\)"):
        ImageFile(path)


def test_metadata_of_other_images_are_refused(tmp_path):
    with ImageFileWriter(tmp_path / "a.h5", (2, 8, 8)) as writer:
        writer.append(to_sparse(make_images(3)), make_columns(3))
        with pytest.raises(
            InputError, match=r"a.h5: metadata of images \(2, 8, 9\) do not fit \(2, 8, 8\)"
        ):
            writer.close(make_metadata((2, 8, 9)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "event", "grid": EtaPhiGrid(8, 8)}, "b.h5: its kind differs from that of .*a.h5"),
        ({"grid": JetGrid(8, 8, 0.9)}, "b.h5: its grid or channels differ"),
        ({"jet_recipe": {"rotate": False}}, "b.h5: its jet recipe differs from that of .*a.h5"),
    ],
)
def test_jets_that_do_not_belong_together(tmp_path, changes, message):
    jet = {"kind": "jet", "grid": JetGrid(8, 8, 0.8), "jet_recipe": {"rotate": True}}
    write_image_file(tmp_path / "a.h5", 20, columns=JETS, **jet)
    write_image_file(tmp_path / "b.h5", 20, columns=JETS, **(jet | changes))
    with pytest.raises(InputError, match=message):
        ImageCollection([tmp_path / "a.h5", tmp_path / "b.h5"])
    assert len(ImageCollection([tmp_path / "a.h5", tmp_path / "a.h5"])) == 40


def test_skipped_files_are_listed_and_correct_the_weights(tmp_path):
    """Four files of 25 generated events; one could not be read: the others stand for the whole
    cross-section."""
    paths = [
        write_image_file(
            tmp_path / f"{k}.h5", 5, n_generated=25, sum_of_weights=25.0, cross_section_pb=1.0
        )
        for k in range(3)
    ]
    nothing = {"n_generated": 0, "sum_of_weights": 0.0, "cut_flow": [], "cross_section_pb": 0.0}
    paths.append(
        write_image_file(tmp_path / "3.h5", 0, skipped_files=[("3.root", "ends early")], **nothing)
    )
    collection = ImageCollection(paths)
    assert collection.skipped_files == [("3.root", "ends early")]
    np.testing.assert_allclose(collection.event_weights(1.0), np.full(15, 1000 / 75))
    assert collection.cut_flow("qcd") == [("generated", 300, 300.0), ("three fat jets", 120, 120.0)]
    assert len(ImageCollection(paths[3:]).event_weights(1.0)) == 0


def test_events_without_a_sum_of_weights(tmp_path):
    path = write_image_file(tmp_path / "a.h5", 5, sum_of_weights=0.0)
    with pytest.raises(InputError, match=r"sample 'qcd': its generator weights sum up to 0.0"):
        ImageCollection([path]).event_weights(1.0)


def test_check_of_the_specification(tmp_path):
    """The code of the page itself, on a file of several blocks, and on one with a flipped bit."""
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    path = write_image_file(tmp_path / "images.h5", 600)
    code = code.replace("images.h5", str(path))
    scope = {}
    exec(code, scope)
    assert len(scope["checksums"]["data"]) == 1 + len(make_columns(1)) + 3
    for name in ("images/values", "events/ht"):
        with h5py.File(path, "r+") as file:
            before = file[name][555]
            file[name][555] = np.nextafter(before, before.dtype.type(1e9))
        with pytest.raises(AssertionError):
            exec(code, {})
        with h5py.File(path, "r+") as file:
            file[name][555] = before
    exec(code, {})


def test_checksums_are_those_of_a_second_implementation(tmp_path):
    path = write_image_file(tmp_path / "a.h5", 600, skipped_files=[("b.root", "äöü")])
    with h5py.File(path, "r+") as file:
        written = json.loads(file.attrs["checksums"]), file["images/checksums"][()]
        seal(file)
        again = json.loads(file.attrs["checksums"]), file["images/checksums"][()]
    assert written[0] == again[0]
    assert written[1].tolist() == again[1].tolist()
    assert len(written[1]) == 3
