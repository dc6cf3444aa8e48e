"""Scores of ROOT files: entry by entry the scores of the images of a conversion, NaN elsewhere."""

import sys
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import awkward as ak
import h5py
import numpy as np
import pytest
import torch
import uproot
from fakes import make_events, write_ntuple
from fakes_cli import fail, fail_usage, stored, succeed
from fakes_models import make_trained
from fakes_ntuples import write_nanoaod
from scipy.special import expit, logit

from calovision import score_ntuples
from calovision.conversion import ImageRecipe, StoredRecipe, convert_ntuple
from calovision.conversion.parallel import made_apart
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import EventContent, FatJetDefinition
from calovision.jets.variables import own_variable
from calovision.models import load_model, save_model
from calovision.models.scaling import ScalingStatistics
from calovision.ntuples.output_names import output_names
from calovision.scoring import NtupleOptions, score_collection
from calovision.scoring.file_scoring import _joined
from calovision.stages.scores import ScoringOptions, score_application
from calovision.storage import ImageCollection, ImageFile
from calovision.storage.recipes import with_variables

N = 60
JETS = FatJetDefinition(radius=1.0, pt_min=20.0)
RECIPE = ImageRecipe(
    grid=EtaPhiGrid(8, 8),
    channels=("em_et", "tracks"),
    fat_jets=JETS,
    preselection={"jets": "n_fat_jets >= 2"},
    content=EventContent(pt_min=5.0),
)
OF_JETS = ImageRecipe(
    fat_jets=JETS, jets=JetImageRecipe(JetGrid(8, 8, 1.6), ("et",)), jets_per_event=2
)


