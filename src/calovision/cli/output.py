"""Where a command writes to."""

from pathlib import Path

from calovision.core.errors import InputError


def require_new(output: Path, *, force: bool) -> None:
    """Raise InputError if the output exists and must not be overwritten, or cannot be a file."""
    if output.is_dir():
        raise InputError(f"{output} is a directory: give the name of the file to write")
    if output.exists() and not force:
        raise InputError(f"{output} exists already: give another name or --force to overwrite it")
