"""Log file of a job; bad input ends it with one sentence instead of a traceback."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.text import printable
from calovision.jobs.atomic import refused_by_disk
from calovision.jobs.attempts import Attempt, recorded_attempt
from calovision.jobs.failures import explain_failures, failure_of
from calovision.jobs.submission import require_scratch, require_submitter_version


@contextmanager
def job_log(path: Path) -> Iterator[Attempt]:
    """Send the package's log messages and warnings to a file while a job runs, and record how it
    ends beside it.

    Gives the record of the job, in which one that goes through events counts them. Bad input
    (``InputError``) ends the job with exit status 1 and its one sentence, in the file and on
    standard error; any other exception is a defect and keeps its traceback. A disk that refuses to
    write or to read, memory that does not suffice, another version of the package than that which
    submitted the job, and a scratch folder that cannot be written to count as bad input.
    """
    explain_failures()
    try:
        _open_log(Path(path))
    except InputError as error:
        sys.exit(f"calovision: {printable(error, lines=True)}")
    with recorded_attempt(path) as attempt:
        try:
            with _failure_as_input():
                require_submitter_version()
                require_scratch()
                yield attempt
        except InputError as error:
            attempt.message = str(error)
            logging.error("%s", error)
            sys.exit(f"calovision: {printable(error, lines=True)}")
        except Exception:
            logging.exception("unexpected error")
            raise


class _Printable(logging.Formatter):
    """Lines in which no character acts on the terminal that shows the log."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), lines=True)


class _Log(logging.FileHandler):
    """Log of a job, which a full disk leaves without its end: standard error has the sentence."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Pass over what cannot be written; a mistake in a message is told."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _open_log(path: Path) -> None:
    with refused_by_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _Log(path, mode="w", errors="backslashreplace")
        handler.setFormatter(_Printable("%(asctime)s %(levelname)s %(message)s"))
        logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")


@contextmanager
def _failure_as_input() -> Iterator[None]:
    """Raise InputError where a disk or the memory fails and nobody has said so."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        sentence = failure_of(error)
        if sentence is None:
            raise
        raise InputError(sentence) from error
