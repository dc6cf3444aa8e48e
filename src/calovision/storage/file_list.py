"""Lists of image files as text: a path a line, behind it how large the file is and when it was
written.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.user_files import refuse_device
from calovision.jobs.atomic import replaced

ANY_BYTES = "surrogateescape"  # names of files need not be UTF-8
LONGEST = 4096  # bytes of a path
_NUMBERS = re.compile(r"(\t\d+\t\d+)?\r?$")


def write_file_list(path: Path, files: Iterable[Path]) -> None:
    """Write paths, bytes and nanoseconds since 1970, divided by tabs; complete or not at all.

    Paths of files below the folder of the list begin with ``./`` and are relative to it, so that it
    can be moved. With the two numbers the list changes where a file does: Snakemake takes lists of
    equal content for the same.

    Parameters
    ----------
    path
        The list, which is replaced.
    files
        Files that exist.
    """
    folder = Path(path).parent
    with (
        replaced(path) as temporary,
        temporary.open("w", encoding="utf-8", errors=ANY_BYTES, newline="") as lines,
    ):
        for file in files:
            if "\n" in str(file):
                raise InputError(
                    f"{str(file)!r}: a name with a line break cannot stand in a list: rename the "
                    "file"
                )
            status = Path(file).stat()
            below = Path(file).is_relative_to(folder)
            name = f"./{Path(file).relative_to(folder)}" if below else str(file)
            lines.write(f"{name}\t{status.st_size}\t{status.st_mtime_ns}\n")


def read_file_list(path: Path) -> list[Path]:
    """Paths of the files in a list.

    Parameters
    ----------
    path
        The list, as `write_file_list` writes it.

    Raises
    ------
    InputError
        If the list cannot be read, or one of its files is no longer there.
    """
    path = Path(path)
    refuse_device(path, "list of image files", pipes=True)
    try:
        lines = path.read_text(encoding="utf-8", errors=ANY_BYTES).split("\n")
    except OSError as error:
        raise InputError(f"{path}: no readable list of image files; make it again") from error
    names = [_NUMBERS.sub("", line) for line in lines if line]
    if any("\0" in name or len(os.fsencode(name)) > LONGEST for name in names):
        raise InputError(
            f"{path}: no list of image files, it has lines that cannot be paths; make it again"
        )
    files = [path.parent / name if name.startswith("./") else Path(name) for name in names]
    for file in files:
        if not _exists(file):
            raise InputError(
                f"{file} is listed in {path} but no longer there: remove the list and run the "
                "workflow again"
            )
    return files


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # a name that is too long, a folder that may not be looked into
        return False
