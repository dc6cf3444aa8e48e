"""What a configuration makes of a run: samples, chunks, models, variations, resources, parameters
of jobs. No Snakemake is started."""

import os
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY
from dry_runs import reach_samples, samples
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.workflow import Configuration, parameters
from calovision.workflow.analysis import Analysis
from calovision.workflow.chunks import (
    EVENTS_PER_BATCH,
    Chunk,
    count_simulation_jobs,
    cut_sample,
    has_shared_counts,
    simulation_edges,
)
from calovision.workflow.folds import check_folds
from calovision.workflow.layers import parse_texts
from calovision.workflow.listing import PlannedJob, is_whole_run, list_jobs
from calovision.workflow.results import Results, fill
from calovision.workflow.rules import RULES, Rule
from calovision.workflow.sources import package_digest

CONFIG = REPOSITORY / "config"
CROWDED = {"worse": {"smear": 0.3}, "crowded": {"pile_up": 30, "groomed": True}}


def analysis_of(*layers: dict, **options: bool) -> Analysis:
    """Facts of a run with the keys of layers, which the command line might give."""
    parsed = [parse_texts(layer, Configuration) for layer in layers]
    return Analysis(Configuration.of_layers(parsed), **options)


def files(**of_samples: list[str]) -> dict:
    """Samples that are read from files: the first is the signal."""
    return {
        "samples": {
            name: {"label": int(number == 0), "files": list(map(str, paths))}
            for number, (name, paths) in enumerate(of_samples.items())
        },
        "robustness": {"variations": {}},
    }


class Wildcards(dict):
    """Wildcards of a job as Snakemake has them."""

    def __getattr__(self, name: str) -> str:
        return self[name]


# -- chunks ---------------------------------------------------------------------------------------


@given(
    n_events=st.integers(1, 10**5),
    events_per_job=st.integers(EVENTS_PER_BATCH, 10**4),
)
def test_jobs_of_the_simulation_are_whole_batches(n_events: int, events_per_job: int) -> None:
    edges = simulation_edges(n_events, events_per_job)
    assert (edges[0], edges[-1]) == (0, n_events)
    assert all(edge % EVENTS_PER_BATCH == 0 for edge in edges[:-1])
    sizes = [end - first for first, end in pairwise(edges)]
    assert 0 < min(sizes) <= max(sizes) <= events_per_job
    assert len(sizes) == count_simulation_jobs(n_events, events_per_job)


def test_jobs_of_the_simulation_share_the_events_evenly() -> None:
    assert simulation_edges(5001, 2500) == (0, 1750, 3500, 5001)  # 21 batches, at most 10 a job
    assert simulation_edges(5, 2500) == (0, 5)


def test_number_of_jobs_of_the_simulation_below_a_batch() -> None:
    """Less than a batch of 250 cannot be simulated apart."""
    assert count_simulation_jobs(1000, 100) == 4


def test_chunks_are_files_parts_of_files_or_files_that_follow_each_other() -> None:
    names = ["a.root", "b.root", "c.root"]
    by_file = cut_sample(names)
    assert list(by_file) == ["0000", "0001", "0002"]
    assert by_file["0001"] == Chunk(["b.root"], 1, None, [None], None)
    cut = cut_sample(names, [20, 3, 4], 10, n_files=3)
    assert list(cut.values()) == [
        Chunk(["a.root"], 0, 3, [20], (0, 10)),
        Chunk(["a.root"], 0, 3, [20], (10, None)),
        Chunk(["b.root", "c.root"], 1, 3, [3, 4], None),
    ]
    unsure = cut_sample(names, [20, 3, 4], 10, are_counted=False)
    assert [chunk.entries for chunk in unsure.values()] == [[None], [None], [None, None]]


