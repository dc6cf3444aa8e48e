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
    several,
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
            "write_report",
            "list_images",
            "all",
        ),
    ],
    1,
)
"""Jobs that every run has one of."""


def test_rules_of_a_simulated_analysis(tmp_path: Path) -> None:
    config = samples(simulate={"process": "qcd", "n_events": 5001})
    config["simulation"] = {"events_per_job": 2500}
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    assert jobs(result) == {
        "simulate_ntuples": 4,
        "build_images": 4,
        "train_network": 1,
        "score_events": 1,
        "fit_baselines": 1,
        "build_varied_images": 12,  # the first file of two samples, nominal and in five variations
        "score_variation": 6,
        **ONCE,
        "total": 8 + 3 + 18 + len(ONCE),
    }


def test_a_job_per_model_and_seed(tmp_path: Path) -> None:
    """Models of a later configuration replace those of the example; a model may have its own number
    of seeds."""
    models = {
        "wide": {"options": {"width": 32}},
        "deep": {"network": "resnet", "seeds": 1, "device": "cpu"},
    }
    changes = {
        "seed": 7,
        "train": {"seeds": 3, "device": "gpu"},
        "models": models,
        "robustness": {"variations": {}},
    }
    result = dry_run(tmp_path, samples() | changes)
    assert result.returncode == 0, result.stdout + result.stderr
    counts = jobs(result)
    assert (counts["train_network"], counts["score_events"]) == (4, 4)
    once = {name for name in ONCE if "robustness" not in name} | {"fit_baselines"}
    assert counts["total"] == 2 + 2 + 4 + 4 + len(
        once
    )  # ntuples, images, networks, scores, and what there is once
    trained = sorted(
        set(re.findall(r"models/(\w+/seed\d+)/model.json", result.stdout + result.stderr))
    )
    assert trained == ["deep/seed7", "wide/seed7", "wide/seed8", "wide/seed9"]
    gpu = re.findall(
        r"model=(\w+), seed=\d+\n(?:.*\n)*?.*resources: .*gpu=(\d)", result.stdout + result.stderr
    )
    assert sorted(gpu) == [("deep", "0"), *[("wide", "1")] * 3]


def test_study_of_the_symmetry_trains_ten_networks(tmp_path: Path) -> None:
    counts = jobs(dry_run(tmp_path, yaml.safe_load((CONFIG / "symmetry.yaml").read_text())))
    assert (counts["train_network"], counts["score_events"], counts["evaluate"]) == (10, 10, 1)
    assert counts["build_images"] == 5 + 36  # 2,000 events a job


def test_own_files_replace_the_example_and_need_no_simulation(tmp_path: Path) -> None:
    for name in ("a1.root", "a2.root", "b.root"):
        (tmp_path / name).touch()
    config = {
        "samples": {
            "a": {
                "label": 1,
                "schema": "delphes",
                "files": [f"{tmp_path}/a*.root", f"{tmp_path}/a1.root"],
            },
            "b": {"label": 0, "schema": "calovision", "files": [f"{tmp_path}/b.root"]},
        }
    }
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "simulate_ntuples" not in jobs(result)
    assert jobs(result)["build_images"] == 3


def test_a_file_in_two_samples_is_refused_unless_they_are_one_group(tmp_path: Path) -> None:
    """However its path is written; samples of one group have it among the parameters of their
    jobs."""
    (tmp_path / "a.root").touch()
    (tmp_path / "link.root").symlink_to(tmp_path / "a.root")
    groups = {"none": (None, None), "one": ("common", None), "both": ("common", "common")}
    calls = []
    for name, (signal, background) in groups.items():
        files = {"a": ("a.root", 1, signal), "b": ("link.root", 0, background)}
        config = {
            sample: {"label": label, "files": [str(tmp_path / file)]}
            | ({"split_group": group} if group else {})
            for sample, (file, label, group) in files.items()
        }
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"samples": config}))
        calls.append(["-n", "-s", str(SNAKEFILE), "--configfile", str(tmp_path / f"{name}.yaml")])
    *refused, planned = several(tmp_path, calls)
    for output in refused:
        assert "configuration key 'samples': the samples a and b share a ROOT file" in output
        assert "give it to one of them, or both the same split_group if it is meant" in output
    assert jobs(planned)["build_images"] == 2


