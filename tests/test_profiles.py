"""The profiles for batch farms: what the farm is asked for. SLURM itself is in tests/slurm."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from dry_runs import MODULE, SNAKEFILE, jobs, reach_samples, snakemake
from fakes import make_events, write_ntuple

from calovision.jobs.submission import CONTAINER_IMAGE
from calovision.workflow.rules import RULES

PROFILES = REPOSITORY / "workflow/profiles"
ALONE = {"fit_baselines", "fit_tagger_baselines", "check_images"}  # no short jobs
LOCAL = {"list_images", "list_variables", "all", "mine", "total"}  # no farm is asked for them
STUB = REPOSITORY / "tests/htcondor_stub"
PLUGIN = Path(sys.prefix) / "htcondor"  # `make install` puts it there
HTCONDOR = "snakemake_executor_plugin_htcondor"
with_slurm = pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_slurm") is None,
    reason="needs pip install calovision[slurm]",
)
with_htcondor = pytest.mark.skipif(
    not (PLUGIN / HTCONDOR).is_dir() and importlib.util.find_spec(HTCONDOR) is None,
    reason="needs snakemake-executor-plugin-htcondor, in this environment or (`make install`) in "
    f"{PLUGIN.name}/ of it",
)


HURRIED = (
    "-c",
    "import asyncio; sleep = asyncio.sleep; asyncio.sleep = lambda s: sleep(min(s, 0.1)); "
    "from snakemake import cli; cli.main()",
)
"""Snakemake that looks for the end of jobs at once: SLURM's plugin waits 10 s longer each time."""

MEMORY_AT_224 = {
    "train_network": 8028,
    "score_events": 4516,
    "plot_attributions": 4516,
    "plot_images": 2760,
    "plot_class_images": 2760,
}


def profile(name: str) -> dict:
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text())


def farm(
    folder: Path,
    name: str,
    *arguments: str,
    program: tuple[str, ...] = ("-m", "snakemake"),
    **environment: str,
) -> subprocess.CompletedProcess:
    """Snakemake with a profile, in a working folder of its own."""
    folder.mkdir(exist_ok=True)
    for part in ("workflow", "config", "src"):
        if not (folder / part).exists():
            (folder / part).symlink_to(REPOSITORY / part)
    call = [
        sys.executable,
        *program,
        "--workflow-profile",
        f"workflow/profiles/{name}",
        *arguments,
    ]
    return subprocess.run(
        call, cwd=folder, capture_output=True, text=True, env=os.environ | environment
    )


def with_stub() -> str:
    """Python's path with the stub of HTCondor and Snakemake's plugin for it in front."""
    return os.pathsep.join(map(str, (STUB, PLUGIN, os.environ.get("PYTHONPATH", ""))))


def resources(output: str, rule: str) -> list[dict[str, str]]:
    """Resources of the jobs of a rule in the output of a dry run."""
    jobs = re.findall(rf"rule {rule}:\n(?:.+\n)*? +resources: (.+)", output)
    return [dict(one.split("=", 1) for one in job.split(", ")) for job in jobs]


@pytest.fixture(scope="module")
def my_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of two small files."""
    folder, samples = tmp_path_factory.mktemp("files"), {}
    for label in (0, 1):
        write_ntuple(folder / f"{label}.root", *make_events(20, seed=label))
        files = [str(folder / f"{label}.root")]
        samples[f"s{label}"] = {
            "label": label,
            "schema": "calovision",
            "cross_section_pb": 1.0,
            "files": files,
        }
    selection = {"preselection": {"any": "n_fat_jets >= 0"}}
    (folder / "my.yaml").write_text(yaml.safe_dump({"samples": samples, "selection": selection}))
    return folder / "my.yaml"


# -- what the profiles say ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["slurm", "htcondor"])
def test_every_rule_has_its_group(name: str) -> None:
    groups, components = profile(name)["groups"], profile(name)["group-components"]
    assert set(groups) == set(RULES) - ALONE
    assert set(components) == set(groups.values())


def test_both_farms_group_alike() -> None:
    for key in ("groups", "group-components", "resources", "set-resource-scopes", "retries"):
        assert profile("slurm")[key] == profile("htcondor")[key], key


@pytest.mark.parametrize("name", ["slurm", "htcondor"])
def test_attempts_are_jobs_of_their_own_and_grow(name: str) -> None:
    """The profile asks for them: a rule that has `retries` would get its second attempt inside the
    first one's allocation."""
    assert profile(name)["retries"] == 2
    for rule in RULES.values():
        memory = [rule.memory(attempt, (64, 64)) for attempt in (1, 2, 3)]
        assert memory == [memory[0], 2 * memory[0], 3 * memory[0]]
        assert memory[0] >= 1000
        times = [rule.runtime(attempt) for attempt in (1, 2)]
        assert times[1] == (1 if rule.name == "train_network" else 2) * times[0] > 0


