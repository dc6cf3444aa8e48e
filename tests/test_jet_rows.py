"""Jets as rows: cuts on them, their cut flow, and the workflow of a tagger."""

import json

import h5py
import numpy as np
import pytest
from dry_runs import dry_run, jobs, samples
from fakes_ntuples import jetclass_columns, write_file

from calovision import ImageCollection, ImageFile
from calovision.conversion import ImageRecipe, Sample, convert_ntuple, convert_ntuples
from calovision.core.errors import InputError
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JET_RECIPES, JetImageRecipe
from calovision.jets import FatJetDefinition
from calovision.stages.images import image_recipe
from calovision.workflow import Configuration, parameters
from calovision.workflow.analysis import Analysis

CUTS = {"hard": "pt > 400", "forward": "(eta > 0) & (n_fat_jets > 0)"}
PLAIN = Sample("a", 0, cross_section_required=False)
TAGGING = {
    "classes": {"qcd": {}, "top": {}},
    "images": {"kind": "jet", "jets": {"recipe": "top", "selection": CUTS}},
    "train": {"network": "jet_cnn"},
}


@pytest.fixture(scope="module")
def ntuples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jetclass")
    return [
        write_file(folder / f"{seed}.root", tree=jetclass_columns(60, seed=seed)) for seed in (1, 2)
    ]


def recipe(**changes):
    jets = JetImageRecipe(JetGrid(8, 8, 1.6))
    fat_jets = FatJetDefinition(radius=0.8, pt_min=100)
    return ImageRecipe(jets=jets, fat_jets=fat_jets, **changes)


def tagging_samples():
    found = samples()["samples"]
    return {
        "qcd": found["background"] | {"label": "qcd"},
        "top": found["signal"] | {"label": "top"},
    }


def test_cuts_on_jets_choose_rows_and_count_them(ntuples, tmp_path):
    for name, cuts in (("all.h5", {}), ("cut.h5", CUTS)):
        convert_ntuples(
            ntuples,
            tmp_path / name,
            recipe(jet_selection=cuts),
            sample=Sample("top", 1, cross_section_required=False, classes=("qcd", "top")),
        )
    every, cut = (ImageFile(tmp_path / name) for name in ("all.h5", "cut.h5"))
    hard = every.events["pt"] > 400
    kept = hard & (every.events["eta"] > 0)
    assert 0 < kept.sum() < hard.sum() < len(every)
    assert np.array_equal(cut.events["pt"], every.events["pt"][kept])
    assert np.array_equal(cut.dense(range(len(cut))), every.dense(np.flatnonzero(kept)))
    steps = [("leading jets", len(every)), ("hard", hard.sum()), ("forward", kept.sum())]
    assert cut.metadata.jet_cut_flow == [(name, n, float(n)) for name, n in steps]
    assert cut.metadata.jet_selection == CUTS
    assert every.metadata.jet_cut_flow == [("leading jets", len(every), float(len(every)))]
    assert cut.metadata.cut_flow == every.metadata.cut_flow == [("generated", 120, 120.0)]
    assert cut.metadata.classes == ("qcd", "top")
    assert set(cut.events["label"]) == {1}


def test_cut_that_no_jet_passes_leaves_a_file_without_rows(ntuples, tmp_path):
    found = convert_ntuple(
        ntuples[0], tmp_path / "none.h5", recipe(jet_selection={"none": "pt < 0"}), sample=PLAIN
    )
    assert found.jet_cut_flow[-1] == ("none", 0, 0.0)
    assert len(ImageFile(tmp_path / "none.h5")) == 0


def test_a_sample_of_which_no_jet_is_left_names_the_step(ntuples, tmp_path):
    cuts = {"hard": "pt > 400", "none": "mass < 0"}
    info = convert_ntuple(ntuples[0], tmp_path / "a.h5", recipe(jet_selection=cuts), sample=PLAIN)
    sentence = (
        f"sample 'a': no row is left after the step 'none', of {info.jet_cut_flow[1][1]} after "
        "'hard'; give more events"
    )
    with pytest.raises(InputError, match=sentence):
        ImageCollection([tmp_path / "a.h5"]).require_events()


def test_cut_on_a_column_that_jets_lack_names_those_that_they_have(ntuples, tmp_path):
    cuts = {"flavour": "tau54 < 0.5"}
    with pytest.raises(InputError, match=r"cut 'flavour' .*'tau54'.*choose from .*mass.*tau21"):
        convert_ntuple(ntuples[0], tmp_path / "a.h5", recipe(jet_selection=cuts), sample=PLAIN)
    assert not (tmp_path / "a.h5").exists()


