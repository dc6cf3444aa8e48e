"""Dense images, of others and of our export, become image files."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from fakes import make_columns, make_images, write_image_file, write_two_samples
from fakes_cli import fail, succeed

from calovision.core.errors import InputError
from calovision.storage import (
    DenseOptions,
    ImageCollection,
    ImageFile,
    dense_import,
    export_dense,
    import_dense,
)

LABELS = np.array([1, 0, 0, 1, 0, 1, 0, 0, 1, 0])


@pytest.fixture
def images():
    dense = make_images(10, (3, 8, 6))
    dense[2, 0, 0, 0] = -1.5
    return dense


def save(folder, images, **arrays):
    path = folder / "dense.npz"
    np.savez(path, images=images, **{"labels": LABELS} | arrays)
    return path


@pytest.mark.parametrize("block", [1, 3, 100])
def test_exported_images_come_back_bit_by_bit(tmp_path, monkeypatch, block):
    paths = write_two_samples(tmp_path, n_events=8)
    export_dense(paths, tmp_path / "dense.h5")
    monkeypatch.setattr(dense_import, "BLOCK_BYTES", block * 4 * 2 * 8 * 8)
    again = import_dense(tmp_path / "dense.h5", tmp_path / "again")
    assert [path.name for path in again] == ["rpv.h5", "qcd.h5"]
    for before, after in zip(map(ImageFile, paths), map(ImageFile, again), strict=True):
        rows, own = (file.sparse(np.arange(8)) for file in (before, after))
        for name in ("offsets", "cells", "values"):
            assert getattr(rows, name).tobytes() == getattr(own, name).tobytes()
        assert set(after.events) == set(before.events)
        for name, column in before.events.items():
            assert np.array_equal(after.events[name], column)
        for name in ("grid", "channels", "units", "label", "cross_section_pb", "n_generated"):
            assert getattr(after.metadata, name) == getattr(before.metadata, name)
    weights = ImageCollection(paths).event_weights(36.1)
    assert np.array_equal(ImageCollection(again).event_weights(36.1), weights)
    export_dense(paths[0], tmp_path / "one.h5")
    (one,) = import_dense(tmp_path / "one.h5", tmp_path / "one")
    assert ImageFile(one).metadata.cut_flow == ImageFile(paths[0]).metadata.cut_flow


def test_what_was_exported_of_the_first_sample_alone_is_not_given_to_all(tmp_path):
    """Rows of each of its ROOT files, and its recipe."""
    own = {"source_files": [("a.root", ""), ("b.root", "")], "source_rows": [3, 2]}
    own |= {"split_group": "ttbar"}
    paths = [
        write_image_file(
            tmp_path / f"{name}.h5",
            images=make_images(5),
            columns=make_columns(5, label=label),
            sample=name,
            label=label,
            recipe={"schema": name, "tree": None, "images": {}},
            **more,
        )
        for label, (name, more) in enumerate({"a": own, "b": {}}.items())
    ]
    export_dense(paths, tmp_path / "dense.h5")
    with h5py.File(tmp_path / "dense.h5") as file:
        assert list(file.attrs["split_group"]) == ["ttbar", ""]
    back = import_dense(tmp_path / "dense.h5", tmp_path / "back")
    for group, path in zip(("ttbar", ""), back, strict=True):
        found = ImageFile(path).metadata
        assert found.split_group == group
        assert (found.source_rows, found.recipe, len(found.source_files)) == (None, None, 1)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_images_of_others(tmp_path, images, layout, suffix):
    path = tmp_path / f"mine.{suffix}"
    stored = images if layout == "NCHW" else images.transpose(0, 2, 3, 1)
    arrays = {"X": stored.astype(np.float64), "y": LABELS[:, None], "w": np.arange(10) - 1.0}
    if suffix == "npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    options = DenseOptions(weights="w", channels=("em", "mine", "tracks"), eta_range=(-3, 3))
    files = [ImageFile(one) for one in import_dense(path, tmp_path / "images", options)]
    assert [file.path.name for file in files] == ["background.h5", "signal.h5"]
    for label, file in enumerate(files):
        mine = np.flatnonzero(label == LABELS)
        assert np.array_equal(file.dense(np.arange(len(mine))), images[mine])
        assert file.events["event_number"].tolist() == mine.tolist()
        assert file.events["weight"].tolist() == (mine - 1.0).tolist()
        info = file.metadata
        assert (info.channels, info.units) == (("em", "mine", "tracks"), ("GeV", "", ""))
        assert (info.grid.n_eta, info.grid.n_phi, info.grid.eta_range) == (8, 6, (-3, 3))
        assert (info.n_generated, info.sum_of_weights) == (len(mine), (mine - 1.0).sum())
        assert np.isnan(info.cross_section_pb)


def test_one_channel_and_one_label_without_weights(tmp_path, images):
    path = tmp_path / "mine.npz"
    np.savez(path, x=images[:, 0], event_number=np.arange(10) * 7)
    (only,) = import_dense(path, tmp_path, DenseOptions(label=1))
    file = ImageFile(only)
    assert np.array_equal(file.dense(np.arange(10)), images[:, :1])
    assert file.events["weight"].tolist() == [1.0] * 10
    assert file.events["event_number"].tolist() == (np.arange(10) * 7).tolist()
    assert file.metadata.channels == ("channel_0",)


def test_a_file_for_each_of_three_classes(tmp_path, images):
    labels = np.arange(10) % 4 % 3
    np.savez(tmp_path / "mine.npz", x=images, y=labels)
    options = DenseOptions(classes=("quark", "w", "top"))
    paths = import_dense(tmp_path / "mine.npz", tmp_path, options)
    assert [path.name for path in paths] == ["quark.h5", "w.h5", "top.h5"]
    collection = ImageCollection(paths)
    assert collection.classes == ("quark", "w", "top")
    assert collection.samples == {"quark": 0, "w": 1, "top": 2}
    order = np.argsort(labels, kind="stable")
    assert collection.column("event_number").tolist() == order.tolist()
    assert collection.column("label").tolist() == labels[order].tolist()
    assert np.array_equal(collection.dense(np.arange(10)), images[order])
    with pytest.raises(InputError, match="entry 2 is 2: the classes a, b have the labels 0 to 1"):
        import_dense(tmp_path / "mine.npz", tmp_path / "out", replace(options, classes=("a", "b")))


@pytest.mark.parametrize(
    ("shape", "options", "reason"),
    [
        ((10, 3, 8, 3), {}, r"neither NCHW nor NHWC images of shape \(10, 3, 8, 3\): give layout"),
        ((10, 3, 8, 3), {"channels": tuple("abc")}, "with 3 channels may be NCHW or NHWC: give"),
        ((10, 8, 8, 8), {}, "neither NCHW nor NHWC"),
        ((10, 2, 8, 8), {"channels": tuple("abc")}, "neither NCHW nor NHWC .* with 3 channels"),
        ((10, 2, 8, 8), {"layout": "NHWC", "channels": ("a", "b")}, "are not NHWC with 2 channels"),
        ((10, 8), {}, r"images of shape \(10, 8\): they must be"),
        ((10, 2, 8, 8), {"layout": "HWC"}, "layout 'HWC' is unknown"),
        ((10, 2, 8, 8), {"units": ("GeV",)}, "1 units for 2 channels"),
        ((10, 2, 8, 8), {"labels": "label"}, "there is no array 'label'; did you mean 'labels'"),
        ((10, 2, 8, 8), {"label": 1}, "labels, and a label is given too"),
        ((10, 2, 8, 8), {"classes": ("a/b", "c")}, "the class 'a/b' is no name of a file"),
    ],
)
def test_what_is_not_clear_is_refused(tmp_path, shape, options, reason):
    path = save(tmp_path, np.ones(shape))
    with pytest.raises(InputError, match=reason):
        import_dense(path, tmp_path / "out", DenseOptions(**options))
    assert not list(tmp_path.glob("out/*"))


def test_layout_that_is_given_decides(tmp_path):
    path = save(tmp_path, np.ones((10, 3, 8, 3)))
    for layout, shape in (("NCHW", (3, 8, 3)), ("NHWC", (3, 3, 8))):
        one, _ = import_dense(path, tmp_path / layout, DenseOptions(layout=layout))
        assert ImageFile(one).metadata.image_shape == shape


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"labels": np.arange(10)}, "the label of entry 2 is 2: background and signal have"),
        ({"labels": LABELS[:9]}, r"labels of shape \(9,\) for 10 images"),
        ({"weights": np.full(10, np.nan)}, "the weight of entry 0 is not finite"),
        ({"event_number": np.arange(10) + 0.5}, "the event numbers must be whole numbers"),
        ({"weights": np.array(["a"] * 10)}, "'weights' is <U1: it must be numbers"),
    ],
)
def test_impossible_columns_are_named(tmp_path, images, arrays, reason):
    with pytest.raises(InputError, match=reason):
        import_dense(save(tmp_path, images, **arrays), tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e200])
def test_values_that_are_not_finite_are_named_by_entry(tmp_path, images, monkeypatch, wrong):
    monkeypatch.setattr(dense_import, "BLOCK_BYTES", 3 * images[0].nbytes)
    bad = images.astype(np.float64)
    bad[7, 1, 2, 3] = wrong
    with pytest.raises(InputError, match="image of entry 7 has a value that is NaN or too large"):
        import_dense(save(tmp_path, bad), tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))


def test_command(tmp_path, images):
    path = save(tmp_path, images)
    output = tmp_path / "images"
    text = succeed(
        "import", path, "-o", output, "--channels", "em,had,tracks", "--cross-section", 2
    )
    assert text.splitlines() == [
        f"{output}/background.h5: 6 images, label 0",
        f"{output}/signal.h5: 4 images, label 1",
    ]
    assert ImageFile(output / "signal.h5").metadata.cross_section_pb == 2
    assert "background.h5 exists already" in fail("import", path, "-o", output)
    succeed("import", path, "-o", output, "--force")
    assert "is a file" in fail("import", path, "-o", path)
    assert "no npz file" in fail("import", _text(tmp_path / "text.npz"), "-o", tmp_path / "new")
    assert "does not exist" in fail("import", tmp_path / "gone.npz", "-o", tmp_path / "new")


def _text(path):
    path.write_text("no arrays")
    return path
