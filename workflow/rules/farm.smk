"""What a batch farm is asked for, looked at before any job is submitted, and what planning thousands of jobs needs."""

import re
import shutil
import subprocess

import snakemake.dag


def named_partitions():
    """SLURM partitions that a profile or the command line names; expressions are left to Snakemake."""
    settings = workflow.resource_settings
    resources = [settings.default_resources or {}, *(settings.overwrite_resources or {}).values()]
    values = [dict(named).get("slurm_partition") for named in resources]
    texts = [
        str(getattr(value, "raw", value)).strip("'\"") for value in values if value is not None
    ]
    return {name for text in texts if re.fullmatch(r"[\w.,-]+", text) for name in text.split(",")}


def existing_partitions():
    """Partitions of the cluster; none where there is no SLURM or it does not answer."""
    if shutil.which("sinfo") is None:
        return []
    answer = subprocess.run(["sinfo", "--noheader", "--format=%R"], capture_output=True, text=True)
    return sorted(set(answer.stdout.split())) if answer.returncode == 0 else []


def check_partitions():
    """Raise WorkflowError for a partition that SLURM does not have: Snakemake would not say why its jobs fail."""
    named = named_partitions()
    existing = existing_partitions() if named else []
    for name in sorted(named) if existing else []:
        if name not in existing:
            raise WorkflowError(
                f"resource 'slurm_partition': SLURM has no partition '{name}'; give the profile or --set-resources "
                f"one of {', '.join(existing)}"
            )


def check_scripts_by_rule(processor):
    """Let Snakemake see whether the script of a rule is there once, not for each of its jobs.

    It opens and reads the script each time, a fifth of the planning of 10,000 jobs; none of the paths has a wildcard.
    ``processor`` is the class that does it, as in Snakemake 9.
    """
    check, checked = processor.process_job, set()

    def process_job(self, job):
        if (type(self), job.rule) not in checked:
            check(self, job)
            checked.add((type(self), job.rule))

    processor.process_job = process_job


if workflow.is_main_process:
    check_partitions()
    if hasattr(snakemake.dag, "ScriptProcessor"):
        check_scripts_by_rule(snakemake.dag.ScriptProcessor)
