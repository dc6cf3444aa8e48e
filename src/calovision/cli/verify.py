"""``calovision verify``: whether files are what was written."""

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.messages import say


def verify_command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES", help="HDF5 files of calovision, as of images."),
    ],
) -> None:
    """Compare all of every file with its checksums, a line a file; exit status 1 if one is
    damaged.
    """
    from calovision.core.errors import InputError
    from calovision.storage import verify_file

    n_damaged = 0
    for path in files:
        try:
            say(f"{path}: {verify_file(path)}")
        except InputError as error:
            say(str(error))
            n_damaged += 1
    if n_damaged:
        raise typer.Exit(1)
