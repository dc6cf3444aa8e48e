"""Checks around the submission of jobs to a farm: its partitions, the version of the package that
submits and the one that runs, scratch space; and what planning thousands of jobs needs.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError

VARIABLE = "CALOVISION_VERSION"
"""Environment variable with the package version of the process that submits jobs."""

CONTAINER_IMAGE = "container/calovision.sif"
"""Apptainer image that jobs can run in, below ``workflow/``."""


def prepare_environment(*, is_main: bool) -> None:
    """Set what jobs inherit from the process that plans them.

    Parameters
    ----------
    is_main
        Whether this is the process that submits jobs, and not a job.
    """
    # Threads of a job that wait must not burn the core that another process needs, which would
    # slow both down.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # It is no parameter of a rule, which would rerun all jobs of another version.
    if is_main:
        os.environ[VARIABLE] = version("calovision")
    else:
        os.environ.setdefault(VARIABLE, version("calovision"))


def named_partitions(values: Iterable[object]) -> set[str]:
    """SLURM partitions in values of the resource ``slurm_partition``; None and expressions, which
    are left to Snakemake, name none.
    """
    texts = [str(value).strip("'\"") for value in values if value is not None]
    plain = [text for text in texts if re.fullmatch(r"[\w.,-]+", text)]
    return {name for text in plain for name in text.split(",")}


def existing_partitions() -> list[str]:
    """Partitions of the cluster; none where there is no SLURM or it does not answer."""
    if shutil.which("sinfo") is None:
        return []
    answer = subprocess.run(["sinfo", "--noheader", "--format=%R"], capture_output=True, text=True)
    return sorted(set(answer.stdout.split())) if answer.returncode == 0 else []


def check_partitions(values: Iterable[object]) -> None:
    """Raise InputError for a partition that SLURM does not have: Snakemake would not say why its
    jobs fail.
    """
    named = named_partitions(values)
    existing = existing_partitions() if named else []
    for name in sorted(named) if existing else []:
        if name not in existing:
            raise InputError(
                f"resource 'slurm_partition': SLURM has no partition '{name}'; give the profile or "
                f"--set-resources one of {', '.join(existing)}"
            )


def check_scripts_by_rule(processor: type) -> None:
    """Let Snakemake see whether the script of a rule is there once, not for each of its jobs.

    It opens and reads the script each time, a fifth of the planning of 10,000 jobs; none of the
    paths has a wildcard.

    Parameters
    ----------
    processor
        Class with ``process_job(job)`` that does it (``ScriptProcessor`` of Snakemake 9); its
        method is replaced.
    """
    check = processor.process_job
    checked = set()

    def process_job(self: Any, job: Any) -> None:
        if (type(self), job.rule) not in checked:
            check(self, job)
            checked.add((type(self), job.rule))

    processor.process_job = process_job


def require_submitter_version() -> None:
    """Raise InputError if jobs were submitted by another version of the package than the one that
    runs them.

    Without the variable, as outside the workflow, nothing is checked.
    """
    submitter = os.environ.get(VARIABLE)
    own = version("calovision")
    if submitter not in (None, "", own):
        raise InputError(
            f"{VARIABLE}: this job was submitted by calovision {submitter}, but {own} is installed "
            "where it runs: "
            "install the same version in both places"
        )


def require_scratch() -> None:
    """Raise InputError if the scratch folder that the environment names cannot be written to.

    Python would silently take /tmp, which is a small disk, or memory, on many nodes.
    """
    folder = os.environ.get("TMPDIR")
    if not folder or (Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return
    problem = "cannot be written to" if Path(folder).is_dir() else "does not exist"
    raise InputError(
        f"TMPDIR: the scratch folder {folder} {problem}: create it, or name another one (tmpdir in "
        "the profile)"
    )