def test_files_that_a_job_waits_for() -> None:
    chunk = Chunk(
        ["a.root", "b.root:events", "root://host//c.root", "d.rootx"], 0, 4, [None] * 4, None
    )
    assert chunk.local_files() == ["a.root", "b.root", "d.rootx"]
    assert chunk.in_folder(Path("x")).files == [
        "x/a.root",
        "x/b.root:events",
        "x/c.root",
        "x/d.rootx",
    ]
    assert chunk.to_parameter() == {
        "files": chunk.files,
        "first": 0,
        "n_files": 4,
        "entries": [None] * 4,
        "entry_range": None,
    }


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (None, False),
        ({}, False),
        ({"n_generated": 10}, True),
        ({"sum_of_weights": 1.5}, True),
        ({"n_generated": "cutflow[0]"}, False),  # of each file
        ({"weight_max": 3}, False),
    ],
)
def test_numbers_of_all_files_are_shared(weights: dict | None, expected: bool) -> None:
    assert has_shared_counts(weights) == expected


# -- samples --------------------------------------------------------------------------------------


def test_files_and_chunks_of_a_simulated_analysis() -> None:
    changes = {"simulation": {"events_per_job": 2500}, "results_dir": "out"}
    analysis = analysis_of(samples(simulate={"process": "qcd", "n_events": 5001}), changes)
    assert analysis.simulated_samples == ["signal", "background"]
    assert analysis.ntuples == {
        "signal": {"out/ntuples/signal/0000.root": 5},
        "background": {
            "out/ntuples/background/0000.root": 1750,
            "out/ntuples/background/0001.root": 1750,
            "out/ntuples/background/0002.root": 1501,
        },
    }
    assert list(map(str, analysis.image_files("background", "signal"))) == [
        "out/images/background/0000.h5",
        "out/images/background/0001.h5",
        "out/images/background/0002.h5",
        "out/images/signal/0000.h5",
    ]
    # the first file of two samples, nominal and in two variations
    assert len(analysis.varied_image_files(*analysis.variations)) == 6
    assert len(analysis.varied_score_files()) == 3
    jobs = [
        parameters.simulation_job(analysis, "background", f"{number:04d}") for number in range(3)
    ]
    assert [(job["n_events"], job["first_event_number"]) for job in jobs] == [
        (1750, 0),
        (1750, 1750),
        (1501, 3500),
    ]
    assert jobs[0]["process"] == "qcd"
    assert jobs[0]["options"] == {"batch_size": EVENTS_PER_BATCH}


def test_filter_of_a_simulation_may_keep_fewer_events_than_are_cut() -> None:
    """Chunks of simulated files go by their number of generated events, and rely on none."""
    analysis = analysis_of(
        samples(simulate={"process": "qcd", "n_events": 750}),
        {"simulation": {"events_per_job": 250}, "images": {"events_per_job": 500}},
    )
    chunks = analysis.chunks["background"].values()
    assert [len(chunk.files) for chunk in chunks] == [2, 1]
    assert {entries for chunk in chunks for entries in chunk.entries} == {None}


def test_own_files_replace_the_example_and_need_no_simulation(tmp_path: Path) -> None:
    for name in ("a1.root", "a2.root", "b.root"):
        (tmp_path / name).touch()
    analysis = analysis_of(
        files(a=[tmp_path / "a*.root", tmp_path / "a1.root"], b=[tmp_path / "b.root"])
    )
    analysis.look_for_files()
    assert analysis.simulated_samples == []
    assert {name: len(chunks) for name, chunks in analysis.chunks.items()} == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("nowhere/a.root", "nowhere/a.root: no such file; give files that exist"),
        ("none*.root", r"none\*.root stands for no file; give a wildcard that"),
    ],
)
def test_files_that_are_not_there_are_named(given: str, sentence: str) -> None:
    analysis = analysis_of(files(a=[given], b=["b.root"]))
    with pytest.raises(InputError, match=f"^configuration key 'samples.a.files': {sentence}"):
        analysis.look_for_files()


