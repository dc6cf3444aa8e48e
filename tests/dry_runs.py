"""Snakemake started on our workflow without jobs: dry runs, and results that look as if a run had
made them."""

import atexit
import json
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import yaml
from conftest import REPOSITORY

SNAKEFILE = REPOSITORY / "workflow/Snakefile"
FOLDERS = ("tensorboard", "hepdata")  # outputs that are folders
SERVER = """
import json, os, sys
import nbformat, smart_open
from snakemake import cli
from calovision.workflow import report_content
cli.get_argument_parser()
for line in sys.stdin:
    folder, arguments, environment, name = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.environ.update(environment)
        sys.argv[1:] = arguments  # Snakemake prints its command
        output = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(output, 1), os.dup2(output, 2)
        cli.main(arguments)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Snakemake and our modules imported once, and a process forked from it for each call."""

MODULE = """
module calo:
    snakefile: "{snakefile}"
    config: {config}

use rule * from calo as calo_*

rule mine:
    default_target: True
    input: rules.calo_all.input
"""
"""A workflow that uses ours as a module."""


@cache
def _server() -> subprocess.Popen:
    """The process that forks all calls of Snakemake of a test process."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([sys.executable, "-c", SERVER], text=True, **pipes)

    def stop() -> None:
        server.stdin.close()
        server.wait()
        server.stdout.close()

    atexit.register(stop)
    return server


def snakemake(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Snakemake in a folder; all that it prints is standard output."""
    with tempfile.NamedTemporaryFile() as file:
        server = _server()
        call = [str(folder), list(arguments), environment, file.name]
        server.stdin.write(json.dumps(call) + "\n")
        server.stdin.flush()
        returncode = int(server.stdout.readline())
        output = Path(file.name).read_text()
    return subprocess.CompletedProcess(arguments, returncode, output, "")


def dry_run(tmp_path: Path, config: dict) -> subprocess.CompletedProcess:
    """Dry run of a configuration in the repository's folder."""
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return snakemake(
        REPOSITORY,
        "-n",
        *("--configfile", str(path)),
        *("--config", f"results_dir={tmp_path}/results"),
    )


def jobs(result: subprocess.CompletedProcess | str) -> dict[str, int]:
    """Job counts of Snakemake's first table; none if there is nothing to do."""
    output = result if isinstance(result, str) else result.stdout + result.stderr
    if "Nothing to be done" in output:
        return {}
    lines = output.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Job stats:")) + 3
    rows = [line.split() for line in lines[start:]]
    return {row[0]: int(row[1]) for row in rows[: rows.index([])]}


def pretend_run(folder: Path, *arguments: str) -> None:
    """Make all results of a workflow as empty files, with what Snakemake notes of them."""
    planned = snakemake(folder, "-n", *arguments)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    for outputs in re.findall(r"^    output: (.+)$", planned.stdout + planned.stderr, re.M):
        for output in outputs.split(", "):
            path = folder / output
            (path if path.name in FOLDERS else path.parent).mkdir(parents=True, exist_ok=True)
            if path.name not in FOLDERS:
                path.touch()
    touched = snakemake(folder, "--touch", "--forceall", *arguments)
    assert touched.returncode == 0, touched.stdout + touched.stderr


def samples(**changes: dict | None) -> dict:
    """A signal and a background of five simulated events; keys of the background changed, None
    takes one away."""
    simulate = {"process": "qcd", "n_events": 5}
    signal = {"label": 1, "simulate": {"process": "rpv_gluinos", "n_events": 5}}
    background = {"label": 0, "simulate": simulate, **changes}
    return {
        "samples": {
            "signal": signal,
            "background": {key: v for key, v in background.items() if v is not None},
        }
    }


def reach_samples(**changes: dict) -> dict:
    """One signal and one background of the training, and a signal of another mass for the reach."""
    found = samples()["samples"]
    simulate = {"process": "rpv_gluinos", "mass_gluino": 1800, "n_events": 5}
    other = {"label": 1, "role": "reach", "mass": 1800, "simulate": simulate, **changes}
    other = {key: value for key, value in other.items() if value is not None}
    return {"samples": {**found, "signal": found["signal"] | {"mass": 1400}, "other": other}}
