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


@contextmanager
def _failing(failure: str, which: set[int], *, seed: int) -> Iterator[str]:
    """Address of the file on a server that fails at some of its requests, from 1."""
    content, _ = _file()
    count, chance = [0], random.Random(seed)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(is_head=True)

        def do_GET(self) -> None:
            self._answer(is_head=False)

        def _answer(self, *, is_head: bool) -> None:
            count[0] += 1
            wanted = self.headers.get("Range")
            first, last = 0, len(content) - 1
            if wanted:
                first, last = (int(one) for one in wanted.removeprefix("bytes=").split("-"))
                last = min(last, len(content) - 1)
            body, status = content[first : last + 1], 206 if wanted else 200
            length = len(body)
            if count[0] in which and not is_head:
                if failure == "status":
                    self.send_error(chance.choice([500, 502, 503, 429]))
                    return
                if failure == "dead":
                    body = body[: len(body) // 2]
                if failure == "short":
                    body = body[: len(body) // 2]
                    length = len(body)
                if failure == "other length":
                    body, length = body + b"x" * 7, length + 7
                if failure == "shifted":
                    body = content[first + 1 : last + 2].ljust(length, b"\0")
                if failure == "whole":
                    body, status, length = content, 200, len(content)
                if failure == "garbage":
                    body = chance.randbytes(length)
                if failure == "empty":
                    body, length = b"", 0
            self.send_response(status)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(length))
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            self.end_headers()
            if not is_head:
                self.wfile.write(body)
            if len(body) < length and not is_head:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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
