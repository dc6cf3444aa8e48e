"""The installed wheel with its extras: the example from ``calovision init`` to the report, and
files of one's own, in a folder far from any checkout.

Run by `make wheel` with the Python of an environment that holds nothing but the wheel and what
``calovision[all]`` asks for.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

BIN = Path(sys.executable).parent
EVENTS = {"rpv_1400_850": 150, "qcd": 1000}


def run(folder: Path, program: str, *arguments: str) -> str:
    """Run a program of the environment in a folder; what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    command = [str(BIN / program), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"{program} {arguments}: {done.returncode}\n{output}"
    return output


def make_smaller(configuration: Path) -> None:
    """Let the example have `EVENTS`, and train for an epoch."""
    import yaml

    values = yaml.safe_load(configuration.read_text())
    for name, number in EVENTS.items():
        values["samples"][name]["simulate"]["n_events"] = number
    values["train"]["epochs"] = 1
    values["baselines"] = ["logistic_regression"]
    values["plots"] = {"n_event_displays": 1, "n_attributed_events": 5}
    configuration.write_text(yaml.safe_dump(values, sort_keys=False))


def check_example(folder: Path) -> None:
    """Run the example, and look at its report and numbers."""
    run(folder, "calovision", "init", "my analysis")
    analysis = folder / "my analysis"
    make_smaller(analysis / "config.yaml")
    run(analysis, "snakemake")
    page = (analysis / "results/report.html").read_text()
    assert page.count("<img") > 10, page[:2000]
    assert "the CNN keeps" in page
    assert "seed: 1" in (analysis / "results/configuration.yaml").read_text()
    summary = json.loads((analysis / "results/metrics/summary.json").read_text())
    assert {"cnn", "logistic_regression"} <= set(json.dumps(summary).split('"'))
    events = (analysis / "results/benchmarks/simulate_ntuples").rglob("*.tsv")
    assert len(list(events)) == len(EVENTS)
    assert "Nothing to be done" in run(analysis, "snakemake", "--cores", "1", "-n")


def check_own_files(folder: Path) -> None:
    """Plan an analysis of the ROOT files that the example made."""
    files = {name: f"my analysis/results/ntuples/{name}/*.root" for name in EVENTS}
    signal, background = files.values()
    run(folder, "calovision", "init", "own", "--signal", signal, "--background", background)
    planned = run(folder / "own", "snakemake", "--cores", "1", "-n", "--quiet", "rules")
    assert "simulate_ntuples" not in planned, planned


def check_package() -> None:
    """See that the package is the installed one, with its workflow inside."""
    from calovision.workflow import workflow_folder

    package = Path(find_spec("calovision").origin).parent
    assert package.is_relative_to(sys.prefix), package
    assert workflow_folder() == package / "_workflow"


if __name__ == "__main__":
    check_package()
    with tempfile.TemporaryDirectory() as scratch:
        check_example(Path(scratch))
        check_own_files(Path(scratch))
    print("the example runs from the wheel to its report")
