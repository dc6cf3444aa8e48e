"""Compilation of functions by numba, which keeps them for the next start where it can."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import numba
from numba.core.caching import FunctionCache

log = logging.getLogger(__name__)


def njit(*, cache: bool = True, **options: object) -> Callable[[Callable], Callable]:
    """Decorator like `numba.njit` with ``cache=True``, whose cache costs time at worst.

    Without a folder that may be written (a shared installation, and no home), on a full disk or a
    home at its quota, and where the cache is damaged, the function is compiled anew; numba itself
    ends with an error then.
    """

    def decorate(function: Callable) -> Callable:
        compiled = numba.njit(**options)(function)
        if cache and not numba.config.DISABLE_JIT:
            try:
                compiled._cache = _Cache(function)
            except RuntimeError:  # no folder for it
                _tell("numba finds no folder to keep compiled code in")
        return compiled

    return decorate


class _Cache(FunctionCache):
    """The cache of a function, which counts as empty if it is unreadable, and as full if it cannot
    be written.
    """

    def load_overload(self, *of: object) -> object:
        try:
            return super().load_overload(*of)
        except Exception:
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, *of: object) -> None:
        try:
            super().save_overload(*of)
        except OSError as error:
            _tell(f"compiled code cannot be kept in {self.cache_path} ({error.strerror})")


@cache
def _tell(what: str) -> None:
    log.warning(
        "%s: every start compiles it anew, which takes some seconds; set NUMBA_CACHE_DIR to a "
        "folder that may be written",
        what,
    )
