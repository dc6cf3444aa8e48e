"""stages: what the jobs of a small run of the workflow take, from which ``calovision plan``
predicts larger ones."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from benchmarks.harness import Benchmark, Settings, installed
from calovision.jobs.planning import Job, measure_run

REPOSITORY = Path(__file__).parents[2]
RPV = {"process": "rpv_gluinos", "mass_gluino": 1400, "mass_neutralino": 850}
QCD = {"process": "qcd", "pt_hat_min": 400, "pt_hat_max": 2500, "bias_power": 3}
FULL = 5000  # events of a benchmark; fewer take the configuration of the tests
# Jobs of two sizes of each kind, so that the start of a job can be told from its work.
CHANGES = {
    "samples": {
        "rpv_1400_850": {
            "label": 1,
            "cross_section_pb": 0.025,
            "mass": 1400,
            "simulate": RPV | {"n_events": 1250},
        },
        "qcd": {"label": 0, "cross_section_pb": 2040, "simulate": QCD | {"n_events": 3000}},
        "qcd_filtered": {
            "label": 0,
            "cross_section_pb": 2040,
            "simulate": QCD | {"filter_jets": 3, "n_events": 6000},
        },
        "rpv_1600_850": {
            **{"label": 1, "role": "reach", "cross_section_pb": 0.008, "mass": 1600},
            "simulate": RPV | {"mass_gluino": 1600, "n_events": 250},
        },
    },
    "simulation": {"events_per_job": 2000},
    "train": {"epochs": 4},
    "models": {
        "small": {},
        "small_short": {"epochs": 1},
        "resnet": {
            "network": "resnet",
            "options": {"stem": 16, "widths": [16, 32, 64]},
            "epochs": 2,
        },
    },
    "robustness": {"variations": {"scale_up": {"scale": 1.03}}},
}


def stages(settings: Settings) -> Benchmark:
    """Run the workflow on one core; nothing where Pythia is not installed."""
    details: dict[str, object] = {}

    def measure() -> dict[str, dict[str, float]]:
        if not installed("pythia8mc"):
            return {}
        results = settings.scratch / "results"
        changes = settings.scratch / "changes.yaml"
        content = (CHANGES if settings.n_events >= FULL else {}) | {"results_dir": str(results)}
        changes.write_text(
            yaml.safe_dump(content, sort_keys=False)
        )  # the first model is that of the plots
        files = (
            [changes]
            if settings.n_events >= FULL
            else [REPOSITORY / "config" / "test.yaml", changes]
        )
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--cores",
            "1",
            "--nolock",
            "--quiet",
            "--configfile",
        ]
        subprocess.run([*command, *map(str, files)], cwd=REPOSITORY, check=True, stdout=sys.stderr)
        run = measure_run(results)
        run.source = "make bench"
        details.update(run.to_json())
        return means(run.jobs)

    return Benchmark(
        title="jobs of a small run of the workflow on one core, for calovision plan",
        n_events=settings.n_events,
        measure_values=measure,
        details=details,
    )


def means(jobs: Iterable[Job]) -> dict[str, dict[str, float]]:
    """Mean time of the jobs of each rule and key."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        groups.setdefault(f"{job.rule} {job.key}".strip(), []).append(job)
    return {
        name: {
            "jobs": float(len(group)),
            "cpu_s_a_job": sum(job.cpu_s for job in group) / len(group),
            "work_a_job": sum(job.work for job in group) / len(group),
            "mb": max(job.memory_mb for job in group),
        }
        for name, group in groups.items()
    }
