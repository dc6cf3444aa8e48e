"""Image files of others: read right, or refused by a sentence that names the file; nothing outside
is followed."""

import shutil
import tempfile
from pathlib import Path

import h5py
import hypothesis
import numpy as np
import pytest
from damage import CONTENTS, DATA, IMAGES, MAKERS, N, cases, replace, write_good
from fakes import make_images
from fakes_checksums import edited
from fakes_cli import run
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.storage import (
    ImageCollection,
    ImageFile,
    export_dense,
    import_hep_cnn,
    merge_image_files,
    read_file_list,
    read_scores,
    write_scores,
)

CASES = cases()
STEP = 1 if hypothesis.settings.default.max_examples > 1000 else 23  # `make fuzz` takes all
SHARES = 8
OTHER_NUMBERS = ("type ?", "never_written")
HARMLESS = (
    "committed",
    "chunked",
    "resizable",
    "compact",
    "hard_link",
    "filter gzip",
    "filter lzf",
    "shuffled",
)


def read_all(path, output):
    """All that the package reads of an image file; must-have columns and images."""
    file, collection = ImageFile(path), ImageCollection([path])
    images = file.dense(np.arange(len(file)))
    backwards = np.arange(len(file))[::-1]
    for other in (
        collection.load(backwards).dense()[::-1],
        file.sparse(backwards).dense()[::-1],
        np.concatenate([part.dense() for _, part in file.iterate(6)]),
        np.concatenate([part.dense() for _, part in collection.iterate(np.arange(len(file)), 7)]),
    ):
        assert np.array_equal(images, other)
    columns = {name: file.events[name] for name in file.events}
    collection.event_weights(1.0)
    collection.cut_flow(file.metadata.sample)
    assert collection.statistics().n == np.sum(columns["split"] == 0)
    collection.standardized(np.arange(len(file)))
    assert export_dense(path, output) == len(file)
    with h5py.File(output) as dense:
        assert np.array_equal(dense["images"][()], images)
    return images, columns


def check(path, output, *, same=True):
    """Whether a file is refused; asserts that what is read is right, and that the commands say the
    same.

    ``same`` is whether the numbers are those of the good file.
    """
    try:
        images, columns = read_all(path, output)
    except InputError as error:
        sentence, refused = str(error), True
        assert path.name in sentence or "sample '" in sentence, sentence
        assert "\n" not in sentence
    else:
        refused = False
        assert np.array_equal(images, IMAGES) or not same
        good = {
            "event_number": np.arange(N),
            "label": np.zeros(N),
            "weight": np.ones(N),
            "jet_index": np.arange(N) % 2,
        }
        for name, values in good.items():
            assert np.array_equal(columns[name], values) or not same, name
            assert columns[name].dtype.isnative
    for line in (("inspect", path), ("export", path, "-o", output, "--force")):
        result = run(*line)
        assert result.exit_code in (0, 1)
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        assert refused or result.exit_code == 0, result.stderr
        assert "Traceback" not in result.output
    return refused


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_good(tmp_path_factory.mktemp("good") / "good.h5")


def test_the_good_file_is_good(good, tmp_path):
    assert not check(good, tmp_path / "dense.h5")
    assert len(CASES) > 900


@pytest.mark.parametrize("share", range(SHARES))
def test_damaged_files(good, tmp_path, share):
    """Every case, or of every 23 one: as stated, and never more than a sentence."""
    for name in list(CASES)[share :: SHARES * STEP]:
        path = tmp_path / "spoiled.h5"
        shutil.copy(good, path)
        with edited(path) as file:
            CASES[name](file)
        refused = check(path, tmp_path / "dense.h5", same=not name.endswith(OTHER_NUMBERS))
        assert refused or name not in CONTENTS, f"{name} was taken for good"
        harmless = name.split(": ")[-1] in HARMLESS and name.split(": ")[0] in DATA
        assert not (refused and harmless), f"{name} was refused"
        for left in tmp_path.iterdir():
            left.unlink()


