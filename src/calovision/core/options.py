"""Options of a run: fields of a dataclass that say what they mean, and which values they take.

The configuration makes its keys of the same fields (`calovision.workflow.keys.section_of`).
"""

from collections.abc import Sequence
from dataclasses import Field, field, fields
from numbers import Integral, Real
from typing import Any, get_args

from calovision.core.errors import InputError
from calovision.core.finite import is_number


def option(
    default: Any,
    meaning: str,
    *,
    details: str | None = None,
    unit: str | None = None,
    choices: Sequence[str] | None = None,
    **bounds: float,
) -> Any:
    """Field of a dataclass that is an option of a run.

    Parameters
    ----------
    default
        Its value where nothing is given; a class for a new value of it.
    meaning
        One line.
    details
        What else the reference page says of it.
    unit
        Unit of the value.
    choices
        Values of text.
    bounds
        ``gt``, ``ge``, ``le`` of a number.
    """
    described = {"meaning": meaning, "details": details, "unit": unit, "choices": choices}
    metadata = {**described, "bounds": bounds}
    if isinstance(default, type):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def with_options_in_docstring(options: type) -> type:
    """Add the meaning of each option to the docstring of a dataclass with fields of `option`."""
    lines = [options.__doc__ or "", "", "    Attributes", "    ----------"]
    for one in fields(options):
        if "meaning" in one.metadata:
            lines += [f"    {one.name}", f"        {one.metadata['meaning']}."]
    options.__doc__ = "\n".join([*lines, "    "])
    return options


def check_options(options: Any, where: str) -> None:
    """Raise InputError unless each option is one of its choices, or a number within its bounds.

    Parameters
    ----------
    options
        Instance of a dataclass with fields of `option`.
    where
        What messages call it: ``"train"``.
    """
    for one in fields(options):
        value = getattr(options, one.name)
        choices = one.metadata.get("choices")
        if choices is not None and value not in choices:
            raise InputError(
                f"{where}.{one.name} '{value}' is unknown: choose from {', '.join(choices)}"
            )
        if one.metadata.get("bounds") and not _is_within(value, one):
            raise InputError(f"{where}.{one.name} is {value}: give {_number_in_words(one)}")


def _is_within(value: Any, one: "Field[Any]") -> bool:
    """True for None where it may be, and for a finite number within the bounds."""
    if value is None:
        return type(None) in get_args(one.type)
    kind = Integral if one.type is int else Real
    if not isinstance(value, kind) or not is_number(value):
        return False
    bounds = one.metadata["bounds"]
    is_above = value > bounds["gt"] if "gt" in bounds else value >= bounds.get("ge", value)
    return is_above and value <= bounds.get("le", value)


def _number_in_words(one: "Field[Any]") -> str:
    bounds = one.metadata["bounds"]
    if one.type is int:
        return f"a whole number from {bounds['ge']} on"
    if "le" in bounds:
        return f"a part above {bounds['gt']}, at most {bounds['le']}"
    return f"a number above {bounds['gt']}"
