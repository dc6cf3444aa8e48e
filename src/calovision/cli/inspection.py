"""``calovision inspect``: what a ROOT file or an HDF5 file holds, and one event of it."""

from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from calovision.core.errors import InputError

IMAGE_SUFFIXES = (".h5", ".hdf5")
FILE_SUFFIXES = (*IMAGE_SUFFIXES, ".root")
WITHOUT_VALUE = {"--branches": "*", "--suggest": "-"}
"""Options that may be given without their value -> the value that they then have."""


class InspectCommand(TyperCommand):
    """Command some of whose options need no value: behind them may stand another option, the file,
    or nothing.
    """

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        """Fill in the values that were left out."""
        given = []
        for word, following in zip_longest(args, args[1:]):
            if word in WITHOUT_VALUE and not _is_value(word, following):
                word = f"{word}={WITHOUT_VALUE[word]}"
            given.append(word)
        return super().parse_args(ctx, given)


def _is_value(option: str, word: str | None) -> bool:
    """Return True if the word behind an option is its value."""
    if word is None or (word.startswith("-") and word != "-"):
        return False
    return "://" not in word and Path(word.split(":")[0]).suffix.lower() not in FILE_SUFFIXES


def inspect_command(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A ROOT file, its address, or an HDF5 file of calovision (.h5), as of images.",
        ),
    ],
    event: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Entry, or row of the image file, to display; the first with content.",
        ),
    ] = None,
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
    branches: Annotated[
        str | None,
        typer.Option(
            metavar="[PATTERN]",
            help="List branches of a ROOT file, with types, shapes and the values of an entry: "
            "those whose name matches, as '*_eta', or contains the text; without it all.",
        ),
    ] = None,
    suggest: Annotated[
        str | None,
        typer.Option(
            metavar="[FILE.yaml]",
            help="Write a starter schema of a ROOT file, with the reasons as comments, that was "
            "tried on its first events; without a name on standard output.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the schema if it exists already.")
    ] = False,
) -> None:
    """Say what a file holds, and display one event of a ROOT file or an image file."""
    if png is not None and png.suffix.lower() != ".png":
        raise InputError(f"{png}: the name of the picture must end in .png")
    if Path(file).suffix.lower() in IMAGE_SUFFIXES:
        if suggest is not None or branches is not None:
            raise InputError(f"{file}: --branches and --suggest are for ROOT files")
        from calovision.cli.inspect_images import inspect_hdf5

        inspect_hdf5(Path(file), event=event, png=png)
    elif suggest is not None:
        from calovision.cli.inspect_suggestion import inspect_suggestion

        inspect_suggestion(file, suggest, tree=tree, force=force)
    elif branches is not None:
        from calovision.cli.inspect_branches import inspect_branches

        inspect_branches(file, branches, tree=tree, event=event or 0)
    else:
        from calovision.cli.inspect_ntuple import inspect_ntuple

        inspect_ntuple(file, schema=schema, tree=tree, event=event, png=png)
