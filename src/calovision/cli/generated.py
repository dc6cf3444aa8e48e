"""Options of a command made of a dataclass whose fields say what they mean
(`calovision.core.options.option`), as the configuration makes its keys of them.
"""

from dataclasses import MISSING, Field, field, fields, make_dataclass
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from calovision.core.errors import InputError

NAMES = {"options": "--option", "class_weights": "--class-weight"}
"""Dictionary -> the option that is given once for each NAME=VALUE of it."""


def options_group(options: type) -> type:
    """Dataclass for `grouped_options` with the fields of ``options`` and what they say of
    themselves: help, choices, bounds, defaults.

    A list of names is written ``a,b``; a dictionary ``--option NAME=VALUE``, which may be repeated.
    """
    hints = get_type_hints(options)
    made = [
        (one.name, kind, field(default=default))
        for one in fields(options)
        for kind, default in [_annotated(one, hints[one.name])]
    ]
    return make_dataclass(f"{options.__name__}Group", made, frozen=True, kw_only=True)


def given_values(group: Any, options: type) -> dict[str, Any]:
    """Values that were given on the command line, as the fields of ``options`` have it.

    Raises
    ------
    InputError
        If a value of a dictionary is not ``NAME=VALUE``.
    """
    values = {}
    for name, hint in get_type_hints(options).items():
        value = getattr(group, name)
        if get_origin(hint) is dict:
            value = _dictionary(value or [], NAMES[name])
        elif get_origin(hint) is tuple:
            value = tuple(part.strip() for part in (value or "").split(",") if part.strip())
        elif isinstance(value, StrEnum):
            value = str(value)
        values[name] = value
    return values


def _annotated(one: "Field[Any]", hint: Any) -> tuple[Any, Any]:
    """Type with typer's option, and default, of a field."""
    described = one.metadata
    bounds = described.get("bounds", {})
    limits = {"min": bounds.get("ge"), "max": bounds.get("le")}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    text = _help(described.get("meaning", "Of the random numbers"))
    default = None if one.default is MISSING else one.default
    if get_origin(hint) is dict:
        return _option(list[str] | None, text, NAMES[one.name], metavar="NAME=VALUE"), None
    if get_origin(hint) is tuple:
        return _option(str | None, text, metavar="A,B,C"), ",".join(default or ()) or None
    if choices := described.get("choices"):
        kind = StrEnum(one.name, {name.upper(): name for name in choices})
        return _option(kind, text), kind(default)
    if hint is bool:
        flag = one.name.replace("_", "-")
        return _option(bool, text, f"--{flag}/--no-{flag}"), default
    number = next((kind for kind in (int, float) if kind in (hint, *get_args(hint))), None)
    metavar = {int: "N", float: "X"}.get(number, "NAME")
    return _option(hint, text, metavar=metavar, **limits), default


def _option(hint: Any, text: str, *names: str, **settings: Any) -> Any:
    return Annotated[hint, typer.Option(*names, help=text, **settings)]


def _help(meaning: str) -> str:
    """The meaning as a sentence; the configuration's null is an option that is not given."""
    text = meaning.replace("null: ", "not given: ")
    return text if text.endswith(".") else f"{text}."


def _dictionary(given: list[str], option: str) -> dict[str, Any]:
    """``["width=32", "dropout=0.1"]`` -> names and values, which are read as in the
    configuration.
    """
    import yaml

    values: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise InputError(f"{option} '{text}': give NAME=VALUE, as width=32")
        if name.strip() in values:
            raise InputError(f"{option} {name.strip()} is given twice: leave one out")
        try:
            values[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise InputError(
                f"{option} '{text}': the value must be YAML, as 32 or [32, 64]"
            ) from None
    return values
