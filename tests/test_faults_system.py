"""Failures of the machine that end a process with one sentence; `make faults` has the drills."""

import errno
import mmap
import os
import threading
from pathlib import Path

import pytest
from fakes_cli import write_small
from faults.processes import run_apart

from calovision import cli
from calovision.cli.train import require_new_model
from calovision.core.errors import InputError
from calovision.jobs import failures
from calovision.jobs.failures import NO_MEMORY, explain_bus_errors, explain_failures, failure_of
from calovision.ntuples import iterate_events
from calovision.ntuples.root_file import opened
from calovision.training.run import LOCK


def test_mapped_file_that_is_cut_off_ends_the_process_with_a_sentence(tmp_path):
    """Without a handler the system ends it without a word."""
    path = tmp_path / "a file.h5"

    def read_behind_the_end():
        path.write_bytes(bytes(2**16))
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        os.truncate(path, 0)
        explain_bus_errors.cache_clear()  # a test before may have called it, pytest took it back
        explain_bus_errors()
        return mapped[2**15]

    end = run_apart(read_behind_the_end, tmp_path, output=tmp_path / "output.txt")
    assert end.status == 1
    assert end.text.startswith(f"calovision: {path}: it was cut off, or its disk failed")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), NO_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), NO_MEMORY),
        (RuntimeError("could not create a primitive"), NO_MEMORY),  # oneDNN
        (OSError(errno.ENOMEM, "Cannot allocate memory"), NO_MEMORY),
        (
            OSError(errno.EIO, "Input/output error", "a.root"),
            "a.root cannot be read or written, as its disk fails (input/output error): copy it "
            "from elsewhere, or wait",
        ),
        (ValueError("no such thing"), None),
        (KeyError("memory"), None),
        (OSError(errno.ENOENT, "No such file or directory", "a"), None),
    ],
)
def test_sentence_for_a_failure(error, sentence):
    assert failure_of(error) == sentence


def test_cause_of_an_error_counts():
    error = ValueError("no numbers")
    error.__cause__ = OSError(errno.ESTALE, "Stale file handle", "a.h5")
    assert "a.h5 cannot be read or written, as its file system lost it" in failure_of(error)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file whose reading fails")
@pytest.mark.parametrize("read", [Path.read_bytes, Path.read_text])
def test_file_whose_reading_fails_is_named(read):
    """The system says no name then; nothing lies at the first address of a process."""
    with pytest.raises(OSError, match="Input/output error") as raised:
        read(Path("/proc/self/mem"))
    assert raised.value.filename is None
    assert failure_of(raised.value).startswith("/proc/self/mem cannot be read or written, as its d")


def test_memory_that_does_not_suffice_for_the_sentence(monkeypatch):
    def no_memory(*of):
        raise MemoryError

    monkeypatch.setattr(failures, "why_refused", no_memory)
    assert failure_of(ValueError("no numbers")) == NO_MEMORY
    monkeypatch.setattr(cli, "app", no_memory)
    with pytest.raises(SystemExit, match="calovision: the memory does not suffice: ask for more"):
        cli.main()


def test_failure_in_a_thread_is_a_sentence(monkeypatch, caplog, capsys):
    """As where the disk is full for TensorBoard's thread, while another fails in the next call."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    explain_failures()
    for error in (OSError(errno.EFBIG, "File too large", "events.out"), ValueError("a defect")):

        def fail(error=error):
            raise error

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    (warning,) = caplog.messages
    assert warning.startswith("events.out cannot be written or opened, as it is larger than files")
    told = capsys.readouterr().err
    assert "ValueError: a defect" in told
    assert "File too large" not in told


def test_error_that_was_being_handled_counts():
    """As of matplotlib, which closes its PDF on a disk that is full."""
    full = OSError(errno.ENOSPC, "No space left on device", "a.pdf")

    def close(*, is_another):
        try:
            raise full
        except OSError:
            if is_another:
                raise ValueError("another one") from None
            raise ValueError("buffer error")  # noqa: B904 - as it happens

    with pytest.raises(ValueError, match="buffer error") as raised:
        close(is_another=False)
    assert "a.pdf cannot be written or opened, as the disk is full" in failure_of(raised.value)
    with pytest.raises(ValueError, match="another one") as raised:
        close(is_another=True)
    assert failure_of(raised.value) is None


def test_input_errors_are_sentences_already():
    assert failure_of(InputError("a.h5: damaged")) is None


def test_training_that_was_killed_before_its_first_checkpoint_is_called_again(tmp_path):
    """Its folder holds no more than its lock, and what it had begun to write."""
    for folder in (tmp_path / "one", tmp_path / "folds/fold1"):
        folder.mkdir(parents=True)
        (folder / "history.csv").touch()
        with pytest.raises(InputError, match="exists and is not empty"):
            require_new_model(tmp_path / folder.relative_to(tmp_path).parts[0], force=False)
        (folder / LOCK).touch()
        require_new_model(tmp_path / folder.relative_to(tmp_path).parts[0], force=False)
    (tmp_path / "one/model.json").touch()
    with pytest.raises(InputError, match="holds a model already"):
        require_new_model(tmp_path / "one", force=False)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("can't start new thread"), OSError(errno.ENOMEM, "no memory")],
)
def test_file_is_not_taken_for_damaged_where_the_memory_does_not_suffice(
    tmp_path, monkeypatch, error
):
    """Else it would be left out by ``on_bad_file="skip"``."""
    path, _, _ = write_small(tmp_path / "a.root", 3)

    def refuse(*_, **__):
        raise error

    def refused_later(*_):
        yield refuse()

    with monkeypatch.context() as patch:
        patch.setattr("calovision.ntuples.root_file.uproot.open", refuse)
        with pytest.raises(type(error)), opened(path):
            pass
    monkeypatch.setattr("calovision.ntuples.chunks.EventTree.iterate", refused_later)
    with pytest.raises(type(error)):
        list(iterate_events(path))
