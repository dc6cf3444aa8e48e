"""A web server on the loopback that serves ranges of files, and fails when it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


class Server:
    """What is served, and how.

    Attributes
    ----------
    folder
        Of the files.
    requests
        How many there were.
    failing
        Numbers of the requests, from 1, that are answered with ``status``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.requests, self.address = folder, 0, ""
        self.failing, self.status = range(0), 503


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve the files of a folder."""
    server = Server(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_content=False)

        def do_GET(self) -> None:
            self.answer(with_content=True)

        def answer(self, *, with_content: bool) -> None:
            server.requests += 1
            path = server.folder / self.path.lstrip("/")
            if server.requests in server.failing or not path.is_file():
                self.send_error(server.status if path.is_file() else 404)
                return
            content, wanted = path.read_bytes(), self.headers.get("Range")
            first, last = 0, len(content) - 1
            if wanted:
                first, last = (int(number) for number in wanted.removeprefix("bytes=").split("-"))
                last = min(last, len(content) - 1)
            self.send_response(206 if wanted else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(last - first + 1))
            if wanted:
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            self.end_headers()
            if with_content:
                self.wfile.write(content[first : last + 1])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.address = f"http://127.0.0.1:{http.server_port}"
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