def test_more_folds_than_events_are_refused_where_these_are_known(tmp_path: Path) -> None:
    """Of simulated samples, and of lists of files with their entries."""
    sentence = "'split.folds': 4 folds, but the samples have only 3 events of background; give"
    few = samples(simulate={"process": "qcd", "n_events": 3}) | {"split": {"folds": 4}}
    with pytest.raises(InputError, match=sentence):
        analysis_of(few).look_for_files()
    analysis_of(few | {"split": {"folds": 3}}).look_for_files()
    for number in range(4):
        (tmp_path / f"{number}.root").touch()
    (tmp_path / "b.txt").write_text("2.root 2\n3.root 1\n")
    listed = files(a=[tmp_path / "0.root", tmp_path / "1.root"], b=[tmp_path / "b.txt"])
    with pytest.raises(InputError, match=sentence):
        analysis_of(listed | {"split": {"folds": 4}}).look_for_files()
    (tmp_path / "b.txt").write_text("2.root 2\n3.root\n")  # one is not known
    analysis_of(listed | {"split": {"folds": 4}}).look_for_files()
    one = SimpleNamespace(is_trained=True, label=1)  # with image files in place of ROOT files
    check_folds(4, {"a": one}, {"a": {}}, {})
    of_rows = SimpleNamespace(is_trained=True, label={"x": "pt > 1", "y": "pt < 1"})
    check_folds(4, {"a": of_rows}, {"a": {"a.root": 2}}, {"x": None, "y": None})


def test_a_file_in_two_samples_is_refused_unless_they_are_one_group(tmp_path: Path) -> None:
    """However its path is written; samples of one group have it among the parameters of their
    jobs."""
    (tmp_path / "a.root").touch()
    (tmp_path / "link.root").symlink_to(tmp_path / "a.root")
    shared = files(a=[tmp_path / "a.root"], b=[tmp_path / "link.root"])
    for groups in ((None, None), ("common", None), ("common", "other")):
        for sample, group in zip(shared["samples"].values(), groups, strict=True):
            sample.update({"split_group": group} if group else {})
        with pytest.raises(InputError, match="share a ROOT file") as error:
            analysis_of(shared).look_for_files()
        assert str(error.value).startswith("configuration key 'samples': the samples a and b share")
        assert "or both the same split_group if it is meant" in str(error.value)
        analysis_of(shared, is_main=False).look_for_files()  # a job does not look again
    shared["samples"]["b"]["split_group"] = "common"
    analysis = analysis_of(shared)
    analysis.look_for_files()
    assert parameters.image_job(analysis, "b", "0000")["split"] == {
        "fractions": [0.5, 0.15, 0.35],
        "group": "common",
    }


def test_titles_and_classes() -> None:
    titled = samples(title="QCD")
    analysis = analysis_of(titled)
    assert analysis.titles == {"signal": "signal", "background": "QCD"}
    assert analysis.class_names == {1: "signal", 0: "QCD"}
    more = {"label": 0, "simulate": {"process": "qcd", "n_events": 5}}
    titled["samples"]["top"] = more
    analysis = analysis_of(titled)
    assert analysis.class_names == {1: "signal", 0: "Background"}
    assert analysis.titles_of_label(0) == ["QCD", "top"]


def test_signals_of_the_reach_train_nothing() -> None:
    analysis = analysis_of(reach_samples(), {"results_dir": "out"})
    assert (analysis.training_samples, analysis.reach_samples) == (
        ["signal", "background"],
        ["other"],
    )
    assert analysis.training_titles == {"signal": "signal", "background": "background"}
    assert analysis.class_names[1] == "signal"
    assert set(analysis.varied_chunks) == {"signal", "background"}
    assert analysis.reach_score_files() == [Path("out/reach/other.h5")]
    splits = {
        name: parameters.image_job(analysis, name, "0000")["split"] for name in analysis.samples
    }
    assert splits["other"] == {"fractions": [0, 0, 1]}
    assert splits["signal"] == splits["background"] == {"fractions": [0.5, 0.15, 0.35]}
    assert parameters.signal_masses(analysis) == {"signal": 1400, "other": 1800}


def test_samples_of_the_application_are_neither_images_nor_signals() -> None:
    applied = {"label": 1, "role": "application", "simulate": {"process": "qcd", "n_events": 5001}}
    config = {"samples": reach_samples()["samples"] | {"data": applied}, "results_dir": "out"}
    config |= {"simulation": {"events_per_job": 2500}, "images": {"events_per_job": 10}}
    analysis = analysis_of(config)
    assert analysis.application_samples == ["data"]
    assert (analysis.training_samples, analysis.reach_samples) == (
        ["signal", "background"],
        ["other"],
    )
    assert set(analysis.chunks) == {"signal", "background", "other"}
    assert set(parameters.signal_masses(analysis)) == {"signal", "other"}
    assert analysis.titles_of_label(1) == ["signal"]
    assert analysis.application_files() == [
        Path(f"out/application/data/000{number}.root") for number in range(3)
    ]
    assert parameters.application_job(analysis, "data", "0002") == {
        "file": "out/ntuples/data/0002.root",
        "schema": None,
        "tree": None,
    }


