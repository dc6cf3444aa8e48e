"""Several ROOT files into one image file: processes, bad files, weights, jets, and what a file may
lack."""

import logging
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml
from fakes import make_events, write_ntuple
from fakes_ntuples import write_nanoaod

from calovision.conversion import (
    ImageRecipe,
    Sample,
    Source,
    WeightOptions,
    convert_ntuple,
    convert_ntuples,
)
from calovision.core.errors import InputError
from calovision.images import build_images
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JET_RECIPES, JetImageRecipe, build_jet_images
from calovision.jets import FatJetDefinition, find_fat_jets_with_constituents
from calovision.ntuples import expand_paths, iterate_events
from calovision.storage import ImageCollection, ImageFile

ALL_EVENTS = ImageRecipe(grid=EtaPhiGrid(16, 16), cluster_jets=False)
SAMPLE = {"sample": "qcd", "label": 0}


def make_files(folder, *sizes, **options):
    """Calovision ntuples of the given numbers of events."""
    return [
        write_ntuple(folder / f"{k}.root", *make_events(n, seed=k + 1), first=1000 * k, **options)
        for k, n in enumerate(sizes)
    ]


def damage(path):
    """Cut the last third of a file off."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def contents(path):
    file = ImageFile(path)
    return dict(file.events) | {"images": file.dense(np.arange(len(file)))}


def assert_equal_contents(one, other):
    assert set(one) == set(other)
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


@pytest.mark.parametrize("processes", [1, 2])
def test_several_files_are_one_after_the_other(tmp_path, processes):
    paths = make_files(tmp_path, 20, 0, 15, cross_section_pb=3.0)
    done = []
    metadata = convert_ntuples(
        paths,
        tmp_path / "out" / "all.h5",
        ALL_EVENTS,
        **SAMPLE,
        processes=processes,
        progress=done.append,
    )
    singles = []
    for path in paths:
        convert_ntuple(path, path.with_suffix(".h5"), ALL_EVENTS, **SAMPLE)
        singles.append(contents(path.with_suffix(".h5")))
    expected = {name: np.concatenate([single[name] for single in singles]) for name in singles[0]}
    assert_equal_contents(contents(tmp_path / "out" / "all.h5"), expected)
    assert sum(done) == 35
    assert (metadata.n_generated, metadata.sum_of_weights, metadata.cross_section_pb) == (
        35,
        35.0,
        3.0,
    )
    assert [path for path, _ in metadata.source_files] == [str(path) for path in paths]
    assert metadata.cut_flow == [("generated", 35, 35.0)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["all.h5"]


def test_several_trees_of_one_file(tmp_path):
    """Two trees of one file are two ntuples, whatever else lies beside them."""
    parts = [make_events(n, seed=n) for n in (7, 9)]
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        for name, (towers, tracks) in zip(("run1/events", "run2/events"), parts, strict=True):
            arrays = {f"towers_{field}": towers[field] for field in ("eta", "phi", "e_em", "e_had")}
            arrays |= {f"tracks_{field}": tracks[field] for field in ("pt", "eta", "phi")}
            arrays |= {"event_number": np.arange(len(towers)), "weight": np.ones(len(towers))}
            file.mktree(
                name, {key: str(ak.Array(values).type.content) for key, values in arrays.items()}
            )
            file[name].extend(arrays)
        file.mktree(
            "generation",
            {"n_generated": "int64", "sum_of_weights": "float64", "cross_section_pb": "float64"},
        )
        file["generation"].extend(
            {"n_generated": [16], "sum_of_weights": [16.0], "cross_section_pb": [1.0]}
        )
    trees = [f"{path}:run1/events", f"{path}:run2/events"]
    assert expand_paths([tmp_path / "*.root:run2/events"]) == trees[1:]
    metadata = convert_ntuples(
        trees,
        tmp_path / "a.h5",
        ALL_EVENTS,
        sample=Sample("qcd", 0, weights=WeightOptions(n_generated=16)),
    )
    assert [source for source, _ in metadata.source_files] == trees
    assert metadata.n_generated == 16
    for (towers, tracks), rows in zip(parts, (slice(0, 7), slice(7, 16)), strict=True):
        expected, _ = build_images(towers, tracks, ALL_EVENTS.grid, ALL_EVENTS.channels)
        np.testing.assert_allclose(ImageFile(tmp_path / "a.h5")[rows], expected, rtol=1e-6)


@pytest.mark.parametrize("processes", [1, 2])
def test_bad_file_fails_and_leaves_nothing(tmp_path, processes):
    paths = make_files(tmp_path, 10, 10)
    damage(paths[1])
    with pytest.raises(InputError, match=r"1\.root is a truncated"):
        convert_ntuples(
            paths, tmp_path / "out" / "all.h5", ALL_EVENTS, **SAMPLE, processes=processes
        )
    assert not (tmp_path / "out").exists()


def test_bad_file_is_skipped_and_the_weights_corrected(tmp_path, caplog):
    paths = make_files(tmp_path, 10, 12, 14, cross_section_pb=2.0)
    damage(paths[1])
    metadata = convert_ntuples(paths, tmp_path / "all.h5", ALL_EVENTS, **SAMPLE, on_bad_file="skip")
    ((skipped, reason),) = metadata.skipped_files
    assert skipped == str(paths[1])
    assert "1.root is a truncated" in reason
    assert "skipped" in caplog.text
    assert (metadata.n_generated, metadata.sum_of_weights, metadata.cross_section_pb) == (
        24,
        24.0,
        2.0,
    )
    collection = ImageCollection([tmp_path / "all.h5"])
    assert collection.event_weights(1.0).sum() == pytest.approx(2000.0)
    assert [path for path, _ in metadata.source_files] == [str(paths[0]), str(paths[2])]


def test_skipped_file_of_a_known_total_takes_its_share_along(tmp_path):
    paths = make_files(tmp_path, 10, 10, 10)
    damage(paths[0])
    weights = WeightOptions(n_generated=302)
    metadata = convert_ntuples(
        paths,
        tmp_path / "a.h5",
        ALL_EVENTS,
        sample=Sample("qcd", 0, weights=weights, cross_section_pb=5.0),
        on_bad_file="skip",
    )
    assert (metadata.n_generated, metadata.sum_of_weights) == (201, 201.0)


def test_every_file_is_bad(tmp_path):
    paths = [damage(path) for path in make_files(tmp_path, 10, 10)]
    with pytest.raises(
        InputError, match=r"every file was skipped; the first: .*0\.root is a truncated"
    ):
        convert_ntuples(paths, tmp_path / "all.h5", ALL_EVENTS, **SAMPLE, on_bad_file="skip")
    assert not (tmp_path / "all.h5").exists()


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        ([], {}, "no ROOT file given: name at least one"),
        (["a.root", "a.root"], {}, "a.root: given twice; give each file once"),
        (
            ["a.root"],
            {"on_bad_file": "ignore"},
            "on_bad_file is 'ignore': choose one of fail, skip",
        ),
    ],
)
def test_files_that_cannot_be_converted(tmp_path, paths, options, message):
    with pytest.raises(InputError, match=message):
        convert_ntuples(paths, tmp_path / "a.h5", ALL_EVENTS, **SAMPLE, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_energy_that_is_not_finite_names_file_and_entry(tmp_path, value):
    towers, tracks = make_events(30)
    flat = ak.flatten(towers.e_had).to_numpy().copy()
    flat[int(ak.sum(ak.num(towers)[:17]))] = value
    towers["e_had"] = ak.unflatten(flat, ak.num(towers))
    path = write_ntuple(tmp_path / "a.root", towers, tracks)
    message = r"a\.root, entry 17: towers\.e_had is not finite; give finite energies and momenta"
    with pytest.raises(InputError, match=message):
        convert_ntuple(Source(path, chunk_size=5), tmp_path / "a.h5", ALL_EVENTS, **SAMPLE)
    metadata = convert_ntuple(
        Source(path, chunk_size=5), tmp_path / "a.h5", ALL_EVENTS, **SAMPLE, on_bad_file="skip"
    )
    assert (len(ImageFile(tmp_path / "a.h5")), metadata.n_generated) == (0, 0)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("pt", np.nan, "is not finite; give finite energies and momenta"),
        ("eta", np.inf, "is not finite"),
        ("mass", np.nan, "is not finite"),
        ("mass", -7.0, "is -7 GeV, below zero by more than rounding"),
        ("pt", 1e20, r"is 1e\+20 GeV, more than anything has"),
    ],
)
@pytest.mark.parametrize("jet_images", [False, True])
def test_fat_jets_of_a_file_are_checked(tmp_path, field, value, problem, jet_images):
    """As towers are: a NaN made the jet vanish, or the summed mass NaN, so that a cut failed
    without a word."""
    jets = {"pt": [300.0, 250.0], "eta": [0.1, 0.2], "phi": [1.0, -1.0], "mass": [80.0, 60.0]}
    jets = {name: ak.Array([numbers] * 12) for name, numbers in jets.items()}
    damaged = np.array(ak.flatten(jets[field]))
    damaged[2 * 9 + 1] = value
    jets[field] = ak.unflatten(damaged, [2] * 12)
    path, schema = write_flat_jets(tmp_path, jets)
    recipe = replace(ALL_EVENTS, channels=("tracks",))
    if jet_images:
        recipe = replace(recipe, jets=JetImageRecipe(JetGrid(5, 5, 1.0), channels=("et",)))
    source = Source(path, schema=schema, chunk_size=4)
    options = {"sample": Sample("qcd", 0, cross_section_pb=1.0)}
    with pytest.raises(InputError, match=rf"a\.root, entry 9: fat_jets\.{field} {problem}"):
        convert_ntuple(source, tmp_path / "a.h5", recipe, **options)
    metadata = convert_ntuple(source, tmp_path / "a.h5", recipe, **options, on_bad_file="skip")
    assert (len(ImageFile(tmp_path / "a.h5")), metadata.n_generated) == (0, 0)


def write_flat_jets(folder, jets):
    """A ntuple of fat jets with a track each, and the schema that reads it."""
    with uproot.recreate(folder / "a.root") as file:
        arrays = {f"jet_{name}": values for name, values in jets.items()}
        arrays |= {f"trk_{name}": ak.ones_like(jets["pt"]) for name in ("pt", "eta", "phi")}
        file.mktree("events", dict.fromkeys(arrays, "var * float64"))
        file["events"].extend(arrays)
    schema = {"tree": "events"}
    for collection, prefix, fields in (
        ("jets", "jet", jets),
        ("tracks", "trk", ("pt", "eta", "phi")),
    ):
        schema[collection] = {name: f"{prefix}_{name}" for name in fields}
    schema["towers"] = {"eta": "trk_eta", "phi": "trk_phi", "e_em": "trk_pt", "e_had": "trk_pt"}
    (folder / "schema.yaml").write_text(yaml.safe_dump(schema))
    return folder / "a.root", str(folder / "schema.yaml")


def test_configuration_errors_are_not_skipped(tmp_path):
    (path,) = make_files(tmp_path, 5)
    recipe = replace(ALL_EVENTS, cluster_jets=True, preselection={"met": "met > 5"})
    with pytest.raises(InputError, match="uses the unknown variable 'met'"):
        convert_ntuple(path, tmp_path / "a.h5", recipe, **SAMPLE, on_bad_file="skip")


def test_without_fat_jets_there_are_no_event_variables(tmp_path):
    (path,) = make_files(tmp_path, 5)
    convert_ntuple(path, tmp_path / "a.h5", ALL_EVENTS, **SAMPLE)
    assert set(ImageFile(tmp_path / "a.h5").events) == {
        "event_number",
        "label",
        "weight",
        "split",
        "overflow",
        "entry",
    }
    with pytest.raises(InputError, match="no fat jets, so that no cut can be applied"):
        convert_ntuple(
            path, tmp_path / "b.h5", replace(ALL_EVENTS, preselection={"a": "ht > 0"}), **SAMPLE
        )


def test_channel_that_the_file_cannot_fill(tmp_path):
    (path,) = make_files(tmp_path, 5)
    recipe = replace(ALL_EVENTS, channels=("em", "charged_pt"))
    with pytest.raises(
        InputError, match=r"0\.root: the image channel 'charged_pt' needs candidates"
    ):
        convert_ntuple(path, tmp_path / "a.h5", recipe, **SAMPLE)


def test_cells_of_unequal_size(tmp_path):
    (path,) = make_files(tmp_path, 8)
    grid = EtaPhiGrid.with_eta_edges((-3.0, -1.0, 0.5, 4.0), 6)
    convert_ntuple(path, tmp_path / "a.h5", replace(ALL_EVENTS, grid=grid), **SAMPLE)
    file = ImageFile(tmp_path / "a.h5")
    assert file.metadata.grid == grid
    (events,) = iterate_events(path)
    expected, overflow = build_images(events.towers, events.tracks, grid, ALL_EVENTS.channels)
    assert np.array_equal(file.dense(np.arange(8)), expected)
    assert np.array_equal(file.events["overflow"], overflow)


def test_compressed_file_holds_the_same(tmp_path):
    (path,) = make_files(tmp_path, 20)
    for compression in (None, "blosc2"):
        convert_ntuple(
            path, tmp_path / f"{compression}.h5", ALL_EVENTS, **SAMPLE, compression=compression
        )
    assert_equal_contents(contents(tmp_path / "None.h5"), contents(tmp_path / "blosc2.h5"))


# --- weights


def test_weights_that_include_the_cross_section(tmp_path):
    """The mean weight over the generated events is the cross-section: 50 pb in 40 events
    generated."""
    weight = np.linspace(20.0, 80.0, 40)
    (path,) = make_files(tmp_path, 40, weight=weight, cross_section_pb=0.0)
    options = WeightOptions(include_cross_section=True)
    metadata = convert_ntuple(
        path, tmp_path / "a.h5", ALL_EVENTS, sample=Sample("qcd", 0, weights=options)
    )
    assert metadata.cross_section_pb == pytest.approx(50.0)
    np.testing.assert_allclose(
        ImageCollection([tmp_path / "a.h5"]).event_weights(2.0), weight * 2000 / 40
    )
    with pytest.raises(
        InputError, match="both a cross-section and weights that include it are given"
    ):
        convert_ntuple(
            path,
            tmp_path / "a.h5",
            ALL_EVENTS,
            sample=Sample("qcd", 0, weights=options, cross_section_pb=50.0),
        )


@pytest.mark.parametrize(
    ("weight", "warns"), [(50.0, True), (1.25, True), (1.0, False), (7.0, False)]
)
def test_warning_of_weights_that_look_like_the_cross_section(tmp_path, caplog, weight, warns):
    """50 pb and 40 events: a mean of 50, or a sum of 50, is suspicious."""
    (path,) = make_files(tmp_path, 40, weight=np.full(40, weight), cross_section_pb=50.0)
    with caplog.at_level(logging.WARNING):
        convert_ntuple(path, tmp_path / "a.h5", ALL_EVENTS, **SAMPLE)
    assert ("of the generator weights" in caplog.text) == warns
    # whatever they contain, it counts once
    assert ImageCollection([tmp_path / "a.h5"]).event_weights(1.0).sum() == pytest.approx(50_000.0)


def test_missing_cross_section_may_be_allowed(tmp_path):
    (path,) = make_files(tmp_path, 5, cross_section_pb=0.0)
    metadata = convert_ntuple(
        path, tmp_path / "a.h5", ALL_EVENTS, sample=Sample("qcd", 0, cross_section_required=False)
    )
    assert np.isnan(metadata.cross_section_pb)
    with pytest.raises(InputError, match="cross-section"):
        ImageCollection([tmp_path / "a.h5"]).event_weights(1.0)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_shares_of_a_number_add_up(number):
    options = WeightOptions(index=2, n_generated=100, sum_of_weights=50.0)
    share = options.of_file(number, 3)
    assert (share.index, share.n_generated, share.sum_of_weights) == (
        2,
        (34, 33, 33)[number],
        pytest.approx(50 / 3),
    )
    named = WeightOptions(n_generated="counts", sum_of_weights="sums")
    assert named.of_file(number, 3) == named


# --- jet images


def test_jet_images_of_towers(tmp_path):
    (path,) = make_files(tmp_path, 20)
    jets = JetImageRecipe(
        grid=JetGrid(8, 8, 2.0), channels=("et", "em_et"), center="centroid", normalize="l1"
    )
    definition = FatJetDefinition(pt_min=20.0)
    recipe = ImageRecipe(
        fat_jets=definition, jets=jets, jets_per_event=2, preselection={"two": "n_fat_jets >= 2"}
    )
    metadata = convert_ntuple(Source(path, chunk_size=6), tmp_path / "a.h5", recipe, **SAMPLE)
    file = ImageFile(tmp_path / "a.h5")
    (events,) = iterate_events(path)
    found, constituents = find_fat_jets_with_constituents(events.towers, None, None, definition)
    chosen = ak.num(found) >= 2
    found, constituents = found[chosen][:, :2], constituents[chosen][:, :2]
    assert len(file) == 2 * ak.sum(chosen) == metadata.cut_flow[1][1] * 2
    expected, overflow = build_jet_images(ak.flatten(constituents), jets)
    np.testing.assert_allclose(file.dense(np.arange(len(file))), expected.dense(), rtol=1e-6)
    np.testing.assert_allclose(file.events["overflow"], overflow)
    np.testing.assert_allclose(file.events["pt"], ak.flatten(found.pt))
    assert file.events["jet_index"].tolist() == [0, 1] * int(ak.sum(chosen))
    assert (
        file.events["event_number"].tolist()
        == np.repeat(events.event_number[chosen.to_numpy()], 2).tolist()
    )
    assert (metadata.kind, metadata.grid, metadata.channels) == ("jet", jets.grid, ("et", "em_et"))
    assert JetImageRecipe.from_dict(metadata.jet_recipe) == jets
    np.testing.assert_allclose(file.dense(np.arange(len(file)))[:, 0].sum(axis=(1, 2)) <= 1, True)


def test_jet_images_of_particle_flow_candidates(tmp_path):
    write_nanoaod(tmp_path / "a.root", n_events=30)
    recipe = ImageRecipe(
        fat_jets=FatJetDefinition(pt_min=0.0, eta_max=9.0), jets=JET_RECIPES["quark_gluon"]
    )
    metadata = convert_ntuple(
        tmp_path / "a.root",
        tmp_path / "a.h5",
        recipe,
        sample=Sample("qcd", 0, cross_section_required=False),
    )
    file = ImageFile(tmp_path / "a.h5")
    assert metadata.channels == ("charged_pt", "neutral_pt", "tracks")
    assert {"tau21", "tau32", "pt", "mass", "jet_index"} <= set(file.events)
    (events,) = iterate_events(tmp_path / "a.root")
    assert len(file) == int(ak.sum(ak.num(events.fat_jets) > 0))


def test_number_of_jets_must_be_positive(tmp_path):
    (path,) = make_files(tmp_path, 2)
    recipe = ImageRecipe(jets=JET_RECIPES["top"], jets_per_event=0)
    with pytest.raises(InputError, match="jets_per_event is 0: give at least one"):
        convert_ntuple(path, tmp_path / "a.h5", recipe, **SAMPLE)
