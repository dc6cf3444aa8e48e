"""``calovision monitor check``: runs against a reference; the exit status tells of alarms."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovision.cli.messages import say
from calovision.cli.options import require_new
from calovision.core.errors import InputError

if TYPE_CHECKING:
    from calovision.monitoring.flags import RunFlags

ALARM_STATUS = 3
"""Exit status where runs have alarms; 1 is bad input, 2 wrong usage."""
NOTHING_SAID_STATUS = 4
"""Exit status where nothing can be said of any run: that is no good one."""


def check_command(
    maps: Annotated[
        Path, typer.Argument(metavar="MAPS.h5", help="File of run maps (monitor maps).")
    ],
    reference: Annotated[
        Path,
        typer.Option("--reference", "-r", metavar="R.h5", help="Reference (monitor reference)."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FLAGS", help="Flags: .json, .csv (towers) or .txt."
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=FILE]",
            help="Of {monitoring_methods}, the file of those that are trained; may be repeated "
            "(poisson).",
        ),
    ] = None,
    false_alarms: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of good runs with a false alarm, of a method."),
    ] = 0.01,
    min_events: Annotated[
        int, typer.Option(min=1, metavar="N", help="Least events of a run that is judged.")
    ] = 50,
    consecutive: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Runs in a row in which a tower must be flagged."),
    ] = 1,
    known: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FLAGS.json",
            help="Flags of earlier checks, whose faults raise no alarm; may be repeated.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Compare runs with a reference: print the flagged towers, joined to objects, with since when.
    Exit status 0 without an alarm, 3 with one, 4 if nothing can be said of any run, 1 for bad
    input.
    """
    if output is not None:
        require_new(output, force=force)
        _check_suffix(output)
    from calovision.monitoring.flag_tables import flag_text
    from calovision.monitoring.flagging import FlagRules
    from calovision.monitoring.judging import judge_file, load_scorers
    from calovision.monitoring.known import read_known
    from calovision.monitoring.reference import Reference
    from calovision.monitoring.run_map_file import RunMapFile

    names, networks = _methods(method or ["poisson"])
    good = Reference.load(reference)
    flags = judge_file(
        RunMapFile(maps),
        good,
        load_scorers(names, networks),
        FlagRules(min_events, consecutive, read_known(known or (), good)),
        alarm=names,
        false_alarms=false_alarms,
    )
    say(flag_text(flags).rstrip())
    if output is not None:
        _write(output, flags)
    if flags.n_alarms:
        raise typer.Exit(ALARM_STATUS)
    if all(run.state in ("few_events", "no_statement") for run in flags.runs):
        raise typer.Exit(NOTHING_SAID_STATUS)


def _methods(texts: list[str]) -> tuple[list[str], dict[str, Path]]:
    """Names of methods, and files of those that have one."""
    pairs = [text.partition("=") for text in texts]
    names = [name for name, _, _ in pairs]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputError(f"--method: '{repeated[0]}' is given twice; give it once")
    return names, {name: Path(file) for name, _, file in pairs if file}


def _check_suffix(output: Path) -> None:
    if output.suffix not in (".json", ".csv", ".txt"):
        raise typer.BadParameter(
            f"'{output}' must end with .json, .csv or .txt.", param_hint="--output"
        )


def _write(output: Path, flags: "RunFlags") -> None:
    from calovision.jobs.atomic import write_json, write_text
    from calovision.monitoring.flag_tables import flag_text, write_flag_csv

    if output.suffix == ".json":
        write_json(output, flags.to_json())
    elif output.suffix == ".csv":
        write_flag_csv(output, flags.alarms)
    else:
        write_text(output, flag_text(flags))
