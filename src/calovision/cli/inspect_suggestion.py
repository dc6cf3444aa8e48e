"""Starter schema of a ROOT file, for ``calovision inspect --suggest``."""

from pathlib import Path

import typer

from calovision.cli.messages import say
from calovision.cli.options import require_new
from calovision.core.errors import InputError
from calovision.jobs.atomic import write_text
from calovision.ntuples.schemas import YAML_SUFFIXES
from calovision.ntuples.suggestions.suggestion import suggest_schema

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
    if output == STANDARD_OUTPUT:
        typer.echo(suggestion.text, nl=False)
        return
    write_text(Path(output), suggestion.text)
    say(f"{output}\n\nLook at it and change what is wrong; then:")
    say(f"calovision inspect {path} --schema {output}")
    say(f"calovision images {path} --schema {output} -o images.h5 --no-selection")
