"""What Snakemake plans for a configuration: rules, jobs, and what runs again after a change.
Nothing is computed."""

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from dry_runs import (
    MODULE,
    SNAKEFILE,
    dry_run,
    jobs,
    pretend_run,
    reach_samples,
    samples,
    snakemake,
)

CONFIG = REPOSITORY / "config"


ONCE = dict.fromkeys(
    [
        *(
            "evaluate",
            "evaluate_reach",
            "evaluate_robustness",
            "plot_performance",
            "plot_images",
            "plot_models",
        ),
        *(
            "plot_training",
            "plot_cut_flow",
            "plot_diagnostics",
            "plot_attributions",
            "plot_extreme_events",
        ),
        *(
            "plot_reach",
            "plot_robustness",
            "write_hepdata",
            "write_run_summary",
            "write_explorer",
            "write_report",
            "list_images",
            "check_images",
            "check_accounting",
            "all",
        ),
    ],
    1,
)
"""Jobs that every run has one of."""


def test_rules_of_a_simulated_analysis(tmp_path: Path) -> None:
    """With all that can be switched on: two models, a signal of the reach, a detector with
    pile-up."""
    train = {"seeds": 3, "device": "gpu"}
    models = {
        "wide": {"options": {"width": 32}},
        "deep": {"network": "resnet", "seeds": 1, "device": "cpu"},
    }
    variations = {"worse": {"smear": 0.3}, "crowded": {"pile_up": 30}}
    config = reach_samples() | {"seed": 7, "train": train, "models": models}
    config["samples"]["background"]["simulate"]["n_events"] = 5001
    config["simulation"] = {"events_per_job": 2500}
    config["robustness"] = {"files": 2, "variations": variations}
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    files = 1 + 2  # the signal has one file, of the background's three two are built again
    expected = {
        "simulate_ntuples": 1 + 1 + 3,
        "build_images": 1 + 1 + 3,
        "train_network": 4,
        "score_events": 4,
        "fit_baselines": 1,
        "score_reach_sample": 1,
        "build_varied_images": 3 * files,
        "simulate_pile_up": files,
        "score_variation": 3,
        **ONCE,
    }
    assert jobs(result) == expected | {"total": sum(expected.values())}
    output = result.stdout + result.stderr
    trained = sorted(set(re.findall(r"models/(\w+/seed\d+)/model.json", output)))
    assert trained == ["deep/seed7", "wide/seed7", "wide/seed8", "wide/seed9"]
    gpu = re.findall(r"model=(\w+), seed=\d+, fold=\n(?:.*\n)*?.*resources: .*gpu=(\d)", output)
    assert sorted(gpu) == [("deep", "0"), *[("wide", "1")] * 3]
    assert set(re.findall(r"results/variations/(\w+)/images", output)) == {
        "nominal",
        "worse",
        "crowded",
    }
    assert set(re.findall(r"variations/(\w+)/ntuples/(\w+)/(\d+)", output)) == {
        ("crowded", sample, chunk)
        for sample, chunk in (("background", "0000"), ("background", "0001"), ("signal", "0000"))
    }
    blocks = re.split(r"\n(?=rule |localrule )", output)
    reading = [
        block.split(":")[0]
        for block in blocks
        if re.search(r"input: .*images/other/0000.h5", block)
    ]
    accounts = ["rule check_accounting", "rule check_images"]
    assert sorted(reading) == [*accounts, "rule evaluate_reach", "rule score_reach_sample"]
    assert "limits_against_mass.pdf" in output


