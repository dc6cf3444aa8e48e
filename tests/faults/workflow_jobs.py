"""All jobs of two small runs of the workflow, a search and the monitoring of a detector, to be run
again one by one.
"""

import json
import os
import runpy
import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml
from conftest import REPOSITORY
from fakes import make_events, write_ntuple

from faults.jobs import Job
from faults.material import import_all, prepared, remembered, scratch
from faults.processes import run_apart

SAMPLES = {"signal": (1, 40.0), "background": (0, 1.0)}  # label, factor on the energies
SEARCH = {
    "results_dir": "results/search",
    "event_content": None,
    "selection": {"preselection": {"any": "n_fat_jets >= 0"}},
    "images": {"grid": [8, 8], "chunk_size": 40},
    "train": {"epochs": 2, "batch_size": 32, "checkpoint_minutes": 1e-9, "seeds": 1},
    "baselines": ["logistic_regression"],
    "reach": {"least_n_eff": 1},
    "robustness": {"background_efficiency": 0.1, "variations": {"worse": {"scale": 1.03}}},
    "plots": {"n_event_displays": 1, "n_attributed_events": 2},
    "models": {"cnn": {}},
}
DEAD = {"kind": "dead", "runs": ["17-20"], "layer": "em", "eta": [0.5, 1.0], "phi": [0.0, 0.7853]}
MONITORING = {
    "results_dir": "results/monitoring",
    "samples": {
        "collisions": {
            "simulate": {
                "process": "qcd",
                "pt_hat_min": 20,
                "n_events": 1000,
                "runs": 20,
                "faults": {"dead": DEAD},
            }
        }
    },
    "simulation": {"events_per_job": 500},
    "images": {"grid": [10, 8], "channels": ["em_et", "had_et"]},
    "monitoring": {
        "run": "run",
        "thresholds": {"em_et": 0.5, "had_et": 0.5},
        "good_runs": ["1-16"],
        "min_events": 10,
        "methods": ["poisson", "energy", "autoencoder"],
        "study": {"runs": 10},
    },
}
MEASURED = ("running_time", "cpu_time", "max_rss", "max_vms", "max_uss", "max_pss")
"""What Snakemake would measure of a process of its own."""


@cache
def workflow_jobs() -> tuple[Job, ...]:
    """Jobs of both runs, in the order in which they ran."""
    folder = prepared("run", _run_both)
    lines = (folder / "jobs/list").read_text().splitlines()
    return tuple(_job(folder, **json.loads(line)) for line in lines)


def _job(folder: Path, name: str, outputs: list[str], script: str) -> Job:
    job = Job(name, folder, tuple(outputs), script)
    return replace(job, volatile=tuple(remembered(f"job {name}", job.found_volatile)))


def _run_both(folder: Path) -> None:
    import_all()
    (folder / "jobs").mkdir()
    for name, configuration in write_configurations(folder).items():
        end = run_apart(
            lambda name=name: _run_workflow(name, folder / "jobs"),
            folder,
            output=scratch() / "workflow.txt",
        )
        assert end.status == 0, (configuration, end.text[-3000:])


def write_configurations(folder: Path) -> dict[str, dict]:
    """Write ROOT files and configurations of both runs; returns the latter by their file."""
    (folder / "ntuples").mkdir()
    samples = {}
    for name, (label, scale) in SAMPLES.items():
        files = [f"ntuples/{name}_{number}.root" for number in range(2)]
        for number, file in enumerate(files):
            towers, tracks = make_events(100, seed=10 * label + number)
            for energy in ("e_em", "e_had"):
                towers[energy] = scale * towers[energy]
            write_ntuple(folder / file, towers, tracks, first=300 * number)
        of_all = {"schema": "calovision", "cross_section_pb": 1.0, "files": files}
        samples[name] = {"label": label, **of_all}
    samples["signal"]["mass"] = 1400
    simulate = {"process": "rpv_gluinos", "mass_gluino": 1800, "n_events": 5}
    samples["other"] = {
        "label": 1,
        "role": "reach",
        "mass": 1800,
        "cross_section_pb": 1.0,
        "simulate": simulate,
    }
    found = {"search.yaml": {**SEARCH, "samples": samples}, "monitoring.yaml": MONITORING}
    for name, configuration in found.items():
        (folder / name).write_text(yaml.safe_dump(configuration, sort_keys=False))
    return found


def _run_workflow(configfile: str, record: Path) -> None:
    """Run the workflow and record its jobs."""
    number = iter(range(10_000))

    def note(rule: str, fname: str, outputs: list[str]) -> str:
        script = record / f"{configfile.split('.')[0]}_{next(number):02d}_{rule}.py"
        shutil.copy(fname, script)
        with (record / "list").open("a") as file:
            values = {"name": script.stem, "script": str(script), "outputs": outputs}
            file.write(json.dumps(values) + "\n")
        return str(script)

    run_snakemake("--configfile", configfile, "--nolock", note=note)


def run_snakemake(
    *arguments: str, note: Callable[[str, str, list[str]], str] = lambda rule, fname, outputs: fname
) -> None:
    """Run the workflow in this process, which ends, and its scripts in forks of it.

    ``note`` is given rule, script and outputs of each job; it returns the script to run.
    """
    from snakemake import cli
    from snakemake.script import PythonScript

    def execute(self: PythonScript, fname: str, edit: bool = False) -> None:
        script = note(self.rulename, fname, list(map(str, self.output)))
        pid = os.fork()
        if pid == 0:  # Snakemake's own folders are removed where an interpreter ends
            _run_and_exit(script)
        assert os.waitpid(pid, 0)[1] == 0, script
        for measured in MEASURED if self.bench_record else ():
            setattr(self.bench_record, measured, 1.0)

    PythonScript.execute_script = execute
    snakefile = str(REPOSITORY / "workflow/Snakefile")
    cli.main(["-s", snakefile, "--cores", "1", *arguments])


def _run_and_exit(script: str) -> None:
    status = 1
    try:
        runpy.run_path(script, run_name="__main__")
        status = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
