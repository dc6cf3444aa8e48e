"""The log file of a job: what goes into it, and how a job ends."""

import subprocess
import sys

# The log replaces the process's handlers, so each test has a process of its own.
PROGRAM = """
import logging, sys, warnings
from pathlib import Path
from calovision.core.errors import InputError
from calovision.jobs.logs import job_log
with job_log(Path(sys.argv[1])):
    {body}
print("after")
"""


def run(path, body):
    program = PROGRAM.format(body=body)
    return subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )


def test_messages_and_warnings_go_into_the_file(tmp_path):
    path = tmp_path / "logs" / "job.log"
    body = (
        "logging.getLogger('calovision.a').info('%d events', 3); warnings.warn('few events', "
        "stacklevel=1)"
    )
    result = run(path, body)
    assert (result.returncode, result.stdout, result.stderr) == (0, "after\n", "")
    lines = path.read_text().splitlines()
    assert lines[0].endswith(" INFO 3 events")
    assert "WARNING" in lines[1]
    assert lines[1].endswith("UserWarning: few events")


def test_older_log_is_replaced(tmp_path):
    path = tmp_path / "job.log"
    path.write_text("old\n")
    run(path, "logging.info('new')")
    assert path.read_text().endswith("INFO new\n")
    assert "old" not in path.read_text()


def test_bad_input_ends_the_job_with_its_sentence(tmp_path):
    result = run(tmp_path / "job.log", "raise InputError('a.root: no such file')")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "calovision: a.root: no such file\n"
    assert (tmp_path / "job.log").read_text().endswith(" ERROR a.root: no such file\n")


def test_defect_keeps_its_traceback(tmp_path):
    result = run(tmp_path / "job.log", "raise ZeroDivisionError('a defect')")
    assert (result.returncode, result.stdout) == (1, "")
    for text in (result.stderr, (tmp_path / "job.log").read_text()):
        assert "Traceback (most recent call last)" in text
        assert "ZeroDivisionError: a defect" in text


def test_log_on_a_full_disk_leaves_its_end_out(tmp_path):
    """Standard error has the one sentence of the job, without what logging says of itself."""
    (tmp_path / "a.log").symlink_to("/dev/full")
    result = run(tmp_path / "a.log", "logging.warning('x'); raise InputError('a.h5 is full')")
    assert (result.returncode, result.stderr) == (1, "calovision: a.h5 is full\n")
    assert "Message: '%d'" in run(tmp_path / "b.log", "logging.info('%d', 'no number')").stderr
