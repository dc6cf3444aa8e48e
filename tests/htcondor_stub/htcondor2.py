"""Stands for HTCondor's Python interface: runs a job at once, on this machine, and writes down what
it was asked for.

A job is a line of JSON in the log that its description names; HTCONDOR_STUB_LOSES jobs are lost
before any succeeds.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

JobEventType = Enum(
    "JobEventType",
    [
        *(
            "SUBMIT",
            "EXECUTE",
            "JOB_EVICTED",
            "JOB_SUSPENDED",
            "JOB_UNSUSPENDED",
            "IMAGE_SIZE",
            "FILE_TRANSFER",
        ),
        *(
            "JOB_HELD",
            "JOB_RELEASED",
            "JOB_TERMINATED",
            "JOB_ABORTED",
            "JOB_RECONNECT_FAILED",
            "SHADOW_EXCEPTION",
        ),
        *("JOB_DISCONNECTED", "JOB_RECONNECTED"),
    ],
)
JobAction = Enum("JobAction", ["Remove"])


class Submit:
    """A submit description."""

    def __init__(self, description: dict) -> None:
        self.description = description

    def issue_credentials(self) -> None:
        """Nothing here needs any."""


class SubmitResult:
    """The number of a job."""

    def __init__(self, number: int) -> None:
        self.number = number

    def cluster(self) -> int:
        """HTCondor's name of it."""
        return self.number


def words(text: str) -> list[str]:
    """Arguments of a job: in double quotes, those with blanks in single ones, quotes doubled."""
    assert text[0] == text[-1] == '"'
    found = re.findall(r"'(?:[^']|'')*'|[^' ]+", text[1:-1].replace('""', '"'))
    return [word[1:-1].replace("''", "'") if word[0] == "'" else word for word in found]


class Schedd:
    """The queue."""

    def submit(self, job: Submit) -> SubmitResult:
        """Run a job to its end, or lose it."""
        log = Path(job.description["log"])
        number = len(log.read_text().splitlines()) + 1 if log.exists() else 1
        call = [job.description["executable"], *words(job.description["arguments"])]
        is_lost = number <= int(os.environ.get("HTCONDOR_STUB_LOSES", "0"))
        with Path(job.description["error"]).open("w") as error:
            status = 1 if is_lost else subprocess.run(call, stdout=error, stderr=error).returncode
        with log.open("a") as file:
            file.write(
                json.dumps({"number": number, "status": status, "description": job.description})
                + "\n"
            )
        return SubmitResult(number)

    def query(self, **options: object) -> list[dict]:
        """No job is in the queue: each ends at once."""
        return []


class JobEvent(dict):
    """The end of a job."""

    type = JobEventType.JOB_TERMINATED

    def __init__(self, number: int, status: int) -> None:
        super().__init__(ReturnValue=status, TerminatedNormally=True)
        self.cluster = number


class JobEventLog:
    """What became of the jobs of a log."""

    def __init__(self, path: str) -> None:
        self.path, self.n_seen = Path(path), 0

    def events(self, stop_after: int) -> Iterator[JobEvent]:
        """Those that were not seen before."""
        jobs = [json.loads(line) for line in self.path.read_text().splitlines()]
        new, self.n_seen = jobs[self.n_seen :], len(jobs)
        return iter([JobEvent(job["number"], job["status"]) for job in new])

    def close(self) -> None:
        """Nothing is open."""