def test_what_can_be_left_out(tmp_path: Path) -> None:
    """Own files need no simulation, a run no variations, no baselines and no event content."""
    for name in ("a1.root", "a2.root", "b.root", "a1_w.root", "a2_w.root"):
        (tmp_path / name).touch()
    schema = tmp_path / "schemas" / "a.yaml"
    schema.parent.mkdir()
    schema.write_text('extends: delphes\nfriends: [Runs, "{stem}_w.root:weights"]')
    config = {
        "samples": {
            "a": {"label": 1, "schema": f"{schema}", "files": [f"{tmp_path}/a?.root"]},
            "b": {"label": 0, "schema": "calovision", "files": [f"{tmp_path}/b.root"]},
        },
        "event_content": None,
        "baselines": [],
        "robustness": {"variations": {}},
    }
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    once = dict(ONCE)
    for name in ("evaluate_robustness", "plot_robustness"):
        del once[name]
    expected = {"build_images": 3, "train_network": 1, "score_events": 1, "fit_baselines": 1}
    expected |= once
    assert jobs(result) == expected | {"total": sum(expected.values())}
    output = result.stdout + result.stderr
    assert "limits_against_mass" not in output
    # whose images are made again if it changes
    beside = re.findall(r"/(a\d)\.root, .*/schemas/a\.yaml, .*/\1_w\.root\n", output)
    assert sorted(beside) == ["a1", "a2"]
    assert re.search(r"input: .*/b\.root\n", output)


def test_bad_configuration_stops_the_run(tmp_path: Path) -> None:
    """With one sentence, before anything is made."""
    changes = {"files": ["nowhere/a.root"], "simulate": None}
    result = dry_run(tmp_path, samples(**changes) | {"robustness": {"variations": {}}})
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert (
        "configuration key 'samples.background.files': nowhere/a.root: no such file; give files "
        "that exist"
    ) in output
    assert "Traceback" not in output
    assert not (tmp_path / "results").exists()


# -- from another folder, as a module -----------------------------------------------------------


@pytest.fixture
def my_yaml(tmp_path: Path) -> Path:
    """A configuration in a folder of one's own, which holds what differs and no more."""
    path = tmp_path / "my folder" / "my.yaml"
    path.parent.mkdir()
    path.write_text(
        yaml.safe_dump(
            samples() | {"results_dir": "${SCRATCH}/ü", "robustness": {"variations": {}}}
        )
    )
    return path


def planned(output: str) -> tuple[int, set[str]]:
    """Number of simulation jobs, and the samples and folders of what they write."""
    written = re.findall(r"output: (.*/ntuples/\w+)/0000\.root", output)
    return len(re.findall(r"^rule \w*simulate_ntuples", output, re.M)), set(written)


def test_any_folder_will_do(tmp_path: Path, my_yaml: Path) -> None:
    """Only the configuration is there; beside it that of the example; with --directory; values on
    the command line."""
    here, example, scratch = my_yaml.parent, str(CONFIG / "config.yaml"), tmp_path / "scratch"
    (tmp_path / "elsewhere").mkdir()
    own = ["-n", "-s", str(SNAKEFILE)]
    calls = [
        [*own, "--configfile", "my.yaml"],
        [*own, "--configfile", example, "my.yaml"],
        [*own, "--configfile", str(my_yaml), "--directory", str(tmp_path / "elsewhere")],
        [*own, "--config", "results_dir=out", "train={seeds: 3}", "robustness={variations: {}}"],
    ]
    folders = [here, here, tmp_path, tmp_path / "elsewhere"]
    *outputs, of_values = (
        snakemake(folder, *call, SCRATCH=str(scratch)).stdout
        for folder, call in zip(folders, calls, strict=True)
    )
    mine = {f"{scratch}/ü/ntuples/{name}" for name in ("signal", "background")}
    for output in outputs:
        assert planned(output) == (2, mine), output
        assert not re.search("rpv_1400_850|robustness", output)
    counts = jobs(of_values)
    assert (counts["simulate_ntuples"], counts["train_network"]) == (1 + 3, 3 * 2)
    assert "evaluate_robustness" not in counts


def test_module_of_another_workflow(tmp_path: Path) -> None:
    config = samples() | {
        "results_dir": "calo",
        "robustness": {"variations": {}},
        "train": {"seeds": "2"},
    }
    for name, settings in (("Snakefile", config), ("moved", f"{config}\n    prefix: 'a'")):
        (tmp_path / name).write_text(MODULE.format(snakefile=SNAKEFILE, config=settings))
    calls = [["-n", "--cores", "1", "-s", name] for name in ("Snakefile", "moved")]
    output, refused = (snakemake(tmp_path, *call).stdout for call in calls)
    assert planned(output) == (2, {"calo/ntuples/signal", "calo/ntuples/background"})
    counts = jobs(output)
    assert (counts["calo_train_network"], counts["calo_write_report"], counts["mine"]) == (2, 1, 1)
    assert "module: give results_dir in its config instead of prefix" in refused
    assert "Job stats" not in refused