# -- models ---------------------------------------------------------------------------------------


def test_a_network_per_model_and_seed() -> None:
    """Models of a later configuration replace those of the example; a model may have its own number
    of seeds."""
    models = {
        "wide": {"options": {"width": 32}},
        "deep": {"network": "resnet", "seeds": 1, "device": "cpu", "threads": 3},
    }
    train = {"seeds": 3, "device": "gpu", "n_devices": 2, "batch_size": 64}
    split = {"split": {"folds": None}, "results_dir": "out"}
    analysis = analysis_of({"seed": 7, "train": train, "models": models} | split)
    assert analysis.seeds == {"wide": [7, 8, 9], "deep": [7]}
    assert analysis.first_model == "wide"
    assert list(map(str, analysis.network_files(analysis.results.scores))) == [
        "out/scores/wide/seed7.h5",
        "out/scores/wide/seed8.h5",
        "out/scores/wide/seed9.h5",
        "out/scores/deep/seed7.h5",
    ]
    assert analysis.network_files(analysis.results.model, "deep") == [
        Path("out/models/deep/seed7/model.json")
    ]
    assert [parameters.n_gpus(analysis, name) for name in models] == [2, 0]
    assert parameters.reach_classifiers(analysis)[:3] == ["cnn", "cnn+jets", "deep"]
    threads = analysis.threads("train_network")
    assert threads(Wildcards(model="deep", seed="7")) == 3
    assert analysis.threads("score_reach_sample")(Wildcards(sample="x")) == threads(
        Wildcards(model="wide")
    )
    assert analysis.threads("fit_baselines")(Wildcards()) == 1


def test_auto_asks_a_farm_for_no_gpu() -> None:
    assert parameters.n_gpus(analysis_of({"train": {"device": "auto"}}), "cnn") == 0


def test_study_of_the_symmetry_trains_ten_networks() -> None:
    analysis = Analysis(Configuration.read([CONFIG / "symmetry.yaml"]))
    assert len(analysis.network_files(analysis.results.scores)) == 10
    assert sum(map(len, analysis.chunks.values())) == 5 + 36  # 2,000 events a job


def test_options_of_the_training_and_of_the_scores() -> None:
    train = {"weights": "log1p", "precision": "fp16", "test_rotations": 4, "epochs": 3}
    models = {"a": {}, "b": {"weights": "balanced", "precision": "bf16"}}
    analysis = analysis_of({"luminosity_fb": 100.0, "train": train, "models": models})
    options = parameters.training_options(analysis, "b")
    assert (options["weights"], options["precision"], options["epochs"]) == ("balanced", "bf16", 3)
    assert not {"seeds", "test_rotations", "threads", "checkpoint_minutes"} & set(options)
    scores = [parameters.scoring_options(analysis, name) for name in models]
    assert [one["precision"] for one in scores] == ["auto", "bf16"]
    assert [one["n_rotations"] for one in scores] == [4, 4]
    # 1/fb cancel within a class, but not in a logarithm
    seen = [
        parameters.loss_luminosity_fb(analysis, one.weights) for one in analysis.models.values()
    ]
    assert seen == [100.0, 36.1]


# -- variations -----------------------------------------------------------------------------------


