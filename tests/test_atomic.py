"""Files of several processes: each writes its own, the last complete one stays, the dead leave
nothing."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import make_columns, make_images, make_metadata, to_sparse, write_image_file
from fakes_cli import SMALL, succeed, write_small
from fakes_models import make_trained

from calovision.jobs import atomic
from calovision.jobs.atomic import (
    remove_leftovers,
    replaced,
    scratch_folder,
    temporary_name,
)
from calovision.models import load_model, save_model
from calovision.storage import ImageFile, ImageFileWriter, read_table, write_table

TESTS = Path(__file__).parent


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_two_writers_of_one_image_file(tmp_path):
    """They take turns in every step, as two processes may; the one that closes last wins."""
    path, images = tmp_path / "a.h5", [make_images(5, seed=seed) for seed in (1, 2)]
    with ImageFileWriter(path, (2, 8, 8)) as one, ImageFileWriter(path, (2, 8, 8)) as other:
        for writer, content in zip((one, other), images, strict=True):
            writer.append(to_sparse(content), make_columns(5))
        for writer, content in zip((one, other), images, strict=True):
            writer.close(make_metadata())
            assert np.array_equal(ImageFile(path)[:], content)
    assert names(tmp_path) == ["a.h5"]


def test_two_writers_of_one_file(tmp_path):
    with replaced(tmp_path / "a.txt") as one, replaced(tmp_path / "a.txt") as other:
        one.write_text("one")
        other.write_text("other")
        assert one.suffix == other.suffix == ".txt"
    assert (tmp_path / "a.txt").read_text() == "one"  # it ended last
    with scratch_folder(tmp_path / "a.txt") as one, scratch_folder(tmp_path / "a.txt") as other:
        assert one.is_dir()
        assert other.is_dir()
        assert one != other
    assert names(tmp_path) == ["a.txt"]


RACE = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np
from fakes import make_images, write_image_file
from calovision.storage import ImageFile, write_table, read_table
seed = int(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(30):
    write_image_file({folder!r} + "/a.h5", images=make_images(4, seed=seed))
    write_table({folder!r} + "/t.h5", {{"x": np.full(100, seed)}})
"""


def test_processes_that_write_one_output(tmp_path):
    """Two at the same time, over and over: neither fails, and what is there is one of the two,
    whole."""
    program = RACE.format(tests=str(TESTS), folder=str(tmp_path))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [
        subprocess.Popen([sys.executable, "-c", program, str(k)], text=True, **pipes)
        for k in (1, 2)
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert any(
        np.array_equal(ImageFile(tmp_path / "a.h5")[:], make_images(4, seed=seed))
        for seed in (1, 2)
    )
    assert set(read_table(tmp_path / "t.h5")["x"]) in ({1}, {2})
    assert names(tmp_path) == ["a.h5", "t.h5"]


def name_of(path, *, pid, born, machine=None, suffix=""):
    """A temporary name of another process."""
    return path.with_name(
        f".{path.name}.{machine or atomic._machine()}-{pid}-{born}-0.part{suffix}"
    )


@pytest.fixture
def ended():
    """Number of a process that is no more, and when it was born."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = atomic._birth(process.pid)
    process.communicate(b"\n")
    return process.pid, born


def test_what_the_dead_left_is_removed(tmp_path, ended):
    """Files and folders, of this output only; those of the living stay, whose number a dead one may
    have had."""
    path, (pid, born) = tmp_path / "a.h5", ended
    name_of(path, pid=pid, born=born, suffix=".h5").write_text("half")
    name_of(path, pid=os.getppid(), born=1).mkdir()  # a number that is used again
    (name_of(path, pid=os.getppid(), born=1) / "cells").write_text("half")
    stay = [name_of(path, pid=os.getppid(), born=atomic._birth(os.getppid())), temporary_name(path)]
    stay += [
        name_of(tmp_path / "b.h5", pid=pid, born=born),
        tmp_path / ".a.h5.part",
        tmp_path / ".a.h5.notes.part",
    ]
    for one in stay:
        one.write_text("in use")
    write_image_file(path, 3)
    assert names(tmp_path) == sorted(["a.h5", *(one.name for one in stay)])


def test_what_another_machine_left_is_removed_after_a_day(tmp_path):
    path = tmp_path / "a.txt"
    old, new = (name_of(path, pid=1, born=5, machine=f"0000000{k}", suffix=".txt") for k in (1, 2))
    folder = name_of(path, pid=1, born=6, machine="00000003")
    folder.mkdir()
    for one in (old, new, folder / "being written"):
        one.write_text("half")
    long_ago = new.stat().st_mtime - atomic.ABANDONED - 60
    for one in (old, folder):
        os.utime(one, (long_ago, long_ago))
    remove_leftovers(path)
    assert names(tmp_path) == sorted([new.name, folder.name])


def test_machines_and_containers_have_names_of_their_own(monkeypatch):
    here = atomic._machine()
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    atomic._machine.cache_clear()
    assert atomic._machine() != here
    atomic._machine.cache_clear()


def test_long_names(tmp_path):
    """A name that may be a file's, 255 bytes, has room for no more."""
    path = tmp_path / f"{'ä' * 120}.txt"
    with replaced(path) as temporary:
        temporary.write_text("text")
    assert path.read_text() == "text"
    with scratch_folder(path) as folder:
        assert folder.is_dir()


def test_weights_and_description_are_of_one_process(tmp_path):
    """Two trainings that write one model, step by step in turns."""
    with atomic.replaced_together(tmp_path / "a", tmp_path / "b") as one:
        with atomic.replaced_together(tmp_path / "a", tmp_path / "b") as other:
            for number, paths in enumerate((one, other)):
                for path in paths:
                    path.write_text(str(number))
        assert [(tmp_path / name).read_text() for name in "ab"] == ["1", "1"]
    assert [(tmp_path / name).read_text() for name in "ab"] == ["0", "0"]
    save_model(tmp_path / "model", make_trained(seed=1))
    save_model(tmp_path / "model", make_trained(seed=2))
    assert load_model(tmp_path / "model") is not None
    assert names(tmp_path / "model") == ["model.json", "model.safetensors"]


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from calovision.conversion import several
from fakes_cli import SMALL, run
several.merge_image_files = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
run("images", {one!r}, {two!r}, "-o", {output!r}, *SMALL)
"""


def test_killed_conversion_leaves_nothing_after_the_next_start(tmp_path):
    one, two = (write_small(tmp_path / f"{seed}.root", seed=seed)[0] for seed in (1, 2))
    output = tmp_path / "images" / "out.h5"
    program = KILLED.format(tests=str(TESTS), one=str(one), two=str(two), output=str(output))
    assert subprocess.run([sys.executable, "-c", program]).returncode == -9
    assert [name.startswith(".out.h5.") for name in names(output.parent)] == [True]
    succeed("images", one, two, "-o", output, *SMALL)
    assert names(output.parent) == ["out.h5"]


def test_table_is_complete_or_not_there(tmp_path):
    write_table(tmp_path / "t.h5", {"x": np.arange(3)}, attributes={"model": "small"})
    assert names(tmp_path) == ["t.h5"]