def test_files_of_other_cuts_on_jets_are_no_sample(ntuples, tmp_path):
    for path, cuts in zip(ntuples, ({}, CUTS), strict=True):
        convert_ntuple(path, tmp_path / f"{path.stem}.h5", recipe(jet_selection=cuts), sample=PLAIN)
    with pytest.raises(InputError, match="its selection of jets differs"):
        ImageCollection([tmp_path / "1.h5", tmp_path / "2.h5"])


def test_jet_columns_of_the_specification_are_read_with_h5py_alone(ntuples, tmp_path):
    convert_ntuple(ntuples[0], tmp_path / "a.h5", recipe(), sample=PLAIN)
    with h5py.File(tmp_path / "a.h5") as file:
        n_jets = len(file["events/pt"])
        assert json.loads(file.attrs["jet_cut_flow"]) == [["leading jets", n_jets, n_jets]]
        assert "jet_selection" not in file.attrs


def configuration(**changes):
    return Configuration.of_layers([TAGGING, {"samples": tagging_samples()}, changes])


def test_configuration_of_jets_gives_the_recipe():
    found = configuration(
        images={"jets": {"grid": [16, 16], "per_event": 2, "variables": ["width"]}}
    )
    analysis = Analysis(found)
    made = image_recipe(parameters.image_recipe(analysis), {"fractions": [0.5, 0.2, 0.3]})
    top = JET_RECIPES["top"]
    assert made.jets == JetImageRecipe(**{**vars(top), "grid": JetGrid(16, 16, 1.6)})
    assert (made.jets_per_event, made.jet_selection) == (2, CUTS)
    assert made.jet_variables == ("width",)
    # what images of events have as a default would find no jets here
    assert (dict(made.preselection), made.content) == ({}, None)
    assert analysis.is_tagging
    job = parameters.image_job(analysis, "top", "0000")["sample"]
    assert (job["label"], job["classes"]) == (1, ["qcd", "top"])
    assert job["cross_section_required"] is False


def test_preselection_and_event_content_stay_where_they_are_named():
    found = configuration(selection={"preselection": {"two": "n_fat_jets >= 2"}}, event_content={})
    assert found.selection.preselection == {"two": "n_fat_jets >= 2"}
    assert found.event_content is not None
    assert Configuration.of_layers([{}]).event_content is not None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"images": {"jets": {"recipe": "tops"}}},
            r"'images.jets.recipe': there is no recipe 'tops'; did you mean 'top'\?",
        ),
        (
            {"images": {"jets": {"recipe": {"centre": "centroid"}}}},
            r"'images.jets.recipe': there is no step 'centre'; did you mean 'center'\?",
        ),
        (
            {"images": {"jets": {"recipe": {"grid": [3, 3]}}}},
            "'grid' is a key of its own, images.jets.grid",
        ),
        (
            {"images": {"jets": {"recipe": {"flip": "left"}}}},
            "'images.jets': jet recipe: flip 'left' is unknown, choose from",
        ),
        (
            {"images": {"jets": {"selection": {"slim": "tau12 < 0.5"}}}},
            r"'images.jets.selection.slim': .* unknown variable 'tau12': did you mean tau",
        ),
        (
            {"images": {"jets": {"selection": {"slim": "mass"}}}},
            "'images.jets.selection.slim': .*must be a comparison",
        ),
        ({"images": {"grid": [32, 32]}}, "'images.grid': .*give images.jets.grid instead"),
        ({"images": {"kind": "event"}}, "'images.jets': .*give images.kind: jet"),
    ],
)
def test_what_is_wrong_about_jets_is_one_sentence(changes, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        configuration(**changes).check_names()
    assert "\n" not in str(caught.value)


def test_dry_run_of_a_tagger_asks_for_images_networks_and_scores(tmp_path):
    pytest.importorskip("snakemake")
    result = dry_run(tmp_path, TAGGING | {"samples": tagging_samples(), "images": {"kind": "jet"}})
    assert result.returncode == 0, result.stdout
    found = jobs(result)
    assert {"build_images", "train_network", "score_events"} <= set(found)
    assert not {"evaluate", "evaluate_reach", "evaluate_robustness", "write_hepdata"} & set(found)
