"""Warnings of what is odd about a file and its images: in the log, in the image file, in the
report's table of samples; and columns of the rows' own labels."""

import logging
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
from fakes import make_columns, make_metadata, write_image_file
from fakes_ntuples import write_file

from calovision.conversion import ImageRecipe, Sample, convert_ntuple, convert_ntuples
from calovision.conversion.image_check import ImageCheck
from calovision.core.errors import InputError
from calovision.evaluation import summarize_samples
from calovision.images import SparseImages
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.ntuples import Ntuple
from calovision.ntuples.schemas.schema import Collection, Schema, TreeSchema
from calovision.storage import ImageCollection, ImageFile, merge_image_files

EVENTS = ImageRecipe(grid=EtaPhiGrid(4, 4), channels=("energy", "em"), cluster_jets=False)
JETS = ImageRecipe(jets=JetImageRecipe(grid=JetGrid(2, 2, 0.8), channels=("et",)))
SAMPLE = {"sample": Sample("qcd", 0, cross_section_pb=1.0)}
TOWERS = Collection({"eta": "eta", "phi": "phi", "e": "e", "e_em": "e / 2", "e_had": "e / 2"})


def images_of(*rows, shape=(2, 1, 2)):
    return SparseImages.from_dense(np.array(rows, dtype=np.float32).reshape(len(rows), *shape))


def check_of(recipe, images, overflow):
    check = ImageCheck(recipe)
    check.add(images, np.array(overflow, dtype=float))
    return check.warnings()


def test_images_without_content():
    nothing = images_of([0, 0, 0, 0], [0, 0, 0, 0])
    assert check_of(EVENTS, nothing, [[0, 0], [0, 0]]) == {
        "images": "all 2 images are empty: the file holds nothing for them; look at the branches "
        "that they are made of"
    }
    assert check_of(EVENTS, nothing, [[0, 3], [0, 0]]) == {
        "images": "all 2 images are empty: what the file has lies outside of them; choose a wider "
        "range in eta"
    }


@pytest.mark.parametrize(
    ("recipe", "n_rows", "warns"),
    [
        (JETS, 0, True),
        (JETS, 1, False),
        (replace(JETS, preselection={"cut": "ht > 1"}), 0, False),
        (EVENTS, 0, False),
    ],
)
def test_a_file_without_fat_jets(recipe, n_rows, warns):
    check = ImageCheck(recipe)
    check.add_weights(np.ones(7))
    if n_rows:
        check.add(images_of([1, 1, 1, 1], shape=(1, 2, 2)), np.zeros((1, 1)))
    text = "there are none, as no event has a fat jet with pT above 200 GeV and |eta| below 2"
    assert check.warnings() == ({"images": f"{text}; choose softer jets"} if warns else {})


@pytest.mark.parametrize(("n_empty", "warns"), [(3, True), (2, False), (0, False)])
def test_more_than_half_of_the_images_are_empty(n_empty, warns):
    rows = [[0] * 4] * n_empty + [[1, 0, 0, 1]] * (4 - n_empty)
    found = check_of(EVENTS, images_of(*rows), [[0, 0]] * 4)
    assert ("images" in found) == warns
    if warns:
        assert found["images"].startswith("3 of 4 images are empty: the file holds nothing")


def test_overflow_above_a_share_of_a_channel():
    """energy: 1 + 1 inside, 2 + 2 outside; em: 2 inside, 3 outside, which is not above 0.6."""
    images = images_of([1, 0, 2, 0], [0, 1, 0, 0])
    assert check_of(EVENTS, images, [[2, 3], [2, 0]]) == {
        "overflow": "67% of energy is outside the images; choose a wider range in eta"
    }
    one = images_of([3, 0], shape=(1, 1, 2))
    assert check_of(JETS, one, [[1.0]]) == {}
    assert check_of(JETS, one, [[1.2]]) == {
        "overflow": "29% of et is outside the images; choose a wider window"
    }


def test_weights_that_are_all_zero():
    check = ImageCheck(EVENTS)
    check.add_weights(np.zeros(3))
    assert check.warnings() == {
        "weights": "the weights of all 3 events are 0; choose another weight in the schema"
    }
    check.add_weights(np.array([0.0, -1.0]))
    assert check.warnings() == {}


def schema_of(**options):
    """Schema of towers, which `Ntuple` takes for a known one."""
    return Schema("towers", "towers", (TreeSchema("t", towers=(TOWERS,), **options),))


@pytest.fixture
def known(monkeypatch):
    """Let a schema be found for every file."""

    def choose(schema):
        monkeypatch.setattr("calovision.ntuples.ntuple.find_schemas", lambda *_, **__: (schema,))

    return choose


def towers_file(path, etas, **columns):
    """One tower of 10 GeV an event, at phi = 1; none where eta is None."""
    counts = np.array([eta is not None for eta in etas], dtype=np.int64)
    lists = ak.unflatten(np.array([eta for eta in etas if eta is not None], dtype=float), counts)
    return write_file(path, t={"eta": lists, "phi": lists * 0 + 1, "e": lists * 0 + 10, **columns})


