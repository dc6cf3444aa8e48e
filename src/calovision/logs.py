"""The log file of a job, and one sentence instead of a traceback for bad input."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calovision.errors import InputError


@contextmanager
def job_log(path: Path) -> Iterator[None]:
    """Send the package's log messages and warnings to a file while a job runs.

    Bad input (``InputError``) ends the job with exit status 1 and its one sentence, in the file and on standard
    error; any other exception is a defect and keeps its traceback.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    try:
        yield
    except InputError as error:
        logging.error("%s", error)
        sys.exit(f"calovision: {error}")
    except Exception:
        logging.exception("unexpected error")
        raise
