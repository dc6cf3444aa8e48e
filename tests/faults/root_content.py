"""Content of a ROOT file as the package reads it, and its bytes that no checksum covers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from calovision.ntuples import Ntuple

PLAIN, ZSTD = "a basket stored plain", "a basket of Zstandard without its checksum"
_OF_NO_MATTER = ("path", "uuid", "notes", "counted_from", "candidate_weight_reason")


def read_content(path: Path | str, entries: tuple[int, int], retries: int = 0) -> dict[str, bytes]:
    """Description of a file and its first events: name -> bytes that two equal ones share."""
    with Ntuple(path, retries=retries) as ntuple:
        found = {
            name: repr(value).encode()
            for name, value in asdict(ntuple.info).items()
            if name not in _OF_NO_MATTER
        }
        for number, events in enumerate(ntuple.iterate(entry_range=entries, chunk_size=2)):
            found |= {
                f"{name} {number}": _bytes(value)
                for name, value in vars(events).items()
                if value is not None and name != "first_entry"
            }
    return found


def _bytes(value: object) -> bytes:
    if isinstance(value, ak.Array):
        form, _, buffers = ak.to_buffers(ak.to_packed(value))
        return b"".join([form.to_json().encode(), *(one.tobytes() for one in buffers.values())])
    return value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()


@contextmanager
def told(path: Path) -> Iterator[list[str]]:
    """Warnings in the log that name a file."""
    found: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())
    logger = logging.getLogger("calovision")
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        found[:] = [text for text in found if path.name in text]


@contextmanager
def ranges_read() -> Iterator[list[tuple[int, int]]]:
    """First byte, and the one behind the last, of all that is read of local ROOT files."""
    source, found = uproot.MultithreadedFileSource, []
    chunk, chunks = source.chunk, source.chunks

    def note_chunk(self: object, start: int, stop: int) -> object:
        found.append((start, stop))
        return chunk(self, start, stop)

    def note_chunks(self: object, ranges: list, *others: object, **named: object) -> object:
        found.extend(ranges)
        return chunks(self, ranges, *others, **named)

    source.chunk, source.chunks = note_chunk, note_chunks
    try:
        yield found
    finally:
        source.chunk, source.chunks = chunk, chunks


def without_checksum(path: Path) -> dict[range, str]:
    """Ranges of bytes of numbers that have no checksum -> why.

    A basket that would not become smaller is stored plain, and ROOT writes Zstandard without the
    checksum that it may have. zlib, LZMA and LZ4 have one, and the pages of an RNTuple, too.
    """
    content, found = path.read_bytes(), {}
    with uproot.open(path) as file:
        for name, kind in file.classnames().items():
            if kind == "TTree":
                for branch in file[name].values(recursive=True):
                    found |= _baskets(branch, content)
    return found


def _baskets(branch: uproot.TBranch, content: bytes) -> dict[range, str]:
    found = {}
    for number in range(branch.num_baskets - len(branch.embedded_baskets)):
        key, begin = branch.basket_key(number), branch.member("fBasketSeek")[number]
        payload = range(begin + key.fKeylen, begin + key.fNbytes)
        if len(payload) == key.fObjlen:
            found[payload] = PLAIN
        elif content[payload.start : payload.start + 2] == b"ZS":
            found[payload] = ZSTD
    return found


def reason(changed: list[int], ranges: dict[range, str]) -> str | None:
    """Why nobody can notice that these bytes were changed; None if one could."""
    reasons = {next((why for one, why in ranges.items() if byte in one), None) for byte in changed}
    return None if None in reasons else ", ".join(sorted(reasons))
