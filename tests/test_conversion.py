"""One ROOT file to one image file: fake ntuples, genuine Delphes files, and what must be
refused."""

import math
import time
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
from fakes import make_events, write_ntuple

from calovision.conversion import ImageRecipe, Sample, Source, convert_ntuple, rows
from calovision.core.errors import InputError
from calovision.core.splits import assign_split
from calovision.images import build_sparse_images
from calovision.images.grid import EtaPhiGrid
from calovision.jets import FatJetDefinition, event_variables, find_fat_jets, select_fat_jets
from calovision.ntuples import iterate_events
from calovision.storage import ImageFile

RECIPE = ImageRecipe(
    grid=EtaPhiGrid(16, 16),
    fat_jets=FatJetDefinition(pt_min=20.0),
    preselection={
        "four fat jets": "n_fat_jets >= 4",
        "leading jet above 60 GeV": "leading_pt > 60",
    },
)
SAMPLE = Sample("qcd", 0)
CASE_STUDY = {"three fat jets": "n_fat_jets >= 3", "leading jet above 440 GeV": "leading_pt > 440"}


def make_ntuple(path, n_events=40, *, seed=1, **options):
    """Events of which about half pass RECIPE; weights 1, 2, 3, ..."""
    towers, tracks = make_events(n_events, seed=seed)
    options.setdefault("weight", np.arange(1.0, n_events + 1))
    return write_ntuple(path, towers, tracks, first=500, **options)


def convert(path, output, recipe=RECIPE, *, sample=SAMPLE, **of_file):
    source = Source(path, **{"schema": "calovision"} | of_file)
    return convert_ntuple(source, output, recipe, sample=sample)


def columns_and_images(path):
    file = ImageFile(path)
    return file.events | {"images": file.dense(np.arange(len(file)))}


def assert_same_content(one, other):
    one, other = columns_and_images(one), columns_and_images(other)
    assert set(one) == set(other)
    for name, values in one.items():
        assert np.array_equal(values, other[name]), name
        assert values.dtype == other[name].dtype, name


def test_calovision_ntuple(tmp_path):
    path = make_ntuple(tmp_path / "a.root", n_generated=90, cross_section_pb=41.4)
    metadata = convert(path, tmp_path / "a.h5")
    file = ImageFile(tmp_path / "a.h5")
    (events,) = iterate_events(path, schema="calovision")
    variables = event_variables(find_fat_jets(events.towers, None, RECIPE.fat_jets))
    four_jets = variables["n_fat_jets"] >= 4
    passed = four_jets & (variables["leading_pt"] > 60)
    assert 10 < passed.sum() < four_jets.sum() < 40
    assert metadata == file.metadata
    assert metadata.cut_flow == [
        ("generated", 90, 820.0),
        ("four fat jets", four_jets.sum(), events.weight[four_jets].sum()),
        ("leading jet above 60 GeV", passed.sum(), events.weight[passed].sum()),
    ]
    assert file.events["event_number"].tolist() == (500 + np.flatnonzero(passed)).tolist()
    assert file.events["weight"].tolist() == (1.0 + np.flatnonzero(passed)).tolist()
    assert file.events["label"].tolist() == [0] * passed.sum()
    assert file.events["label"].dtype == np.int8
    split = assign_split("qcd", file.events["event_number"], seed=1, fractions=(0.6, 0.2, 0.2))
    assert np.array_equal(file.events["split"], split)
    for name, values in variables.items():
        assert np.array_equal(file.events[name], values[passed])
    images, overflow = build_sparse_images(
        events.towers[passed], events.tracks[passed], RECIPE.grid, RECIPE.channels
    )
    assert np.array_equal(file.dense(np.arange(len(file))), images.dense())
    assert np.array_equal(file.events["overflow"], overflow)


def test_attributes(tmp_path):
    path = make_ntuple(tmp_path / "a.root", n_generated=90, cross_section_pb=41.4)
    metadata = convert(path, tmp_path / "a.h5", sample=Sample("rpv", 1))
    (source,) = metadata.source_files
    assert source[0] == str(path)
    assert len(source[1]) == 36  # a UUID with its dashes
    assert (metadata.sample, metadata.label) == ("rpv", 1)
    assert (metadata.grid, metadata.channels) == (RECIPE.grid, ("em_et", "had_et", "tracks"))
    assert metadata.units == ("GeV", "GeV", "")
    assert metadata.selection == RECIPE.preselection
    assert (metadata.n_generated, metadata.sum_of_weights) == (90, 820.0)
    assert metadata.cross_section_pb == 41.4
    assert metadata.package_version == "0.1.0"


@pytest.mark.parametrize("chunk_size", [1, 7, 39, 1000])
def test_chunk_size_changes_nothing(tmp_path, chunk_size):
    path = make_ntuple(tmp_path / "a.root", parts=3)
    reference = convert(path, tmp_path / "a.h5", chunk_size=40)
    metadata = convert(path, tmp_path / "b.h5", chunk_size=chunk_size)
    assert_same_content(tmp_path / "a.h5", tmp_path / "b.h5")
    assert metadata == reference
    one, other = (ImageFile(tmp_path / name).statistics for name in ("a.h5", "b.h5"))
    assert np.array_equal(one.total, other.total)
    assert np.array_equal(one.total_of_squares, other.total_of_squares)


