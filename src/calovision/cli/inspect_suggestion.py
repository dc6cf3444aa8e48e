"""Starter schema of a ROOT file, for ``calovision inspect --suggest``."""

from pathlib import Path

import typer

from calovision.cli.event_display import fitting_channels
from calovision.cli.messages import say
from calovision.cli.options import require_new
from calovision.conversion import ImageRecipe
from calovision.core.errors import InputError
from calovision.jobs.atomic import write_text
from calovision.ntuples.schemas import YAML_SUFFIXES
from calovision.ntuples.suggestions.suggestion import Suggestion, suggest_schema

STANDARD_OUTPUT = "-"


def inspect_suggestion(path: str, output: str, *, tree: str | None, force: bool) -> None:
    """Write a schema that was tried on the file, on standard output or in a file.

    Raises
    ------
    InputError
        If nothing in the file can be imaged; the sentence says why. If the output exists and must
        not be overwritten.
    """
    if output != STANDARD_OUTPUT:
        if Path(output).suffix not in YAML_SUFFIXES:
            raise InputError(
                f"{output}: the name of a schema must end in {' or '.join(YAML_SUFFIXES)}"
            )
        require_new(Path(output), force=force)
    suggestion = suggest_schema(path, tree=tree)
    if suggestion.text is None:
        reasons = "; ".join(suggestion.reasons)
        raise InputError(f"{path}: no schema can be suggested, as {reasons}")
    if suggestion.known:
        names = " or ".join(suggestion.known)
        say(
            f"calovision: the schema {names} of the package reads this file, probably better; "
            f"extends: {names} in a YAML file changes a key of it",
            err=True,
        )
    if output == STANDARD_OUTPUT:
        typer.echo(suggestion.text, nl=False)
        return
    write_text(Path(output), suggestion.text)
    say(f"{output}\n\nLook at it and change what is wrong; then:")
    say(f"calovision inspect {path} --schema {output}")
    say(f"calovision images {path} --schema {output} -o images.h5{_channels(suggestion)}")


def _channels(suggestion: Suggestion) -> str:
    """Option that names the channels of images, where those by default need other fields."""
    channels = fitting_channels(suggestion.trial.collections)
    if not channels:
        return " --jets"
    return "" if channels == ImageRecipe().channels else f" --channels {','.join(channels)}"
