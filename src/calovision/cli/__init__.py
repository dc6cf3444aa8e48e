"""The command line ``calovision``: the reusable steps without Snakemake.

One module a command. What a command needs of the package is imported when it runs, so that
``--help`` stays quick.
"""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from calovision.cli.account import account_command
from calovision.cli.export import export_command, import_hep_cnn_command, onnx_command
from calovision.cli.images import images_command
from calovision.cli.import_dense import import_command
from calovision.cli.import_particles import import_particles_command, import_toptag_command
from calovision.cli.init import InitCommand, init_command
from calovision.cli.inspection import InspectCommand, inspect_command
from calovision.cli.messages import OneSentenceGroup
from calovision.cli.models import models_command
from calovision.cli.monitor import add_command, monitor_app
from calovision.cli.monitor_mask import mask_command
from calovision.cli.options import HelpWithNames
from calovision.cli.plan import plan_command
from calovision.cli.score import score_command
from calovision.cli.status import status_command
from calovision.cli.train import train_command
from calovision.cli.verify import verify_command
from calovision.jobs.failures import NO_MEMORY

app = typer.Typer(
    name="calovision",
    cls=OneSentenceGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Calorimeter and jet images from ROOT ntuples, and networks that classify them.",
)


def _add(name: str, command: Callable[..., None], **options: Any) -> None:
    """Add a command, whose docstring is its help without the line breaks."""
    app.command(name, help=" ".join(str(command.__doc__).split()), **options)(command)


_add("init", init_command, cls=InitCommand)
_add("images", images_command, cls=HelpWithNames)
_add("inspect", inspect_command, cls=InspectCommand)
_add("account", account_command)
_add("verify", verify_command)
_add("export", export_command)
_add("import", import_command)
_add("import-hepcnn", import_hep_cnn_command)
_add("import-particles", import_particles_command, cls=HelpWithNames)
_add("import-toptag", import_toptag_command, cls=HelpWithNames)
_add("models", models_command)
add_command("mask", mask_command)
app.add_typer(monitor_app)
_add("train", train_command)
_add("score", score_command)
_add("onnx", onnx_command)
_add("plan", plan_command)
_add("status", status_command)


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
    """Run the command line; exit status 1 for bad input or too little memory, 2 for wrong usage."""
    try:
        app()
    except MemoryError:  # before the command begins, or once more for its sentence
        sys.exit(f"calovision: {NO_MEMORY}")
