"""Files at an address: streamed, tried again when the server fails, and a clear sentence when it
fails for good."""

import importlib.util
import logging
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import awkward as ak
import numpy as np
import pytest
from fakes import make_events, write_ntuple
from fakes_server import serving

from calovision.conversion import ImageRecipe, Source, convert_job, convert_ntuple
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import count_files, iterate_events, open_ntuple, retries, root_file
from calovision.storage import ImageFile

N_EVENTS = 40
RECIPE = ImageRecipe(grid=EtaPhiGrid(8, 8), cluster_jets=False)
SAMPLE = {"sample": "qcd", "label": 0}


@pytest.fixture
def waits(monkeypatch):
    """Seconds of each wait, of which none passes."""
    found = []
    monkeypatch.setattr(retries.time, "sleep", found.append)
    return found


@pytest.fixture
def server(tmp_path):
    write_ntuple(tmp_path / "a.root", *make_events(N_EVENTS), parts=4)
    with serving(tmp_path) as found:
        yield found


def numbers(chunks):
    return [int(number) for events in chunks for number in events.event_number]


def test_stream_gives_what_the_file_gives(server, tmp_path, waits):
    address = f"{server.address}/a.root"
    convert_ntuple(tmp_path / "a.root", tmp_path / "local.h5", RECIPE, **SAMPLE)
    metadata = convert_ntuple(address, tmp_path / "remote.h5", RECIPE, **SAMPLE)
    local, remote = ImageFile(tmp_path / "local.h5"), ImageFile(tmp_path / "remote.h5")
    assert np.array_equal(local.dense(np.arange(N_EVENTS)), remote.dense(np.arange(N_EVENTS)))
    assert metadata.source_files == [(address, local.metadata.source_files[0][1])]
    assert waits == []


def test_first_requests_fail(server, tmp_path, waits, caplog):
    """Each attempt ends at its first failing request; the waits double, and the log tells of
    each."""
    server.failing = range(1, 4)
    address = f"{server.address}/a.root"
    with caplog.at_level(logging.WARNING):
        assert open_ntuple(address, retries=5).n_entries == N_EVENTS
    assert waits[:2] == [1.0, 2.0]
    assert len(waits) == len(caplog.records) <= 3
    assert caplog.records[0].getMessage().startswith(f"{address}: attempt 1 of 6 failed (")
    assert caplog.records[0].getMessage().endswith("); the next one in 1 s")


def test_server_fails_in_the_middle(server, tmp_path, waits):
    """What was handed on is neither lost nor handed on twice, and the count of failures begins
    again."""
    address = f"{server.address}/a.root"
    expected = list(iterate_events(address, chunk_size=10))
    per_pass = server.requests
    server.requests, server.failing = 0, (per_pass, per_pass + 1, 2 * per_pass)
    found = list(iterate_events(address, chunk_size=10, retries=2))
    assert len(waits) >= 1
    assert numbers(found) == list(range(N_EVENTS))
    for one, other in zip(expected, found, strict=True):
        assert ak.to_list(one.towers) == ak.to_list(other.towers)


def test_every_part_of_a_job_is_tried_again(server, tmp_path, waits):
    server.failing = range(1, 3)
    files = [f"{server.address}/a.root"]
    source = Source(files, n_entries=[N_EVENTS], retries=3, entry_range=(10, 25))
    convert_job(source, tmp_path / "a.h5", RECIPE, **SAMPLE)
    assert ImageFile(tmp_path / "a.h5").events["event_number"].tolist() == list(range(10, 25))
    assert waits


def test_last_attempt_fails(server, tmp_path, waits):
    server.failing = range(1, 1000)
    address = f"{server.address}/a.root"
    message = (
        rf"{address} cannot be read, 4 attempts failed; the last: .*503.*; start again when "
        r"it can be reached"
    )
    with pytest.raises(InputError, match=message):
        convert_ntuple(Source(address, retries=3), tmp_path / "a.h5", RECIPE, **SAMPLE)
    assert waits == [1.0, 2.0, 4.0]
    assert not (tmp_path / "a.h5").exists()
    metadata = convert_ntuple(
        Source(address, retries=1), tmp_path / "a.h5", RECIPE, **SAMPLE, on_bad_file="skip"
    )
    assert [path for path, _ in metadata.skipped_files] == [address]


