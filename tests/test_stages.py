"""Stages of the workflow on fake files: what each reads, computes and writes."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from fakes import make_columns, make_events, write_image_file, write_ntuple, write_two_samples
from fakes_models import make_trained
from fakes_runs import entry, start, write_attempts, write_outputs
from scipy.special import expit

from calovision import workflow
from calovision.conversion import ImageRecipe, Sample, Source, WeightOptions, convert_ntuple
from calovision.conversion.variations import Variation
from calovision.datasets import training_weights
from calovision.evaluation import score_shallow, split_indices
from calovision.evaluation.results import FittedBaselines
from calovision.images.grid import EtaPhiGrid
from calovision.jets import EventContent, FatJetDefinition
from calovision.models import save_model
from calovision.stages import (
    baselines,
    images,
    robustness,
    run_summary,
    scores,
    simulation,
    training,
)
from calovision.stages.arguments import Files, Options
from calovision.storage import (
    ImageCollection,
    ImageFile,
    read_score_columns,
    read_scores,
    write_file_list,
    write_score_table,
    write_scores,
)
from calovision.training import TrainingOptions
from calovision.workflow.rules import RULES


class Counter:
    """Sum of the events that a stage counts."""

    def __init__(self):
        self.total = 0

    def __call__(self, n_events):
        self.total += n_events


@pytest.fixture
def counter():
    return Counter()


@pytest.fixture
def collection(tmp_path):
    """60 events of each class, of which 36 train, 12 validate and 12 test."""
    paths = write_two_samples(tmp_path)
    write_file_list(tmp_path / "images.tsv", paths)
    return ImageCollection(paths)


# scripts, files and options


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "workflow/scripts").glob("*.py")), ids=lambda path: path.stem
)
def test_scripts_call_a_stage_and_hold_nothing_else(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 10
    assert not [line for line in lines if line.lstrip().startswith(("for ", "if ", "def "))]
    assert "calovision.stages" in path.read_text()


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_editing_a_stage_makes_the_results_of_its_rules_again(rule):
    """The digest of a rule's code covers the module of its stage."""
    script = REPOSITORY / "workflow/scripts" / rule.script_name
    stages = stages_of(script)
    assert stages
    assert stages <= set(rule.code)


SHARED = ("evaluation.compared", "report.hepdata_columns", "stages.collections")
"""Modules that decide results of some rules, below calovision."""


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_editing_what_its_modules_share_makes_the_results_of_a_rule_again(rule):
    source = REPOSITORY / "src/calovision"
    modules = [source / f"{name.replace('.', '/')}.py" for name in rule.code]
    imported = "".join(path.read_text() for path in modules if path.is_file())
    shared = [name for name in SHARED if f"from calovision.{name} import" in imported]
    if rule.name == "write_report":  # its module is that of write_hepdata, too
        shared.remove("evaluation.compared")
    assert not [name for name in shared if not {name, name.split(".")[0]} & set(rule.code)]


def stages_of(script):
    """Modules of stages that a script imports, below calovision."""
    found = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("calovision.stages"):
            path = node.module.removeprefix("calovision.")
            is_folder = (REPOSITORY / "src/calovision" / path.replace(".", "/")).is_dir()
            found |= {f"{path}.{one.name}" for one in node.names} if is_folder else {path}
    return found


def test_files_and_options_of_a_rule():
    @dataclass(frozen=True)
    class Some(Files):
        one: Path
        many: tuple[Path, ...]

    @dataclass(frozen=True)
    class Choices(Options):
        seed: int

    named = SimpleNamespace(one="a/b.h5", many=["c", "d"], further="e", code="0f", seed=3)
    assert Some.of(named) == Some(Path("a/b.h5"), (Path("c"), Path("d")))
    assert Choices.of(named) == Choices(3)
    with pytest.raises(AttributeError, match="seed"):
        Choices.of(SimpleNamespace(code="0f"))


# images


def recipe_of(**images_section):
    """The parameter ``recipe`` of the default configuration, with other keys of its images."""
    configuration = workflow.Configuration().to_dict()
    return {
        "images": configuration["images"] | images_section,
        "fat_jets": configuration["fat_jets"] | {"pt_min": 50.0},
        "event_content": None,
        "variation": None,
        "preselection": {"one jet": "n_fat_jets >= 1"},
        "seed": 5,
    }