def test_variations_have_the_first_files() -> None:
    analysis = analysis_of(
        samples(simulate={"process": "qcd", "n_events": 750, "pile_up": 5}),
        {"robustness": {"files": 2, "variations": CROWDED}, "simulation": {"events_per_job": 250}},
        {"results_dir": "out"},
    )
    assert list(analysis.variations) == ["nominal", "worse", "crowded"]
    assert analysis.pile_up_variations == ["crowded"]
    # the signal has one file, of the background's three two are built again
    assert {name: len(found) for name, found in analysis.varied_chunks.items()} == {
        "signal": 1,
        "background": 2,
    }
    assert list(map(str, analysis.varied_image_files("worse"))) == [
        f"out/variations/worse/images/{one}.h5"
        for one in ("signal/0000", "background/0000", "background/0001")
    ]
    read = {
        name: analysis.varied_chunk(name, "background", "0001").files
        for name in analysis.variations
    }
    assert read == {
        "nominal": ["out/ntuples/background/0001.root"],
        "worse": ["out/ntuples/background/0001.root"],
        "crowded": ["out/variations/crowded/ntuples/background/0001.root"],
    }
    job = parameters.varied_image_job(analysis, "crowded", "background", "0001")
    assert job["chunk"]["files"] == read["crowded"]
    pile_up = [
        parameters.simulation_job(analysis, "background", "0001", variation)["options"]["pile_up"]
        for variation in (None, "worse", "crowded")
    ]
    assert pile_up == [5, 5, 30]


def test_recipes_of_the_images() -> None:
    """Keys that only share the work among jobs are no parameters, which would make images again."""
    images = {"chunk_size": 50, "remote_retries": 1, "on_bad_file": "skip"}
    analysis = analysis_of(samples(), {"images": images, "robustness": {"variations": CROWDED}})
    nominal = parameters.image_recipe(analysis)
    assert nominal["images"]["on_bad_file"] == "skip"
    assert not {"chunk_size", "remote_retries", "events_per_job"} & set(nominal["images"])
    assert (nominal["variation"], nominal["fat_jets"]["groomed"]) == (None, False)
    worse, crowded = (parameters.varied_image_recipe(analysis, name) for name in CROWDED)
    assert worse == {**nominal, "variation": {"smear": 0.3}}
    assert crowded == {**nominal, "fat_jets": {**nominal["fat_jets"], "groomed": True}}
    assert parameters.varied_image_recipe(analysis, "nominal") == nominal


def test_without_variations() -> None:
    analysis = analysis_of(samples(), {"robustness": {"variations": {}}})
    assert analysis.variations == {}
    assert analysis.varied_image_files(*analysis.variations) == analysis.varied_score_files() == []
    assert not {"evaluate_robustness", "plot_robustness"} & set(analysis.single_rules)
    with_them = analysis_of(samples())
    assert set(with_them.single_rules) - set(analysis.single_rules) == {
        "evaluate_robustness",
        "plot_robustness",
    }
    assert with_them.robustness_models == ["cnn"]
    models = {"models": {"a": {}, "b": {}}, "robustness": {"models": ["b"]}}
    assert analysis_of(models).robustness_models == ["b"]


# -- paths, rules ---------------------------------------------------------------------------------


def test_paths_of_results() -> None:
    results = Results(Path("out"))
    assert (
        str(results.log("train_network")) == "out/logs/train_network/{model}/seed{seed}{fold}.log"
    )
    assert str(results.benchmark("evaluate")) == "out/benchmarks/evaluate.tsv"
    assert fill(results.scores, model="a", seed=3, fold="") == Path("out/scores/a/seed3.h5")
    assert results.plots("roc") == {
        "roc_pdf": Path("out/plots/roc.pdf"),
        "roc": Path("out/plots/roc.png"),
    }
    assert (results.numbers("reach"), results.table("reach")) == (
        Path("out/metrics/reach.json"),
        Path("out/metrics/reach.md"),
    )


def test_networks_of_folds() -> None:
    """The seeds of a model, and the folds of each; the same files as before without folds."""
    changes = {"train": {"seeds": 2}, "split": {"folds": 2}}
    found = analysis_of(reach_samples(), changes)
    folder = found.results.folder
    assert [
        str(path.relative_to(folder)) for path in found.network_files(found.results.scores)
    ] == [f"scores/cnn/seed{seed}/fold{fold}.h5" for seed in (1, 2) for fold in (0, 1)]
    assert found.networks == {"cnn": ["seed1/fold0", "seed1/fold1", "seed2/fold0", "seed2/fold1"]}
    assert found.mean_model_files() == [folder / "models/cnn/final/model.json"]
    of_network = found.network_fractions("background")
    assert of_network == pytest.approx([0.5 * 0.5 / 0.65, 0.5 * 0.15 / 0.65, 0.5])
    without = analysis_of(reach_samples())
    assert [path.name for path in without.network_files(without.results.scores)] == ["seed1.h5"]
    assert without.mean_model_files() == []


