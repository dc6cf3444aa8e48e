"""Disks that are full, read-only or not ours: one sentence that names the path, and nothing half
written."""

import errno
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from fakes import write_image_file

from calovision.core.errors import InputError
from calovision.jobs.atomic import refused_by_disk, replaced
from calovision.jobs.logs import job_log
from calovision.storage import write_table
from calovision.storage.hdf5 import spill

pytestmark = pytest.mark.usefixtures("own_logging")
REFUSALS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your quota is exceeded",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "that is not permitted",
}


def write_half(path, number, *names):
    """Write a file until the disk refuses; ``names`` is the file that the system names."""
    with replaced(path) as temporary:
        temporary.write_text("half of it")
        raise OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize(("number", "reason"), REFUSALS.items())
def test_refusal_is_one_sentence_and_nothing_stays(tmp_path, number, reason):
    with pytest.raises(InputError, match=rf"a\.txt cannot be written, as {reason}: "):
        write_half(tmp_path / "a.txt", number)
    assert list(tmp_path.iterdir()) == []


def test_old_file_stays_when_the_new_one_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(InputError, match=r"a\.txt cannot be written, as the disk is full"):
        write_half(tmp_path / "a.txt", errno.ENOSPC, str(tmp_path / ".a.part.txt"))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_file_in_the_place_of_a_folder(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(
        InputError, match=r"results/a/b\.h5 cannot be written, as a file is where a folder must be"
    ):
        write_table(tmp_path / "results/a/b.h5", {"x": np.arange(3)})
    with pytest.raises(
        InputError, match=r"results/b\.h5 cannot be written, as a file is where a folder must be"
    ):
        write_image_file(tmp_path / "results/b.h5")


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(OSError, match="Input/output error"), refused_by_disk(tmp_path / "a"):
        raise OSError(errno.EIO, "Input/output error")
    elsewhere = tmp_path / "other" / "input.root"
    with pytest.raises(PermissionError), refused_by_disk(tmp_path / "here" / "a"):
        raise PermissionError(errno.EACCES, "Permission denied", str(elsewhere))


def test_hdf5_tells_the_reason_in_its_text(tmp_path):
    message = (
        "Can't synchronously write data (file write failed: time = now, errno = 122, error "
        "message = 'Quota')"
    )
    with (
        pytest.raises(InputError, match="your quota is exceeded"),
        refused_by_disk(tmp_path / "a.h5"),
    ):
        raise RuntimeError(message)


def test_full_disk_while_an_image_file_is_written(tmp_path, monkeypatch):
    """The second half of the copy fails, as on a disk that gets full; neither file nor folder
    stays."""
    write_image_file(tmp_path / "a.h5", seed=1)
    before = (tmp_path / "a.h5").read_bytes()

    def refuse(output, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spill, "_copied_by_system", lambda *_: 0)
    monkeypatch.setattr(spill, "_write_all", refuse)
    with pytest.raises(InputError, match=r"a\.h5 cannot be written, as the disk is full"):
        write_image_file(tmp_path / "a.h5", seed=2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
    assert (tmp_path / "a.h5").read_bytes() == before


@pytest.mark.parametrize("number", [errno.EXDEV, errno.ENOSYS, errno.ENOSPC, None])
def test_what_the_system_does_not_copy_goes_through_a_buffer(tmp_path, monkeypatch, number):
    """It may copy a part, and refuse, or copy nothing more."""
    content = bytes(range(256)) * 40

    def three_bytes(source, output, n_bytes):
        if os.lseek(output, 0, os.SEEK_CUR) < 9:
            return os.write(output, os.read(source, 3))
        if number is not None:
            raise OSError(number, os.strerror(number))
        return 0

    monkeypatch.setattr(spill.os, "copy_file_range", three_bytes, raising=False)
    (tmp_path / "a").write_bytes(b"head" + content + b"tail")
    with (tmp_path / "a").open("rb", 0) as source, (tmp_path / "b").open("wb", 0) as output:
        source.seek(4)
        spill._copy_all(source, output, len(content))
    assert (tmp_path / "b").read_bytes() == content


def test_part_that_a_full_disk_takes_does_not_count_as_all(tmp_path):
    """An unbuffered write may take a part without an error: what is missing must be written, too,
    or fail."""

    class Stingy:
        """Takes three bytes at a time."""

        def __init__(self):
            self.taken = b""

        def write(self, content):
            self.taken += bytes(content[:3])
            return len(content[:3])

    output = Stingy()
    spill._write_all(output, memoryview(b"0123456789"))
    assert output.taken == b"0123456789"


LIMITED = """
import os, resource, sys
sys.path.insert(0, {tests!r})
from fakes import *
from calovision.core.errors import InputError
from calovision.storage import write_table
os.remove(write_image_file({folder!r} + "/a.h5", 5))  # compiled code is stored now, if at all
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
for write in (
    lambda: write_image_file({folder!r} + "/a.h5", 400),
    lambda: write_table({folder!r} + "/b.h5", {{"x": np.arange(200_000)}}),
):
    try:
        write()
    except InputError as error:
        print(error)
"""


@pytest.mark.parametrize("limit", [4096, 70_000])
def test_limit_on_the_size_of_files(tmp_path, limit):
    """A real refusal by the system, in a process of its own: of the raw files first, or of the HDF5
    file."""
    program = LIMITED.format(tests=os.path.dirname(__file__), folder=str(tmp_path), limit=limit)  # noqa: PTH120
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    lines = result.stdout.splitlines()
    assert [line.split(" cannot")[0] for line in lines] == [
        f"{tmp_path}/a.h5",
        f"{tmp_path}/b.h5",
    ], result.stderr
    assert all("it is larger than files may be here" in line for line in lines)
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.iterdir()) == []


def run_job(log, error=None):
    with job_log(log):
        if error is not None:
            raise error


def test_job_ends_with_one_sentence(tmp_path):
    with pytest.raises(
        SystemExit, match=r"calovision: out\.json cannot be written or opened, as the disk is full"
    ):
        run_job(tmp_path / "a.log", OSError(errno.ENOSPC, "No space left on device", "out.json"))
    assert "the disk is full" in (tmp_path / "a.log").read_text()
    (tmp_path / "file").write_text("")
    with pytest.raises(
        SystemExit, match=r"file/a\.log cannot be written, as a file is where a folder must be"
    ):
        run_job(tmp_path / "file" / "a.log")
    with pytest.raises(SystemExit, match=r"in\.root cannot be read or written, as its disk fails"):
        run_job(tmp_path / "a.log", OSError(errno.EIO, "Input/output error", "in.root"))


def test_scratch_folder_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with pytest.raises(
        SystemExit, match=r"calovision: TMPDIR: the scratch folder .*none does not exist: create it"
    ):
        run_job(tmp_path / "a.log")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    run_job(tmp_path / "a.log")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SystemExit, match="cannot be written to"):
        run_job(tmp_path / "a.log")