def test_recipe_of_the_configuration():
    given = recipe_of(grid=[4, 8], eta_edges=[-2, -1, 0, 1, 2], channels=["et", "tracks"])
    given |= {"event_content": {"radius": 0.5}, "variation": {"scale": 1.03}}
    assert images.image_recipe(
        given, {"fractions": [0.5, 0.25, 0.25], "group": "a"}
    ) == ImageRecipe(
        grid=EtaPhiGrid(4, 8, (-2.5, 2.5), (-2, -1, 0, 1, 2)),
        channels=("et", "tracks"),
        fat_jets=FatJetDefinition(pt_min=50.0),
        content=EventContent(radius=0.5),
        variation=Variation(scale=1.03),
        preselection={"one jet": "n_fat_jets >= 1"},
        split_seed=5,
        split_fractions=(0.5, 0.25, 0.25),
        split_group="a",
    )
    plain = images.image_recipe(recipe_of(eta_edges=None), {"fractions": [0, 0, 1]})
    assert (plain.content, plain.variation, plain.split_group) == (None, None, None)
    assert plain.grid.eta_edges is None


def test_images_of_a_job_are_those_of_its_ntuple(tmp_path, counter):
    ntuple = write_ntuple(tmp_path / "a.root", *make_events(40, mean_towers=200))
    chunk = {"files": [str(ntuple)], "first": 0, "n_files": None, "entries": [40]}
    sample = {"label": 1, "schema": None, "tree": None, "cross_section_pb": 3.0}
    job = images.ImageJob.of(
        "rpv", {"chunk": chunk | {"entry_range": (10, 30)}, "sample": sample | {"weights": None}}
    )
    section = workflow.Configuration().to_dict()["images"]
    options = images.ImageFileOptions.of(section | {"compression": "none", "chunk_size": 7})
    assert options == images.ImageFileOptions(chunk_size=7, retries=section["remote_retries"])
    recipe = images.image_recipe(recipe_of(grid=[8, 8]), {"fractions": [0.6, 0.2, 0.2]})
    images.build_images(tmp_path / "a.h5", job, recipe, options, count=counter)
    assert counter.total == 20
    convert_ntuple(
        Source(ntuple, entry_range=(10, 30)),
        tmp_path / "b.h5",
        recipe,
        sample=Sample("rpv", 1, cross_section_pb=3.0),
    )
    built, expected = ImageFile(tmp_path / "a.h5"), ImageFile(tmp_path / "b.h5")
    assert len(built) == len(expected) > 0
    assert built.metadata == expected.metadata
    np.testing.assert_array_equal(built.dense(range(len(built))), expected.dense(range(len(built))))


def test_meaning_of_the_weights_of_a_job():
    chunk = dict.fromkeys(("files", "first", "n_files", "entries", "entry_range"))
    sample = {"label": 0, "schema": "delphes", "tree": "t", "cross_section_pb": None}
    weights = {"index": 2, "n_generated": 100}
    job = images.ImageJob.of("qcd", {"chunk": chunk, "sample": sample | {"weights": weights}})
    assert job.sample == Sample("qcd", 0, weights=WeightOptions(index=2, n_generated=100))
    assert (job.schema, job.tree) == ("delphes", "t")
    section = workflow.Configuration().to_dict()["images"] | {"compression": "blosc2"}
    assert images.ImageFileOptions.of(section).compression == "blosc2"


# simulation


def test_simulated_events_of_a_job(tmp_path, monkeypatch, counter):
    calls = []
    monkeypatch.setattr(
        simulation, "write_ntuple", lambda *files, **options: calls.append((*files, options))
    )
    job = simulation.SimulationJob("qcd", 250, 500, {"pt_hat_min": 400, "pile_up": 20})
    simulation.simulate_ntuples(tmp_path / "a.root", job, sample="qcd", seed=3, count=counter)
    options = {"n_events": 250, "first_event_number": 500, "pt_hat_min": 400, "pile_up": 20}
    seed = simulation.derive_seed(3, "qcd")
    assert calls == [(tmp_path / "a.root", "qcd", options | {"seed": seed})]
    assert seed != simulation.derive_seed(3, "rpv") != simulation.derive_seed(4, "rpv")
    assert counter.total == 250


