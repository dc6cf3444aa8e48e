"""The workflow on a batch farm that is this machine, for the drills of SLURM and of HTCondor."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from conftest import REPOSITORY
from fakes import make_events, write_ntuple

TESTS = Path(__file__).parent
SAMPLES = {"signal": (1, 40.0), "background": (0, 1.0)}  # label, factor on the energies
IMAGES = [f"results/drill/images/{name}/{chunk:04d}.h5" for name in SAMPLES for chunk in range(2)]
WEIGHTS = "results/drill/models/cnn/seed1/model.safetensors"
SUMMARY = "results/drill/metrics/summary.json"
WHOLE = str(REPOSITORY / "config/test.yaml")
"""Configuration with every stage, from the simulation to the report, in a minute or two."""
PATIENCE = 600.0  # s, until a drill gives up; most take less than a minute on an idle machine
# what runs in the background ignores Ctrl-C, and hands that on
LIKE_A_SHELL = ("env", "--default-signal=INT")


@dataclass(frozen=True)
class Farm:
    """A profile and what the drills change in it.

    Attributes
    ----------
    profile
        Its folder below ``workflow/profiles``.
    options
        Further options of Snakemake.
    prefix
        Command that starts Snakemake.
    environment
        Variables of Snakemake and of its jobs.
    """

    profile: str
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


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


class Analysis:
    """A working folder with the workflow of the repository, and results and records of its own."""

    def __init__(
        self,
        folder: Path,
        farm: Farm | None = None,
        configuration: Mapping | None = None,
        configfile: str = "drill.yaml",
    ) -> None:
        folder.mkdir()
        for name in ("workflow", "config", "src"):
            (folder / name).symlink_to(REPOSITORY / name)
        if configuration is not None:
            (folder / configfile).write_text(yaml.safe_dump(dict(configuration)))
        self.folder, self.configfile, self.farm = folder, configfile, farm
        self.processes: list[subprocess.Popen] = []

    @property
    def results(self) -> Path:
        """Folder of the results: the same name relative to each working folder, since image files
        hold paths."""
        return self.folder / "results/drill"

    def run_locally(self, *targets: str) -> None:
        """Run without a farm, to its end."""
        assert self.run_here(*targets) == 0, self.output()

    def run_here(self, *targets: str) -> int:
        """Run without a farm; returns the exit status."""
        return self._start(Farm("default"), targets, ["--cores", "2"]).wait(2 * PATIENCE)

    def start(self, *targets: str, options: tuple[str, ...] = ()) -> subprocess.Popen:
        """Start Snakemake with the profile of the farm."""
        profile = ["--workflow-profile", f"workflow/profiles/{self.farm.profile}"]
        return self._start(self.farm, targets, [*profile, *self.farm.options, *options])

    def run(self, *targets: str, options: tuple[str, ...] = ()) -> int:
        """The same to its end; returns its exit status."""
        return self.start(*targets, options=options).wait(2 * PATIENCE)

    def unlock(self) -> None:
        """Remove the lock of a Snakemake that was killed."""
        assert self._start(Farm("default"), (), ["--unlock"]).wait(PATIENCE) == 0, self.output()

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

    def _start(self, farm: Farm, targets: tuple[str, ...], options: list[str]) -> subprocess.Popen:
        # one thread everywhere: sums over two could differ in the last digit
        common = [
            "--configfile",
            self.configfile,
            "--max-threads",
            "1",
            "--config",
            "results_dir=results/drill",
        ]
        call = [*LIKE_A_SHELL, *farm.prefix, sys.executable, "-m", "snakemake"]
        call += [*targets, *options, *common]
        # networks of the drills, and what the farm and the user have of their own
        modules = [str(TESTS), farm.environment.get("PYTHONPATH"), os.environ.get("PYTHONPATH")]
        environment = {**os.environ, **farm.environment}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, modules))
        environment["CALOVISION_DRILL_FOLDER"] = str(self.folder)
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


def start_training(analysis: Analysis) -> subprocess.Popen:
    """Start a training that waits at every step until the file ``slow`` is removed, and return once
    it has a checkpoint."""
    (analysis.folder / "slow").touch()
    process = analysis.start(WEIGHTS)
    resume = analysis.results / "models/cnn/seed1/resume"
    wait_for(lambda: list(resume.glob("step*.ckpt")), "a checkpoint", process)
    return process


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