@pytest.mark.parametrize("name", ["images/cells", "images/values", "events/weight", "events/mass"])
@pytest.mark.parametrize("how", ["external", "virtual", "soft_link", "external_link"])
def test_nothing_outside_the_file_is_followed(good, tmp_path, name, how):
    """`export` would carry the bytes of another file of the system to whoever gets the output."""
    path = tmp_path / "spoiled.h5"
    shutil.copy(good, path)
    with edited(path) as file:
        CASES[f"{name}: {how}"](file)
    wanted = (
        rf"spoiled\.h5: '{name}' (takes its data from other files|is a link), which is not "
        r"followed: copy"
    )
    for read in (
        ImageFile,
        lambda one: export_dense(one, tmp_path / "a.h5"),
        lambda one: merge_image_files([one], one),
    ):
        with pytest.raises(InputError, match=wanted):
            read(path)


@pytest.mark.parametrize("kind", [">i8", ">u2", ">f4", ">f8", "<i4", "u1"])
def test_byte_order_and_types_of_columns(good, tmp_path, kind):
    """The other byte order is read; what is no number of the specification is refused by name."""
    wanted = {"images/offsets": "i8", "images/cells": "u2", "images/values": "f4"}
    for name in (
        "images/offsets",
        "images/cells",
        "images/values",
        "events/weight",
        "events/split",
    ):
        path = tmp_path / f"{name.replace('/', '_')}.h5"
        shutil.copy(good, path)
        with edited(path) as file:
            CASES[f"{name}: type {kind}"](file)
        if name.startswith("images") and wanted[name] != kind[1:]:
            with pytest.raises(InputError, match=rf"'{name}' is .*: it must be one row of"):
                ImageFile(path)
            continue
        file = ImageFile(path)
        assert np.array_equal(file.dense(np.arange(N)), IMAGES)
        assert np.array_equal(file.events["weight"], np.ones(N))
        assert file.events["split"].tolist() == [0, 0, 0, 1, 2] * 4


def require_named(error, name, kind, harmless=HARMLESS):
    """The sentence names the file, and what was done to it may be refused."""
    assert name in str(error)
    assert kind not in harmless, kind


def spoiled(path, name, make):
    """A file in which one data set is replaced."""
    with h5py.File(path, "r+") as file:
        replace(name, make, file)
    return path


@pytest.mark.parametrize("name", ["logit", "event_number", "sample", "split"])
def test_damaged_score_files(good, tmp_path, name):
    collection, rows, scores = (
        ImageCollection([good]),
        np.array([3, 0, 19]),
        np.array([2.0, 1.0, 3.0]),
    )
    for kind, make in list(MAKERS.items())[:: 1 if STEP == 1 else 3]:
        path = tmp_path / "scores.h5"
        write_scores(path, collection, rows, scores)
        if name == "sample" and kind.startswith(("type", "enumeration", "never_written")):
            continue  # texts are no numbers
        spoiled(path, name, make)
        try:
            assert (
                np.array_equal(read_scores(path, collection, rows), scores) or kind in OTHER_NUMBERS
            )
        except InputError as error:
            # two of them add another name to the file, and a table lists what is in it
            harmless = set(HARMLESS) - {"committed", "hard_link"}
            require_named(error, "scores.h5", kind, harmless)
        for left in tmp_path.iterdir():
            left.unlink()


@pytest.mark.parametrize("name", ["hist", "histtrack", "y", "weight"])
def test_damaged_hep_cnn_files(tmp_path, name):
    images = np.ceil(make_images(6, (8, 8)))
    for kind, make in list(MAKERS.items())[:: 1 if STEP == 1 else 3]:
        path = tmp_path / "rpv.h5"
        with h5py.File(path, "w") as file:
            for one in ("hist", "histEM", "histtrack"):
                file[f"all_events/{one}"] = images
            file["all_events/y"], file["all_events/weight"] = np.arange(6) % 2, np.ones(6)
        spoiled(path, f"all_events/{name}", make)
        try:
            files = import_hep_cnn(path, tmp_path / "out")
            assert np.array_equal(ImageFile(files[0])[:][:, 1], images[::2])
        except InputError as error:
            require_named(error, "rpv.h5", kind)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        for left in tmp_path.iterdir():
            left.unlink()


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_damaged_lists(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.tsv"
        path.write_bytes(content)
        try:
            assert all(isinstance(file, Path) for file in read_file_list(path))
        except InputError as error:
            require_named(error, "images.tsv", "")