# training and scores


def test_options_of_a_training():
    configuration = {
        "train": {"checkpoint_minutes": 5.0, "epochs": 3},
        "models": {"cnn": {}, "wide": {"checkpoint_minutes": 1.0}},
    }
    options = {"network": "hep_cnn", "epochs": 7}
    for model, minutes in (("cnn", 5.0), ("wide", 1.0)):
        assert training.training_options(
            options, configuration, model=model, seed="12"
        ) == TrainingOptions(network="hep_cnn", epochs=7, checkpoint_minutes=minutes, seed=12)


@pytest.mark.parametrize("is_resumed", [False, True])
def test_events_of_all_epochs_are_counted_unless_a_training_goes_on(
    tmp_path, monkeypatch, collection, counter, is_resumed
):
    calls = []

    def train_network(given, folder, options, **choices):
        calls.append((len(given), options, choices))
        (folder / "model.json").write_text('{"training": {"epochs": 4, "n_training": 72}}')

    monkeypatch.setattr(training, "train_network", train_network)
    model = tmp_path / "cnn/model.json"
    (model.parent / ("resume" if is_resumed else ".")).mkdir(parents=True)
    options = TrainingOptions(epochs=9)
    training.train(
        tmp_path / "images.tsv", model, options, luminosity_fb=36.1, threads=1, count=counter
    )
    assert calls == [
        (120, options, {"luminosity_fb": 36.1, "folds": None, "fold": None, "progress_bar": False})
    ]
    assert counter.total == (0 if is_resumed else 4 * 72)


def logits(model, collection, indices):
    with torch.no_grad():
        return model(torch.from_numpy(collection.dense(indices))).numpy().astype(np.float64)


@pytest.fixture
def networks(tmp_path):
    """Two networks and their files."""
    found = {}
    for seed in (1, 2):
        model = make_trained(seed=seed)
        save_model(tmp_path / f"seed{seed}", model)
        found[tmp_path / f"seed{seed}/model.json"] = model
    return found


def test_scores_of_a_network_for_the_events_that_it_has_not_seen(
    tmp_path, collection, networks, counter
):
    path, model = next(iter(networks.items()))
    options = scores.ScoringOptions(device="cpu", n_rotations=0, precision="fp32")
    scores.score_events(
        tmp_path / "images.tsv", path, tmp_path / "scores.h5", options, count=counter
    )
    indices = split_indices(collection, "validation", "test")
    found = read_scores(tmp_path / "scores.h5", collection, indices)
    assert counter.total == len(indices) == 48
    assert found == pytest.approx(logits(model, collection, indices), rel=1e-5, abs=1e-6)


def test_scores_of_an_ensemble_are_the_mean_of_its_networks(
    tmp_path, collection, networks, counter
):
    options = scores.ScoringOptions(device="cpu")
    files = [file.path for file in collection.files]
    scores.score_ensemble(files, list(networks), tmp_path / "mean.h5", options, count=counter)
    indices = split_indices(collection, "test")
    found = read_scores(tmp_path / "mean.h5", collection, indices)
    outputs = [expit(logits(model, collection, indices)) for model in networks.values()]
    assert counter.total == len(indices) == 24
    assert expit(found) == pytest.approx(np.mean(outputs, axis=0), rel=1e-5)


