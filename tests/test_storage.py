"""Image, table and score files: round trips, collections, and files that must be refused."""

import shutil

import h5py
import numpy as np
import pytest
from fakes import (
    make_columns,
    make_images,
    make_metadata,
    to_sparse,
    write_image_file,
    write_two_samples,
)
from fakes_checksums import edited, edited_other

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.storage import (
    FORMAT,
    VERSION,
    ImageCollection,
    ImageFile,
    ImageFileWriter,
    read_score_columns,
    read_score_table,
    read_scores,
    read_table,
    write_score_table,
    write_scores,
    write_table,
)
from calovision.storage.metadata import EVENT_COLUMNS

SHAPE = (2, 8, 8)


def write_chunks(path, images, columns, sizes):
    with ImageFileWriter(path, images.shape[1:]) as writer:
        for chunk in np.split(np.arange(len(images)), np.cumsum(sizes)[:-1]):
            writer.append(
                to_sparse(images[chunk]), {name: values[chunk] for name, values in columns.items()}
            )
        writer.close(make_metadata(images.shape[1:]))
    return path


def test_round_trip(tmp_path):
    images, columns = make_images(20), make_columns(20)
    file = ImageFile(write_image_file(tmp_path / "a.h5", images=images))
    assert len(file) == 20
    assert np.array_equal(file.dense(np.arange(20)), images)
    assert file.dense(np.arange(20)).dtype == np.float32
    assert set(file.events) == set(columns) > set(EVENT_COLUMNS)
    for name, values in columns.items():
        assert np.array_equal(file.events[name], values)
        assert file.events[name].dtype == values.dtype
    assert file.metadata == make_metadata()


def test_layout_of_version_2(tmp_path):
    """The format's promises, checked with h5py alone."""
    images = make_images(5)
    with h5py.File(write_image_file(tmp_path / "a.h5", images=images), "r") as file:
        assert (
            (file.attrs["format"].decode(), file.attrs["version"])
            == ("calovision-images", 2)
            == (FORMAT, VERSION)
        )
        assert set(file.attrs) == {
            "format",
            "version",
            "sample",
            "label",
            "grid",
            "channels",
            "units",
            "selection",
            "cut_flow",
            "cross_section_pb",
            "n_generated",
            "sum_of_weights",
            "source_files",
            "configuration_hash",
            "package_version",
            "checksums",
        }
        assert file.attrs["grid"].decode() == '{"n_eta": 8, "n_phi": 8, "eta_range": [-2.5, 2.5]}'
        assert file.attrs["channels"].decode() == '["em_et", "tracks"]'
        assert (file.attrs["cross_section_pb"], file.attrs["n_generated"]) == (2.0, 100)
        offsets, cells, values = (file["images"][name] for name in ("offsets", "cells", "values"))
        assert (offsets.dtype, cells.dtype, values.dtype) == (np.int64, np.uint16, np.float32)
        assert offsets.shape == (6,)
        assert offsets[-1] == len(cells) == len(values) == np.count_nonzero(images)
        assert cells.chunks is None  # contiguous
        for event in range(5):
            assert np.array_equal(
                cells[offsets[event] : offsets[event + 1]], np.flatnonzero(images[event])
            )
        assert file["events/fat_jets"].shape == (5, 5, 4)


@pytest.mark.parametrize(("n_eta", "dtype"), [(256, np.uint16), (257, np.uint32)])
def test_large_images_have_wider_cells(tmp_path, n_eta, dtype):
    images = np.zeros((2, 1, n_eta, 256), dtype=np.float32)
    images[1, 0, -1, -1] = 3.5
    path = write_image_file(tmp_path / "a.h5", images=images)
    with h5py.File(path, "r") as file:
        assert file["images/cells"].dtype == dtype
    assert np.array_equal(ImageFile(path).dense([0, 1]), images)


@pytest.mark.parametrize("sizes", [[20], [7, 13], [0, 1, 0, 19, 0], [1] * 20])
def test_chunks_change_nothing(tmp_path, sizes):
    images, columns = make_images(20), make_columns(20)
    file = ImageFile(write_chunks(tmp_path / "a.h5", images, columns, sizes))
    assert np.array_equal(file.dense(np.arange(20)), images)
    for name, values in columns.items():
        assert np.array_equal(file.events[name], values)