def test_variations_of_a_later_configuration_replace_those_of_the_example(tmp_path: Path) -> None:
    changes = {
        "robustness": {
            "files": 2,
            "variations": {"worse": {"smear": 0.3}, "crowded": {"pile_up": 30}},
        }
    }
    config = (
        samples(simulate={"process": "qcd", "n_events": 750})
        | changes
        | {"simulation": {"events_per_job": 250}}
    )
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    counts = jobs(result)
    files = 1 + 2  # the signal has one file, of the background's three two are built again
    assert counts["build_varied_images"] == 3 * files
    assert counts["simulate_pile_up"] == files
    assert counts["simulate_ntuples"] == 1 + 3
    assert counts["score_variation"] == 3
    output = result.stdout + result.stderr
    assert set(re.findall(r"results/variations/(\w+)/images", output)) == {
        "nominal",
        "worse",
        "crowded",
    }
    assert set(re.findall(r"variations/(\w+)/ntuples/(\w+)/(\d+)", output)) == {
        ("crowded", sample, chunk)
        for sample, chunk in (("background", "0000"), ("background", "0001"), ("signal", "0000"))
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"event_content": None, "baselines": ["mlp"]},
        {"robustness": {"variations": {}}},
        {"baselines": []},
    ],
)
def test_what_can_be_left_out(tmp_path: Path, changes: dict) -> None:
    result = dry_run(tmp_path, samples() | changes)
    assert result.returncode == 0, result.stdout + result.stderr
    left_out = {"evaluate_robustness", "plot_robustness"} if "robustness" in changes else set()
    assert {name for name in ONCE if name in jobs(result)} == set(ONCE) - left_out
    assert jobs(result).get("score_variation", 0) == (0 if left_out else 6)


def test_signals_of_the_reach_are_scored_and_train_nothing(tmp_path: Path) -> None:
    result = dry_run(tmp_path, reach_samples())
    assert result.returncode == 0, result.stdout + result.stderr
    counts = jobs(result)
    assert (counts["simulate_ntuples"], counts["build_images"], counts["score_reach_sample"]) == (
        3,
        3,
        1,
    )
    assert counts["build_varied_images"] == 12  # of the two samples of the training
    blocks = re.split(r"\n(?=rule |localrule )", result.stdout + result.stderr)
    reading = [
        block.split(":")[0]
        for block in blocks
        if re.search(r"input: .*images/other/0000.h5", block)
    ]
    assert sorted(reading) == ["rule evaluate_reach", "rule score_reach_sample"]
    assert "limits_against_mass.pdf" in result.stdout + result.stderr
    assert "limits_against_mass" not in dry_run(tmp_path, samples()).stdout


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"files": ["nowhere/a.root"]},
            "'samples.background.files': nowhere/a.root: no such file; give files that exist",
        ),
        (
            {"files": ["none*.root"]},
            "'samples.background.files': none*.root stands for no file; give a wildcard that",
        ),
        (
            {"lable": 0},
            "'samples.background': Additional properties are not allowed ('lable' was unexpected); "
            "did you mean",
        ),
    ],
)
def test_bad_configuration_stops_the_run(tmp_path: Path, changes: dict, sentence: str) -> None:
    result = dry_run(
        tmp_path, samples(simulate=None, **changes) | {"robustness": {"variations": {}}}
    )
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert f"configuration key {sentence}" in output
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
    here, example = my_yaml.parent, str(CONFIG / "config.yaml")
    own = ["-n", "-s", str(SNAKEFILE)]
    scratch = tmp_path / "scratch"
    mine = {f"{scratch}/ü/ntuples/{name}" for name in ("signal", "background")}
    for arguments, folder in (
        ([*own, "--configfile", "my.yaml"], here),
        ([*own, "--configfile", example, "my.yaml"], here),
        (
            [*own, "--configfile", str(my_yaml), "--directory", str(tmp_path / "elsewhere")],
            tmp_path,
        ),
    ):
        result = snakemake(folder, *arguments, SCRATCH=str(scratch))
        assert result.returncode == 0, result.stdout + result.stderr
        assert planned(result.stdout + result.stderr) == (2, mine)
        assert not re.search("rpv_1400_850|robustness", result.stdout + result.stderr)
    values = ["--config", "results_dir=out", "train={seeds: 3}", "robustness={variations: {}}"]
    result = snakemake(tmp_path / "elsewhere", *own, *values)
    assert result.returncode == 0, result.stdout + result.stderr
    counts = jobs(result)
    assert (counts["simulate_ntuples"], counts["train_network"]) == (2 + 10, 3)
    assert "evaluate_robustness" not in counts


