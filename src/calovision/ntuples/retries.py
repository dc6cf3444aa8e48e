"""Retries of files at an address, since networks and servers fail for moments.

An address that does not exist or may not be read is not tried again, and neither is a file that is
damaged or of another kind.
"""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from calovision.core.errors import InputError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
FIRST_WAIT = 1.0  # seconds before the second attempt; each wait is twice as long as the one before
LONGEST_WAIT = 60.0

_PERMANENT = (ImportError, FileNotFoundError, PermissionError)
_TRY_AGAIN = (
    408,
    425,
    429,
)  # of the HTTP statuses from 400 to 499: too slow, too early, too many requests
_XROOTD_REFUSALS = ("[3010]", "[3011]")  # not authorized, not found


class Attempts:
    """Attempts to read one file, of which ``retries`` in a row may fail; those of a local file may
    not.
    """

    def __init__(self, path: Path | str, retries: int) -> None:
        self.path, self.retries = path, retries
        self._failed = 0

    def start_afresh(self) -> None:
        """Forget the failed attempts, since something was read."""
        self._failed = 0

    def another(self, error: Exception) -> bool:
        """Wait for the next attempt; False if there is none, since the error would come again.

        Raises
        ------
        InputError
            If it was the last attempt.
        """
        if isinstance(self.path, Path) or self.retries == 0 or is_permanent(error):
            return False
        self._failed += 1
        if self._failed > self.retries:
            raise InputError(
                f"{self.path} cannot be read, {self._failed} attempts failed; the last: "
                f"{_reason(error)}; start again "
                "when it can be reached, or leave it out"
            ) from error
        wait = min(FIRST_WAIT * 2 ** (self._failed - 1), LONGEST_WAIT)
        logger.warning(
            "%s: attempt %d of %d failed (%s); the next one in %g s",
            self.path,
            self._failed,
            self.retries + 1,
            _reason(error),
            wait,
        )
        time.sleep(wait)
        return True


def with_retries(
    action: Callable[[], Result],
    path: Path | str,
    retries: int,
    *,
    failed: Callable[[], None] = lambda: None,
) -> Result:
    """Return what ``action`` gives at one of its attempts; exceptions as in `Attempts.another`,
    else its own. ``failed`` is called after each that fails.
    """
    attempts = Attempts(path, retries)
    while True:
        try:
            return action()
        except Exception as error:
            failed()
            if not attempts.another(error):
                raise


def is_permanent(error: Exception) -> bool:
    """Return True if another attempt would fail in the same way."""
    chain = list(_causes(error))
    if any(isinstance(cause, _PERMANENT) or _is_refusal(cause) for cause in chain):
        return True
    return isinstance(error, InputError) and len(chain) == 1  # what was read is not as it should be


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_refusal(error: BaseException) -> bool:
    """Return True if a server said that the file is not there, or not for us."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return 400 <= status < 500 and status not in _TRY_AGAIN
    return any(code in str(error) for code in _XROOTD_REFUSALS)


def _reason(error: Exception) -> str:
    """The first cause in one line."""
    *_, first = _causes(error)
    return " ".join(str(first).split())[:200] or type(first).__name__