def test_a_file_of_empty_events_is_told_everywhere(tmp_path, caplog, known):
    known(schema_of(notes=("images are made of fat jets alone",)))
    path = towers_file(tmp_path / "a.root", [None, None, 0.5])
    with caplog.at_level(logging.WARNING):
        convert_ntuple(path, tmp_path / "a.h5", EVENTS, **SAMPLE)
    sentence = (
        "2 of 3 images are empty: the file holds nothing for them; look at the branches that they "
        "are made of"
    )
    assert caplog.messages == [f"{path}: images are made of fat jets alone", f"{path}: {sentence}"]
    assert ImageFile(tmp_path / "a.h5").metadata.warnings == [
        ("content", "images are made of fat jets alone", 1),
        ("images", sentence, 1),
    ]


def test_warnings_of_several_files_are_the_first_and_their_number(tmp_path, known):
    known(schema_of())
    paths = [
        towers_file(tmp_path / f"{number}.root", etas)
        for number, etas in enumerate([[0.1], [None], [3.0, None], [9.0, 9.0, 0.2]])
    ]
    metadata = convert_ntuples(paths, tmp_path / "all.h5", EVENTS, **SAMPLE)
    nothing = "all 1 images are empty: the file holds nothing for them"
    assert metadata.warnings == [
        ("images", f"{nothing}; look at the branches that they are made of", 3),
        (
            "overflow",
            "67% of energy, 67% of em is outside the images; choose a wider range in eta",
            1,
        ),
    ]


def test_report_tells_the_warnings_of_the_samples(tmp_path):
    columns = make_columns(4, label=0, weights=np.ones(4)) | {"mj_sum": np.full(4, 600.0)}
    signal = make_columns(4, label=1, weights=np.ones(4)) | {"mj_sum": np.full(4, 600.0)}
    paths = [
        write_image_file(
            tmp_path / f"{k}.h5",
            4,
            columns=columns,
            sample="qcd",
            label=0,
            warnings=[("images", f"{k} of 4 images are empty.", 1)] if k < 3 else [],
        )
        for k in (1, 2, 3)
    ]
    paths.append(write_image_file(tmp_path / "s.h5", 4, columns=signal, sample="rpv", label=1))
    found = summarize_samples(
        ImageCollection(paths), luminosity_fb=1.0, signal_region="mj_sum > 500"
    )
    expected = "sample qcd: 1 of 4 images are empty (the first of 2 files with such a warning)"
    assert found.warnings[0] == expected
    assert f"**Warning**: {expected}." in found.to_markdown()
    merged = merge_image_files(paths[:3], tmp_path / "all.h5")
    assert merged.warnings == [("images", "1 of 4 images are empty.", 2)]


def test_warnings_of_a_file_must_be_lists():
    attributes = make_metadata((1, 2, 2)).to_attributes()
    assert "warnings" not in attributes
    with pytest.raises(InputError, match=r"'warnings' .* must be a JSON list of .what it is about"):
        make_metadata((1, 2, 2)).from_attributes(attributes | {"warnings": "[1]"})


@pytest.mark.parametrize(
    ("numbers", "doubts"),
    [
        (np.arange(20) * 2, ("their numbers run from 0 to 38 with gaps, as after a selection",)),
        (np.arange(19) * 2, ()),  # too few to tell
        (np.arange(20) + 1000, ()),
        (np.arange(20) // 2 * 100, ()),  # numbers of something else
    ],
)
def test_event_numbers_with_gaps_are_those_of_a_skim(tmp_path, known, numbers, doubts):
    known(schema_of(event_number="n"))
    path = towers_file(tmp_path / "a.root", [0.5] * len(numbers), n=numbers)
    with Ntuple(path) as ntuple:
        assert ntuple.info.count_doubts == doubts
        warnings = ntuple.info.warnings
    if doubts:
        assert warnings == {
            "generated events": "the 20 entries are taken for all generated events, although their "
            "numbers run from 0 to 38 with gaps, as after a selection; give n_generated and "
            "sum_of_weights if events were dropped"
        }
    else:
        assert warnings == {}


def test_labels_and_processes_of_the_rows_are_columns(tmp_path, known):
    known(schema_of(label="kind == 5", process_id="10 * kind"))
    path = towers_file(tmp_path / "a.root", [0.5] * 3, kind=np.array([5, 4, 5]))
    empty = towers_file(tmp_path / "b.root", [], kind=np.zeros(0, dtype=np.int64))
    convert_ntuples([path, empty], tmp_path / "all.h5", EVENTS, **SAMPLE)
    for source, expected in ((path, [1, 0, 1]), (empty, [])):
        convert_ntuple(source, tmp_path / "one.h5", EVENTS, **SAMPLE)
        assert ImageFile(tmp_path / "one.h5").events["row_label"].tolist() == expected
    columns = ImageCollection([tmp_path / "all.h5"])
    assert columns.column("row_label").tolist() == [1, 0, 1]
    assert columns.column("process_id").tolist() == [50, 40, 50]


def test_a_label_that_is_no_whole_number_is_refused(tmp_path, known):
    known(schema_of(label="kind"))
    path = towers_file(tmp_path / "a.root", [0.5] * 2, kind=np.array([1.0, 0.5]))
    message = (
        r"a.root, chunk from entry 0: the label kind is 0.5 in entry 1; it must be a whole number"
    )
    with pytest.raises(InputError, match=message):
        convert_ntuple(path, tmp_path / "a.h5", EVENTS, **SAMPLE)
    assert not (tmp_path / "a.h5").exists()