@pytest.mark.parametrize(("name", "status"), [("none.root", 503), ("a.root", 403)])
def test_what_will_not_change_is_not_tried_again(server, waits, name, status):
    server.failing, server.status = range(1, 1000), status
    with pytest.raises(InputError, match=rf"{name} cannot be opened"):
        open_ntuple(f"{server.address}/{name}", retries=5)
    assert waits == []


def test_wrong_content_is_not_tried_again(server, waits):
    with pytest.raises(InputError, match="has no TTree 'Delphes'"):
        open_ntuple(f"{server.address}/a.root", schema="delphes", retries=5)
    with pytest.raises(InputError, match="has no TTree 'other'"):
        list(iterate_events(f"{server.address}/a.root:other", schema="calovision", retries=5))
    assert waits == []


def test_local_file_is_not_tried_again(tmp_path, waits):
    with pytest.raises(InputError, match="no such file"):
        open_ntuple(tmp_path / "none.root", retries=5)
    assert waits == []


def test_entries_of_an_address_are_counted_once(server, tmp_path, waits):
    server.failing = range(1, 3)
    files = {f"{server.address}/a.root": None}
    assert count_files(files, tmp_path / "counts.json", retries=3) == [N_EVENTS]
    assert waits
    server.requests, server.failing = 0, range(1, 1000)
    assert count_files(files, tmp_path / "counts.json", retries=0) == [N_EVENTS]
    assert server.requests == 0


def test_no_wait_is_longer_than_a_minute(waits):
    attempts = retries.Attempts("root://host//a.root", 8)
    assert all(attempts.another(TimeoutError("slow")) for _ in range(8))
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    with pytest.raises(InputError, match="9 attempts failed; the last: slow"):
        attempts.another(TimeoutError("slow"))
    assert not retries.Attempts("root://host//a.root", 8).another(
        OSError("[ERROR] [3011] No such file")
    )


# --- XRootD


@pytest.mark.parametrize("own", [None, "7"])
def test_xrootd_does_not_wait_for_minutes(monkeypatch, own):
    """Ten minutes went by without a word."""
    monkeypatch.setattr(os, "environ", {} if own is None else {"XRD_CONNECTIONWINDOW": own})
    monkeypatch.setattr(root_file.uproot, "open", lambda path, **_: {}["no server"])
    with pytest.raises(InputError, match="on a server that can be reached"):
        open_ntuple("root://host//a.root")
    patience = {"XRD_CONNECTIONWINDOW": own or "30", "XRD_CONNECTIONRETRY": "2"}
    assert patience.items() <= os.environ.items()


@contextmanager
def xrootd(folder: Path):
    """A real server on the loopback, without any authorization."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    (folder / "admin").mkdir()
    settings = {"xrd.port": port, "all.export": f"{folder} r/o", "all.adminpath": folder / "admin"}
    settings |= {"all.pidpath": folder / "admin", "xrd.network": "nodnr"}
    (folder / "xrootd.cfg").write_text(
        "".join(f"{key} {value}\n" for key, value in settings.items())
    )
    # the server refuses to run as root
    user = ["-R", "nobody"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder / "admin", "nobody")
    command = ["xrootd", "-c", str(folder / "xrootd.cfg"), "-l", str(folder / "admin/log"), *user]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder / "admin"
    )
    try:
        for _ in range(100):
            with socket.socket() as found:
                if found.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"root://127.0.0.1:{port}/{folder}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.skipif(
    shutil.which("xrootd") is None or importlib.util.find_spec("XRootD") is None,
    reason="needs an XRootD server (apt-get install xrootd-server) and pip install "
    "calovision[xrootd]",
)
def test_xrootd_server():
    with TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        path = write_ntuple(folder / "a.root", *make_events(N_EVENTS), parts=4)
        expected = list(iterate_events(path, chunk_size=10))
        check_stream(folder, expected)


def check_stream(folder, expected):
    with xrootd(folder) as address:
        assert open_ntuple(f"{address}/a.root", retries=1).n_entries == N_EVENTS
        found = list(iterate_events(f"{address}/a.root", chunk_size=10, entry_range=(10, None)))
        with pytest.raises(InputError, match=r"none\.root cannot be opened"):
            open_ntuple(f"{address}/none.root", retries=5)
    assert numbers(found) == list(range(10, N_EVENTS))
    for one, other in zip(expected[1:], found, strict=True):
        assert ak.to_list(one.towers) == ak.to_list(other.towers)
