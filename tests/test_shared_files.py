"""One ROOT file in two samples: found by its path, however it is written, or its UUID; shared only
by a split group."""

import json
import os

import numpy as np
import pytest
from fakes import make_events, make_metadata, write_ntuple
from fakes_checksums import edited
from fakes_cli import fail, succeed
from test_conversion_definition import write_images

from calovision.conversion import ImageRecipe, Sample, convert_ntuple
from calovision.core.errors import InputError
from calovision.core.splits import assign_split
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import SampleFiles, check_shared_files
from calovision.storage import ImageCollection, ImageFile

RECIPE = ImageRecipe(grid=EtaPhiGrid(8, 8), cluster_jets=False)
MESSAGE = "the samples one and two share a ROOT file"


def check(first, second, **options):
    check_shared_files(
        {"one": SampleFiles([str(first)], **options), "two": SampleFiles([str(second)], **options)}
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data" / "a.root"
    path.parent.mkdir()
    path.write_bytes(b"root")
    return path


def spellings(file, monkeypatch):
    """The same file, written in other ways."""
    folder = file.parent
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    (folder / "link.root").symlink_to(file)
    os.link(file, folder / "hard.root")
    (folder.parent / "folder").symlink_to(folder)
    return {
        "same": file,
        "relative": "a.root",
        "dots": folder / ".." / "data" / "a.root",
        "slashes": f"{folder}//./a.root",
        "home": "~/a.root",
        "symbolic link": folder / "link.root",
        "hard link": folder / "hard.root",
        "linked folder": folder.parent / "folder" / "a.root",
        "tree": f"{file}:events",
        "file address": f"file://{file}",
        "mounted": f"root://eos.example.org/{file}",
    }


SPELLINGS = (
    *(
        "same",
        "relative",
        "dots",
        "slashes",
        "home",
        "symbolic link",
        "hard link",
        "linked folder",
        "tree",
    ),
    *("file address", "mounted"),
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_file_however_its_path_is_written(file, monkeypatch, spelling):
    other = spellings(file, monkeypatch)[spelling]
    for pair in ((file, other), (other, file)):
        with pytest.raises(InputError, match=MESSAGE) as caught:
            check(*pair)
        assert f"({pair[0]} and {pair[1]})" in str(caught.value)
        check(*pair, split_group="common")


def test_every_spelling_is_tried(file, monkeypatch):
    assert tuple(spellings(file, monkeypatch)) == SPELLINGS


@pytest.mark.parametrize(
    "other",
    [
        "root://host.example.org//store/a.root",
        "root://HOST.example.org:1094//store/a.root",
        "root://host.example.org//store//b/../a.root",
        "xroot://redirector.example.com//store/a.root?svcClass=x",
        "root://user@host.example.org//store/a.root:Events",
    ],
)
def test_addresses_however_they_are_written(other):
    with pytest.raises(InputError, match=MESSAGE):
        check("root://host.example.org//store/a.root", other)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.root", "b.root"),
        ("root://host//store/a.root", "root://host//store/b.root"),
        ("https://one.example.org/a.root", "https://two.example.org/a.root"),
        ("a.root:signal", "a.root:background"),
        ("a.root", "copies/a.root"),
    ],
)
def test_files_that_are_others(tmp_path, monkeypatch, first, second):
    monkeypatch.chdir(tmp_path)
    check(first, second)


def test_trees_named_by_the_sample():
    check_shared_files(
        {"one": SampleFiles(["a.root"], tree="signal"), "two": SampleFiles(["a.root:background"])}
    )
    with pytest.raises(InputError, match=MESSAGE):
        check_shared_files(
            {"one": SampleFiles(["a.root"], tree="signal"), "two": SampleFiles(["a.root:signal;1"])}
        )


def test_groups_must_agree():
    for groups in (("x", "y"), ("x", None), (None, "y")):
        one, two = (SampleFiles(["a.root"], split_group=group) for group in groups)
        with pytest.raises(InputError, match="or both the same split_group if it is meant"):
            check_shared_files({"one": one, "two": two})


def test_a_file_of_samples_that_only_get_scores_may_be_shared():
    applied = SampleFiles(["a.root"], is_trained=False, is_applied=True)
    of_reach = SampleFiles(["a.root"], is_trained=False)
    check_shared_files({"data": applied, "again": applied})
    check_shared_files({"data": applied, "heavy": of_reach})
    for other, one in (("trained", SampleFiles(["a.root"])), ("heavier", of_reach)):
        first = applied if other == "trained" else of_reach
        with pytest.raises(InputError, match=f"the samples one and {other} share a ROOT file"):
            check_shared_files({"one": first, other: one})


