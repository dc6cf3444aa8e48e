"""Checksums of the pages of an RNTuple and of the lists of them, which uproot 5.7 reads past.

A page whose writer gave it one is followed by it, XXH3 of its bytes as they are stored; a list of
pages ends with its own, of its bytes after decompression (RNTuple binary format 1.0). uproot
verifies those of header, footer and anchor itself.
"""

from collections.abc import Callable, Collection
from functools import partial

import numpy as np
import uproot
import xxhash

N_BYTES = 8
Place = uproot.models.RNTuple.MetaData  # offset and number of bytes
Located = tuple[uproot.source.chunk.Chunk, uproot.source.cursor.Cursor]


def verify_checksums(ntuple: "uproot.models.RNTuple.Model_ROOT_3a3a_RNTuple") -> None:
    """Verify the lists of pages of an RNTuple now, and each page when it is read.

    Raises
    ------
    ValueError
        If a list is damaged; later, when a page is read that is.
    """
    # private: an uproot without this name reads as ever
    read = getattr(ntuple, "read_locator", None)
    if read is None or isinstance(read, partial):
        return
    ntuple.read_locator = partial(_read_list, read)
    places = {
        page.locator.offset
        for columns in ntuple.page_link_list
        for column in columns
        if not column.suppressed
        for page in column.pages
        if page.has_checksum
    }
    ntuple.read_locator = partial(_read_page, read, ntuple.file.source, places)


def _read_list(read: Callable, place: Place, n_bytes: int) -> Located:
    """Read a list of pages, ``n_bytes`` after decompression, and verify it."""
    chunk, cursor = read(place, n_bytes)
    _require_sum(cursor.bytes(chunk, n_bytes, {}, move=False))
    return chunk, cursor


def _read_page(
    read: Callable,
    source: uproot.source.chunk.Source,
    with_checksum: Collection[int],
    place: Place,
    n_bytes: int,
) -> Located:
    """Read a page, ``n_bytes`` after decompression, and verify it where it has a checksum."""
    if place.offset not in with_checksum:
        return read(place, n_bytes)
    chunk = source.chunk(place.offset, place.offset + place.num_bytes + N_BYTES)
    cursor = uproot.source.cursor.Cursor(place.offset)
    _require_sum(cursor.bytes(chunk, place.num_bytes + N_BYTES, {}, move=False))
    if place.num_bytes < n_bytes:
        chunk = uproot.compression.decompress(chunk, cursor, {}, place.num_bytes, n_bytes)
        cursor = uproot.source.cursor.Cursor(0)
    return chunk, cursor


def _require_sum(stored: np.ndarray) -> None:
    """Raise ValueError unless bytes, uint8 ``(n,)``, end with their checksum."""
    expected = int.from_bytes(stored[-N_BYTES:].tobytes(), "little")
    if xxhash.xxh3_64_intdigest(np.ascontiguousarray(stored[:-N_BYTES])) != expected:
        raise ValueError("the checksum of a page or of a list of pages does not fit its bytes")
