"""A SLURM cluster that is this machine."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from farm import Farm, command

HERE = Path(__file__).parent
SYSTEM_CONF = Path("/etc/slurm/slurm.conf")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "munged")
# this cluster has no accounting database, and nobody else whom frequent questions would disturb
SLURM = Farm(
    "slurm",
    (
        "--slurm-status-command=squeue",
        "--slurm-init-seconds-before-status-checks=2",
        "--latency-wait=10",
    ),
)


def reason_to_skip() -> str | None:
    """Why no cluster can be started here; None if one can."""
    if os.environ.get("CALOVISION_TEST_SLURM") != "1":
        return "the drills start a SLURM cluster: `make test-slurm` runs them"
    if SYSTEM_CONF.exists() and not SYSTEM_CONF.is_symlink():
        return f"{SYSTEM_CONF} exists: this machine belongs to a cluster"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"SLURM is not installed: {', '.join(missing)} not found"
    return None if os.geteuid() == 0 else "only root can start a SLURM cluster"


@dataclass(frozen=True)
class Job:
    """A SLURM job as squeue lists it; memory in MB."""

    number: str
    state: str
    memory: int
    comment: str


class Cluster:
    """A running cluster; its files are in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._script("up")

    def stop(self) -> None:
        """Cancel all jobs and stop SLURM."""
        self._script("down")

    def jobs(self, *states: str, since: int = 0) -> list[Job]:
        """Jobs in some states (all, if none is given), of numbers above ``since``, in the order of
        submission."""
        lines = command("squeue", "--noheader", "--states=all", "--format=%i|%T|%m|%k").splitlines()
        jobs = sorted(
            (Job(i, state, _in_mb(m), k) for i, state, m, k in _split(lines)), key=_number
        )
        return [job for job in jobs if _number(job) > since and (not states or job.state in states)]

    def last(self) -> int:
        """Number of the job submitted last; 0 if there is none."""
        return max((_number(job) for job in self.jobs()), default=0)

    def _script(self, action: str) -> None:
        # the daemons outlive the script and must not hold its output open
        with (self.folder.parent / f"{action}.log").open("w") as log:
            code = subprocess.run(
                [HERE / "cluster.sh", action, self.folder], stdout=log, stderr=log
            ).returncode
        assert code == 0, Path(log.name).read_text()


def _split(lines: list[str]) -> list[list[str]]:
    return [line.split("|", maxsplit=3) for line in lines]


def _number(job: Job) -> int:
    return int(job.number)


def _in_mb(memory: str) -> int:
    """1500 of 1500M, 2048 of 2G."""
    return (
        int(float(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]])
        if memory[-1] in "MG"
        else int(memory)
    )
