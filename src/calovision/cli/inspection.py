"""``calovision inspect``: what a ROOT file or an image file holds, and one event of it."""

from pathlib import Path
from typing import Annotated

import typer

from calovision.core.errors import InputError

IMAGE_SUFFIXES = (".h5", ".hdf5")


def inspect_command(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A ROOT file, its address, or an image file (.h5)."),
    ],
    event: Annotated[
        int, typer.Option(min=0, metavar="N", help="Entry, or row of the image file, to display.")
    ] = 0,
    png: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw it to a picture instead of the terminal."),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE.yaml", help="Schema of a ROOT file; found by itself."),
    ] = None,
    tree: Annotated[
        str | None, typer.Option(metavar="NAME", help="Tree with the events of a ROOT file.")
    ] = None,
) -> None:
    """Say what a file holds, and display one event."""
    if png is not None and png.suffix.lower() != ".png":
        raise InputError(f"{png}: the name of the picture must end in .png")
    if Path(file).suffix.lower() in IMAGE_SUFFIXES:
        from calovision.cli.inspect_images import inspect_images

        inspect_images(Path(file), event=event, png=png)
    else:
        from calovision.cli.inspect_ntuple import inspect_ntuple

        inspect_ntuple(file, schema=schema, tree=tree, event=event, png=png)