def test_rows_come_in_the_order_asked_for(tmp_path):
    images = make_images(20)
    images[4] = 0
    file = ImageFile(write_image_file(tmp_path / "a.h5", images=images))
    for indices in ([19, 0, 7], [3, 3, 3], [4], [5, 4, 5], []):
        assert np.array_equal(file.dense(indices), images[np.array(indices, dtype=int)])
    sparse = file.sparse([7, 4])
    assert np.array_equal(sparse.cells, np.flatnonzero(images[7]))
    assert sparse.offsets.tolist() == [0, np.count_nonzero(images[7]), np.count_nonzero(images[7])]


def test_no_handle_stays_open(tmp_path):
    """The file can be opened for writing while a reader exists, which HDF5 locks forbid
    otherwise."""
    path = write_image_file(tmp_path / "a.h5")
    file = ImageFile(path)
    assert len(file.dense([0])) == 1
    with h5py.File(path, "r+") as same:
        same.attrs["comment"] = "mine"
    assert len(ImageFile(path).dense([0])) == 1


def test_chunked_and_compressed_rows_of_another_writer(tmp_path):
    images = make_images(20)
    path = write_image_file(tmp_path / "a.h5", images=images)
    with h5py.File(path, "r+") as file:
        for name in ("cells", "values"):
            content = file["images"][name][()]
            del file["images"][name]
            file["images"].create_dataset(name, data=content, chunks=(16,), compression="gzip")
    assert np.array_equal(ImageFile(path).dense([11, 2]), images[[11, 2]])


def test_file_without_events(tmp_path):
    file = ImageFile(write_image_file(tmp_path / "a.h5", 0))
    assert len(file) == 0
    assert file.dense([]).shape == (0, 2, 8, 8)
    assert file.events["fat_jets"].shape == (0, 5, 4)


def test_further_columns_are_kept(tmp_path):
    path = write_image_file(
        tmp_path / "a.h5", 20, columns={"overflow": np.arange(40.0).reshape(20, 2)}
    )
    assert np.array_equal(ImageFile(path).events["overflow"], np.arange(40.0).reshape(20, 2))


def test_nothing_but_the_file_stays(tmp_path):
    write_image_file(tmp_path / "new" / "a.h5")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.h5"]


def write_and_fail(path):
    with ImageFileWriter(path, SHAPE) as writer:
        writer.append(to_sparse(make_images(3)), make_columns(3))
        raise RuntimeError("a defect")


