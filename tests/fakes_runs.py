"""A folder of results as a run leaves it: the list of its jobs, records of attempts, benchmarks,
files."""

import json
import socket
from pathlib import Path

from calovision.jobs.run_summary import start_run

BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
HERE = socket.gethostname()
NOBODY = 2**22 + 1  # above the largest number that a process can have


def entry(rule, name="", *, folder, inputs=(), outputs=(), is_needed=True, epochs=None):
    """One job as the workflow lists it."""
    stem = f"{rule}/{name}" if name else rule
    return {
        "rule": rule,
        "name": name,
        "log": str(folder / f"logs/{stem}.log"),
        "benchmark": str(folder / f"benchmarks/{stem}.tsv"),
        "inputs": [str(folder / path) for path in inputs],
        "outputs": [str(folder / path) for path in outputs],
        "is_needed": is_needed,
        "epochs": epochs,
    }


def start(folder, entries, *, is_complete=True):
    """A run of this process."""
    start_run(folder, entries, is_complete=is_complete, logs=["snakemake.log"])


def set_run(folder, **values):
    """Change what is known of the run's process."""
    path = folder / "run/run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def write_attempts(job, *attempts):
    """Attempts as (started, ended, succeeded, more); those without an end have ``ended`` None."""
    path = Path(job["log"]).with_suffix(".attempts")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for started, ended, succeeded, more in attempts:
        process = {"host": more.get("host", HERE), "pid": more.get("pid", NOBODY)}
        lines.append({"started": started, **process})
        if ended is not None:
            rest = {name: value for name, value in more.items() if name not in process}
            lines.append({"ended": ended, "succeeded": succeeded, **rest})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_benchmark(job, numbers):
    """A benchmark file as Snakemake writes it: s, max_rss, io_in, io_out, cpu_time."""
    path = Path(job["benchmark"])
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds, memory, read, written, cpu = numbers
    row = [seconds, "0:00:01", memory, "NA", "NA", "NA", read, written, "NA", cpu]
    path.write_text(BENCHMARK + "\t".join(map(str, row)) + "\n")


def write_outputs(job, n_bytes=10):
    """All outputs of a job."""
    for path in map(Path, job["outputs"]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * n_bytes)