def test_module_of_another_workflow(tmp_path: Path) -> None:
    config = samples() | {
        "results_dir": "calo",
        "robustness": {"variations": {}},
        "train": {"seeds": "2"},
    }
    (tmp_path / "Snakefile").write_text(MODULE.format(snakefile=SNAKEFILE, config=config))
    result = snakemake(tmp_path, "-n", "--cores", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert planned(result.stdout + result.stderr) == (
        2,
        {"calo/ntuples/signal", "calo/ntuples/background"},
    )
    counts = jobs(result)
    assert (counts["calo_train_network"], counts["calo_write_report"], counts["mine"]) == (2, 1, 1)
    (tmp_path / "Snakefile").write_text(
        MODULE.format(snakefile=SNAKEFILE, config=f"{config}\n    prefix: 'a'")
    )
    result = snakemake(tmp_path, "-n", "--cores", "1")
    assert result.returncode == 1
    assert (
        "module: give results_dir in its config instead of prefix" in result.stdout + result.stderr
    )


# -- what runs again ----------------------------------------------------------------------------

OF_EVENTS = {
    "evaluate",
    "evaluate_reach",
    "evaluate_robustness",
    "plot_diagnostics",
    "plot_extreme_events",
}
OF_EVENTS |= {"plot_models", "plot_performance", "plot_reach", "plot_robustness", "write_hepdata"}
LAST = {"write_run_summary", "write_report", "all"}
OF_TITLES = {
    "plot_attributions",
    "plot_cut_flow",
    "plot_extreme_events",
    "plot_images",
    "plot_performance",
}
CHANGES = {
    "nothing": ("seed=1", set()),
    "luminosity": ("luminosity_fb=139", OF_EVENTS | LAST),
    "title": ("samples={rpv_1400_850: {title: Other}}", OF_TITLES | LAST),
    "title of a signal of the reach": ("samples={rpv_1800_850: {title: Other}}", set()),
    "key of the reach": (
        "reach={least_n_eff: 3}",
        {"evaluate_reach", "plot_reach", "write_hepdata"} | LAST,
    ),
    "signal region": ("selection={signal_region: mj_sum > 500}", OF_EVENTS | LAST),
    "working points": ("evaluate={background_efficiencies: [0.1]}", OF_EVENTS | LAST),
    "attributed events": ("plots={n_attributed_events: 6}", {"plot_attributions"} | LAST),
    "chunks in memory": ("images={chunk_size: 50}", set()),
    "checkpoints": ("train={checkpoint_minutes: 3, threads: 1}", set()),
    "variation": (
        "robustness={variations: {trimmed: {scale: 1.1}}}",
        {"build_varied_images", "score_variation", "evaluate_robustness", "plot_robustness"} | LAST,
    ),
    "logarithmic weights": ("luminosity_fb=139 models={plain: {weights: log1p}}", None),
}


def test_only_what_a_change_touches_runs_again(tmp_path: Path) -> None:
    arguments = ["-s", str(SNAKEFILE), "--configfile", str(CONFIG / "test.yaml")]
    pretend_run(tmp_path, *arguments)
    calls = [
        ["-n", *arguments, "--config", *re.split(r" (?=\w+=)", change)]
        for change, _ in CHANGES.values()
    ]
    for (name, (_, expected)), output in zip(
        CHANGES.items(), several(tmp_path, calls), strict=True
    ):
        again = jobs(output)
        if expected is None:
            assert again["train_network"] == 1, (
                name
            )  # that of the one model whose weights see the luminosity
        else:
            assert set(again) - {"total"} == expected, name


def test_copy_of_results_is_not_made_again(tmp_path: Path) -> None:
    """In another clone, in which all programs are newer; with the times of the files, or after
    --touch."""
    clone = tmp_path / "clone"
    shutil.copytree(REPOSITORY / "workflow", clone / "workflow")
    (tmp_path / "old").mkdir()
    (tmp_path / "my.yaml").write_text(
        yaml.safe_dump(samples() | {"baselines": [], "robustness": {"variations": {}}})
    )
    configuration = ["--configfile", str(tmp_path / "my.yaml")]
    pretend_run(tmp_path / "old", "-s", str(SNAKEFILE), *configuration)
    shutil.copytree(
        tmp_path / "old/results", clone / "results"
    )  # keeps the times, but not what Snakemake noted
    for script in clone.rglob("*.*"):
        if "results" not in script.parts:
            script.touch()
    with_times = snakemake(clone, "-n", *configuration)
    assert jobs(with_times) == {}, with_times.stdout + with_times.stderr
    for output in sorted((clone / "results").rglob("*.*"), reverse=True):
        os.utime(output, (0, hash(output.name) % 10**6))
    assert jobs(snakemake(clone, "-n", *configuration)) != {}
    assert snakemake(clone, "--touch", *configuration).returncode == 0
    assert jobs(snakemake(clone, "-n", *configuration)) == {}