def test_a_trained_sample_does_not_share_with_one_that_is_only_tested():
    with pytest.raises(
        InputError, match="only one of them is trained, so that all events are tested in the other"
    ):
        check_shared_files(
            {
                "one": SampleFiles(["a.root"], split_group="x"),
                "two": SampleFiles(["a.root"], split_group="x", is_trained=False),
            }
        )


def test_the_group_decides_the_split(tmp_path):
    """An event has one split in all samples of a group; without a group the sample's name decides,
    as ever."""
    number = np.arange(500)
    path = write_ntuple(tmp_path / "a.root", *make_events(500), first=0)
    found = {}
    for sample, group in (
        ("qcd", None),
        ("other", None),
        ("qcd", "common"),
        ("other", "common"),
        ("other", "qcd"),
    ):
        recipe = ImageRecipe(
            grid=EtaPhiGrid(8, 8), cluster_jets=False, split_group=group, split_seed=3
        )
        convert_ntuple(
            path, tmp_path / "a.h5", recipe, sample=Sample(sample, 0, cross_section_pb=1.0)
        )
        file = ImageFile(tmp_path / "a.h5")
        assert (file.metadata.sample, file.metadata.split_group) == (sample, group or "")
        found[sample, group] = file.events["split"]
    for (sample, group), split in found.items():
        expected = assign_split(group or sample, number, seed=3, fractions=(0.6, 0.2, 0.2))
        np.testing.assert_array_equal(split, expected)
    np.testing.assert_array_equal(found["qcd", "common"], found["other", "common"])
    np.testing.assert_array_equal(found["other", "qcd"], found["qcd", None])
    assert np.any(found["qcd", None] != found["other", None])


def test_splits_of_today():
    """They were so before there were groups."""
    split = assign_split("qcd", np.arange(1000, 1024), seed=2, fractions=(0.6, 0.2, 0.2))
    assert split.tolist() == [
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        2,
        2,
        0,
        0,
        1,
        0,
        1,
        0,
        1,
        2,
        1,
        0,
    ]


def images_of_one_file(tmp_path, groups):
    path = write_ntuple(tmp_path / "a.root", *make_events(20), first=0)
    copy = tmp_path / "copy.root"
    copy.write_bytes(path.read_bytes())
    for source, sample, label, group in zip(
        (path, copy), ("one", "two"), (0, 1), groups, strict=True
    ):
        options = () if group is None else ("--split-group", group)
        arguments = (
            "--sample",
            sample,
            "--label",
            label,
            "--grid",
            "8x8",
            "--channels",
            "et",
            *options,
        )
        succeed("images", source, "-o", tmp_path / f"{sample}.h5", *arguments)
    return [tmp_path / "one.h5", tmp_path / "two.h5"]


def test_images_of_a_copied_file_in_two_samples_are_not_read_together(tmp_path):
    """Copies have one UUID, whatever their names."""
    paths = images_of_one_file(tmp_path, (None, None))
    message = (
        r"one.h5 and .*two.h5: the samples one and two have events of one ROOT file "
        r"\(.*a.root, .*copy.root\)"
    )
    with pytest.raises(InputError, match=message):
        ImageCollection(paths)
    assert "give each file to one sample, or both samples the same split_group" in fail(
        "export", *paths, "-o", tmp_path / "dense.h5"
    )


def test_images_of_one_group_are_read_together(tmp_path):
    paths = images_of_one_file(tmp_path, ("common", "common"))
    collection = ImageCollection(paths)
    split = collection.column("split")
    np.testing.assert_array_equal(split[:20], split[20:])


def test_different_trees_of_one_file_may_be_two_samples(tmp_path):
    for sample, label in (("one", 0), ("two", 1)):
        source = [(f"a.root:{sample}", "0f0f")]
        path = write_images(tmp_path / f"{sample}.h5", sample=sample, label=label)
        with edited(path) as file:
            file.attrs["source_files"] = json.dumps(source)
    assert len(ImageCollection([tmp_path / "one.h5", tmp_path / "two.h5"]).samples) == 2


def test_fake_metadata_have_a_source_for_each_sample():
    assert make_metadata(sample="one").source_files != make_metadata().source_files
