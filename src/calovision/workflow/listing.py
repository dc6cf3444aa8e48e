"""List of the jobs of a run, which `calovision status` reads, from what Snakemake plans."""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.workflow.analysis import Analysis
from calovision.workflow.results import fill
from calovision.workflow.rules import RULES


@dataclass(frozen=True)
class PlannedJob:
    """A job as Snakemake plans it.

    Attributes
    ----------
    rule
        Name of its rule here, whatever name a workflow gives it that uses this one as a module.
    wildcards
        Values of its wildcards.
    log, benchmark, inputs, outputs
        Its files.
    is_needed
        True if the run has to do it.
    """

    rule: str
    wildcards: Mapping[str, str]
    log: str
    benchmark: str
    inputs: Collection[str]
    outputs: Collection[str]
    is_needed: bool


def list_jobs(
    analysis: Analysis, planned: Iterable[PlannedJob], programs: Path
) -> list[dict[str, Any]]:
    """Entries of the list of a run's jobs, as `calovision.jobs.run_summary.start_run` takes them.

    Parameters
    ----------
    analysis
        The run.
    planned
        Its jobs; those of rules that are not in `RULES` are left out.
    programs
        Folder of the workflow's own files, which are inputs of jobs but no data.

    Returns
    -------
    Jobs in the order of `RULES`, those of a rule by name.
    """
    order = {rule: position for position, rule in enumerate(RULES)}
    jobs = [_entry(analysis, job, programs) for job in planned if job.rule in order]
    return sorted(jobs, key=lambda job: (order[job["rule"]], job["name"]))


def _entry(analysis: Analysis, job: PlannedJob, programs: Path) -> dict[str, Any]:
    inputs = [path for path in job.inputs if not path.startswith(f"{programs}{os.sep}")]
    if str(analysis.results.image_list) in inputs:
        inputs += map(str, analysis.image_files(*analysis.training_samples))
    for recipe in analysis.alternatives:
        listed = fill(analysis.results.alternative_image_list, recipe=recipe)
        if str(listed) in inputs:
            files = analysis.alternative_image_files(recipe, *analysis.training_samples)
            inputs += map(str, files)
    for purpose in analysis.purposes:
        if not set(map(str, analysis.variable_lists(purpose))).isdisjoint(inputs):
            inputs += map(str, analysis.variable_files(purpose, *analysis.training_samples))
    is_training = job.rule == "train_network"
    return {
        "rule": job.rule,
        "name": RULES[job.rule].job_name(job.wildcards),
        "log": job.log,
        "benchmark": job.benchmark,
        "inputs": inputs,
        "outputs": list(job.outputs),
        "is_needed": job.is_needed,
        "epochs": analysis.models[job.wildcards["model"]].epochs if is_training else None,
    }


def is_whole_run(rules: Collection[str]) -> bool:
    """True if a run is asked for everything, and no rule is left out (``--allowed-rules``).

    Parameters
    ----------
    rules
        Rules of its jobs.
    """
    return "all" in rules and not {"build_images", "build_run_maps"}.isdisjoint(rules)