def test_same_file_again_is_the_same(tmp_path):
    path = make_ntuple(tmp_path / "a.root")
    convert(path, tmp_path / "a.h5")
    time.sleep(1.1)  # times in HDF5 are of whole seconds
    convert(path, tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_nothing_but_the_image_file_is_written(tmp_path):
    convert(make_ntuple(tmp_path / "a.root"), tmp_path / "new" / "a.h5")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.h5"]


def test_without_preselection_every_event_has_an_image(tmp_path):
    metadata = convert(
        make_ntuple(tmp_path / "a.root"), tmp_path / "a.h5", replace(RECIPE, preselection={})
    )
    assert len(ImageFile(tmp_path / "a.h5")) == 40
    assert metadata.cut_flow == [("generated", 40, 820.0)]


def test_file_in_which_no_event_passes(tmp_path):
    path = make_ntuple(tmp_path / "a.root", 40)
    recipe = replace(RECIPE, preselection={"impossible": "n_fat_jets > 1000"})
    metadata = convert(path, tmp_path / "a.h5", recipe)
    file = ImageFile(tmp_path / "a.h5")
    assert len(file) == 0
    assert metadata.cut_flow == [("generated", 40, 820.0), ("impossible", 0, 0.0)]
    convert(path, tmp_path / "b.h5")
    full = ImageFile(tmp_path / "b.h5").events
    assert {name: (values.dtype, values.shape[1:]) for name, values in file.events.items()} == {
        name: (values.dtype, values.shape[1:]) for name, values in full.items()
    }


def test_file_without_entries_of_events_that_were_generated(tmp_path):
    path = write_ntuple(tmp_path / "a.root", *make_events(0), n_generated=40, total=80.0)
    metadata = convert(path, tmp_path / "a.h5")
    assert [row[1:] for row in metadata.cut_flow] == [(40, 80.0), (0, 0.0), (0, 0.0)]
    file = ImageFile(tmp_path / "a.h5")
    assert len(file) == 0
    assert file.events["fat_jets"].shape == (0, 5, 4)


@pytest.mark.parametrize(
    ("sample", "passes", "groomed"),
    [
        ("qcd300", 5, False),
        ("qcd300", 4, True),
        ("rpv_go1400_n850", 90, False),
        ("rpv_go1400_n850", 87, True),
    ],
)
def test_genuine_delphes_file(tmp_path, delphes_dir, sample, passes, groomed):
    (path,) = delphes_dir.glob(f"*{sample}*100ev_slim.root")
    recipe = ImageRecipe(preselection=CASE_STUDY, fat_jets=FatJetDefinition(groomed=groomed))
    metadata = convert(
        path,
        tmp_path / "a.h5",
        recipe,
        schema="delphes",
        sample=replace(SAMPLE, cross_section_pb=3.5),
        chunk_size=30,
    )
    file = ImageFile(tmp_path / "a.h5")
    assert len(file) == passes
    assert [(cut, n) for cut, n, _ in metadata.cut_flow][::2] == [
        ("generated", 100),
        ("leading jet above 440 GeV", passes),
    ]
    (events,) = iterate_events(path, schema="delphes", trimmed=groomed)
    variables = event_variables(select_fat_jets(events.fat_jets))
    three = variables["n_fat_jets"] >= 3
    passed = three & (variables["leading_pt"] > 440)
    assert metadata.cut_flow[1] == (
        "three fat jets",
        three.sum(),
        pytest.approx(events.weight[three].sum()),
    )
    for name, values in variables.items():
        assert np.array_equal(file.events[name], values[passed])
    tracks = ak.num(events.tracks.eta[passed][np.abs(events.tracks.eta[passed]) < 2.5])
    assert file.dense(np.arange(passes))[:, 2].sum(axis=(1, 2)).tolist() == tracks.tolist()
    assert metadata.sum_of_weights == pytest.approx(events.weight.sum())
    assert (metadata.cross_section_pb, metadata.grid) == (3.5, EtaPhiGrid(64, 64))


def test_genuine_delphes_file_needs_a_cross_section(tmp_path, delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_full.root"
    with pytest.raises(
        InputError,
        match=r"10ev_full.root: the file holds no positive cross-section: give samples.qcd.",
    ):
        convert(path, tmp_path / "a.h5", schema="delphes")
    assert list(tmp_path.iterdir()) == []


def test_configured_cross_section_wins_over_the_file(tmp_path):
    path = make_ntuple(tmp_path / "a.root", cross_section_pb=10.0)
    assert convert(path, tmp_path / "a.h5").cross_section_pb == 10.0
    assert (
        convert(
            path, tmp_path / "a.h5", sample=replace(SAMPLE, cross_section_pb=3)
        ).cross_section_pb
        == 3.0
    )


@pytest.mark.parametrize("value", [0.0, -1.6e-23, math.nan, math.inf])
def test_cross_section_must_be_positive(tmp_path, value):
    path = make_ntuple(tmp_path / "a.root", cross_section_pb=value)
    with pytest.raises(
        InputError,
        match=r"a.root: .* give samples.qcd.cross_section_pb \(pb\) in the configuration",
    ):
        convert(path, tmp_path / "a.h5")
    with pytest.raises(
        InputError, match=f"sample 'qcd': the cross-section {value} pb is not positive"
    ):
        convert(path, tmp_path / "a.h5", sample=replace(SAMPLE, cross_section_pb=value))
    assert (
        convert(
            path, tmp_path / "a.h5", sample=replace(SAMPLE, cross_section_pb=2.0)
        ).cross_section_pb
        == 2.0
    )


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (0.0, "the generator weights sum up to 0.0, .* must be positive"),
        (-1.0, "the generator weights sum up to -10.0, .* must be positive"),
        (math.nan, "generation/n_generated says that 10 events with a sum of weights of nan were"),
    ],
)
def test_sum_of_weights_must_be_positive(tmp_path, weight, message):
    path = make_ntuple(tmp_path / "a.root", 10, weight=np.full(10, weight))
    with pytest.raises(InputError, match=rf"a.root.*: {message}"):
        convert(path, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_negative_weights_count(tmp_path):
    weight = np.where(np.arange(40) % 4 == 0, -1.0, 2.0)
    metadata = convert(make_ntuple(tmp_path / "a.root", weight=weight), tmp_path / "a.h5")
    events = ImageFile(tmp_path / "a.h5").events
    assert metadata.cut_flow[0] == ("generated", 40, 50.0)
    assert metadata.cut_flow[-1][2] == events["weight"].sum()
    assert np.array_equal(events["weight"], weight[events["event_number"] - 500])


def test_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    path = make_ntuple(tmp_path / "a.root")
    calls = []

    def fail_in_third_chunk(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise InputError("the third chunk is damaged")
        return build_sparse_images(*arguments, **options)

    monkeypatch.setattr(rows, "build_sparse_images", fail_in_third_chunk)
    with pytest.raises(InputError, match="the third chunk is damaged"):
        convert(path, tmp_path / "out" / "a.h5", chunk_size=10)
    assert len(calls) == 3
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": ("em", "muons")}, "unknown image channel 'muons'"),
        (
            {"preselection": {"met": "missing_et > 3"}},
            r"cut 'met' \(missing_et > 3\) uses the unknown variable",
        ),
        ({"preselection": {"met": "n_fat_jets >"}}, "cut 'met': .* cannot be read"),
    ],
)
def test_recipe_that_cannot_be_followed(tmp_path, changes, message):
    path = make_ntuple(tmp_path / "a.root")
    with pytest.raises(InputError, match=message):
        convert(path, tmp_path / "out" / "a.h5", replace(RECIPE, **changes))
    assert not list(tmp_path.glob("out/*"))