def test_nothing_stays_after_an_exception(tmp_path):
    with pytest.raises(RuntimeError, match="a defect"):
        write_and_fail(tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_nothing_stays_after_a_failing_close(tmp_path):
    with pytest.raises(TypeError):
        write_image_file(tmp_path / "a.h5", 3, selection={"not": {"json"}})
    assert list(tmp_path.iterdir()) == []


def test_older_file_stays_until_the_new_one_is_complete(tmp_path):
    path = write_image_file(tmp_path / "a.h5", 7)
    with pytest.raises(RuntimeError, match="a defect"):
        write_and_fail(path)
    assert len(ImageFile(path)) == 7
    write_image_file(path, 3)
    assert len(ImageFile(path)) == 3


def test_file_has_ordinary_permissions(tmp_path):
    (tmp_path / "ordinary").write_text("")
    paths = [write_image_file(tmp_path / "a.h5"), tmp_path / "b.h5"]
    write_table(paths[1], {"x": np.arange(3)})
    for path in paths:
        assert path.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize(
    ("shape", "change", "message"),
    [
        ((2, 8, 9), {}, r"a.h5: images of shape \(2, 8, 9\) do not fit \(2, 8, 8\)"),
        (SHAPE, {"split": None}, "a.h5: the event column 'split' is missing"),
        (SHAPE, {"ht": np.zeros(4)}, "a.h5: event column 'ht' has 4 entries for 3 images"),
    ],
)
def test_chunk_that_does_not_fit(tmp_path, shape, change, message):
    columns = {
        name: values for name, values in (make_columns(3) | change).items() if values is not None
    }
    with (
        pytest.raises(InputError, match=message),
        ImageFileWriter(tmp_path / "a.h5", SHAPE) as writer,
    ):
        writer.append(to_sparse(make_images(3, shape)), columns)
    assert list(tmp_path.iterdir()) == []


def test_chunks_with_different_columns(tmp_path):
    with ImageFileWriter(tmp_path / "a.h5", SHAPE) as writer:
        writer.append(to_sparse(make_images(3)), make_columns(3))
        with pytest.raises(
            InputError, match=r"a.h5: event column 'overflow' is not in every chunk"
        ):
            writer.append(to_sparse(make_images(3)), make_columns(3) | {"overflow": np.zeros(3)})
    assert list(tmp_path.iterdir()) == []


def spoil(path, *, attribute=None, dataset=None):
    """Change or remove one attribute or data set of an image file."""
    with edited(path) as file:
        for place, changes in ((file.attrs, attribute or {}), (file, dataset or {})):
            for name, value in changes.items():
                del place[name]
                if value is not None:
                    place[name] = value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attribute": {"format": "other"}}, "not a calovision-images file"),
        ({"attribute": {"format": None}}, "not a calovision-images file"),
        (
            {"attribute": {"version": 3}},
            r"calovision-images version 3 is newer than this calovision reads \(version 2\): "
            r"update",
        ),
        ({"attribute": {"version": None}}, "incomplete image file .*version"),
        ({"attribute": {"sum_of_weights": None}}, "incomplete image file .*sum_of_weights"),
        ({"dataset": {"images/values": None}}, "incomplete image file .*values"),
        ({"dataset": {"images": None}}, "incomplete image file .*; build it again"),
        ({"dataset": {"events": None}}, "incomplete image file .*events.*; build it again"),
        ({"dataset": {"events/split": None}}, r"incomplete image file \(no events/split\)"),
        (
            {"dataset": {"events/ht": np.zeros(19)}},
            r"incomplete image file \(columns of unequal length\)",
        ),
        (
            {"dataset": {"images/values": np.zeros(3, np.float32)}},
            r"incomplete image file \(columns of unequal",
        ),
        (
            {"dataset": {"images/offsets": np.zeros(0, np.int64)}},
            r"incomplete image file \(columns of unequal",
        ),
    ],
)
def test_spoiled_file_is_refused(tmp_path, changes, message):
    path = write_image_file(tmp_path / "a.h5", 20)
    spoil(path, **changes)
    with pytest.raises(InputError, match=rf"a.h5: {message}"):
        ImageFile(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a.h5: no such image file"):
        ImageFile(tmp_path / "a.h5")


@pytest.mark.parametrize("content", [b"", b"root", b"no HDF5" * 1000])
def test_foreign_file_is_refused(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"a.h5: not a readable HDF5 file"):
        ImageFile(tmp_path / "a.h5")


def test_other_hdf5_file_is_refused(tmp_path):
    write_table(tmp_path / "a.h5", {"x": np.arange(3)})
    with pytest.raises(InputError, match=r"a.h5: not a calovision-images file"):
        ImageFile(tmp_path / "a.h5")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_refused(tmp_path, kept):
    content = write_image_file(tmp_path / "a.h5", 200).read_bytes()
    (tmp_path / "a.h5").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError, match=r"a.h5: not a readable HDF5 file; build the images again"):
        ImageFile(tmp_path / "a.h5")


# collections


def test_collection_is_its_files_one_after_the_other(tmp_path):
    parts = [make_images(n, seed=n) for n in (0, 3, 0, 5, 0)]
    paths = [
        write_image_file(
            tmp_path / f"{k}.h5", images=images, columns=make_columns(len(images), first=10 * k)
        )
        for k, images in enumerate(parts)
    ]
    collection, images = ImageCollection(paths), np.concatenate(parts)
    assert len(collection) == 8
    assert collection.column("event_number").tolist() == [10, 11, 12, 30, 31, 32, 33, 34]
    assert collection.column("fat_jets").shape == (8, 5, 4)
    assert collection.sample_names().tolist() == ["qcd"] * 8
    for indices in (np.arange(8), [7, 0, 3, 2, 3], []):
        assert np.array_equal(collection.dense(indices), images[np.array(indices, dtype=int)])


def test_collection_of_two_samples(tmp_path):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=5))
    assert collection.samples == {"rpv": 1, "qcd": 0}
    assert collection.column("label").tolist() == [1] * 5 + [0] * 5
    assert [file.path.name for file in collection.of_sample("qcd")] == ["qcd.h5"]
    collection.require_events()