# -- what runs again ----------------------------------------------------------------------------

LAST = {"write_run_summary", "write_report", "all"}
OF_REACH = {"evaluate_reach", "plot_reach", "write_hepdata"}
OF_UNCERTAINTY = OF_REACH | {"write_explorer"}
OF_EVENTS = {
    "evaluate",
    "check_accounting",
    "evaluate_robustness",
    "plot_robustness",
    "plot_diagnostics",
}
OF_EVENTS |= {"plot_extreme_events", "plot_models", "plot_performance", "write_explorer"}
OF_EVENTS |= OF_REACH
OF_TITLES = {"plot_attributions", "plot_cut_flow", "plot_extreme_events", "plot_images"}
OF_TITLES |= {"plot_performance", "write_explorer"}
OF_IMAGES = {"list_images", "check_images", "fit_baselines", "plot_cut_flow", "plot_images"}
OF_ACCOUNTS = {"check_images", "check_accounting"}
OF_NETWORKS = {"plot_training", "plot_attributions"}
SIMULATE = "simulate: {n_events: 20, process"
NETWORKS = {"cnn/seed1", "cnn/seed2", "plain/seed1"}


def once(*rules: set[str], **others: int) -> dict[str, int]:
    """Numbers of jobs: one of each of the rules and of the last ones, and more of others."""
    return dict.fromkeys(LAST.union(*rules), 1) | others


CHANGES = {
    "nothing that decides a result": (
        "seed=1 samples={rpv_1800_850: {title: Other}} train={checkpoint_minutes: 3, threads: 1} "
        "images={chunk_size: 50, remote_retries: 2, events_per_job: 250}",
        {},
    ),
    "luminosity": ("luminosity_fb=139", once(OF_EVENTS)),
    "title": ("samples={rpv_1400_850: {title: Other}}", once(OF_TITLES)),
    "key of the reach": ("reach={background_uncertainty: 0.3}", once(OF_UNCERTAINTY)),
    "signal region": ("selection={signal_region: mj_sum > 500}", once(OF_EVENTS)),
    "working points": ("evaluate={background_efficiencies: [0.1]}", once(OF_EVENTS)),
    "region": ("compare={regions: {tight: mj_sum > 900}}", once(OF_EVENTS)),
    "axis": (
        "compare={axis: rejection}",
        once({"plot_models", "plot_performance", "write_explorer"}),
    ),
    "curve of a variable of one's own": (
        "variables={part: {formula: mj_sum / ht}} compare={variables: [part]}",
        once(OF_EVENTS),
    ),
    "gallery": ("plots={n_explored: 7}", once({"write_explorer"})),
    "event displays": (
        "plots={n_event_displays: 2}",
        once({"plot_images", "plot_extreme_events"}),
    ),
    "attributed events and a variation": (
        "plots={n_attributed_events: 6} robustness={variations: {worse: {scale: 1.1}}}",
        once(
            {"score_variation", "evaluate_robustness", "plot_robustness", "plot_attributions"},
            OF_ACCOUNTS,
            build_varied_images=2,
        ),
    ),
    "model": (
        "models={third: {seeds: 1}}",
        once(OF_EVENTS, {"plot_training"}, train_network=1, score_events=1),
    ),
    "seed": (
        "models={plain: {seeds: 2}}",
        once(OF_EVENTS, {"plot_training"}, train_network=1, score_events=1),
    ),
    "sample": (
        f"samples={{new: {{label: 0, {SIMULATE}: qcd}}}}}}",
        once(
            *(OF_IMAGES, OF_NETWORKS, OF_EVENTS, {"simulate_ntuples", "build_images"}),
            **{"train_network": 3, "score_events": 3, "score_reach_sample": 1},
            **{"build_varied_images": 2, "score_variation": 2},
        ),
    ),
    "sample of the reach": (
        f"samples={{new: {{label: 1, role: reach, mass: 1600, {SIMULATE}: rpv_gluinos}}}}}}",
        once(OF_REACH, OF_ACCOUNTS, {"simulate_ntuples", "build_images", "score_reach_sample"}),
    ),
    "sample that only gets scores": (
        "samples={new: {role: application, files: [new.root]}}",
        once({"score_application", "check_accounting"}),
    ),
}
"""Changes of a finished run, and the jobs that run again."""
TRAINED = {"model": {"third/seed1"}, "seed": {"plain/seed2"}, "sample": NETWORKS}
"""Networks that a change trains, where it trains any."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that is done, as empty files."""
    folder = tmp_path_factory.mktemp("finished")
    pretend_run(folder, "-s", str(SNAKEFILE), "--configfile", str(CONFIG / "test.yaml"))
    (folder / "new.root").touch()
    return folder


