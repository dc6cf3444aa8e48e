"""Snakemake's plugin for HTCondor as the workflow changes it, on stand-ins of both; a real HTCondor
is in tests/htcondor."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from calovision.jobs import htcondor
from calovision.jobs.attempts import attempts_file, read_attempts


class Queue:
    """A queue that gives no answer a few times; its jobs go when they are removed."""

    def __init__(self, jobs: list[dict] = (), n_silent: int = 0) -> None:
        self.jobs, self.n_silent, self.removed = list(jobs), n_silent, []
        self.JobAction = SimpleNamespace(Remove="remove")

    def Schedd(self) -> "Queue":
        if self.n_silent:
            self.n_silent -= 1
            raise RuntimeError("no answer")
        return self

    def query(self, constraint: str, projection: list[str]) -> list[dict]:
        asked = set(map(int, re.findall(r"ClusterId == (\d+)", constraint)))
        every = constraint.startswith("isString")
        return [dict(job) for job in self.jobs if every or job["ClusterId"] in asked]

    def act(self, action: str, names: list[str]) -> None:
        assert action == "remove"
        self.removed += names
        self.jobs = [job for job in self.jobs if f"{job['ClusterId']}.0" not in names]


class Executor:
    """As much of the plugin's executor as is changed."""

    def __init__(self, is_shared: bool = True, n_failures: int = 0) -> None:
        self.said, self.reported, self.submitted = [], [], []
        self.logger = SimpleNamespace(warning=self.said.append, error=self.said.append)
        storage = SimpleNamespace(shared_fs_usage={"input-output"} if is_shared else None)
        self.workflow = SimpleNamespace(storage_settings=storage)
        self.jobDir, self._job_current_states = "jobs", {}
        self.n_failures = n_failures
        self.__post_init__()

    def __post_init__(self) -> None:
        self._unified_log_file = "snakemake-rules.log"

    def _handle_explicit_unit_resources(self, job: object, description: dict) -> None:
        pass

    def run_job(self, job: object) -> None:
        if self.n_failures:
            self.n_failures -= 1
            raise ValueError("not submitted")
        description = {"arguments": self._sanitize_job_args("-m snakemake 'a b'")}
        self._handle_explicit_unit_resources(job, description)
        self.submitted.append(description)

    def report_job_error(self, job_info: object, msg: str | None = None) -> None:
        self.reported.append((job_info.external_jobid, msg))


def adapted(queue: Queue) -> type:
    executor = type("Executor", (Executor,), dict(vars(Executor)))
    htcondor.adapt(SimpleNamespace(Executor=executor, htcondor=queue, WorkflowError=RuntimeError))
    return executor


def job(*, is_group: bool = False, log: Path | None = None, **resources: object) -> SimpleNamespace:
    logs = [] if log is None else [str(log)]
    return SimpleNamespace(resources=resources, is_group=lambda: is_group, jobs=[], log=logs)


@pytest.fixture(autouse=True)
def _in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(htcondor, "PAUSE", 0.0)


def test_environment_and_arguments_are_those_of_htcondor() -> None:
    """Values with blanks in single quotes, quotes doubled, double quotes around all."""
    assert htcondor.environment_of({"A": "1.0", "B": "it's a"}) == "\"A=1.0 B='it''s a'\""
    assert htcondor.arguments_of(["-m", "a b", 'say "x"', ""]) == (
        "\"-m 'a b' 'say \"\"x\"\"' ''\""
    )


def test_htcondor_is_told_what_rules_ask_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    executor = adapted(Queue())()
    executor.run_job(job(mem_mb=3000, disk_mb=1500.0, runtime=30))
    assert executor.submitted == [
        {
            "arguments": f"\"-m snakemake 'a b' --directory {tmp_path}\"",
            "request_memory": "3000MB",
            "request_disk": "1500MB",
            "+MaxRuntime": 1800,
            f"+{htcondor.SUBMITTER}": f'"{htcondor.submitter()}"',
            "transfer_executable": False,
        }
    ]


def test_what_the_profile_says_stays() -> None:
    description = {"request_memory": "1GB", "+MaxRuntime": 60}
    htcondor.describe(job(mem_mb=3000, runtime=30), description)
    assert (description["request_memory"], description["+MaxRuntime"]) == ("1GB", 60)
    description = {}
    htcondor.describe(job(runtime=30, classad_JobFlavour="longlunch"), description)
    assert "+MaxRuntime" not in description


