"""Snakemake's plugin for HTCondor, where jobs of this workflow need what it does not do.

It tells HTCondor neither memory and time of a rule nor, in a form that HTCondor reads, variables of
the environment; gives up held jobs, but leaves them in the queue, where they may be released and
write once more; ends the run when the queue does not answer; and knows nothing of jobs of a
Snakemake that was killed. Version 0.3 of the plugin; drills on a real HTCondor are in
tests/htcondor.
"""

import os
import re
import shlex
import socket
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from calovision.jobs.attempts import birth_of, note_end, process_runs

SUBMITTER = "CalovisionSubmitter"
"""Attribute of a job: machine, number and birth of the process that submitted it."""

RAW = "htcondor_submit_"
"""Beginning of the resources that become lines of the submit description."""

LONGEST_SILENCE = 600.0
"""Time that the queue may give no answer, in seconds, as when it is started anew."""

NEEDS_SHARED_FILES = (
    "shared-fs-usage: 'none' does not work through HTCondor, since the plugin sends neither the "
    "rules that the Snakefile includes nor their scripts: run in a folder that all machines see"
)

PAUSE = 2.0
"""Time between two questions to the queue, in seconds."""


def adapt(plugin: ModuleType) -> None:
    """Change the plugin's executor so that the jobs get, and leave, what this module says."""
    executor = plugin.Executor
    if hasattr(executor, "is_adapted"):  # a module uses the workflow a second time
        return
    executor.is_adapted = True
    executor._format_htcondor_environment = lambda self, variables: environment_of(variables)
    executor._sanitize_job_args = lambda self, command: arguments_of(
        # machines that share files may still begin jobs in a folder of their own
        [*shlex.split(command), "--directory", str(Path.cwd())]
    )
    _begin(executor, plugin)
    _describe(executor)
    _submit(executor, plugin.htcondor)
    _give_up(executor, plugin.htcondor)


def environment_of(variables: dict[str, str]) -> str:
    """Variables as HTCondor's ``environment`` has them; the plugin's own form makes quotes a part
    of the values.
    """
    return _in_double_quotes(f"{name}={_quoted(str(value))}" for name, value in variables.items())


def arguments_of(command: list[str]) -> str:
    """A command's arguments as HTCondor's ``arguments`` has them; the plugin cuts those with blanks
    into several.
    """
    return _in_double_quotes(map(_quoted, command))


def describe(job: Any, description: dict[str, Any]) -> None:
    """Add to the description of a job what its resources say and HTCondor is not told.

    Parameters
    ----------
    job
        Job or group of jobs, of which ``resources`` are asked for ``mem_mb``, ``disk_mb`` (MB) and
        ``runtime`` (minutes).
    description
        Submit description, changed in place; what it has stays.
    """
    memory, disk, runtime = (job.resources.get(name) for name in ("mem_mb", "disk_mb", "runtime"))
    if memory:
        description.setdefault("request_memory", f"{int(memory)}MB")
    if disk:
        description.setdefault("request_disk", f"{int(disk)}MB")
    if runtime and not job.resources.get("classad_JobFlavour"):
        description.setdefault("+MaxRuntime", int(60 * runtime))  # seconds; CERN's limit of time
    description[f"+{SUBMITTER}"] = f'"{submitter()}"'
    for one in _single_jobs(job):  # a group adds up what is true
        for name, value in one.resources.items():
            if name.startswith(RAW) and isinstance(value, bool):
                description[name.removeprefix(RAW).replace("__", ".")] = value


def submitter() -> str:
    """The process that submits, as jobs carry it."""
    return f"{socket.gethostname()} {os.getpid()} {birth_of(os.getpid())}"


def is_orphan(carried: str) -> bool:
    """Tell whether the process that submitted a job was of this machine and is gone."""
    host, pid, born = carried.rsplit(" ", 2)
    return process_runs(host, int(pid), int(born)) is False


def remove_orphans(htcondor: ModuleType, folder: str) -> list[int]:
    """Remove jobs that a Snakemake that was killed left in the queue, and wait until they are gone.

    Parameters
    ----------
    htcondor
        HTCondor's Python interface.
    folder
        Working folder from which they were submitted.

    Returns
    -------
    Their numbers.
    """
    queue = htcondor.Schedd()
    attributes = ["ClusterId", "Iwd", SUBMITTER]
    found = [
        job["ClusterId"]
        for job in queue.query(constraint=f"isString({SUBMITTER})", projection=attributes)
        if job["Iwd"] == folder and is_orphan(job[SUBMITTER])
    ]
    if found:
        _remove(htcondor, found)
        constraint = " || ".join(f"ClusterId == {number}" for number in found)
        wait_until(lambda: not queue.query(constraint=constraint, projection=["ClusterId"]))
    return found