def test_event_weights_closed_form(tmp_path):
    """Two files of one sample share one normalization: sigma * luminosity * w / (sum of w over
    both)."""
    paths = [
        write_image_file(
            tmp_path / "a.h5", 2, columns={"weight": np.array([1.0, 3.0])}, sum_of_weights=10.0
        ),
        write_image_file(
            tmp_path / "b.h5", 1, columns={"weight": np.array([-2.0])}, sum_of_weights=30.0
        ),
        write_image_file(
            tmp_path / "c.h5", 1, sample="rpv", label=1, cross_section_pb=0.5, sum_of_weights=5.0
        ),
    ]
    weights = ImageCollection(paths).event_weights(36.0)
    np.testing.assert_allclose(
        weights, [2 * 36000 / 40, 3 * 2 * 36000 / 40, -2 * 2 * 36000 / 40, 0.5 * 36000 / 5]
    )


def test_event_weights_average_the_cross_sections_of_the_files(tmp_path):
    """1 pb from 100 events and 4 pb from 200 are 3 pb."""
    paths = [
        write_image_file(
            tmp_path / "a.h5", 1, cross_section_pb=1.0, n_generated=100, sum_of_weights=100.0
        ),
        write_image_file(
            tmp_path / "b.h5", 1, cross_section_pb=4.0, n_generated=200, sum_of_weights=200.0
        ),
    ]
    np.testing.assert_allclose(ImageCollection(paths).event_weights(1.0), [10.0, 10.0], rtol=1e-12)


@pytest.mark.parametrize("sizes", [[20], [5, 15], [1, 0, 19]])
def test_event_weights_do_not_depend_on_the_chunking(tmp_path, sizes):
    weights = np.linspace(0.5, 2.0, 20)
    paths = []
    for k, chunk in enumerate(np.split(np.arange(20), np.cumsum(sizes)[:-1])):
        columns = make_columns(len(chunk), weights=weights[chunk])
        total = weights[chunk].sum()
        path = tmp_path / f"{k}.h5"
        paths.append(
            write_image_file(
                path, len(chunk), columns=columns, sum_of_weights=total, n_generated=len(chunk)
            )
        )
    expected = 2.0 * 1000 * weights / weights.sum()
    np.testing.assert_allclose(ImageCollection(paths).event_weights(1.0), expected, rtol=1e-12)
    np.testing.assert_allclose(
        ImageCollection(paths[::-1]).event_weights(1.0).sum(), 2000.0, rtol=1e-12
    )


def test_cut_flow_adds_the_files_up(tmp_path):
    flows = [
        [("generated", 100, 50.5), ("three fat jets", 10, 5.0)],
        [("generated", 7, 2.0), ("three fat jets", 1, 1.0)],
    ]
    paths = [
        write_image_file(tmp_path / f"{k}.h5", 2, cut_flow=flow) for k, flow in enumerate(flows)
    ]
    paths.append(write_image_file(tmp_path / "rpv.h5", 2, sample="rpv", label=1))
    assert ImageCollection(paths).cut_flow("qcd") == [
        ("generated", 107, 52.5),
        ("three fat jets", 11, 6.0),
    ]


def test_mean_image_is_the_weighted_mean(tmp_path):
    paths = write_two_samples(tmp_path, n_events=700)
    collection = ImageCollection(paths)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 1400)
    chosen = np.arange(1400) % 7 != 0
    expected = np.average(collection.dense(np.flatnonzero(chosen)), axis=0, weights=weights[chosen])
    np.testing.assert_allclose(collection.mean_image(chosen, weights), expected, rtol=1e-6)


def test_collection_without_files():
    with pytest.raises(InputError, match="no image file given: name at least one"):
        ImageCollection([])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (2, 8, 9)}, "b.h5: its grid or channels differ from those of .*a.h5"),
        ({"grid": EtaPhiGrid(8, 8, (-3.0, 3.0))}, "b.h5: its grid or channels differ"),
        ({"channels": ("had_et", "tracks")}, "b.h5: its grid or channels differ"),
        ({"label": 1}, "b.h5: sample 'qcd' has another label in another file"),
        (
            {"selection": {"four fat jets": "n_fat_jets >= 4"}},
            "b.h5: its preselection differs from that of .*a.h5",
        ),
    ],
)
def test_files_that_do_not_belong_together(tmp_path, changes, message):
    paths = [
        write_image_file(tmp_path / "a.h5", 3),
        write_image_file(tmp_path / "b.h5", 3, **changes),
    ]
    with pytest.raises(InputError, match=message):
        ImageCollection(paths)


