"""``calovision init``: a new analysis in a folder of its own."""

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovision.cli.init_samples import (
    check_classes,
    given_samples,
    repeated_options,
    with_cross_sections,
)
from calovision.cli.messages import say
from calovision.cli.options import HelpWithNames

if TYPE_CHECKING:
    from calovision.cli.init_files import Found

IGNORE = ".gitignore"


class Farm(StrEnum):
    """Batch farms with a profile."""

    HTCONDOR = "htcondor"
    SLURM = "slurm"


class InitCommand(HelpWithNames):
    """Command some of whose options take all the paths that follow them."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        """Repeat such an option before each of its paths."""
        return super().parse_args(ctx, repeated_options(args))


def init_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Folder of the new analysis.")
    ],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILES...]",
            help="ROOT files with rows of several classes, which --label tells apart; without any "
            "files, the simulated example.",
        ),
    ] = None,
    signal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]PATH...",
            help="ROOT files of the signal: paths, wildcards, lists (.txt), addresses; NAME= "
            "begins those of a sample, so that each process has its cross-section.",
        ),
    ] = None,
    background: Annotated[
        list[str] | None, typer.Option(metavar="[NAME=]PATH...", help="The same of the background.")
    ] = None,
    class_files: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="NAME=PATH...",
            help="ROOT files of a class, once for each class, in place of --signal and "
            "--background.",
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=EXPR",
            help="Class of the rows of FILES of which an expression on branches is true, once for "
            "each class: top=label_Tbqq.",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]PATH...", help="ROOT files that only get scores."),
    ] = None,
    jets: Annotated[
        bool, typer.Option("--jets", help="Images of the leading fat jets instead of events.")
    ] = False,
    schema: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.yaml",
            help="Schema of all files: {schemas}, or a YAML file; found by itself.",
        ),
    ] = None,
    tree: Annotated[
        str | None, typer.Option(metavar="NAME", help="Tree with the events of all files.")
    ] = None,
    cross_section: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SAMPLE=PB", help="Cross-section of a sample, where its files hold none."
        ),
    ] = None,
    farm: Annotated[
        list[Farm] | None, typer.Option(help="Profile of a batch farm, beside the default one.")
    ] = None,
    all_keys: Annotated[
        bool, typer.Option("--all-keys", help="Write every key of the configuration.")
    ] = False,
) -> None:
    """Begin a new analysis: a folder with a commented configuration of your files, a Snakefile
    that runs the installed workflow, and a profile; then `snakemake` in it.
    """
    from calovision.cli.init_files import look_at_files
    from calovision.workflow.new_analysis import require_new_files

    require_new_files(directory)
    samples = given_samples(
        {"signal": signal, "background": background, "class": class_files, "data": data},
        rows=files or [],
        labels=label or [],
    )
    check_classes(samples, are_jets=jets)
    found = look_at_files(
        with_cross_sections(samples, cross_section or []),
        directory,
        are_jets=jets,
        schema=schema,
        tree=tree,
    )
    farms = list(dict.fromkeys(map(str, farm or [])))
    names = _write(directory, found, farms, all_keys=all_keys)
    _say_what_next(directory, names, found, farms)


def _write(directory: Path, found: "Found", farms: list[str], *, all_keys: bool) -> list[str]:
    """Write all files of a new analysis; their paths in its folder."""
    from calovision.jobs.atomic import write_text
    from calovision.workflow.new_analysis import files_of_analysis, require_new_files

    texts = files_of_analysis(found.analysis, directory, farms, all_keys=all_keys) | found.schemas
    if (directory / IGNORE).exists():
        del texts[IGNORE]
    require_new_files(directory, texts)
    for name, text in texts.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(directory / name, text)
    return list(texts)


def _say_what_next(directory: Path, names: list[str], found: "Found", farms: list[str]) -> None:
    """Print what was written, what to look at, and the commands."""
    for name in names:
        say(str(directory / name))
    look = [f"{key} in config.yaml must be given" for key in found.analysis.to_fill()]
    if found.analysis.has_own_cuts:
        look.append("the cuts below selection in config.yaml stand for yours")
    look += found.remarks
    if look:
        say("\nBefore the first run:")
    for sentence in look:
        say(f"- {sentence}")
    say("\nNext:")
    say(f"cd {shlex.quote(str(directory))}")
    say("snakemake")
    for farm in farms:
        say(f"or snakemake --workflow-profile profiles/{farm}")
