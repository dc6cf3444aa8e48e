"""Reference of the command line, from the commands of typer."""

import re
from collections.abc import Iterator

import typer

from calovision.cli import app
from calovision.cli.options import with_names
from calovision.core.markdown import escape, rendered_table


def command_reference() -> str:
    """Commands with their arguments and options, as Markdown: a section each."""
    top = typer.main.get_command(app)
    parts = []
    for name, command in _commands(top, ""):
        parent = typer.Context(top, info_name="calovision")
        context = typer.Context(command, info_name=name, parent=parent)
        usage = re.sub(r"\s+", " ", command.get_usage(context)).removeprefix("Usage: ")
        parts += [f"## `calovision {name}`", str(command.help or ""), f"```\n{usage}\n```"]
        if rows := _rows(command, context):
            parts.append(rendered_table(("argument or option", "meaning"), rows))
    return "\n\n".join(parts)


def _commands(
    group: typer.core.TyperGroup, prefix: str
) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Commands by their names, those of groups behind the name of the group."""
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from _commands(command, f"{prefix}{name} ")
        elif not command.hidden:
            yield f"{prefix}{name}", command


def _rows(command: typer.core.TyperCommand, context: typer.Context) -> list[tuple[str, str]]:
    """Names and meaning of the arguments and options of a command."""
    records = [one.get_help_record(context) for one in command.params]
    return [(f"`{names}`", escape(with_names(text))) for names, text in filter(None, records)]
