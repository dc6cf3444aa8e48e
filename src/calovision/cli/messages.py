"""Bad input becomes one sentence on standard error; so do warnings and log messages of the
package.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from typer.core import TyperGroup

from calovision.core.errors import InputError
from calovision.core.extras import explain_missing
from calovision.core.text import printable
from calovision.jobs.failures import explain_failures, failure_of

LOGGERS = ("calovision", "py.warnings")


def say(text: str, *, err: bool = False) -> None:
    """Print a text that may hold names of files and messages: no character of it acts on the
    terminal.
    """
    typer.echo(printable(text, lines=True), err=err)


class OneSentenceGroup(TyperGroup):
    """Commands that end with exit status 1 and ``calovision: <sentence>`` after bad input.

    Files that cannot be written or read and memory that does not suffice count as bad input; any
    other exception is a defect and keeps its traceback.
    """

    def invoke(self, ctx: typer.Context) -> object:
        """Run the command."""
        explain_failures()
        with warnings_shown():
            try:
                return super().invoke(ctx)
            except InputError as error:
                sentence = str(error)
            except ModuleNotFoundError as error:
                explained = explain_missing(error)
                if explained is error:
                    raise
                sentence = str(explained)
            except BrokenPipeError:  # `calovision inspect FILE | head`; typer deals with it
                raise
            except Exception as error:
                named = isinstance(error, OSError) and error.filename is not None
                sentence = failure_of(error) or (
                    f"{error.filename}: {error.strerror}" if named else ""
                )
                if not sentence:
                    raise
        say(f"calovision: {sentence}", err=True)
        raise typer.Exit(1)


class _StandardError(logging.Handler):
    """One line a message on whatever standard error is then: a progress bar redirects it to stay in
    the last line.
    """

    def emit(self, record: logging.LogRecord) -> None:
        say(f"calovision: {record.levelname.lower()}: {record.getMessage()}", err=True)


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Show warnings, and log messages of the package from WARNING on, as ``calovision: warning:
    ...``.
    """
    handler = _StandardError(logging.WARNING)
    format_before = warnings.formatwarning
    loggers = [logging.getLogger(name) for name in LOGGERS]
    warnings.formatwarning = lambda message, *_, **__: str(message)
    logging.captureWarnings(True)
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        logging.captureWarnings(False)
        warnings.formatwarning = format_before
