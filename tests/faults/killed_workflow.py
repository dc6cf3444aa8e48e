"""SIGKILL of the workflow at random moments, alone or with its jobs; then it is unlocked and called
again.
"""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from random import Random

from faults.cases import Case, Drill, Judgement, Outcome
from faults.jobs import digest, leftovers
from faults.material import import_all, scratch
from faults.processes import run_apart
from faults.workflow_jobs import run_snakemake, write_configurations

N_CASES = 7
TARGETS = ("results/search/images.tsv", "results/search/models/cnn/seed1/model.safetensors")
CALL = ("--configfile", "search.yaml", "--rerun-incomplete")


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    random = Random(seed)
    for number in range(N_CASES if n_cases is None else 0):
        share, together = random.random(), random.random() < 0.5
        seconds = share * _undisturbed()[1]
        how = "with its jobs" if together else "alone"
        yield Case(f"{number}: after {seconds:.2f} s, {how}", partial(_kill, seconds, together))


@cache
def _undisturbed() -> tuple[Path, float]:
    """Folder of a run that nothing happened to, and the seconds that it took."""
    import_all()
    folder = scratch() / "workflow"
    folder.mkdir()
    write_configurations(folder)
    start = time.monotonic()
    end = run_apart(_run, folder, output=scratch() / "workflow.txt")
    assert end.status == 0, end.text[-3000:]
    return folder, time.monotonic() - start


def _run() -> None:
    run_snakemake(*TARGETS, *CALL)


def _kill(seconds: float, together: bool, folder: Path) -> Judgement:
    """Kill, unlock and run again: the results of an undisturbed run."""
    expected, work = _undisturbed()[0], folder / "work"
    work.mkdir()
    for name in ("ntuples", "search.yaml"):
        source = expected / name
        shutil.copytree(source, work / name) if source.is_dir() else shutil.copy(source, work)

    def kill(pid: int) -> None:
        time.sleep(seconds)
        if together:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)

    killed = run_apart(_run, work, output=folder / "killed.txt", beside=kill)
    unlock = partial(run_snakemake, *TARGETS, *CALL, "--unlock")
    run_apart(unlock, work, output=folder / "unlock.txt")
    end = run_apart(_run, work, output=folder / "again.txt")
    judgement = end.judged(lambda: _results(work) == _results(expected))
    if judgement.outcome is Outcome.UNCLEAR:
        return Judgement(Outcome.UNCLEAR, f"{killed.alive} {end.text[-600:]}")
    left = leftovers(work / "results")
    return Judgement(Outcome.BROKEN, f"left: {left}") if left else judgement


def _results(folder: Path) -> dict[str, object]:
    """Image files, their list and the weights of the network."""
    paths = [*(folder / "results").rglob("images/*/*.h5"), *(folder / name for name in TARGETS)]
    return {str(path.relative_to(folder)): digest(path) for path in paths}


KILLED_WORKFLOW = Drill(
    "killed_workflow", "SIGKILL of the workflow, then again", _cases, seconds=600
)
