"""An HTCondor pool that is this machine."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from farm import Farm

HERE = Path(__file__).parent
PLUGIN = Path(sys.prefix) / "htcondor"
"""Snakemake's plugin and the Python interface of HTCondor, which the Makefile puts there."""

ROOT = "CALOVISION_HTCONDOR_ROOT"
"""Environment variable with the folder that pool.sh installed HTCondor in."""

INSTALLERS = ("mmdebstrap", "patchelf")
# root, for whom HTCondor runs no jobs, becomes another user, who owns the same files
AS_USER = ("unshare", "--user", "--map-user=1", "--map-group=1", "--") if os.geteuid() == 0 else ()
STATES = {1: "IDLE", 2: "RUNNING", 3: "REMOVED", 4: "COMPLETED", 5: "HELD", 6: "TRANSFERRING"}
ATTRIBUTES = (
    "ClusterId",
    "JobStatus",
    "RequestMemory",
    "ExitCode",
    "HoldReason",
    "NumJobStarts",
    "JobBatchName",
)


def reason_to_skip() -> str | None:
    """Why no pool can be started here; None if one can."""
    if os.environ.get("CALOVISION_TEST_HTCONDOR") != "1":
        return "the drills start an HTCondor pool: `make test-htcondor` runs them"
    missing = [program for program in INSTALLERS if shutil.which(program) is None]
    if shutil.which("condor_master") is None and ROOT not in os.environ and missing:
        return f"HTCondor is not installed, and cannot be without {' and '.join(missing)}"
    found = (PLUGIN / "htcondor2").is_dir() or importlib.util.find_spec("htcondor2") is not None
    if not found:
        return f"the Python interface of HTCondor is neither installed nor in {PLUGIN}"
    if AS_USER and subprocess.run([*AS_USER, "true"], capture_output=True).returncode:
        return "root can become no other user here: this machine allows no user namespaces"
    return None


@dataclass(frozen=True)
class Job:
    """A job in the queue or in the history; memory in MB."""

    number: int
    state: str
    memory: int
    exit_code: int | None
    hold_reason: str | None
    n_starts: int
    name: str


class Pool:
    """A running pool; its files are in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _script("up", folder)
        self.farm = Farm(
            "htcondor",
            ("--latency-wait=10", "--seconds-between-status-checks=1"),
            AS_USER,
            {"CONDOR_CONFIG": str(folder / "condor_config"), "PYTHONPATH": str(PLUGIN)},
        )

    def stop(self) -> None:
        """Remove all jobs and stop HTCondor."""
        _script("down", self.folder)

    def command(self, name: str, *arguments: object) -> str:
        """Output of one of the commands of HTCondor, which must succeed."""
        root = Path(os.environ.get(ROOT, "/"))
        program = next(root.glob(f"usr/*bin/{name}"))
        call = [*AS_USER, program, *map(str, arguments)]
        environment = os.environ | self.farm.environment
        return subprocess.run(
            call, capture_output=True, text=True, check=True, env=environment
        ).stdout

    def jobs(self, *states: str, since: int = 0) -> list[Job]:
        """Jobs in some states (all, if none is given), of numbers above ``since``, in the order of
        submission."""
        found = self._ads("condor_history") | self._ads("condor_q")
        jobs = [_job(found[number]) for number in sorted(found) if number > since]
        return [job for job in jobs if not states or job.state in states]

    def is_empty(self) -> bool:
        """Whether all jobs have left the queue.

        Removed ones do once they have given back their slots, which nobody gets for 40 minutes if
        the queue is killed before.
        """
        return not self._ads("condor_q")

    def answers(self) -> bool:
        """Whether the queue answers."""
        try:
            return bool(self.command("condor_q", "-totals"))
        except subprocess.CalledProcessError:
            return False

    def last(self) -> int:
        """Number of the job submitted last; 0 if there is none."""
        return max((job.number for job in self.jobs()), default=0)

    def _ads(self, program: str) -> dict[int, dict]:
        everyone = ("-allusers",) if program == "condor_q" else ()
        output = self.command(program, "-json", "-attributes", ",".join(ATTRIBUTES), *everyone)
        return {ad["ClusterId"]: ad for ad in json.loads(output or "[]")}


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """HTCondor of the path, or of a folder; it is put there if there is none."""
    if shutil.which("condor_master") is not None or ROOT in os.environ:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        _script("install", folder)
        patch.setenv(ROOT, str(folder))
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _job(ad: dict) -> Job:
    return Job(
        ad["ClusterId"],
        STATES[ad["JobStatus"]],
        ad["RequestMemory"],
        ad.get("ExitCode"),
        ad.get("HoldReason"),
        ad.get("NumJobStarts", 0),
        ad.get("JobBatchName", ""),
    )


def _script(action: str, folder: Path) -> None:
    # the daemons outlive the script and must not hold its output open
    with (folder.parent / f"{action}.log").open("w") as log:
        code = subprocess.run([HERE / "pool.sh", action, folder], stdout=log, stderr=log).returncode
    assert code == 0, Path(log.name).read_text()