def queue_answers(htcondor: ModuleType) -> bool:
    """True; or an exception of HTCondor's Python interface."""
    htcondor.Schedd().query(constraint="false", projection=["ClusterId"])
    return True


def wait_until(is_so: Callable[[], bool]) -> bool:
    """Ask until the answer is yes, `LONGEST_SILENCE` at most; an error is a no."""
    end = time.monotonic() + LONGEST_SILENCE
    while not _answers(is_so):
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True


def _begin(executor: type, plugin: ModuleType) -> None:
    """A shared file system, a log of its own for each run, and no jobs of a run before."""
    begin, htcondor = executor.__post_init__, plugin.htcondor

    def __post_init__(self: Any) -> None:  # noqa: N807
        begin(self)
        if not self.workflow.storage_settings.shared_fs_usage:
            raise plugin.WorkflowError(NEEDS_SHARED_FILES)
        # numbers of jobs are those of a queue: in the log of another one they are other jobs
        name = f"jobs_{datetime.now():%Y-%m-%dT%H%M%S}_{os.getpid()}.log"
        self._unified_log_file = str(Path(self.jobDir, name))
        _wait_for_queue(self.logger, htcondor)
        try:
            orphans = remove_orphans(htcondor, str(Path.cwd()))
        except Exception as error:
            self.logger.warning(f"HTCondor was not asked for jobs of an earlier run: {error}")
            return
        if orphans:
            self.logger.warning(
                f"Removed from HTCondor's queue: {', '.join(map(str, orphans))}, jobs of a "
                "Snakemake that was killed in this folder"
            )

    executor.__post_init__ = __post_init__


def _describe(executor: type) -> None:
    """Memory, time and the submitter of each job."""
    add = executor._handle_explicit_unit_resources

    def _handle_explicit_unit_resources(self: Any, job: Any, description: dict) -> None:
        add(self, job, description)
        describe(job, description)
        # Python is run where it is: HTCondor would send a copy without its packages
        description["transfer_executable"] = False

    executor._handle_explicit_unit_resources = _handle_explicit_unit_resources


def _submit(executor: type, htcondor: ModuleType) -> None:
    """Submission that waits for a queue that gives no answer."""
    submit = executor.run_job

    def run_job(self: Any, job: Any) -> None:
        while True:
            is_there = _wait_for_queue(self.logger, htcondor)
            try:
                return submit(self, job)
            except Exception:
                # it is something else, or has lasted too long
                if not is_there or _answers(lambda: queue_answers(htcondor)):
                    raise

    executor.run_job = run_job


def _wait_for_queue(logger: Any, htcondor: ModuleType) -> bool:
    """Wait for the queue, and say so; False if it gave no answer for too long."""
    if _answers(lambda: queue_answers(htcondor)):
        return True
    logger.warning(
        f"HTCondor's queue gives no answer; waiting for it, {LONGEST_SILENCE / 60:g} min at most"
    )
    return wait_until(lambda: queue_answers(htcondor))


def _give_up(executor: type, htcondor: ModuleType) -> None:
    """Held jobs that count as failed leave the queue: released, they would write once more.

    And what became of a job is noted beside its log, and said of groups, too, for which Snakemake
    keeps it to itself.
    """
    report = executor.report_job_error

    def report_job_error(self: Any, job_info: Any, msg: str | None = None, **options: Any) -> None:
        job, message = job_info.job, _short(msg or "")
        if job.is_group():
            self.logger.error(message)
        for one in _single_jobs(job):
            for log in one.log:
                note_end(Path(log), message)
        state = self._job_current_states.get(job_info.external_jobid)
        if state is not None and state.status.name == "HELD":
            try:
                _remove(htcondor, [job_info.external_jobid])
            except Exception as error:
                self.logger.warning(
                    f"The held job {job_info.external_jobid} could not be removed, and must not "
                    f"be released ({error}): condor_rm {job_info.external_jobid}"
                )
        report(self, job_info, msg, **options)

    executor.report_job_error = report_job_error


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w.,:/=+@%-]+", text) else "'" + text.replace("'", "''") + "'"


def _in_double_quotes(parts: Iterable[str]) -> str:
    return '"' + " ".join(parts).replace('"', '""') + '"'


def _single_jobs(job: Any) -> list[Any]:
    return list(job.jobs) if job.is_group() else [job]


def _short(message: str) -> str:
    """A message of the plugin without Snakemake's number of the job."""
    return re.sub(r"^Job \S+ with HTCondor Cluster ID ", "HTCondor's job ", message)


def _remove(htcondor: ModuleType, numbers: list[int]) -> None:
    htcondor.Schedd().act(htcondor.JobAction.Remove, [f"{number}.0" for number in numbers])


def _answers(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except Exception:  # the interface has its own and those of Python
        return False