def test_what_is_true_of_a_group_is_not_added_up() -> None:
    one = job(htcondor_submit_MY__SendCredential=True, htcondor_submit_number=3)
    group = SimpleNamespace(resources={}, is_group=lambda: True, jobs=[one, one])
    description = {}
    htcondor.describe(group, description)
    assert description["MY.SendCredential"] is True
    assert "number" not in description  # the plugin's


def test_files_that_are_not_shared_are_refused() -> None:
    """The plugin would send the Snakefile without what it includes, and jobs would be held."""
    with pytest.raises(RuntimeError, match="run in a folder that all machines see"):
        adapted(Queue())(is_shared=False)


def test_held_job_that_is_given_up_leaves_the_queue() -> None:
    queue = Queue()
    executor = adapted(queue)()
    states = {1: "HELD", 2: "COMPLETED"}
    executor._job_current_states = {
        number: SimpleNamespace(status=SimpleNamespace(name=name))
        for number, name in states.items()
    }
    message = "Job 0-a with HTCondor Cluster ID {} has been held"
    for number in states:
        info = SimpleNamespace(external_jobid=number, job=job(is_group=True))
        executor.report_job_error(info, msg=message.format(number))
    assert queue.removed == ["1.0"]
    assert executor.reported == [(number, message.format(number)) for number in states]
    # Snakemake says nothing of groups
    assert executor.said == ["HTCondor's job 1 has been held", "HTCondor's job 2 has been held"]


def test_end_of_a_job_that_left_none_is_noted(tmp_path: Path) -> None:
    """`calovision status` tells it; the end of a job that failed by itself stays."""
    killed, failed = (tmp_path / f"{name}.log" for name in ("killed", "failed"))
    start = {"started": 1.0, "host": "far", "pid": 1}
    end = {"ended": 2.0, "succeeded": False, "message": "own"}
    attempts_file(killed).write_text(json.dumps(start) + "\n")
    attempts_file(failed).write_text("".join(json.dumps(one) + "\n" for one in (start, end)))
    executor = adapted(Queue())()
    group = SimpleNamespace(is_group=lambda: True, jobs=[job(log=killed), job(log=failed)])
    info = SimpleNamespace(external_jobid=3, job=group)
    executor.report_job_error(info, msg="Job 7 with HTCondor Cluster ID 3 was removed/aborted.")
    (one,), (other,) = read_attempts(killed), read_attempts(failed)
    assert (one.succeeded, one.message) == (False, "HTCondor's job 3 was removed/aborted.")
    assert (one.is_running, other.message) == (False, "own")


def test_jobs_of_a_snakemake_that_was_killed_are_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not those of another folder, of a process that runs, or of another machine."""
    monkeypatch.chdir(tmp_path)
    alive = htcondor.submitter()
    dead = " ".join([*alive.split()[:2], "1"])  # the number of a process, born at another time
    far = " ".join(["elsewhere", *dead.split()[1:]])
    found = [(tmp_path, dead), ("/other", dead), (tmp_path, alive), (tmp_path, far)]
    queue = Queue(
        [
            {"ClusterId": number, "Iwd": str(folder), htcondor.SUBMITTER: carried}
            for number, (folder, carried) in enumerate(found)
        ]
    )
    executor = adapted(queue)()
    assert queue.removed == ["0.0"]
    assert executor.said == [
        "Removed from HTCondor's queue: 0, jobs of a Snakemake that was killed in this folder"
    ]


def test_each_run_has_a_log_of_its_own() -> None:
    """In the log of another queue the same numbers are other jobs."""
    log = adapted(Queue())()._unified_log_file
    assert re.fullmatch(rf"jobs/jobs_[\dT-]+_{os.getpid()}\.log", log)


def test_submission_waits_for_a_queue_that_gives_no_answer() -> None:
    queue = Queue()
    executor = adapted(queue)()
    queue.n_silent = 3
    executor.run_job(job())
    assert len(executor.submitted) == 1
    assert executor.said == ["HTCondor's queue gives no answer; waiting for it, 10 min at most"]


def test_submission_that_the_queue_refuses_is_an_error() -> None:
    executor = adapted(Queue())(n_failures=1)
    with pytest.raises(ValueError, match="not submitted"):
        executor.run_job(job())


def test_silence_that_lasts_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    executor = adapted(queue)(n_failures=1)
    monkeypatch.setattr(htcondor, "LONGEST_SILENCE", -1.0)
    queue.n_silent = 10
    with pytest.raises(ValueError, match="not submitted"):
        executor.run_job(job())