@pytest.mark.parametrize("weights", ["balanced", "raw"])
def test_baselines_are_fitted_with_the_weights_of_the_loss(tmp_path, counter, weights):
    paths = []
    for label, name, n in ((1, "rpv", 40), (0, "qcd", 80)):
        columns = make_columns(n, label=label, seed=label)
        columns["weight"] = np.random.default_rng(label).exponential(1.0, n)
        path = tmp_path / f"{name}.h5"
        paths.append(write_image_file(path, n, columns=columns, sample=name, label=label))
    write_file_list(tmp_path / "images.tsv", paths)
    collection = ImageCollection(paths)
    results = baselines.BaselineResults(tmp_path / "scores.h5", tmp_path / "chosen.json")
    name = "logistic_regression"
    options = baselines.BaselineOptions([name], 36.1, weights, seed=7)
    baselines.fit_baselines(tmp_path / "images.tsv", results, options, count=counter)
    expected = training_weights(collection.column("label"), collection.event_weights(36.1), weights)
    of_events, chosen = score_shallow(collection, [name], expected, seed=7)
    indices = split_indices(collection, "validation", "test")
    found = read_score_columns(results.scores, collection, indices, [name])
    assert found[name] == pytest.approx(of_events[name], rel=1e-9)
    assert FittedBaselines.read(results.chosen) == chosen
    assert counter.total == 120


# robustness


def test_efficiencies_of_thresholds_in_other_detectors(tmp_path, counter):
    """Scores 0, 1, 2, ...: the threshold keeps a quarter of the nominal background, and what is
    above it elsewhere is counted by hand."""
    n = 20
    files = {}
    for variation, shift in (("nominal", 0.0), ("scale_up", 2.0)):
        for label, name in ((1, "rpv"), (0, "qcd")):
            columns = make_columns(n, label=label) | {"split": np.full(n, 2, dtype=np.uint8)}
            columns["mj_sum"] = np.arange(n) * 10.0 + 10 * shift
            path = tmp_path / f"{variation}_{name}.h5"
            write_image_file(path, n, columns=columns, sample=name, label=label)
            files.setdefault(variation, []).append(path)
    test = {"label": np.repeat([1, 0], n).astype(np.int8), "weight": np.ones(2 * n)}
    test["cnn"] = np.concatenate([np.arange(n) + 10.0, np.arange(n)])
    write_score_table(tmp_path / "test.h5", test)
    of_scores = []
    for variation, shift in (("nominal", 0.0), ("scale_up", 2.0)):
        collection = ImageCollection(files[variation])
        of_scores.append(tmp_path / f"{variation}_scores.h5")
        write_scores(of_scores[-1], collection, np.arange(2 * n), test["cnn"] + shift)
    results = robustness.RobustnessResults(tmp_path / "r.json", tmp_path / "r.md")
    robustness.evaluate_robustness(
        robustness.RobustnessFiles(
            tmp_path / "test.h5", tuple(files["nominal"] + files["scale_up"]), tuple(of_scores)
        ),
        results,
        robustness.RobustnessOptions(
            ["nominal", "scale_up"], ["one"], "one", 36.1, "mj_sum >= 95", 0.25
        ),
        count=counter,
    )
    found = json.loads(results.numbers.read_text())
    assert counter.total == 4 * n
    assert found["background_efficiency"] == 0.25
    assert 14 < found["thresholds"]["one"] <= 15
    values = {
        variation: {
            name: (of["signal"]["value"], of["background"]["value"]) for name, of in one.items()
        }
        for variation, one in found["variations"].items()
    }
    assert values == {
        "nominal": {"signal_region": (0.5, 0.5), "one": (0.75, 0.25)},
        "scale_up": {"signal_region": (0.6, 0.6), "one": (0.85, 0.35)},
    }
    assert "| scale_up | one |" in results.table.read_text()


# the run


def test_summary_of_a_run(tmp_path):
    job = entry("build_images", "0000", folder=tmp_path, outputs=["a.h5"], is_needed=False)
    start(tmp_path, [job])
    write_attempts(job, (100.0, 110.0, True, {"n_events": 500, "cpu_s": 8.0}))
    write_outputs(job)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "plots").mkdir()
    results = run_summary.RunSummaryResults(
        tmp_path / "metrics/run_summary.json",
        tmp_path / "metrics/run_summary.md",
    )
    figure = tmp_path / "plots/run_summary.png"
    run_summary.write_run_summary(results, {"run_summary": figure})
    found = json.loads(results.numbers.read_text())
    assert found["run"]["jobs"] == 1
    assert found["stages"]["build_images"]["events"] == 500
    assert "build_images" in results.table.read_text()
    assert figure.stat().st_size > 1000
    assert figure.with_suffix(".pdf").exists()
