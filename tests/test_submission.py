"""Before jobs go to a farm: partitions, what jobs inherit, what planning does once a rule."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from calovision.core.errors import InputError
from calovision.jobs import submission


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None, "main"], {"main"}),
        (["'gpu'", '"a,b.c-d"'], {"gpu", "a", "b.c-d"}),
        (["'gpu' if attempt > 1 else 'main'", "lambda wildcards: 'x'"], set()),
        ([], set()),
    ],
)
def test_partitions_that_are_named(values: list, expected: set) -> None:
    """Expressions are left to Snakemake."""
    assert submission.named_partitions(values) == expected


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs in front of all others, with an sinfo."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    write_sinfo(tmp_path, "printf 'main\\nbatch\\nmain\\n'")
    return tmp_path


def write_sinfo(folder: Path, line: str) -> None:
    (folder / "sinfo").write_text(f"#!/bin/sh\n{line}\n")
    (folder / "sinfo").chmod(0o755)


def test_partition_that_is_not_there_is_named(slurm: Path) -> None:
    assert submission.existing_partitions() == ["batch", "main"]
    submission.check_partitions(["main", None, "batch,main"])
    sentence = (
        r"^resource 'slurm_partition': SLURM has no partition 'nowhere'; give the profile or "
        r"--set-resources one of batch, main$"
    )
    with pytest.raises(InputError, match=sentence):
        submission.check_partitions(["'nowhere'", "main"])


def test_slurm_that_does_not_answer_or_is_not_there(
    slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sinfo(slurm, "echo main; exit 1")
    submission.check_partitions(["nowhere"])
    monkeypatch.setenv("PATH", str(slurm / "empty"))
    assert submission.existing_partitions() == []
    submission.check_partitions(["nowhere"])


def test_jobs_inherit_the_version_of_the_process_that_plans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(submission.VARIABLE, "0.0.0")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    submission.prepare_environment(is_main=False)
    assert os.environ[submission.VARIABLE] == "0.0.0"
    submission.prepare_environment(is_main=True)
    assert os.environ[submission.VARIABLE] == version("calovision")
    assert os.environ["OMP_WAIT_POLICY"] == "active"
    for name in (submission.VARIABLE, "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name)
    submission.prepare_environment(is_main=False)
    assert os.environ[submission.VARIABLE] == version("calovision")
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_a_rule_is_looked_at_once_by_each_processor() -> None:
    class Processor:
        def __init__(self) -> None:
            self.seen = []

        def process_job(self, job: object) -> None:
            self.seen.append(job.rule)

    class Another(Processor):
        pass

    class Job:
        def __init__(self, rule: str) -> None:
            self.rule = rule

    submission.check_scripts_by_rule(Processor)
    first, second = Processor(), Another()
    for rule in ("a", "b", "a"):
        first.process_job(Job(rule))
        second.process_job(Job(rule))
    assert first.seen == second.seen == ["a", "b"]
