"""Baskets that zlib compressed, as those of Delphes are, unpacked by ISA-L: the same bytes,
sooner.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import uproot
from isal import isal_zlib  # noqa: F401  uproot takes it from its package, which does not load it by itself

_lock = Lock()
_readers, _before = 0, "zlib"


@contextmanager
def fast_zlib() -> Iterator[None]:
    """Let uproot unpack zlib with ISA-L in this process until the last one who asked is done."""
    global _readers, _before
    # private: uproot.ZLIB.library is for writing alone; an uproot without this name reads as ever
    unpacker = getattr(uproot.compression, "_decompress_ZLIB", None)
    if unpacker is None:
        yield
        return
    with _lock:
        if _readers == 0:
            _before, unpacker.library = unpacker.library, "isal"
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                unpacker.library = _before
