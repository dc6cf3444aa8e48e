"""Values of options that are more than a number or a word."""

from collections.abc import Callable
from enum import StrEnum
from types import SimpleNamespace
from typing import TypeVar

import typer

Number = TypeVar("Number", int, float)
EVENT_IMAGE_OPTIONS = ("eta_range", "eta_edges")
JET_IMAGE_OPTIONS = ("jets_per_event", "jet_recipe", "jet_width")


class OnBadFile(StrEnum):
    """What to do about a file that cannot be read."""

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


class Split(StrEnum):
    """What a file may be as a whole; ``splits.SPLITS``."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class JetRecipeName(StrEnum):
    """The published recipes of ``jet_images.JET_RECIPES``; a test holds both equal."""

    QUARK_GLUON = "quark_gluon"
    TOP = "top"
    W = "w"


def check_combinations(arguments: SimpleNamespace) -> None:
    """Raise typer's usage error if options of ``calovision images`` contradict each other."""
    if arguments.select and arguments.no_selection:
        raise typer.BadParameter("cannot be used with --no-selection.", param_hint="--select")
    if arguments.eta_range and arguments.eta_edges:
        raise typer.BadParameter("cannot be used with --eta-edges.", param_hint="--eta-range")
    names, reason = EVENT_IMAGE_OPTIONS, "cannot be used with --jets."
    if not arguments.jets:
        names, reason = JET_IMAGE_OPTIONS, "needs --jets."
    for name in names:
        if getattr(arguments, name) is not None:
            raise typer.BadParameter(reason, param_hint=f"--{name.replace('_', '-')}")


def parse_grid(text: str) -> tuple[int, int]:
    """``64x32`` -> numbers of cells in eta and phi."""
    return _numbers(text, int, separator="x", option="--grid", example="64x64", count=2)


def parse_edges(text: str) -> tuple[float, ...]:
    """``-2.5,-1,1,2.5`` -> edges in eta."""
    return _numbers(text, float, separator=",", option="--eta-edges", example="-2.5,-1.5,0,1.5,2.5")


def parse_fractions(text: str) -> tuple[float, ...]:
    """``0.6,0.2,0.2`` -> shares of train, validation and test, which sum to 1."""
    shares = _numbers(
        text, float, separator=",", option="--split-fractions", example="0.6,0.2,0.2", count=3
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
