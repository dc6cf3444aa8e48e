"""Lists of image files as text: a path a line, behind it how large the file is and when it was written."""

from collections.abc import Iterable
from pathlib import Path

from calovision.atomic import replaced
from calovision.errors import InputError


def write_file_list(path: Path, files: Iterable[Path]) -> None:
    """Write paths, bytes and nanoseconds since 1970, divided by tabs; complete or not at all.

    Paths of files below the folder of the list begin with ``./`` and are relative to it, so that it can be moved.
    With the two numbers the list changes where a file does: Snakemake takes lists of equal content for the same.
    """
    folder = Path(path).parent
    with replaced(path) as temporary, temporary.open("w", encoding="utf-8") as lines:
        for file in files:
            status = Path(file).stat()
            below = Path(file).is_relative_to(folder)
            name = f"./{Path(file).relative_to(folder)}" if below else str(file)
            lines.write(f"{name}\t{status.st_size}\t{status.st_mtime_ns}\n")


def read_file_list(path: Path) -> list[Path]:
    """Paths of the files in a list.

    Raises
    ------
    InputError
        If the list cannot be read, or one of its files is no longer there.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no readable list of image files; make it again") from error
    names = [line.split("\t")[0] for line in lines]
    files = [Path(path).parent / name if name.startswith("./") else Path(name) for name in names]
    for file in files:
        if not file.exists():
            raise InputError(
                f"{file} is listed in {path} but no longer there: remove the list and run the workflow again"
            )
    return files
