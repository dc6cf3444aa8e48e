"""Jobs that this process and others share."""

import multiprocessing
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from calovision.conversion.parallel import made_apart, run_in_processes
from calovision.core.errors import InputError


def job(number, progress):
    progress(number)
    return number, os.getpid()


def failing_job(progress):
    raise IndexError("of the job itself")


def test_results_keep_their_order_and_this_process_works_too():
    reported = []
    results = run_in_processes(
        [partial(job, n) for n in range(6)], processes=2, progress=reported.append
    )
    numbers, workers = zip(*results, strict=True)
    assert numbers == (0, 1, 2, 3, 4, 5)
    assert sorted(reported) == [0, 1, 2, 3, 4, 5]
    assert os.getpid() in workers
    assert len(set(workers)) == 2


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("first", [False, True])
def test_exception_of_a_job_is_raised(processes, first):
    jobs = [failing_job, partial(job, 1)] if first else [partial(job, 1), failing_job]
    with pytest.raises(IndexError, match="of the job itself"):
        run_in_processes(jobs, processes=processes, progress=lambda n_events: None)


def waiting_job(progress):
    print(os.getpid(), flush=True)
    Event().wait()


def killed_job(progress):
    if os.getpid() != int(os.environ["CALOVISION_TEST_PARENT"]):
        os.kill(os.getpid(), signal.SIGKILL)


PARENT = """
import sys
sys.path.insert(0, {tests!r})
from test_processes import run_in_processes, waiting_job
if __name__ == "__main__":
    run_in_processes([waiting_job, waiting_job], processes=2, progress=None)
"""


def test_workers_end_with_their_parent(tmp_path):
    """Killed, it can tell nobody; its output, which the worker shares, ends when the last of both
    is gone."""
    program = tmp_path / "parent.py"
    program.write_text(PARENT.format(tests=str(Path(__file__).parent)))
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True
    ) as parent:
        workers = {int(parent.stdout.readline()) for _ in range(2)}
        assert parent.pid in workers
        parent.kill()
        try:
            assert parent.communicate(timeout=60) == ("", None)
        finally:
            for worker in workers - {parent.pid}:
                if Path(f"/proc/{worker}").exists():
                    os.kill(worker, signal.SIGKILL)


def test_killed_worker_is_one_sentence(monkeypatch):
    monkeypatch.setenv("CALOVISION_TEST_PARENT", str(os.getpid()))
    with pytest.raises(
        InputError, match="one of 2 processes was killed, mostly by a system whose memory"
    ):
        run_in_processes([killed_job] * 6, processes=2, progress=None)


class Countdown:
    """Numbers down to 1; then it ends, raises, or its process does not live any longer."""

    def __init__(self, number, end=None):
        self.number, self.end = number, end

    def __iter__(self):
        yield from range(self.number, 0, -1)
        if self.end == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.end is not None:
            raise InputError(self.end)


def test_items_made_apart():
    assert list(made_apart(Countdown(3))) == [3, 2, 1]
    found = []
    with pytest.raises(InputError, match=r"^x\.root is damaged$"):
        found.extend(made_apart(Countdown(2, "x.root is damaged")))
    with pytest.raises(InputError, match="was killed"):
        list(made_apart(Countdown(2, "killed")))
    numbers = made_apart(Countdown(1_000_000))
    assert next(numbers) == 1_000_000
    numbers.close()
    assert multiprocessing.active_children() == []
