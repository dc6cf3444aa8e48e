"""Options of commands: groups of them as dataclasses, choices, values that are more than a number
or a word, names of registries in their help.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import wraps
from importlib import import_module
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand

from calovision.core.errors import InputError
from calovision.core.splits import SHARES, SPLITS

Number = TypeVar("Number", int, float)
NAMES = {
    "{channels}": ("calovision.images", "CHANNELS"),
    "{monitoring_methods}": ("calovision.monitoring.methods", "METHODS"),
    "{features}": ("calovision.jets.padded", "FEATURES"),
    "{schemas}": ("calovision.ntuples", "SCHEMAS"),
    "{splits}": ("calovision.core.splits", "SPLITS"),
    "{jet_variables}": ("calovision.jets", "JET_VARIABLES"),
    "{variables}": ("calovision.selection", "cut_variables"),
}
"""Placeholder in help texts -> module and attribute with the names that replace it."""


class MaskFill(StrEnum):
    """Content of dead cells."""

    ZERO = "zero"
    NEIGHBOURS = "neighbours"


class OnBadFile(StrEnum):
    """Treatment of a file that cannot be read."""

    FAIL = "fail"
    SKIP = "skip"


class ImageCompression(StrEnum):
    """Compression of the sparse rows."""

    NONE = "none"
    BLOSC2 = "blosc2"


class DenseCompression(StrEnum):
    """Compression of dense images."""

    GZIP = "gzip"
    LZ4 = "lz4"
    NONE = "none"


JET_RECIPE = "Published recipe (none: cells around the jet axis, no other step)."
JET_WIDTH = "Width of a jet image (the recipe's, or twice the radius)."
"""Help of options that several commands have."""
DEFAULT_SHARES = ",".join(f"{share:g}" for share in SHARES.values())
"""Text of the shares that splits have unless others are given."""
Split = StrEnum("Split", {name.upper(): name for name in SPLITS})
"""Splits of events."""


class JetRecipeName(StrEnum):
    """The published recipes of ``jet_images.JET_RECIPES``; a test holds both equal."""

    QUARK_GLUON = "quark_gluon"
    TOP = "top"
    W = "w"


class HelpWithNames(TyperCommand):
    """Command whose help lists the entries of registries, which are imported for it alone."""

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:
        """Write the help, with `NAMES` filled in."""
        for parameter in self.params:
            parameter.help = with_names(getattr(parameter, "help", None) or "")
        super().format_help(ctx, formatter)


def with_names(text: str) -> str:
    """Text of a help with the names of the registries in place of `NAMES`."""
    for placeholder, (module, attribute) in NAMES.items():
        if placeholder in text:
            names = getattr(import_module(module), attribute)
            text = text.replace(placeholder, ", ".join(names() if callable(names) else names))
    return text


def grouped_options(command: Callable[..., None]) -> Callable[..., None]:
    """Command for typer, whose options are the fields of the dataclasses that ``command`` takes.

    A parameter with the type of a dataclass is replaced by one keyword for each field, with its
    type (``Annotated[..., typer.Option(...)]``) and default; the dataclass is made of them when
    the command is called. Other parameters stay.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters = []
    for name, parameter in signature(command).parameters.items():
        of_group = _field_parameters(groups[name]) if name in groups else [parameter]
        parameters += [one.replace(kind=Parameter.KEYWORD_ONLY) for one in of_group]

    @wraps(command)
    def run(**values: Any) -> None:
        given = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **given)

    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _field_parameters(group: Any) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]


def require_new(output: Path, *, force: bool) -> None:
    """Raise InputError if the output exists and must not be overwritten, or cannot be a file."""
    if output.is_dir():
        raise InputError(f"{output} is a directory: give the name of the file to write")
    if output.exists() and not force:
        raise InputError(f"{output} exists already: give another name or --force to overwrite it")


def parse_grid(text: str) -> tuple[int, int]:
    """``64x32`` -> numbers of cells in eta and phi."""
    return _numbers(text, int, separator="x", option="--grid", example="64x64", count=2)


def parse_edges(text: str) -> tuple[float, ...]:
    """``-2.5,-1,1,2.5`` -> edges in eta."""
    return _numbers(text, float, separator=",", option="--eta-edges", example="-2.5,-1.5,0,1.5,2.5")


def parse_fractions(text: str) -> tuple[float, ...]:
    """``0.6,0.2,0.2`` -> shares of the splits, which sum to 1."""
    shares = _numbers(
        text,
        float,
        separator=",",
        option="--split-fractions",
        example=DEFAULT_SHARES,
        count=len(SPLITS),
    )
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise typer.BadParameter(
            f"'{text}' must be shares that sum to 1.", param_hint="--split-fractions"
        )
    return shares


def parse_names(text: str) -> tuple[str, ...]:
    """``em,had`` -> names."""
    return tuple(name.strip() for name in text.split(","))


def number_or_name(text: str | None, kind: Callable[[str], Number]) -> Number | str | None:
    """Give a number as such, anything else as the name of an object in the file."""
    try:
        return text if text is None else kind(text)
    except ValueError:
        return text


def _numbers(
    text: str,
    kind: Callable[[str], Number],
    *,
    separator: str,
    option: str,
    example: str,
    count: int | None = None,
) -> tuple[Number, ...]:
    """Numbers between separators, as many as there should be; typer's usage error names the
    option.
    """
    try:
        numbers = tuple(kind(part) for part in text.lower().split(separator))
    except ValueError:
        numbers = ()
    if not numbers or (count is not None and len(numbers) != count):
        raise typer.BadParameter(f"'{text}' must look like {example}.", param_hint=option)
    return numbers