def test_networks_of_large_images_ask_for_more_memory() -> None:
    """In study_224.yaml they took 7,200, 3,739, 3,429 and 2,307 MB."""
    assert {name: RULES[name].memory(1, (224, 224)) for name in MEMORY_AT_224} == MEMORY_AT_224
    of_cells = {name for name, rule in RULES.items() if rule.memory_per_cell_mb}
    of_scores = {"score_variation", "score_reach_sample", "score_application"}
    assert of_cells == {*MEMORY_AT_224, *of_scores}


def test_rules_of_the_package_are_those_of_the_workflow(tmp_path: Path) -> None:
    """With pile-up and what only some configurations bring in; each attempt asks for what the
    package says, and no rule has `retries` of its own."""
    variations = {"crowded": {"pile_up": 30}}
    config = reach_samples() | {"images": {"grid": [224, 224]}, "results_dir": "results"}
    config["split"] = {"folds": 2}
    config["robustness"] = {"variations": variations}
    config["variables"] = {"sum_pt": {"branch": "sum(tracks_pt)"}}
    simulate = {"process": "qcd", "n_events": 5}
    config["samples"]["data"] = {"role": "application", "simulate": simulate}
    module = MODULE.format(snakefile=SNAKEFILE, config=config)
    retries = "print('RETRIES', {rule._restart_times for rule in workflow.rules})"
    (tmp_path / "Snakefile").write_text(f"{module}\n{retries}\n")
    result = snakemake(tmp_path, "-n")
    assert result.returncode == 0, result.stdout + result.stderr
    output = (result.stdout + result.stderr).replace("rule calo_", "rule ")
    assert "RETRIES {None}" in output
    of_events = {
        name: rule
        for name, rule in RULES.items()
        if not rule.is_of_alternatives and (not rule.tasks or "search" in rule.tasks)
    }
    assert {name.removeprefix("calo_") for name in jobs(result)} - LOCAL == set(of_events)
    for name, rule in of_events.items():
        asked = {(int(one["mem_mb"]), int(one["runtime"])) for one in resources(output, name)}
        assert asked == {(rule.memory(1, (224, 224)), rule.runtime(1))}
        logs = re.findall(rf"rule {name}:\n(?:.+\n)*? +log: results/logs/(.+)\.log\n", output)
        assert logs
        pattern = re.sub(r"\\{\w+\\}", r"[\\w/]+", re.escape(rule.pattern))
        assert all(re.fullmatch(pattern, log) for log in logs), logs


def test_no_profile_names_a_machine() -> None:
    for path in PROFILES.glob("*/config.yaml"):
        assert not re.search(
            r"^[^#]*(/home|/scratch|partition:|account:)", path.read_text(), re.M
        ), path


def test_container_installs_the_tested_packages() -> None:
    definition = (REPOSITORY / "workflow/container/calovision.def").read_text()
    assert "--constraint /opt/calovision/constraints.txt" in definition
    for source in re.findall(
        r"^    (\S+) /opt/", definition.split("%files")[1].split("%post")[0], re.M
    ):
        assert (REPOSITORY / source).exists(), source
    build = f"apptainer build workflow/{CONTAINER_IMAGE} workflow/container/calovision.def"
    assert build in definition


# -- what the farm is asked for -----------------------------------------------------------------


@with_slurm
def test_slurm_profile_and_what_overrides_it(tmp_path: Path) -> None:
    options = ["--set-resources", "build_images:mem_mb=777", "build_images:runtime=7"]
    options += [
        "train_network:gpu=2",
        "train_network:slurm_partition='gpu'",
        "--config",
        f"results_dir={tmp_path}/r",
    ]
    write_slurm(tmp_path / "bin")
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    result = farm(
        tmp_path / "work", "slurm", "-n", "--configfile", "config/test.yaml", *options, PATH=path
    )
    assert result.returncode == 0, result.stderr
    output = result.stdout + result.stderr
    builds, trainings = resources(output, "build_images"), resources(output, "train_network")
    assert {(job["mem_mb"], job["runtime"], job["in_turn"]) for job in builds} == {
        ("777", "7", "1")
    }
    assert {(job["gpu"], job["slurm_partition"], job["mem_mb"]) for job in trainings} == {
        ("2", "gpu", "4000")
    }
    assert (len(builds), len(trainings)) == (4, 3)
    # a device that is `auto` asks for no GPU: the cluster may have none
    assert "gpu" not in resources(output, "score_events")[0]
    assert "slurm_partition" not in resources(output, "evaluate")[0]