@pytest.mark.parametrize("name", CHANGES)
def test_only_what_a_change_touches_runs_again(finished: Path, name: str) -> None:
    """A luminosity, a region, a title make no image and train nothing; a sample converts, a model
    and a seed train only themselves."""
    change, expected = CHANGES[name]
    arguments = ["-n", "-s", str(SNAKEFILE), "--configfile", str(CONFIG / "test.yaml"), "--config"]
    result = snakemake(finished, *arguments, *re.split(r" (?=\w+=)", change))
    assert result.returncode == 0, result.stdout
    again = jobs(result)
    assert again == (expected and expected | {"total": sum(expected.values())})
    trained = re.findall(r"output: .*models/(\w+/seed\d+)/model\.json", result.stdout)
    assert (len(trained), set(trained)) == (again.get("train_network", 0), TRAINED.get(name, set()))
    converted = re.findall(r"output: \w+/(?:images|ntuples)/(\w+)/", result.stdout)
    assert set(converted) <= {"new"}


def test_copy_of_results_is_not_made_again(finished: Path, tmp_path: Path) -> None:
    """In another clone, in which all programs are newer; with the times of the files, or after
    --touch."""
    clone = tmp_path / "clone"
    shutil.copytree(REPOSITORY / "workflow", clone / "workflow")
    # keeps the times, but not what Snakemake noted
    shutil.copytree(finished / "results", clone / "results")
    for script in clone.rglob("*.*"):
        if "results" not in script.parts:
            script.touch()
    plan = ["-n", "--configfile", str(CONFIG / "test.yaml")]
    with_times = snakemake(clone, *plan).stdout
    assert jobs(with_times) == {}, with_times
    for output in sorted((clone / "results").rglob("*.*"), reverse=True):
        os.utime(output, (0, hash(output.name) % 10**6))
    assert jobs(snakemake(clone, *plan)) != {}
    snakemake(clone, "--touch", *plan[1:])
    assert jobs(snakemake(clone, *plan)) == {}


def test_samples_that_only_get_scores(tmp_path: Path) -> None:
    """Data in two folders with files of one name: a friend tree each by the networks of the first
    model, and nothing else."""
    for name in ("a/run.root", "b/run.root", "b/more.root"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    data = {"role": "application", "files": [f"{tmp_path}/{one}/*.root" for one in "ab"]}
    made = {"role": "application", "label": 1, "simulate": {"process": "qcd", "n_events": 5}}
    config = {"samples": samples()["samples"] | {"data": data, "made": made}}
    config |= {"train": {"seeds": 2}, "robustness": {"variations": {}}}
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    found = jobs(result)
    counted = ("build_images", "simulate_ntuples", "train_network", "score_application")
    assert [found[rule] for rule in counted] == [2, 3, 2, 4]
    output = result.stdout + result.stderr
    assert set(re.findall(r"output: \S*/application/(\S+)\.root", output)) == {
        *("data/a/run", "data/b/run", "data/more", "made/0000")
    }
    blocks = re.findall(r"rule score_application:\n(?:    .*\n)+", output)
    assert len(blocks) == 4
    assert all(f"models/cnn/seed{seed}/model.json" in one for one in blocks for seed in (1, 2))
