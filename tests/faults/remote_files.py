"""Drill of ROOT files at an address whose server fails: it refuses, answers short or wrong ranges,
dies in the middle, or never answers well.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import numpy as np
from fakes import make_events, write_ntuple

from calovision.ntuples import retries
from faults.cases import Case, Drill, Judgement, judge
from faults.root_content import read_content

ENTRIES = (0, 20)
FAILURES = ("status", "short", "shifted", "other length", "dead", "whole", "garbage", "empty")


@cache
def _file() -> tuple[bytes, dict[str, bytes]]:
    """A ROOT file and what is read of it."""
    with TemporaryDirectory() as folder:
        path = write_ntuple(Path(folder) / "a.root", *make_events(20), parts=4)
        return path.read_bytes(), read_content(path, ENTRIES)


def _range(wanted: str, n_bytes: int) -> tuple[int, int]:
    """First and last byte of a range, also of one that counts from the end (``bytes=-100``)."""
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not first:
        return max(n_bytes - int(last), 0), n_bytes - 1
    return int(first), min(int(last or n_bytes), n_bytes - 1)


def _spoiled(
    failure: str, content: bytes, first: int, last: int, chance: random.Random
) -> tuple[int, bytes, int]:
    """Status, body and the length that is told of it, of an answer that fails."""
    body = content[first : last + 1]
    length = len(body)
    return {
        "dead": (206, body[: length // 2], length),
        "short": (206, body[: length // 2], length // 2),
        "other length": (206, body + b"x" * 7, length + 7),
        "shifted": (206, content[first + 1 : last + 2].ljust(length, b"\0"), length),
        "whole": (200, content, len(content)),
        "garbage": (206, chance.randbytes(length), length),
        "empty": (206, b"", 0),
    }[failure]


class _Handler(BaseHTTPRequestHandler):
    """Answers of a server that fails at some of its requests, from 1."""

    content: bytes
    failure: str
    which: set[int]
    chance: random.Random
    counted: list[None]

    def do_HEAD(self) -> None:
        self._answer(is_head=True)

    def do_GET(self) -> None:
        self._answer(is_head=False)

    def _answer(self, *, is_head: bool) -> None:
        self.counted.append(None)
        wanted, first, last = self.headers.get("Range"), 0, len(self.content) - 1
        if wanted:
            first, last = _range(wanted, len(self.content))
        status, body = (206 if wanted else 200), self.content[first : last + 1]
        length = len(body)
        if len(self.counted) in self.which and not is_head:
            if self.failure == "status":
                self.send_error(self.chance.choice([500, 502, 503, 429]))
                return
            failed, body, length = _spoiled(self.failure, self.content, first, last, self.chance)
            status = min(status, failed)
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(self.content)}")
        self.end_headers()
        if not is_head:
            self.wfile.write(body)
            self.close_connection = self.close_connection or len(body) < length

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _failing(failure: str, which: set[int], *, seed: int) -> Iterator[str]:
    """Address of the file on a server that fails at some of its requests, from 1."""
    kept = {"content": _file()[0], "failure": failure, "which": which}
    handler = type("Handler", (_Handler,), kept | {"chance": random.Random(seed), "counted": []})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/a.root"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _judge(failure: str, which: set[int], tries: int, seed: int, folder: Path) -> Judgement:
    retries.FIRST_WAIT = 0.001
    with _failing(failure, which, seed=seed) as address:
        right = _file()[1].__eq__
        return judge(lambda: read_content(address, ENTRIES, tries), right, "a.root")


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    _file()
    rng = np.random.default_rng(seed)
    every = [
        (failure, which, tries)
        for failure in FAILURES
        for which in ("one", "some", "all")
        for tries in (0, 3)
        for _ in range(2)
    ]
    for position in rng.permutation(len(every))[:n_cases]:
        failure, which, tries = every[position]
        n = {"one": 1, "some": 3, "all": 0}[which]
        failing = set(range(1, 1000)) if not n else set(rng.integers(1, 12, n).tolist())
        shown = "all" if not n else f"{sorted(failing)}"
        case = f"{failure} at requests {shown}, {tries} retries"
        yield Case(case, partial(_judge, failure, failing, tries, int(rng.integers(2**31))))


REMOTE_FILES = Drill("remote_files", "ROOT files of a server that fails", _cases)
