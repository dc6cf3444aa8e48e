"""The command line ``calovision``: the reusable steps without Snakemake.

One module a command. What a command needs of the package is imported when it runs, so that
``--help`` stays quick.
"""

from typing import Annotated

import typer

from calovision.cli.export import export_command, import_hep_cnn_command
from calovision.cli.images import images_command
from calovision.cli.inspection import inspect_command
from calovision.cli.messages import OneSentenceGroup
from calovision.cli.models import models_command
from calovision.cli.onnx import onnx_command
from calovision.cli.plan import plan_command
from calovision.cli.score import score_command
from calovision.cli.status import status_command

app = typer.Typer(
    name="calovision",
    cls=OneSentenceGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Calorimeter and jet images from ROOT ntuples, and networks that classify them.",
)
app.command("images")(images_command)
app.command("inspect")(inspect_command)
app.command("export")(export_command)
app.command("import-hepcnn")(import_hep_cnn_command)
app.command("models")(models_command)
app.command("score")(score_command)
app.command("onnx")(onnx_command)
app.command("plan")(plan_command)
app.command("status")(status_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"calovision {version('calovision')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options before the command; the name of the help is that of the app."""


def main() -> None:
    """Run the command line; exit status 1 for bad input, 2 for wrong usage."""
    app()
