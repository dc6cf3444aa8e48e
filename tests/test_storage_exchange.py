"""Export to dense HDF5 and import of the HEP-CNN layout."""

import h5py
import numpy as np
import pytest
from fakes import make_columns, make_images, write_image_file, write_two_samples
from fakes_checksums import edited

from calovision.core.errors import InputError
from calovision.storage import (
    ImageCollection,
    ImageFile,
    export,
    export_dense,
    hep_cnn,
    import_hep_cnn,
)


@pytest.mark.parametrize("compression", ["gzip", "lzf", "lz4", "blosc2", None])
@pytest.mark.parametrize("chunk", [1, 8, 100])
def test_dense_export_opens_in_h5py(tmp_path, compression, chunk):
    images = make_images(20)
    path = write_image_file(tmp_path / "a.h5", images=images)
    assert export_dense(path, tmp_path / "d.h5", compression=compression, chunk=chunk) == 20
    with h5py.File(tmp_path / "d.h5") as file:
        assert file["images"].dtype == np.float32
        assert file["images"].chunks == (min(chunk, 20), 2, 8, 8)
        assert np.array_equal(file["images"][()], images)
        for name, values in make_columns(20).items():
            assert np.array_equal(file["events"][name][()], values)
            assert file["events"][name].dtype == values.dtype
        assert file["events/sample"].asstr()[()].tolist() == ["qcd"] * 20
        assert file.attrs["format"] == "calovision-dense"
        assert file.attrs["channels"] == '["em_et", "tracks"]'
        assert (file.attrs["cross_section_pb"], file.attrs["sum_of_weights"]) == (2.0, 100.0)
    with pytest.raises(InputError, match=r"d.h5: not a calovision-images file"):
        ImageFile(tmp_path / "d.h5")


def test_dense_export_of_several_samples_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "BLOCK_BYTES", 7 * 4 * 128)
    paths = write_two_samples(tmp_path, n_events=10)
    more = write_image_file(
        tmp_path / "more.h5", 5, columns={"overflow": np.zeros((5, 2))}, cross_section_pb=8.0
    )
    paths = [more, *paths]
    done = []
    export_dense(paths, tmp_path / "d.h5", progress=done.append)
    collection = ImageCollection(paths)
    assert done == [5, 7, 3, 7, 3]
    with h5py.File(tmp_path / "d.h5") as file:
        assert np.array_equal(file["images"][()], collection.dense(np.arange(25)))
        assert file["events/label"][()].tolist() == [0] * 5 + [1] * 10 + [0] * 10
        assert file["events/sample"].asstr()[[4, 5]].tolist() == ["qcd", "rpv"]
        assert "overflow" not in file["events"]  # not in all files
        assert file.attrs["sample"] == "qcd, rpv"
        assert file.attrs["cross_section_pb"].tolist() == [5.0, 2.0]
        assert file.attrs["n_generated"].tolist() == [200, 100]


def test_dense_export_without_events(tmp_path):
    export_dense(write_image_file(tmp_path / "a.h5", 0), tmp_path / "d.h5")
    with h5py.File(tmp_path / "d.h5") as file:
        assert file["images"].shape == (0, 2, 8, 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"compression": "zip"},
            "compression 'zip' is unknown: choose from gzip, lzf, lz4, blosc2, or none",
        ),
        ({"level": 10}, "level 10: gzip has the levels 1 to 9"),
        ({"chunk": 0}, "chunk 0: at least one image"),
    ],
)
def test_bad_options_of_the_export(tmp_path, options, message):
    path = write_image_file(tmp_path / "a.h5")
    with pytest.raises(InputError, match=message):
        export_dense(path, tmp_path / "d.h5", **options)
    assert not (tmp_path / "d.h5").exists()


def test_failing_export_leaves_nothing(tmp_path, monkeypatch):
    path = write_image_file(tmp_path / "a.h5")

    def fail(_):
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        export_dense(path, tmp_path / "d.h5", progress=fail)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]


def test_export_of_a_damaged_file(tmp_path):
    path = write_image_file(tmp_path / "a.h5", 20)
    with edited(path) as file:
        file["images/cells"][file["images/offsets"][7]] = 128
    with pytest.raises(
        InputError, match=r"a.h5: damaged image file \(the cells of image 7 are not inside"
    ):
        export_dense(path, tmp_path / "d.h5")
    assert not (tmp_path / "d.h5").exists()


# HEP-CNN


def make_hep_cnn(path, n=40, *, n_eta=8, n_phi=10, seed=1, **changes):
    """A file in the layout of the public data sets; returns what it holds. ``changes`` replace or
    drop data sets."""
    rng = np.random.default_rng(seed)
    images = make_images(n, (3, n_eta, n_phi), seed=seed, scale=1000.0)
    images[:, 2] = np.ceil(images[:, 2] / 1000)
    content = {"hist": images[:, 0], "histEM": images[:, 1], "histtrack": images[:, 2]}
    content |= {"y": (rng.random(n) < 0.4).astype(np.float32), "weight": rng.exponential(3.0, n)}
    content |= {"passSR": np.zeros(n)} | changes
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            if values is not None:
                file[f"all_events/{name}"] = values
    return images, content["y"], content["weight"]


