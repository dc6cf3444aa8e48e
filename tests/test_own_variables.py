"""Variables of one's own, against values that plain uproot and numpy give."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_models import make_trained
from fakes_ntuples import write_file

from calovision.conversion import ImageRecipe, Sample, Source, convert_job
from calovision.conversion.variables import tabulate_variables
from calovision.core.errors import InputError
from calovision.datasets import load_variables
from calovision.images.grid import EtaPhiGrid
from calovision.jets import FatJetDefinition
from calovision.jets.variables import own_variable
from calovision.models import ScalingStatistics, save_model
from calovision.scoring import score_collection
from calovision.stages.scores import ScoringOptions, score_application
from calovision.storage import ImageCollection, ImageFile
from calovision.workflow import Configuration, parameters
from calovision.workflow.analysis import Analysis
from calovision.workflow.listing import PlannedJob, list_jobs
from calovision.workflow.variables import check_varied

SCHEMA = """
tree: events
towers: {eta: tower_eta, phi: tower_phi, e: tower_e}
jets: {pt: jet_pt, eta: jet_eta, phi: jet_phi, mass: jet_mass, cut: jet_pt > 100}
"""


def write_events(path, n, seed):
    """Events with 0 to 6 fat jets, unsorted, of which one in two passes the cut of the schema."""
    rng = np.random.default_rng(seed)
    n_jets = rng.integers(0, 7, n)
    n_jets[:2] = 0, 6

    def lists(counts, low, high):
        return ak.unflatten(rng.uniform(low, high, int(counts.sum())).astype(np.float32), counts)

    n_towers = rng.integers(1, 4, n)
    return write_file(
        path,
        events={
            "tower_eta": lists(n_towers, -2, 2),
            "tower_phi": lists(n_towers, -3, 3),
            "tower_e": lists(n_towers, 1, 50),
            "jet_pt": lists(n_jets, 50, 300),
            "jet_eta": lists(n_jets, -3, 3),
            "jet_phi": lists(n_jets, -3, 3),
            "jet_mass": lists(n_jets, 1, 9),
            "jet_tag": lists(n_jets, 0, 1),
            "met": rng.uniform(0, 100, n).astype(np.float32),
            "run": rng.integers(1, 9, n),
            "one": ak.unflatten(rng.uniform(0, 1, n), np.ones(n, dtype=int)),
        },
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.yaml").write_text(SCHEMA)
    return [write_events(folder / f"{k}.root", 40, k) for k in range(2)]


@pytest.fixture(scope="module")
def source(files):
    return Source(files, schema=files[0].parent / "mine.yaml", chunk_size=7)


SAMPLE = Sample("a", 1, cross_section_pb=1.0)
OWN = {
    "met": own_variable("met", "met / 2"),
    "tag": own_variable("tag", "jet_tag + 1", per="fat_jet"),
    "met_over_ht": own_variable("met_over_ht", formula="met / (ht + 1)"),
    "tag_pt": own_variable("tag_pt", formula="tag * met", per="fat_jet"),
    "chain": own_variable("chain", formula="met_over_ht + tag[0] + tag_pt[1]"),
}
BRANCHES = {name: one for name, one in OWN.items() if one.branch}


def recipe(**changes):
    jets = FatJetDefinition(pt_min=120, eta_max=2.5)
    return ImageRecipe(EtaPhiGrid(8, 8), ("energy",), jets, cluster_jets=False, **changes)


def expected(files):
    """The variables, event by event in plain Python."""
    rows = []
    for path in files:
        with uproot.open(path) as file:
            events = file["events"].arrays(library="np")
        for k, met in enumerate(events["met"]):
            names = ("jet_pt", "jet_eta", "jet_tag")
            jets = list(zip(*(events[name][k].astype(float) for name in names), strict=True))
            kept = sorted((j for j in jets if j[0] > 120 and abs(j[1]) < 2.5), reverse=True)
            met = float(met) / 2
            tags = [j[2] + 1 for j in kept[:5]] + [0.0] * (5 - len(kept[:5]))
            ratio = met / (sum(j[0] for j in kept) + 1)
            of_jets = [tag * met for tag in tags]
            rows.append((k, met, tags, ratio, of_jets, ratio + tags[0] + of_jets[1], len(kept)))
    names = ("entry", "met", "tag", "met_over_ht", "tag_pt", "chain", "n_fat_jets")
    return {name: np.array(of) for name, of in zip(names, zip(*rows, strict=True), strict=True)}


def test_variables_are_columns_of_images_and_cuts_use_them(files, source, tmp_path):
    made = recipe(variables=OWN, preselection={"tagged": "chain > 20", "jets": "n_fat_jets >= 2"})
    metadata = convert_job(source, tmp_path / "a.h5", made, sample=SAMPLE)
    wanted = expected(files)
    passed = (wanted["chain"] > 20) & (wanted["n_fat_jets"] >= 2)
    assert 5 < passed.sum() < 75
    found = ImageFile(tmp_path / "a.h5")
    for name, values in wanted.items():
        np.testing.assert_allclose(found.events[name], values[passed], rtol=1e-6)
    assert metadata.source_rows == [passed[:40].sum(), passed[40:].sum()]
    assert found.metadata.source_rows == metadata.source_rows
    assert ImageRecipe.from_dict(made.to_dict()).to_dict() == made.to_dict()


@pytest.fixture(scope="module")
def collection(source, tmp_path_factory):
    """Images without variables, with a table of them beside."""
    folder = tmp_path_factory.mktemp("tables")
    made = recipe(preselection={"jets": "n_fat_jets >= 2"})
    convert_job(source, folder / "a.h5", made, sample=SAMPLE)
    tabulate_variables(source, folder / "a.h5", folder / "t.h5", recipe(variables=BRANCHES))
    return ImageCollection([folder / "a.h5"], variables=OWN, tables=[folder / "t.h5"])


def test_tables_beside_image_files_hold_the_same(files, collection):
    wanted = expected(files)
    passed = wanted["n_fat_jets"] >= 2
    for name in OWN:
        np.testing.assert_allclose(collection.column(name), wanted[name][passed], rtol=1e-6)
    assert collection.column("tag").shape == (passed.sum(), 5)


def test_models_carry_variables_of_tables_to_files_that_only_get_scores(
    files, collection, tmp_path
):
    """A model whose training had them from tables scores a ROOT file, as samples with the role
    application do."""
    statistics = ScalingStatistics(variable_mean=np.full(6, 20.0), variable_std=np.full(6, 15.0))
    model = make_trained(
        (1, 8, 8), channels=("energy",), units=("GeV",), variables=("chain", "tag"),
        n_variables=6, statistics=statistics,
    )  # fmt: skip
    save_model(tmp_path / "seed1", model, recipe=collection.recipe)
    job = {"file": str(files[1]), "schema": None, "tree": None, "retries": 0}
    paths = [tmp_path / "seed1/model.json"]
    score_application(job, paths, tmp_path / "s.root", ScoringOptions("cpu"))
    with uproot.open(tmp_path / "s.root") as file:
        found = file["calovision_scores"].arrays(library="np")
    first = collection.files[0].metadata.source_rows[0]
    of_file = np.arange(first, len(collection))
    logits = np.full(40, np.nan)
    logits[collection.column("entry")[of_file]] = score_collection(model, collection, of_file)
    assert 5 < np.isfinite(logits).sum() < 40
    assert found["logit"] == pytest.approx(logits, rel=1e-4, nan_ok=True)


def test_tables_of_other_events_are_refused(files, source, tmp_path):
    for name in "ab":
        cut = {"jets": f"n_fat_jets >= {'ab'.index(name)}"}
        one = Source(files[0], schema=source.schema)
        convert_job(one, tmp_path / f"{name}.h5", recipe(preselection=cut), sample=SAMPLE)
    made = recipe(variables=BRANCHES)
    tabulate_variables(one, tmp_path / "a.h5", tmp_path / "t.h5", made)
    other = ImageCollection([tmp_path / "b.h5"], variables=OWN, tables=[tmp_path / "t.h5"])
    with pytest.raises(InputError, match=r"t.h5: variables of other events than those of .*b.h5"):
        other.column("met")
    with pytest.raises(InputError, match=r"made of .*0.root, which is not given"):
        tabulate_variables(Source(files[1]), tmp_path / "a.h5", tmp_path / "u.h5", made)


@pytest.mark.parametrize(
    ("branch", "per", "sentence"),
    [
        ("mett", "event", r"0.root: variable 'x' \(mett\): .* no branch mett; did you mean met"),
        (
            "jet_pt",
            "event",
            r"'x': the branch jet_pt has no values in entry 0, .*jet_pt\[0\]",
        ),
        ("jet_pt[3]", "event", r"variable 'x': jet_pt\[3\] is beyond the 0 values"),
        ("met", "fat_jet", r"met holds 40 \* float32; it must hold one list|met .*one list"),
    ],
)
def test_branches_that_give_no_number_are_refused(files, source, tmp_path, branch, per, sentence):
    made = recipe(variables={"x": own_variable("x", branch, per=per)})
    one = Source(files[0], schema=source.schema)
    with pytest.raises(InputError, match=sentence):
        convert_job(one, tmp_path / "a.h5", made, sample=SAMPLE)
    assert not (tmp_path / "a.h5").exists()


def test_one_value_of_several_and_whole_numbers(files, source, tmp_path):
    texts = {
        "s": "sum(jet_pt)",
        "first": "sum(jet_pt[0:1])",
        "one": "one",
        "run": "run",
        "big": "met > 50",
    }
    one = Source(files[0], schema=source.schema)
    convert_job(one, tmp_path / "a.h5", recipe(variables=texts), sample=SAMPLE)
    with uproot.open(files[0]) as file:
        events = file["events"].arrays()
    found = ImageFile(tmp_path / "a.h5").events
    np.testing.assert_allclose(found["s"], ak.sum(events.jet_pt, axis=1), rtol=1e-5)
    np.testing.assert_allclose(found["first"], ak.sum(events.jet_pt[:, :1], axis=1))
    assert found["one"].tolist() == events.one[:, 0].tolist()
    assert found["run"].tolist() == events.run.tolist()
    assert found["big"].tolist() == (events.met > 50).tolist()


REFUSED = [
    ({"selection": {"signal_region": "met > 200"}}, "unknown variable 'met'.* section variables"),
    ({"selection": {"signal_region": "n_fatjets > 2"}}, "did you mean n_fat_jets"),
    ({"train": {"variables": ["label"]}}, "models.cnn.variables': there is no variable 'label'"),
    ({"baseline_variables": ["htt"]}, "baseline_variables': .*'htt'; did you mean 'ht'"),
    ({"variables": {"ht": {"branch": "x"}}}, "variables.ht': this name is taken"),
    (
        {"variables": {"d2": {"branch": "x"}}, "images": {"kind": "jet"}},
        "variables.d2': this name is taken",
    ),
    ({"variables": {"a": {"branch": "x", "formula": "ht"}}}, "either 'branch' or 'formula'"),
    ({"variables": {"a": {"formula": "mj_summ / ht"}}}, "'mj_summ'; did you mean 'mj_sum'"),
    (
        {"variables": {"a": {"formula": "b + 1"}, "b": {"formula": "a"}}},
        "variables.a': .*needs itself .*a -> b -> a",
    ),
    ({"variables": {"a": {"branch": "x ++"}}}, "variables.a': variable 'a': the expression"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_configurations_are_refused_before_the_run(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        Configuration.of_layers([changes]).check_names()


def test_what_each_purpose_has_of_them():
    own = {
        "met": {"branch": "met", "title": "MET", "unit": "GeV"},
        "ratio": {"formula": "met / ht"},
        "curve": {"branch": "x"},
    }
    changes = {"variables": own, "train": {"variables": ["ratio"]}, "baselines": ["mlp"]}
    found = Analysis(Configuration.of_layers([changes]))
    found.configuration.check_names()
    assert found.variables["met"].axis_title == "MET [GeV]"
    assert list(found.variables)[-3:] == ["met", "ratio", "curve"]
    titles = {"met": "MET [GeV]", "ratio": "ratio", "curve": "curve"}
    assert parameters.titles_of_variables(found) == titles
    assert found.purposes == ["comparison", "input_of_cnn"]
    lists = [str(one) for one in found.variable_lists("comparison")]
    job = PlannedJob("evaluate", {}, "log", "benchmark", lists, [], is_needed=True)
    (listed,) = list_jobs(found, [job], Path("programs"))
    tables = found.variable_files("comparison", *found.training_samples)
    assert tables
    assert listed["inputs"] == [*lists, *map(str, tables)]
    assert list(found.tabulated_variables("comparison")) == ["met", "curve"]
    assert list(found.tabulated_variables("input_of_cnn")) == ["met"]
    assert parameters.image_recipe(found)["variables"] == {}
    cut = {**changes, "selection": {"preselection": {"a": "ratio > 1"}}}
    found = Analysis(Configuration.of_layers([cut]))
    assert list(parameters.image_recipe(found)["variables"]) == ["met", "ratio"]
    assert found.purposes == ["comparison"]


def test_branches_are_looked_for_before_any_job(files, source):
    samples = {
        name: {
            "label": label,
            "cross_section_pb": 1.0,
            "files": [str(files[label])],
            "schema": str(source.schema),
        }
        for name, label in (("signal", 1), ("background", 0))
    }
    changes = {"samples": samples, "variables": {"x": {"branch": "mett"}}}
    with pytest.raises(InputError, match=r"'variables': .*1.root: variable 'x' .*did you mean met"):
        Analysis(Configuration.of_layers([changes])).look_for_files()
    changes["variables"] = {"x": {"branch": "met"}, "tag": {"branch": "jet_tag", "per": "fat_jet"}}
    Analysis(Configuration.of_layers([changes])).look_for_files()


def test_data_need_no_branch_that_only_the_comparison_has(files, source, tmp_path):
    """But those of the cuts, and of the model that scores them."""
    data = write_file(tmp_path / "data.root", events=files_without(files[0], "met"))
    made = {"label": 1, "simulate": {"process": "qcd", "n_events": 5}}
    samples = {"signal": made, "background": {**made, "label": 0}}
    samples["data"] = {"role": "application", "files": [str(data)], "schema": str(source.schema)}
    changes = {"samples": samples, "variables": {"x": {"branch": "met"}}}
    Analysis(Configuration.of_layers([changes])).look_for_files()
    for needs in (
        {"selection": {"preselection": {"cut": "x > 1"}}},
        {"train": {"variables": ["x"]}},
    ):
        with pytest.raises(InputError, match=r"data.root: variable 'x'"):
            Analysis(Configuration.of_layers([changes | needs])).look_for_files()


def files_without(path, name):
    """Branches of the events of a file but one."""
    with uproot.open(path) as file:
        arrays = file["events"].arrays()
    return {one: arrays[one] for one in arrays.fields if one not in (name, f"n{name}")}


def test_variables_of_jets_need_jets_of_the_file(files):
    schema = files[0].parent / "no_jets.yaml"
    schema.write_text("\n".join(SCHEMA.splitlines()[:3]))
    data = {"role": "application", "files": [str(files[0])], "schema": str(schema)}
    own = {"tag": {"branch": "jet_tag", "per": "fat_jet"}}
    samples = Configuration().to_dict()["samples"] | {"data": data}
    changes = {"samples": samples, "variables": own, "train": {"variables": ["tag"]}}
    with pytest.raises(InputError, match=r"'variables': .*0.root: the variable 'tag' is one of"):
        Analysis(Configuration.of_layers([changes])).look_for_files()


def test_variables_of_jets_are_none_of_another_detector():
    own = {"tag": own_variable("tag", "jet_tag", per="fat_jet")}
    check_varied(own, {"nominal": {}, "small": {"groomed": True}})
    check_varied({"met": OWN["met"]}, {"scaled": {"scale": 1.1}})
    with pytest.raises(InputError, match=r"variations.scaled': the variable 'tag' is one of each"):
        check_varied(own, {"nominal": {}, "scaled": {"scale": 1.1}})


def test_nan_fails_cuts_and_networks_refuse_it(files, source, tmp_path):
    """sqrt(met - 50) is NaN below 50, whichever side of a cut is asked for."""
    one = Source(files[0], schema=source.schema)
    own = {"root": "sqrt(met - 50)"}
    cuts = {"low": "root <= 4", "high": "root > 4"}
    with uproot.open(files[0]) as file:
        met = file["events/met"].array(library="np").astype(float)
    for name, cut in cuts.items():
        made = recipe(variables=own, preselection={name: cut})
        convert_job(one, tmp_path / f"{name}.h5", made, sample=SAMPLE)
    passed = [ImageFile(tmp_path / f"{name}.h5").events["entry"].tolist() for name in cuts]
    assert passed[0] == np.flatnonzero((met >= 50) & (met <= 66)).tolist()
    assert passed[1] == np.flatnonzero(met > 66).tolist()
    convert_job(one, tmp_path / "all.h5", recipe(variables=own), sample=SAMPLE)
    collection = ImageCollection([tmp_path / "all.h5"])
    assert np.isnan(collection.column("root")).tolist() == (met < 50).tolist()
    with pytest.raises(InputError, match=f"'root' is not finite for {(met < 50).sum()} of 40"):
        load_variables(collection, range(40), ["root"])
