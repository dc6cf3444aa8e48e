"""What is written is on the disk before it has its name, and what a disk says then is passed on."""

import errno
import os
import time
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from fakes import write_image_file

from calovision.core.errors import InputError
from calovision.jobs import durable
from calovision.jobs.atomic import replaced, replaced_together, scratch_folder
from calovision.storage import write_table

SYNC = durable._sync  # which the other tests do without


def path_of(descriptor):
    return Path(f"/proc/self/fd/{descriptor}").readlink()


@pytest.fixture
def calls(monkeypatch):
    """Calls of fsync and rename, with the names of the files."""
    found = []
    rename, fsync = os.replace, os.fsync

    def noted_rename(source, target):
        found.append(("rename", Path(source).name))
        rename(source, target)

    def noted_fsync(descriptor):
        found.append(("fsync", path_of(descriptor).name))
        fsync(descriptor)

    monkeypatch.setattr(durable, "_sync", SYNC)
    monkeypatch.setattr(
        durable, "_PAUSE", 3600
    )  # none of a thread, which busy machines may let run
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_rename)
    return found


def refuse(monkeypatch, number, which=lambda path: True):
    """Let fsync fail for some paths."""

    def fsync(descriptor):
        if which(path_of(descriptor)):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(durable, "_sync", SYNC)
    monkeypatch.setattr(os, "fsync", fsync)


def test_bytes_then_name_then_folder(tmp_path, calls):
    """Of two files that belong together the bytes of both come first."""
    with replaced_together(tmp_path / "a", tmp_path / "b") as temporaries:
        for path in temporaries:
            path.write_text("new")
    one, other = (path.name for path in temporaries)
    assert calls == [
        ("fsync", one),
        ("fsync", other),
        ("rename", one),
        ("rename", other),
        ("fsync", tmp_path.name),
    ]


def test_image_file(tmp_path, calls):
    write_image_file(tmp_path / "new" / "a.h5")
    kinds = [kind for kind, _ in calls]
    assert kinds == ["fsync", "fsync", "rename", "fsync"]
    assert calls[0][1] == tmp_path.name  # the name of the new folder
    assert calls[1:] == [("fsync", "complete.h5"), ("rename", "complete.h5"), ("fsync", "new")]


def test_a_large_file_goes_to_the_disk_while_it_is_written(tmp_path, calls, monkeypatch):
    monkeypatch.setattr(durable, "_PAUSE", 0.001)
    with (tmp_path / "a").open("wb") as file, durable.synced_meanwhile(file, tmp_path / "a"):
        end = time.monotonic() + 60
        while not calls and time.monotonic() < end:
            time.sleep(0.001)
    assert set(calls) == {("fsync", "a")}
    n_calls = len(calls)
    time.sleep(0.02)
    assert len(calls) == n_calls


def test_what_a_disk_says_meanwhile_is_not_lost(tmp_path, monkeypatch):
    """The system tells of a defect once, so that the last `sync_file` would not hear of it."""
    asked = Event()

    def refuse_and_tell(path):
        asked.set()
        return True

    refuse(monkeypatch, errno.EIO, refuse_and_tell)
    with (
        pytest.raises(OSError, match=r"Input/output error: .*a'"),
        (tmp_path / "a").open("wb") as file,
        durable.synced_meanwhile(file, tmp_path / "a"),
    ):
        assert asked.wait(60)


def test_what_is_removed_anyway_is_not_waited_for(tmp_path, calls):
    with scratch_folder(tmp_path / "a.h5") as folder:
        write_table(folder / "part.h5", {"x": np.arange(3)})
        write_image_file(folder / "b.h5")
    assert {kind for kind, _ in calls} == {"rename"}


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_file_systems_that_cannot_sync(tmp_path, monkeypatch, number):
    refuse(monkeypatch, number)
    write_table(tmp_path / "a" / "t.h5", {"x": np.arange(3)})
    assert (tmp_path / "a" / "t.h5").is_file()


@pytest.mark.parametrize(
    ("number", "reason"), {errno.ENOSPC: "the disk is full", errno.EIO: "the disk reports"}.items()
)
def test_disk_that_refuses_when_it_must_write(tmp_path, monkeypatch, number, reason):
    """The old file stays; nothing else does."""
    (tmp_path / "a.txt").write_text("old")
    refuse(monkeypatch, number, Path.is_file)
    with (
        pytest.raises(InputError, match=rf"a\.txt cannot be written, as {reason}"),
        replaced(tmp_path / "a.txt") as temporary,
    ):
        temporary.write_text("new")
    with pytest.raises(InputError, match=rf"b\.h5 cannot be written, as {reason}"):
        write_image_file(tmp_path / "b.h5")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_folder_that_may_not_be_listed(tmp_path, monkeypatch):
    def refused(path, flags, *_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(durable.os, "open", refused)
    durable.sync_folder(tmp_path)
    with pytest.raises(PermissionError):
        durable.sync_file(tmp_path / "a.txt")


def test_what_others_remove_meanwhile(tmp_path):
    """A cleaner that takes hidden files for garbage; the old file stays."""
    (tmp_path / "a.txt").write_text("old")
    with (
        pytest.raises(InputError, match=r"a\.txt cannot be written, as what was written so far"),
        replaced(tmp_path / "a.txt") as temporary,
    ):
        assert not temporary.exists()  # as if it had been removed
    assert (tmp_path / "a.txt").read_text() == "old"