@pytest.mark.parametrize("luminosity_fb", [36.1, 3.0])
def test_hep_cnn_round_trip(tmp_path, luminosity_fb, monkeypatch):
    monkeypatch.setattr(hep_cnn, "BLOCK_BYTES", 7 * 4 * 240)
    images, labels, weights = make_hep_cnn(tmp_path / "all.h5")
    done = []
    paths = import_hep_cnn(
        tmp_path / "all.h5", tmp_path / "new", luminosity_fb=luminosity_fb, progress=done.append
    )
    assert [path.name for path in paths] == ["background.h5", "signal.h5"]
    assert done == [7, 7, 7, 7, 7, 5]
    collection = ImageCollection(paths)
    entries = collection.column("event_number")
    assert sorted(entries) == list(range(40))
    assert np.array_equal(collection.dense(np.arange(40)), images[entries])
    assert np.array_equal(collection.column("label"), labels[entries])
    np.testing.assert_allclose(
        collection.event_weights(luminosity_fb), weights[entries], rtol=1e-12
    )
    np.testing.assert_allclose(
        collection.event_weights(2 * luminosity_fb), 2 * weights[entries], rtol=1e-12
    )
    assert collection.metadata.channels == ("energy", "em", "tracks")
    assert collection.metadata.units == ("GeV", "GeV", "")
    assert collection.metadata.grid.eta_range == (-2.5, 2.5)
    assert collection.metadata.image_shape == (3, 8, 10)
    assert set(collection.column("split")) == {0, 1, 2}
    collection.require_events()


def test_hep_cnn_splits(tmp_path):
    """The files of the three splits have weights of their own; together they are one data set."""
    expected, paths = [], []
    for number, split in enumerate(("train", "validation", "test")):
        _, labels, weights = make_hep_cnn(tmp_path / f"{split}.h5", seed=number)
        paths += import_hep_cnn(
            tmp_path / f"{split}.h5", tmp_path / "new", split=split, samples=("qcd", "rpv")
        )
        expected += [*weights[labels == 0], *weights[labels == 1]]
    collection = ImageCollection(paths)
    assert list(collection.samples) == [
        f"{name}_{split}" for split in ("train", "validation", "test") for name in ("qcd", "rpv")
    ]
    np.testing.assert_allclose(collection.event_weights(36.1), expected, rtol=1e-12)
    assert collection.column("split").tolist() == [0] * 40 + [1] * 40 + [2] * 40


def test_hep_cnn_of_one_class(tmp_path):
    make_hep_cnn(tmp_path / "all.h5", y=np.ones(40))
    assert [path.name for path in import_hep_cnn(tmp_path / "all.h5", tmp_path)] == ["signal.h5"]


def test_hep_cnn_labels_may_be_a_column(tmp_path):
    _, labels, _ = make_hep_cnn(tmp_path / "a.h5")
    make_hep_cnn(tmp_path / "b.h5", y=labels[:, None].astype(bool))
    paths = import_hep_cnn(tmp_path / "b.h5", tmp_path / "new")
    assert [len(ImageFile(path)) for path in paths] == [np.sum(labels == 0), np.sum(labels == 1)]


NAN = np.zeros((40, 8, 10))
NAN[17, 3, 3] = np.nan


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hist": None}, "no data set 'all_events/hist', which the HEP-CNN layout has"),
        ({"histtrack": None}, "no data set 'all_events/histtrack'"),
        ({"weight": None}, "no data set 'all_events/weight'"),
        (
            {"histEM": np.zeros((40, 8, 9))},
            r"must have one shape \(n, n_eta, n_phi\), hist has \(40, 8, 10\)",
        ),
        ({"hist": np.zeros(40)}, r"must have one shape"),
        ({"y": np.ones(39)}, "'all_events/y' has 39 entries for 40 images"),
        ({"y": np.full(40, 2)}, "'all_events/y' is 2 in entry 0: it must be 0 or 1"),
        (
            {"weight": np.r_[np.ones(30), np.nan, np.ones(9)]},
            "'all_events/weight' is not finite in entry 30",
        ),
        (
            {"weight": -np.ones(40)},
            r"the weights of label 0 sum up to -\d+.0: the sum must be positive",
        ),
        ({"histEM": NAN}, "'all_events/histEM' is not finite in entry 17"),
    ],
)
def test_hep_cnn_files_that_are_refused(tmp_path, changes, message):
    make_hep_cnn(tmp_path / "all.h5", **changes)
    with pytest.raises(InputError, match=f"all.h5: .*{message}|all.h5: {message}"):
        import_hep_cnn(tmp_path / "all.h5", tmp_path / "new")
    assert not (tmp_path / "new").exists() or list((tmp_path / "new").iterdir()) == []


def test_hep_cnn_arguments(tmp_path):
    make_hep_cnn(tmp_path / "all.h5", n=0)
    with pytest.raises(InputError, match=r"all.h5: no events"):
        import_hep_cnn(tmp_path / "all.h5", tmp_path)
    with pytest.raises(InputError, match="split 'valid': choose from train, validation, test"):
        import_hep_cnn(tmp_path / "all.h5", tmp_path, split="valid")
    with pytest.raises(InputError, match="luminosity_fb 0"):
        import_hep_cnn(tmp_path / "all.h5", tmp_path, luminosity_fb=0)
    with pytest.raises(InputError, match=r"absent.h5: no such HEP-CNN file"):
        import_hep_cnn(tmp_path / "absent.h5", tmp_path)
