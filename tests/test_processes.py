"""Jobs that this process and others share."""

import os
from functools import partial

import pytest

from calovision.conversion.processes import run_in_processes


def job(number, progress):
    progress(number)
    return number, os.getpid()


def failing_job(progress):
    raise IndexError("of the job itself")


def test_results_keep_their_order_and_this_process_works_too():
    reported = []
    results = run_in_processes([partial(job, n) for n in range(6)], processes=2, progress=reported.append)
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