def test_missing_ntuple(tmp_path):
    with pytest.raises(InputError, match=r"a.root: no such file"):
        convert(tmp_path / "a.root", tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_configuration_hash_tells_recipes_apart(tmp_path):
    path = make_ntuple(tmp_path / "a.root", 5)

    def hash_of(recipe=RECIPE, **options):
        return convert(path, tmp_path / "a.h5", recipe, **options).configuration_hash

    cuts = RECIPE.preselection
    hashes = [
        hash_of(),
        hash_of(replace(RECIPE, grid=EtaPhiGrid(16, 17))),
        hash_of(replace(RECIPE, grid=EtaPhiGrid(16, 16, (-3.0, 3.0)))),
        hash_of(replace(RECIPE, channels=("had_et", "em_et", "tracks"))),
        hash_of(replace(RECIPE, fat_jets=FatJetDefinition(pt_min=20.0, groomed=True))),
        hash_of(replace(RECIPE, preselection={name: cuts[name] for name in reversed(cuts)})),
        hash_of(replace(RECIPE, split_seed=2)),
        hash_of(replace(RECIPE, split_fractions=(0.5, 0.3, 0.2))),
        hash_of(sample=Sample("rpv", 0)),
        hash_of(sample=Sample("qcd", 1)),
        hash_of(sample=Sample("qcd", 0, cross_section_pb=7.0)),
    ]
    assert len(set(hashes)) == len(hashes)
    assert all(len(value) == 16 for value in hashes)
    assert hash_of() == hash_of(chunk_size=2) == hashes[0]


def test_configuration_hash_is_that_of_the_configuration(tmp_path):
    """Files of one sample share it, also where each carries the generator's own estimate of the
    cross-section."""
    paths = [
        make_ntuple(tmp_path / f"{k}.root", 5, seed=k, cross_section_pb=10.0 + k) for k in range(2)
    ]
    one, other = (convert(path, path.with_suffix(".h5")) for path in paths)
    assert one.configuration_hash == other.configuration_hash
    assert (one.cross_section_pb, other.cross_section_pb) == (10.0, 11.0)