@with_slurm
def test_partition_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before a job is submitted: Snakemake would only say that a group of jobs failed."""
    write_slurm(tmp_path / "bin")
    options = [
        "--configfile",
        "config/test.yaml",
        "--set-resources",
        "evaluate:slurm_partition='nowhere'",
    ]
    result = farm(
        tmp_path / "work", "slurm", "-n", *options, PATH=f"{tmp_path}/bin:{os.environ['PATH']}"
    )
    assert result.returncode == 1
    assert "SLURM has no partition 'nowhere'" in result.stdout + result.stderr
    assert "one of batch, gpu, main" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def write_slurm(folder: Path) -> None:
    """Programs in place of SLURM's: sbatch writes down what it is asked for, and every job
    fails."""
    programs = {
        "sbatch": f'printf "%s\\0" "$@" | head -z -c 900 | tr "\\0\\n" "  " >> {folder}/asked; '
        f"echo >> {folder}/asked; "
        f"wc -l < {folder}/asked",
        "squeue": f'for number in $(seq $(wc -l < {folder}/asked)); do echo "$number|FAILED"; done',
        "sinfo": "printf 'main\\nbatch\\ngpu\\n'",
        "scontrol": "echo 'MinJobAge = 3600 sec'",
        "sacct": "exit 1",
        "sacctmgr": "exit 1",
        "sshare": "exit 1",
    }
    folder.mkdir()
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)


@with_slurm
def test_slurm_jobs_that_fail_ask_for_more(tmp_path: Path, my_files: Path) -> None:
    """Two files are one job, which asks for the memory and the CPUs of both and the time of one;
    three attempts."""
    write_slurm(tmp_path / "bin")
    options = [
        "--configfile",
        str(my_files),
        "--config",
        f"results_dir={tmp_path}/results",
        "--set-resources",
    ]
    options += ["build_images:slurm_partition='batch'", "--slurm-status-command=squeue"]
    targets = [f"{tmp_path}/results/images/s{label}/0000.h5" for label in (0, 1)]
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    result = farm(tmp_path / "work", "slurm", *targets, *options, program=HURRIED, PATH=path)
    assert result.returncode == 1
    asked = (tmp_path / "bin/asked").read_text().splitlines()
    assert [re.search(r"--mem (\d+)", one)[1] for one in asked] == ["3000", "6000", "9000"], (
        result.stderr
    )
    assert [re.search(r"-t (\d+)", one)[1] for one in asked] == ["60", "120", "180"]
    for one in asked:
        assert "--job-name calovision_" in one
        assert "-p batch" in one
        assert "--cpus-per-task=2" in one
        assert "--gpus" not in one


@with_htcondor
def test_htcondor_jobs(tmp_path: Path, my_files: Path) -> None:
    """The first attempt is lost, the second gets more memory and makes the images."""
    options = ["--configfile", str(my_files), "--config", f"results_dir={tmp_path}/results"]
    options += ["--set-resources", "build_images:classad_AccountingGroup=group_x.me"]
    options += ["build_images:htcondor_submit_MY__SendCredential=True"]
    targets = [f"{tmp_path}/results/images/s{label}/0000.h5" for label in (0, 1)]
    environment = {"PYTHONPATH": with_stub(), "HTCONDOR_STUB_LOSES": "1"}
    result = farm(
        tmp_path / "my work",
        "htcondor",
        *targets,
        *options,
        "--seconds-between-status-checks=1",
        **environment,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    folder = tmp_path / "my work/.snakemake/htcondor"
    logs = [*folder.glob("jobs_*.log")]  # one of each run
    assert len(logs) == 1, [*folder.iterdir(), result.stdout + result.stderr]
    jobs = [json.loads(line) for line in logs[0].read_text().splitlines()]
    assert [job["status"] for job in jobs] == [1, 0]
    asked = [job["description"] for job in jobs]
    assert [one["request_memory"] for one in asked] == ["3000MB", "6000MB"]
    assert [one["+MaxRuntime"] for one in asked] == [3600, 7200]  # two jobs in turn of 30 min
    for one in asked:
        assert (one["request_cpus"], one["request_disk"], one["getenv"]) == ("2", "4000MB", "True")
        assert one["environment"] == f'"CALOVISION_VERSION={version("calovision")}"'
        assert one["transfer_executable"] is False
        assert (one["+AccountingGroup"], one["MY.SendCredential"]) == ('"group_x.me"', True)
        assert "should_transfer_files" not in one
    for target in targets:
        assert Path(target).stat().st_size > 0


@with_htcondor
def test_htcondor_dry_run(tmp_path: Path) -> None:
    options = ["-n", "--configfile", "config/test.yaml", "--config", f"results_dir={tmp_path}/r"]
    options += ["--set-resources", "train_network:request_gpus=1"]
    result = farm(tmp_path / "work", "htcondor", *options, PYTHONPATH=with_stub())
    assert result.returncode == 0, result.stdout + result.stderr
    output = result.stdout + result.stderr
    found = {(job["mem_mb"], job["request_gpus"]) for job in resources(output, "train_network")}
    assert found == {("4000", "1")}