def test_wildcards_are_names_that_there_are() -> None:
    found = analysis_of(reach_samples(), {"robustness": {"variations": {}}}).wildcard_constraints()
    assert found["sample"] == "signal|background|other"
    assert (found["model"], found["variation"]) == ("cnn", "none")


@pytest.mark.parametrize("rule", RULES.values(), ids=str)
def test_code_of_a_rule_is_there(rule: Rule) -> None:
    """Its script, and all modules that are named."""
    script = REPOSITORY / "workflow/scripts" / rule.script_name
    assert rule.code_digest([script]) != rule.code_digest()
    assert rule.code_digest() == package_digest(*rule.code)
    assert len(set(rule.code)) == len(rule.code)


def test_resources_grow_with_the_attempt_and_the_cells() -> None:
    analysis = analysis_of({"images": {"grid": [224, 224]}})
    memory = analysis.memory("train_network")
    assert [memory({}, attempt) for attempt in (1, 2)] == [8028, 16056]
    assert [analysis.memory("evaluate")({}, attempt) for attempt in (1, 3)] == [2000, 6000]
    assert [analysis.runtime("score_events")({}, attempt) for attempt in (1, 2)] == [60, 120]
    assert [analysis.runtime("train_network")({}, attempt) for attempt in (1, 2)] == [240, 240]


# -- the list of jobs -----------------------------------------------------------------------------


def planned(rule: str, inputs: list[str], is_needed: bool = True, **wildcards: str) -> PlannedJob:
    name = RULES[rule].pattern.format(**wildcards) if rule in RULES else rule
    paths = (f"logs/{name}.log", f"benchmarks/{name}.tsv")
    return PlannedJob(rule, wildcards, *paths, inputs, [f"{name}.out"], is_needed)


def test_list_of_jobs() -> None:
    """In the order of the rules; the list of all images stands for these, programs are no data."""
    analysis = analysis_of(reach_samples(), {"results_dir": "out", "train": {"epochs": 4}})
    programs = Path("calo/workflow")
    found = list_jobs(
        analysis,
        [
            planned("evaluate", ["out/images.tsv", f"calo{os.sep}workflow/a.md", "calo/workflows"]),
            planned("train_network", ["out/images.tsv"], model="cnn", seed="1", fold=""),
            planned("build_images", ["b.root"], sample="signal", chunk="0001"),
            planned("build_images", ["a.root"], False, sample="signal", chunk="0000"),
            planned("list_images", ["out/images/signal/0000.h5"]),
        ],
        programs,
    )
    assert [(job["rule"], job["name"]) for job in found] == [
        ("build_images", "signal/0000"),
        ("build_images", "signal/0001"),
        ("train_network", "cnn/seed1"),
        ("evaluate", ""),
    ]
    images = ["out/images/signal/0000.h5", "out/images/background/0000.h5"]
    assert found[2] == {
        "rule": "train_network",
        "name": "cnn/seed1",
        "log": "logs/train_network/cnn/seed1.log",
        "benchmark": "benchmarks/train_network/cnn/seed1.tsv",
        "inputs": ["out/images.tsv", *images],
        "outputs": ["train_network/cnn/seed1.out"],
        "is_needed": True,
        "epochs": 4,
    }
    assert found[3]["inputs"] == ["out/images.tsv", "calo/workflows", *images]
    assert [job["epochs"] for job in found] == [None, None, 4, None]
    assert [job["is_needed"] for job in found] == [False, True, True, True]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["build_images", "all", "evaluate"], True),
        (["build_images", "evaluate"], False),
        (["all"], False),
    ],
)
def test_whole_run(rules: list[str], expected: bool) -> None:
    assert is_whole_run(rules) == expected
