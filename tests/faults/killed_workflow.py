"""SIGKILL of the workflow at random moments, alone or with its jobs; then it is unlocked and called
again. A second workflow in the folder of one that runs.
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
from faults.material import import_all, prepared, scratch
from faults.processes import run_apart
from faults.workflow_jobs import run_snakemake, write_configurations

N_CASES = 7
TARGETS = ("results/search/images.tsv", "results/search/models/cnn/seed1/model.safetensors")
REFUSED = "Directory cannot be locked"
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

    def run(folder: Path) -> None:
        write_configurations(folder)
        start = time.monotonic()
        end = run_apart(_run, folder, output=scratch() / "workflow.txt")
        assert end.status == 0, end.text[-3000:]
        (folder / "seconds").write_text(str(time.monotonic() - start))

    folder = prepared("workflow", run)
    return folder, float((folder / "seconds").read_text())


def _run() -> None:
    run_snakemake(*TARGETS, *CALL)


def _kill(seconds: float, together: bool, folder: Path) -> Judgement:
    """Kill, unlock and run again: the results of an undisturbed run."""
    expected, work = _undisturbed()[0], _laid_out(folder)

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


def _second_cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    random = Random(seed)
    for number in range(2 if n_cases is None else 0):
        seconds = random.random() * 0.7 * _undisturbed()[1]
        yield Case(f"{number}: after {seconds:.2f} s", partial(_second, seconds))


def _second(seconds: float, folder: Path) -> Judgement:
    """Call the workflow while it runs in the same folder: the second is refused, the first gives
    the results of an undisturbed run.
    """
    work = _laid_out(folder)
    ends = []

    def call(pid: int) -> None:
        time.sleep(seconds)
        ends.append(run_apart(_run, work, output=folder / "second.txt"))

    first = run_apart(_run, work, output=folder / "first.txt", beside=call)
    (second,) = ends
    if second.status == 0 and "Nothing to be done" not in second.text:
        return Judgement(Outcome.WRONG, f"the second ran: {second.text[-600:]}")
    if second.status and ("Traceback" in second.text or REFUSED not in second.text):
        return Judgement(Outcome.UNCLEAR, f"the second: {second.status} {second.text[-600:]}")
    return first.judged(lambda: _results(work) == _results(_undisturbed()[0]))


def _laid_out(folder: Path) -> Path:
    """Working folder with what the workflow reads."""
    expected, work = _undisturbed()[0], folder / "work"
    work.mkdir()
    for name in ("ntuples", "search.yaml"):
        source = expected / name
        shutil.copytree(source, work / name) if source.is_dir() else shutil.copy(source, work)
    return work


def _results(folder: Path) -> dict[str, object]:
    """Image files, their list without its times, and the weights of the network."""
    listed, weights = (folder / name for name in TARGETS)
    paths = [*(folder / "results").rglob("images/*/*.h5"), weights]
    found = {str(path.relative_to(folder)): digest(path) for path in paths}
    return found | {"list": [line.split("\t")[:2] for line in listed.read_text().splitlines()]}


KILLED_WORKFLOW = Drill(
    "killed_workflow", "SIGKILL of the workflow, then again", _cases, seconds=600
)
SECOND_WORKFLOW = Drill(
    "second_workflow",
    "A second workflow in the folder of one that runs",
    _second_cases,
    seconds=600,
)