def test_sample_without_any_passing_event(tmp_path):
    paths = write_two_samples(tmp_path, n_events=5)
    paths += [
        write_image_file(tmp_path / f"{k}.h5", 0, sample="jz3", n_generated=50) for k in range(2)
    ]
    with pytest.raises(
        InputError, match="sample 'jz3': none of its 100 events passes the preselection"
    ):
        ImageCollection(paths).require_events()


def test_an_empty_file_of_a_sample_with_events_is_fine(tmp_path):
    paths = [*write_two_samples(tmp_path, n_events=5), write_image_file(tmp_path / "empty.h5", 0)]
    ImageCollection(paths).require_events()


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(tmp_path, label):
    paths = [
        write_image_file(tmp_path / f"{name}.h5", 3, sample=name, label=label)
        for name in ("a", "b")
    ]
    with pytest.raises(
        InputError,
        match=f"all samples have the label {label}: give at least one sample with label 1",
    ):
        ImageCollection(paths).require_events()


# tables and scores


def test_table_round_trip(tmp_path):
    columns = {
        "sample": np.array(["qcd", "größer", ""], dtype=object),
        "fixed": np.array(["a", "bcd", ""]),
        "n": np.array([1, 2, 3], dtype=np.uint8),
        "passed": np.array([True, False, True]),
        "jets": np.arange(24.0).reshape(3, 2, 4),
        "infinite": np.array([np.inf, -np.inf, 0.1]),
    }
    write_table(tmp_path / "new" / "a.h5", columns)
    table = read_table(tmp_path / "new" / "a.h5")
    assert set(table) == set(columns)
    for name, values in columns.items():
        assert table[name].tolist() == values.tolist()
    assert table["passed"].dtype == bool
    assert table["n"].dtype == np.uint8
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.h5"]


def test_table_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write_table(tmp_path / "a.h5", {"x": np.arange(3), "y": np.array([object()])})
    assert list(tmp_path.iterdir()) == []


def test_table_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"a.h5: no such HDF5 table"):
        read_table(tmp_path / "a.h5")
    (tmp_path / "a.h5").write_text("text")
    with pytest.raises(InputError, match=r"a.h5: not a readable HDF5 file; make it again"):
        read_table(tmp_path / "a.h5")


def test_image_file_is_no_table(tmp_path):
    path = write_image_file(tmp_path / "a.h5")
    with pytest.raises(InputError, match=r"a.h5: no table but another kind of HDF5 file"):
        read_table(path)


def test_scores_round_trip(tmp_path):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=5))
    indices, scores = np.array([9, 0, 4]), np.array([-0.1, 50.0, 1e4])
    write_scores(tmp_path / "scores.h5", collection, indices, scores)
    assert read_scores(tmp_path / "scores.h5", collection, indices).tolist() == scores.tolist()
    table = read_table(tmp_path / "scores.h5")
    assert table["sample"].tolist() == ["qcd", "rpv", "rpv"]
    assert table["event_number"].tolist() == [4, 0, 4]
    assert table["split"].tolist() == [2, 0, 2]


def test_scores_of_several_classifiers(tmp_path):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=5))
    path, indices = tmp_path / "baselines.h5", np.array([9, 0, 4])
    scores = {"mlp": np.array([0.1, 0.5, 0.9]), "referee": np.array([0.2, 0.3, 0.4])}
    write_scores(path, collection, indices, scores)
    found = read_score_columns(path, collection, indices, ["referee", "mlp"])
    assert {name: values.tolist() for name, values in found.items()} == {
        "referee": [0.2, 0.3, 0.4],
        "mlp": [0.1, 0.5, 0.9],
    }
    with pytest.raises(
        InputError, match=r"baselines.h5: scores of other events than those of the image files"
    ):
        read_score_columns(path, collection, np.array([9, 0, 3]), ["mlp"])
    with pytest.raises(
        InputError, match=r"baselines.h5: no score file, it lacks the column 'adaboost'"
    ):
        read_score_columns(path, collection, indices, ["mlp", "adaboost"])


