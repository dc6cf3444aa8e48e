"""A SLURM cluster that is this machine, and the workflow on it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from conftest import REPOSITORY
from fakes import make_events, write_ntuple

HERE = Path(__file__).parent
SYSTEM_CONF = Path("/etc/slurm/slurm.conf")
SAMPLES = {"signal": (1, 40.0), "background": (0, 1.0)}  # label, factor on the energies
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "munged")
PATIENCE = 300.0  # s, until a drill gives up; each takes less than a minute on an idle machine
# this cluster has no accounting database, and nobody else whom frequent questions would disturb
OPTIONS = (
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=2",
    "--latency-wait=10",
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


def write_samples(folder: Path) -> dict[str, dict]:
    """Two samples of two small files each, as a configuration has them."""
    samples = {}
    for name, (label, scale) in SAMPLES.items():
        for number in range(2):
            towers, tracks = make_events(300, seed=10 * label + number, mean_towers=60)
            for energy in ("e_em", "e_had"):
                towers[energy] = scale * towers[energy]
            write_ntuple(folder / f"{name}_{number}.root", towers, tracks, first=300 * number)
        files = [str(folder / f"{name}_{number}.root") for number in range(2)]
        samples[name] = {
            "label": label,
            "schema": "calovision",
            "cross_section_pb": 1.0,
            "files": files,
        }
    return samples


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


class Analysis:
    """A working folder with the workflow of the repository, and results and records of its own."""

    def __init__(
        self, folder: Path, configuration: Mapping | None = None, configfile: str = "drill.yaml"
    ) -> None:
        folder.mkdir()
        for name in ("workflow", "config", "src"):
            (folder / name).symlink_to(REPOSITORY / name)
        if configuration is not None:
            (folder / configfile).write_text(yaml.safe_dump(dict(configuration)))
        self.folder, self.configfile = folder, configfile
        self.processes: list[subprocess.Popen] = []

    @property
    def results(self) -> Path:
        """Folder of the results: the same name relative to each working folder, since image files
        hold paths."""
        return self.folder / "results/drill"

    def run_locally(self, *targets: str) -> None:
        """Run without SLURM."""
        process = self._start(targets, ["--cores", "2"])
        assert process.wait(2 * PATIENCE) == 0, self.output()

    def start(self, *targets: str, options: tuple[str, ...] = ()) -> subprocess.Popen:
        """Start Snakemake with the profile for SLURM."""
        profile = ["--workflow-profile", "workflow/profiles/slurm", *OPTIONS, *options]
        return self._start(targets, profile)

    def run(self, *targets: str, options: tuple[str, ...] = ()) -> int:
        """The same to its end; returns its exit status."""
        return self.start(*targets, options=options).wait(2 * PATIENCE)

    def unlock(self) -> None:
        """Remove the lock of a Snakemake that was killed."""
        assert self._start((), ["--unlock"]).wait(PATIENCE) == 0, self.output()

    def stop(self) -> None:
        """Kill what a failed drill left."""
        for process in self.processes:
            process.kill()
            process.wait()

    def output(self) -> str:
        """What the last Snakemake printed."""
        return self._log.read_text()

    @property
    def _log(self) -> Path:
        return self.folder / f"snakemake_{len(self.processes)}.log"

    def _start(self, targets: tuple[str, ...], options: list[str]) -> subprocess.Popen:
        # one thread everywhere: sums over two could differ in the last digit
        common = [
            "--configfile",
            self.configfile,
            "--max-threads",
            "1",
            "--config",
            "results_dir=results/drill",
        ]
        call = [sys.executable, "-m", "snakemake", *targets, *options, *common]
        modules = os.pathsep.join([str(HERE), str(HERE.parent)])
        environment = os.environ | {
            "PYTHONPATH": modules,
            "CALOVISION_DRILL_FOLDER": str(self.folder),
        }
        with (self.folder / f"snakemake_{len(self.processes) + 1}.log").open("w") as log:
            process = subprocess.Popen(
                call, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, env=environment
            )
        self.processes.append(process)
        return process


def wait_for(
    find: Callable[[], object], what: str, process: subprocess.Popen | None = None
) -> object:
    """Ask until the answer is not empty and return it; a run that ends before is a failure."""
    end = time.monotonic() + PATIENCE
    while not (found := find()):
        assert time.monotonic() < end, f"waited {PATIENCE:g} s in vain for {what}"
        assert process is None or process.poll() is None, f"the run ended before there was {what}"
        time.sleep(0.02)
    return found


def processes_with_open(path: Path) -> list[int]:
    """Processes that have a file open, or one in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            targets = [link.readlink() for link in (process / "fd").iterdir()]
        except OSError:  # it has ended, or closed the file just now
            continue
        if any(target == path or path in target.parents for target in targets):
            found.append(int(process.name))
    return found


def command(*arguments: str) -> str:
    """Output of a program that must succeed."""
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


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