@pytest.fixture(scope="module")
def ntuples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ntuples")
    return [
        write_ntuple(folder / f"{name}.root", *make_events(N, seed=seed), parts=4)
        for seed, name in enumerate("ab", 1)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a model that takes a variable of the jets and one of the event content."""
    folder = tmp_path_factory.mktemp("model")
    statistics = ScalingStatistics(
        variable_mean=np.array([100.0, 5.0]), variable_std=np.array([50.0, 2.0])
    )
    model = make_trained(variables=("mj_sum", "n_jets"), n_variables=2, statistics=statistics)
    save_model(folder, model, recipe=StoredRecipe(RECIPE).to_dict())
    return folder


def expected(model, ntuple, recipe, images):
    """Logits of every entry by way of an image file, NaN where there is none."""
    convert_ntuple(ntuple, images, recipe, sample="qcd", label=0)
    collection = ImageCollection([images])
    logits = np.full(N, np.nan)
    found = score_collection(model, collection, np.arange(len(collection)))
    logits[collection.column("event_number")] = found
    return logits


def test_friend_trees(tmp_path, ntuples, folder):
    text = succeed("score", folder, *ntuples, "-o", tmp_path / "scores")
    assert stored(text, "entries") == str(2 * N)
    assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == ["a.root", "b.root"]
    for ntuple in ntuples:
        with uproot.open(tmp_path / "scores" / ntuple.name) as file:
            scores = file["calovision_scores"].arrays(library="np")
        with uproot.open(ntuple) as file:
            assert file["events"].num_entries == len(scores["logit"])
        logits = expected(load_model(folder), ntuple, RECIPE, tmp_path / f"{ntuple.stem}.h5")
        assert 0 < np.isfinite(logits).sum() < N
        assert scores["logit"] == pytest.approx(logits, rel=1e-5, nan_ok=True)
        assert scores["score"] == pytest.approx(expit(logits), rel=1e-5, nan_ok=True)
        assert scores["passed"].tolist() == np.isfinite(logits).tolist()
        assert {name: str(values.dtype) for name, values in scores.items()} == {
            "score": "float32",
            "logit": "float32",
            "passed": "bool",
        }


@pytest.mark.parametrize("of_jets", [False, True])
def test_probabilities_of_more_than_two_classes(tmp_path, ntuples, of_jets):
    """A column each; the mean of two networks, and a preselection that some events fail."""
    recipe = OF_JETS if of_jets else RECIPE
    shape = (1, 8, 8) if of_jets else (2, 8, 8)
    given = {"classes": ("qcd", "w", "top"), "options": {"width": 2}, "scaling": "none"}
    if of_jets:
        given |= {"kind": "jet", "channels": ("et",), "units": ("GeV",)}
        given |= {"grid": {"n_eta": 8, "n_phi": 8, "width": 1.6}}
    models = [make_trained(shape, seed=seed, **given) for seed in (1, 2)]
    models[0].recipe = StoredRecipe(recipe).to_dict()
    (found,) = score_ntuples(models, ntuples[:1], tmp_path / "out")
    convert_ntuple(ntuples[0], tmp_path / "a.h5", recipe, sample="qcd", label=0)
    collection = ImageCollection([tmp_path / "a.h5"])
    each = [score_collection(model, collection, np.arange(len(collection))) for model in models]
    expected = np.mean(np.exp(each), axis=0)
    with uproot.open(found.output) as file:
        scores = file["calovision_scores"].arrays()
    names = ["probability_qcd", "probability_w", "probability_top"]
    assert scores.fields == (["n" + names[0], names[0]] if of_jets else names[:1]) + [
        name for one in names[1:] for name in (["n" + one, one] if of_jets else [one])
    ] + ["passed"]
    columns = [ak.to_numpy(ak.flatten(scores[name], axis=None)) for name in names]
    columns = [one[np.isfinite(one)] for one in columns]
    np.testing.assert_allclose(np.stack(columns, axis=1), expected, rtol=1e-4)
    assert found.n_scored == len(collection) == len(expected)
    assert [*found.totals.values()] == pytest.approx(expected.sum(axis=0), rel=1e-5)
    assert [*found.totals] == names


def test_hdf5_and_several_processes(tmp_path, ntuples, folder):
    options = ("--format", "hdf5", "--processes", 2, "--batch-size", 3)
    succeed("score", folder, *ntuples, "-o", tmp_path, *options)
    succeed("score", folder, *ntuples, "-o", tmp_path)
    for name in "ab":
        with (
            h5py.File(tmp_path / f"{name}.h5") as file,
            uproot.open(tmp_path / f"{name}.root") as r,
        ):
            assert file["logit"][:] == pytest.approx(
                r["calovision_scores/logit"].array(library="np"), rel=1e-5, nan_ok=True
            )
            assert file["passed"].shape == (N,)
            assert file.attrs["model"] == str(folder)


def test_parquet_needs_its_package(tmp_path, ntuples, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    output = ("-o", tmp_path / "scores", "--format", "parquet")
    sentence = refused(tmp_path, folder, ntuples[0], *output)
    assert 'pip install "calovision[parquet]", or choose the format root or hdf5' in sentence


def test_parquet(tmp_path, ntuples, folder):
    pytest.importorskip("pyarrow.parquet")
    for file_format in ("parquet", "root"):
        succeed("score", folder, ntuples[0], "-o", tmp_path, "--format", file_format)
    found = ak.from_parquet(tmp_path / "a.parquet")
    with uproot.open(tmp_path / "a.root") as file:
        expected = file["calovision_scores"].arrays()
    assert found.fields == ["score", "logit", "passed"]
    for name in found.fields:
        values = ak.to_numpy(found[name])
        assert values.tolist() == pytest.approx(expected[name].to_list(), nan_ok=True)


def test_variables_of_ones_own(tmp_path, ntuples):
    """A branch and a formula, which the model takes; the training had them beside the images."""
    own = {
        "number": own_variable("number", "event_number"),
        "share": own_variable("share", formula="mj_sum / (number + n_jets + 1)"),
        "unused": own_variable("unused", "no_such_branch"),
    }
    images = tmp_path / "a.h5"
    convert_ntuple(
        ntuples[0], images, replace(RECIPE, variables=own | {"unused": own["number"]}),
        sample="qcd", label=0,
    )  # fmt: skip
    statistics = ScalingStatistics(
        variable_mean=np.array([30.0, 5.0]), variable_std=np.array([20.0, 2.0])
    )
    model = make_trained(variables=("number", "share"), n_variables=2, statistics=statistics)
    model.recipe = with_variables(StoredRecipe(RECIPE).to_dict(), own)
    collection = ImageCollection([images])
    score_ntuples(model, ntuples[:1], tmp_path)
    with uproot.open(tmp_path / "a.root") as file:
        found = file["calovision_scores/logit"].array(library="np")
    expected = score_collection(model, collection, np.arange(len(collection)))
    assert found[collection.column("event_number")] == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(found).sum() == len(expected)


def test_scores_of_jets(tmp_path, ntuples):
    model = make_trained(
        (1, 8, 8),
        kind="jet",
        channels=("et",),
        grid={"n_eta": 8, "n_phi": 8, "width": 1.6},
        circular=False,
    )
    model.recipe = StoredRecipe(OF_JETS, "calovision").to_dict()
    for file_format in ("root", "hdf5"):
        (found,) = score_ntuples(
            model, ntuples[:1], tmp_path, NtupleOptions(format=file_format, output_tree="cnn")
        )
    convert_ntuple(ntuples[0], tmp_path / "jets.h5", OF_JETS, sample="qcd", label=0)
    collection = ImageCollection([tmp_path / "jets.h5"])
    logits = np.full((N, 2), np.nan)
    place = collection.column("event_number"), collection.column("jet_index")
    logits[place] = score_collection(model, collection, np.arange(len(collection)))
    assert found.n_scored == len(collection) > 0
    counts = np.isfinite(logits).sum(axis=1)
    assert set(counts) == {0, 1, 2}
    with uproot.open(tmp_path / "a.root") as file:
        lists = file["cnn/logit"].array()
        assert file["cnn/nlogit"].array().tolist() == counts.tolist()
        assert file["cnn/passed"].array().to_list() == [True] * N
    for entry, of_entry in enumerate(lists.to_list()):
        assert of_entry == pytest.approx(logits[entry, : counts[entry]].tolist(), rel=1e-5)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["logit"][:] == pytest.approx(logits, rel=1e-5, nan_ok=True)


def test_a_jet_that_fails_the_cuts_on_jets_keeps_its_place(tmp_path, ntuples):
    model = make_trained(
        (1, 8, 8),
        kind="jet",
        channels=("et",),
        grid={"n_eta": 8, "n_phi": 8, "width": 1.6},
        circular=False,
    )
    of_all, cut = tmp_path / "all", tmp_path / "cut"
    for folder, cuts in ((of_all, {}), (cut, {"forward": "eta > 0"})):
        folder.mkdir()
        recipe = replace(OF_JETS, jet_selection=cuts)
        model.recipe = StoredRecipe(recipe, "calovision").to_dict()
        score_ntuples(model, ntuples[:1], folder, NtupleOptions(format="hdf5"))
    convert_ntuple(ntuples[0], tmp_path / "jets.h5", OF_JETS, sample="qcd", label=0)
    events = ImageFile(tmp_path / "jets.h5").events
    kept = np.zeros((N, 2), dtype=bool)
    kept[events["event_number"], events["jet_index"]] = events["eta"] > 0
    with h5py.File(of_all / "a.h5") as every, h5py.File(cut / "a.h5") as file:
        expected = np.where(kept, every["logit"][:], np.nan)
        assert np.isnan(expected[:, 0]).any()
        assert np.isfinite(expected[:, 1]).any()
        assert file["logit"][:] == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_several_models_are_an_ensemble(tmp_path, ntuples):
    """The logit of the mean probability, as everywhere: not the mean of the logits."""
    models = [make_trained(seed=seed) for seed in (1, 2)]
    models[0].recipe = StoredRecipe(RECIPE).to_dict()
    score_ntuples(models, ntuples[:1], tmp_path / "mean")
    each = np.stack([expected(one, ntuples[0], RECIPE, tmp_path / "a.h5") for one in models])
    with uproot.open(tmp_path / "mean" / "a.root") as file:
        found = file["calovision_scores/logit"].array(library="np")
        score = file["calovision_scores/score"].array(library="np")
    assert score == pytest.approx(expit(each).mean(axis=0), rel=1e-4, nan_ok=True)
    assert found == pytest.approx(logit(expit(each).mean(axis=0)), rel=1e-4, nan_ok=True)
    assert found != pytest.approx(each.mean(axis=0), rel=1e-4, nan_ok=True)


def test_the_stage_of_the_workflow(tmp_path, ntuples):
    """The logit of the mean probability of two networks, as the evaluation has it."""
    models = [make_trained(seed=seed) for seed in (1, 2)]
    paths = [tmp_path / f"seed{number}" for number in (1, 2)]
    for path, model in zip(paths, models, strict=True):
        save_model(path, model, recipe=StoredRecipe(RECIPE).to_dict())
    job = {"file": str(ntuples[0]), "schema": None, "tree": None, "retries": 0}
    counted = []
    output = tmp_path / "data" / "a.root"
    score_application(job, paths, output, ScoringOptions("cpu"), threads=2, count=counted.append)
    each = np.stack([expected(one, ntuples[0], RECIPE, tmp_path / "a.h5") for one in models])
    with uproot.open(output) as file:
        found = file["calovision_scores"].arrays(library="np")
    assert found["score"] == pytest.approx(expit(each).mean(axis=0), rel=1e-4, nan_ok=True)
    assert found["logit"] == pytest.approx(logit(found["score"]), rel=1e-3, nan_ok=True)
    assert sum(counted) == N


def test_nothing_passes_and_no_entry(tmp_path, folder):
    model = load_model(folder)
    hard = StoredRecipe(RECIPE).to_dict()
    hard["images"]["preselection"] = {"none": "mj_sum > 1e9"}
    model.recipe = hard
    empty = write_ntuple(tmp_path / "empty.root", *(one[:0] for one in make_events(1)))
    full = write_ntuple(tmp_path / "full.root", *make_events(5))
    found = score_ntuples(model, [empty, full], tmp_path / "scores")
    assert [(one.n_entries, one.n_passed) for one in found] == [(0, 0), (5, 0)]
    for path, n in ((found[0].output, 0), (found[1].output, 5)):
        with uproot.open(path) as file:
            assert np.isnan(file["calovision_scores/score"].array(library="np")).tolist() == [1] * n


def test_data_without_weights_and_another_schema(tmp_path):
    """NanoAOD whose schema of the training reads a weight that data lack."""
    data = write_nanoaod(tmp_path / "data.root")
    schema = tmp_path / "mine.yaml"
    schema.write_text("extends: nanoaod\nweight: LHEWeight\n")
    model = make_trained((1, 8, 8), channels=("charged_pt",), units=("GeV",))
    recipe = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("charged_pt",), cluster_jets=False)
    model.recipe = StoredRecipe.of(recipe, schema).to_dict()
    schema.unlink()
    (by_stored,) = score_ntuples(model, [data], tmp_path / "stored")
    (by_given,) = score_ntuples(model, [data], tmp_path / "given", NtupleOptions(schema="nanoaod"))
    assert by_stored.n_scored == by_given.n_scored == by_given.n_entries == 30
    assert by_stored.totals == by_given.totals


def refused(tmp_path, *arguments):
    """Sentence of a failure that leaves nothing behind."""
    before = sorted(tmp_path.rglob("*"))
    sentence = fail("score", *arguments)
    assert sorted(tmp_path.rglob("*")) == before
    return sentence


def test_bad_input(tmp_path, ntuples, folder):
    save_model(tmp_path / "old", make_trained())
    output = ("-o", tmp_path / "scores")
    assert "the model does not say how its images are made" in refused(
        tmp_path, tmp_path / "old", ntuples[0], *output
    )
    columns = {name: np.zeros(4) for name in ("x", "y")}
    with uproot.recreate(tmp_path / "other.root") as file:
        file["events"] = columns
    sentence = refused(tmp_path, folder, ntuples[0], tmp_path / "other.root", *output)
    assert f"{tmp_path / 'other.root'} fits no schema" in sentence
    assert "calovision lacks event_number, towers_eta" in sentence
    assert "delphes" not in sentence  # has another tree
    images = tmp_path / "images.h5"
    convert_ntuple(ntuples[0], images, RECIPE, sample="qcd", label=0)
    assert "is a ROOT file, and" in refused(tmp_path, folder, ntuples[0], images, *output)
    assert f"{images} is a file: give the folder" in refused(
        tmp_path, folder, ntuples[0], "-o", images
    )
    assert "is one of the files to score" in refused(
        tmp_path, folder, ntuples[0], "-o", ntuples[0].parent, "--force"
    )
    assert "for image files" in fail_usage("score", folder, ntuples[0], *output, "--split", "test")
    assert "for ROOT files" in fail_usage("score", folder, images, *output, "--format", "hdf5")


def test_a_tree_is_not_guessed_where_those_of_the_training_differ(tmp_path, ntuples):
    model = make_trained()
    model.recipe = StoredRecipe(RECIPE, None, {"several": "events, others"}).to_dict()
    with pytest.raises(InputError, match=r"several trees \(events, others\): give that"):
        score_ntuples(model, ntuples[:1], tmp_path / "none")
    (found,) = score_ntuples(model, ntuples[:1], tmp_path / "one", NtupleOptions(tree="events"))
    (same,) = score_ntuples(model, [f"{ntuples[0]}:events"], tmp_path / "two")
    assert found.n_scored == same.n_scored > 0
    assert found.totals == same.totals


def test_files_of_the_training_are_named(tmp_path, ntuples, caplog):
    model = make_trained()
    model.recipe = StoredRecipe(RECIPE).to_dict()
    score_ntuples(model, ntuples, tmp_path / "before")  # a model that does not know them
    assert not caplog.messages
    with uproot.open(ntuples[1]) as file:
        model.training_run = {"sources": [str(file.file.uuid)]}
    score_ntuples([make_trained(), model][::-1], ntuples, tmp_path / "again")
    (message,) = caplog.messages
    assert message.startswith(f"{ntuples[1]} trained this model, which saw its events")


def test_outputs_that_exist(tmp_path, ntuples, folder):
    output = tmp_path / "a.root"
    output.write_text("mine")
    assert f"{output} exists already: give another folder or --force" in refused(
        tmp_path, folder, *ntuples, "-o", tmp_path
    )
    assert output.read_text() == "mine"
    succeed("score", folder, ntuples[0], "-o", tmp_path, "--force")
    with uproot.open(output) as file:
        assert file["calovision_scores"].num_entries == N


def test_a_file_that_lacks_what_the_recipe_needs(tmp_path, ntuples, folder):
    """Calorimeter only: the channel of tracks cannot be made."""
    with uproot.open(ntuples[0]) as file:
        arrays = file["events"].arrays()
    with uproot.recreate(tmp_path / "b.root") as file:
        names = [name for name in arrays.fields if "tracks_pt" not in name]
        tree = file.mktree("events", {n: arrays[n].type.content for n in names if n[0] != "n"})
        tree.extend({name: arrays[name] for name in names if name[0] != "n"})
    sentence = refused(
        tmp_path,
        folder,
        ntuples[0],
        tmp_path / "b.root",
        "-o",
        tmp_path / "s",
        "--schema",
        "calovision",
    )
    assert str(tmp_path / "b.root") in sentence
    assert "tracks_pt" in sentence
    assert "'events'" in sentence


def test_a_file_that_is_bad_further_on_leaves_no_scores(tmp_path, ntuples, folder):
    towers, tracks = make_events(N)
    e_em = ak.to_list(towers["e_em"])
    e_em[45][0] = np.nan
    bad = write_ntuple(tmp_path / "bad.root", ak.with_field(towers, e_em, "e_em"), tracks, parts=6)
    sentence = fail("score", folder, ntuples[0], bad, "-o", tmp_path / "scores")
    assert f"{bad}, entry 45: towers.e is not finite" in sentence
    assert [path.name for path in (tmp_path / "scores").iterdir()] == ["a.root"]


def test_recipes_of_other_images_are_said(tmp_path, ntuples):
    model = make_trained()
    model.recipe = StoredRecipe(RECIPE).to_dict() | {"differing": ["fat_jets"]}
    with pytest.raises(InputError, match=r"differ in fat_jets, .*; score image files instead"):
        score_ntuples(model, ntuples, tmp_path)
    model.recipe = StoredRecipe(replace(RECIPE, channels=("had_et", "tracks"))).to_dict()
    with pytest.raises(InputError, match="its list of channels is had_et, tracks, but that of"):
        score_ntuples(model, ntuples, tmp_path)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["/x/a.root", "/y/b.root:tree"], ["a.root", "b.root"]),
        (["/x/1/a.root", "/x/2/a.root", "/x/2/b.root"], ["1/a.root", "2/a.root", "b.root"]),
        (["/a.root", "/x/a.root"], ["a.root", "x/a.root"]),
        (["root://here//x/a.root", "root://there//x/a.root"], ["here/x/a.root", "there/x/a.root"]),
    ],
)
def test_names_of_outputs(files, names):
    assert [path.as_posix() for path in output_names(files, ".root")] == names


def test_one_name_for_two_trees_is_refused():
    with pytest.raises(InputError, match=r"a\.root:t is given twice"):
        output_names(["/x/a.root:t", "/x/a.root:u"], ".h5")


def test_any_number_of_threads(tmp_path, ntuples, folder):
    # batches of 7 side by side; a network in training is put to evaluation by each thread
    model = load_model(folder).train()
    before = torch.get_num_threads()
    logits = []
    try:
        for n_threads in (1, 3):
            torch.set_num_threads(n_threads)
            output = tmp_path / str(n_threads)
            score_ntuples(model, ntuples[:1], output, NtupleOptions(format="hdf5"), batch_size=7)
            assert torch.get_num_threads() == n_threads
            with h5py.File(output / "a.h5") as file:
                logits.append(file["logit"][:])
    finally:
        torch.set_num_threads(before)
    assert model.training
    assert np.isfinite(logits[0]).sum() > 7
    np.testing.assert_array_equal(logits[0], logits[1])
    reference = expected(load_model(folder), ntuples[0], RECIPE, tmp_path / "a.h5")
    np.testing.assert_allclose(logits[1], reference, rtol=1e-5, atol=1e-6)


def test_images_of_a_long_file_in_a_process_of_their_own(tmp_path, ntuples, folder, monkeypatch):
    monkeypatch.setattr("calovision.scoring.ntuples.LONG", N)
    made = Mock(wraps=made_apart)
    monkeypatch.setattr("calovision.scoring.file_scoring.made_apart", made)
    logits = []
    for processes in (1, 2):
        options = NtupleOptions(format="hdf5", processes=processes)
        (found,) = score_ntuples(
            load_model(folder), ntuples[:1], tmp_path / str(processes), options
        )
        with h5py.File(found.output) as file:
            logits.append(file["logit"][:])
    assert made.call_count == 1
    assert np.isfinite(logits[0]).any()
    np.testing.assert_array_equal(logits[0], logits[1])


def test_chunks_wait_for_rows_or_entries():
    def joined(*chunks):
        rows = ((n, SimpleNamespace(event=np.zeros(n_rows))) for n, n_rows in chunks)
        return [[n for n, _ in one] for one in _joined(rows, least_rows=4, most_entries=10)]

    assert joined((5, 0), (5, 0), (5, 1), (1, 3), (2, 4), (1, 0)) == [[5, 5], [5, 1], [2], [1]]
    assert joined((30, 0), (1, 1)) == [[30], [1]]
    assert joined() == []
