"""The record of a job's attempts."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from calovision.jobs.attempts import (
    attempts_file,
    birth_of,
    process_runs,
    read_attempts,
    recorded_attempt,
)

PROGRAM = """
import sys
from pathlib import Path
from calovision.core.errors import InputError
from calovision.jobs.logs import job_log
with job_log(Path(sys.argv[1])) as record:
    {body}
"""


def run(log, body):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body), str(log)],
        capture_output=True,
        check=False,
    )


def test_success_is_recorded(tmp_path):
    log = tmp_path / "job.log"
    with recorded_attempt(log) as attempt:
        assert read_attempts(log)[0].is_running
        attempt.count(30)
        attempt.count(12)
        (tmp_path / "written").write_bytes(b"x" * 100_000)
        (tmp_path / "written").read_bytes()
    (found,) = read_attempts(log)
    assert (found.succeeded, found.n_events, found.message, found.is_running) == (
        True,
        42,
        None,
        False,
    )
    assert (found.host, found.pid, found.born) == (
        socket.gethostname(),
        os.getpid(),
        birth_of(os.getpid()),
    )
    assert found.started <= found.ended
    assert found.max_memory_mb > 5
    assert 100_000 <= found.bytes_written < 110_000
    assert found.bytes_read >= 100_000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise InputError('a.root: no such file')", "a.root: no such file"),
        ("raise ZeroDivisionError('a defect')", "ZeroDivisionError: a defect"),
        ("sys.exit(143)", "SystemExit: 143"),
    ],
)
def test_failure_keeps_its_reason(tmp_path, body, message):
    assert run(tmp_path / "logs/job.log", body).returncode
    (found,) = read_attempts(tmp_path / "logs/job.log")
    assert (found.succeeded, found.message) == (False, message)


def test_killed_job_leaves_no_end_and_the_retry_follows(tmp_path):
    log = tmp_path / "job.log"
    assert run(log, "import os; os.kill(os.getpid(), 9)").returncode == -9
    assert run(log, "raise InputError('full')").returncode == 1
    run(log, "record.count(7)")
    first, second, third = read_attempts(log)
    assert (first.ended, first.succeeded, first.is_running) == (None, None, False)
    assert (second.succeeded, third.succeeded, third.n_events) == (False, True, 7)


def test_attempts_before_the_last_success_are_forgotten(tmp_path):
    log = tmp_path / "job.log"
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), recorded_attempt(log):
            _ = 1 / 0
        with recorded_attempt(log):
            pass
    assert [attempt.succeeded for attempt in read_attempts(log)] == [False, True]


def test_line_that_was_cut_off_is_passed_over(tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError), recorded_attempt(log):
        _ = 1 / 0
    path = attempts_file(log)
    path.write_text(path.read_text()[:-10])
    with recorded_attempt(log):
        pass
    first, second = read_attempts(log)
    assert (first.ended, second.succeeded) == (None, True)
    path.write_text(path.read_text() + '[1]\n"text"\n{"unknown": 1}\n')
    assert read_attempts(log) == [first, second]


def test_record_that_cannot_be_written_stops_no_job(tmp_path):
    log = tmp_path / "absent/job.log"
    with recorded_attempt(log) as attempt:
        attempt.count(1)
    assert attempt.succeeded
    assert read_attempts(log) == []


def test_process_of_another_machine_or_with_a_number_used_again(tmp_path):
    pid, host = os.getpid(), socket.gethostname()
    assert process_runs(host, pid, birth_of(pid)) is True
    assert process_runs(host, pid, birth_of(pid) - 1) is False
    assert process_runs(host, pid, None) is True
    assert process_runs("elsewhere", pid, birth_of(pid)) is None
    assert birth_of(2**22 + 1) is None


def test_record_is_lines_of_json(tmp_path):
    log = tmp_path / "job.log"
    with recorded_attempt(log):
        pass
    start, end = map(json.loads, Path(tmp_path / "job.attempts").read_text().splitlines())
    assert set(start) == {"started", "host", "pid", "born"}
    assert {"ended", "succeeded", "cpu_s", "max_memory_mb"} <= set(end)