def write_older(path, collection, indices, columns):
    """Probabilities, as calovision stored them before logits."""
    write_scores(path, collection, indices, columns)
    with edited_other(path) as file:
        del file.attrs["scores"]


def test_older_files_with_probabilities_are_read_as_logits(tmp_path):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=5))
    path, indices = tmp_path / "scores.h5", np.array([9, 0, 4])
    probabilities = np.array([0.5, 1 / (1 + np.exp(-20)), 1e-30])
    write_older(path, collection, indices, {"score": probabilities})
    assert read_scores(path, collection, indices) == pytest.approx([0, 20, np.log(1e-30)], rel=1e-6)
    write_older(path, collection, indices, {"mlp": np.float32([0.5, 0.25, 1e-30])})
    found = read_score_columns(path, collection, indices, ["mlp"])["mlp"]
    assert found == pytest.approx([0, -np.log(3), np.log(1e-30)], rel=1e-6)


@pytest.mark.parametrize("wrong", [0.0, 1.0, np.nan, 3.0])
def test_older_files_that_lost_the_order_of_events_are_refused(tmp_path, wrong):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=5))
    path, indices = tmp_path / "scores.h5", np.array([9, 0, 4])
    write_older(path, collection, indices, {"score": np.array([0.5, wrong, 0.2])})
    with pytest.raises(InputError, match=r"scores\.h5: 'score' .* score the events again"):
        read_scores(path, collection, indices)


def test_tables_of_scores_are_logits(tmp_path):
    columns = {"cnn": np.array([-50.0, 50.0]), "label": np.array([0, 1])}
    write_score_table(tmp_path / "new.h5", columns)
    assert {
        name: values.tolist() for name, values in read_score_table(tmp_path / "new.h5").items()
    } == {name: values.tolist() for name, values in columns.items()}
    write_table(tmp_path / "old.h5", columns)
    with pytest.raises(
        InputError,
        match=r"old\.h5: its scores are probabilities, .* \(snakemake --forcerun evaluate\)",
    ):
        read_score_table(tmp_path / "old.h5")


def test_scores_of_other_events_are_refused(tmp_path):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=5))
    path = tmp_path / "scores.h5"
    write_scores(path, collection, np.array([3, 4]), np.array([0.1, 0.5]))
    # event 8 has the number and the split of event 3, but another sample
    for indices in ([4, 3], [3], [3, 4, 4], [8, 4], [2, 4]):
        with pytest.raises(
            InputError, match=r"scores.h5: scores of other events than those of the image files"
        ):
            read_scores(path, collection, np.array(indices))


def test_scores_of_another_split_are_refused(tmp_path):
    paths = write_two_samples(tmp_path, n_events=5)
    write_scores(tmp_path / "scores.h5", ImageCollection(paths), np.array([0]), np.array([0.1]))
    write_image_file(
        paths[0], 5, columns={"split": np.ones(5, dtype=np.uint8)}, sample="rpv", label=1
    )
    with pytest.raises(InputError, match="scores of other events"):
        read_scores(tmp_path / "scores.h5", ImageCollection(paths), np.array([0]))


def test_table_without_scores_is_refused(tmp_path):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=5))
    write_scores(tmp_path / "scores.h5", collection, np.array([0]), np.array([0.1]))
    with edited_other(tmp_path / "scores.h5") as file:
        del file["logit"]
    with pytest.raises(InputError, match=r"scores.h5: no score file, it lacks the column 'logit'"):
        read_scores(tmp_path / "scores.h5", collection, np.array([0]))


def test_image_files_may_move(tmp_path):
    """A collection refers to what is in the files, not to where they are."""
    paths = write_two_samples(tmp_path, n_events=5)
    write_scores(tmp_path / "scores.h5", ImageCollection(paths), np.array([1]), np.array([0.25]))
    moved = [shutil.move(path, tmp_path / f"moved_{path.name}") for path in paths]
    assert read_scores(tmp_path / "scores.h5", ImageCollection(moved), np.array([1])).tolist() == [
        0.25
    ]
