"""Records that a job or a run left as JSON, checked against the class that holds them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_type_hints

LARGEST = 1e15
"""Above any number in a record: seconds since 1970, bytes, events."""
PLAIN = (str, bool, int, float)
"""Types that are checked."""
Record = TypeVar("Record")


def checked(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """Make an instance of a dataclass whose texts and numbers are such.

    Fields of other types are taken as they are.

    Raises
    ------
    ValueError, TypeError
        With the name of the field that is missing, unknown, or of another type, or a number that
        nothing has.
    """
    hints = get_type_hints(kind)
    for field in fields(kind):
        types = get_args(hints[field.name]) or (hints[field.name],)
        plain = [one for one in types if one in PLAIN]
        if plain and field.name in values:
            _check(field.name, values[field.name], plain, may_be_none=type(None) in types)
    return kind(**values)


def _check(name: str, value: Any, types: list[type], *, may_be_none: bool) -> None:
    if value is None and may_be_none:
        return
    numbers = (int, float) if float in types else int if int in types else ()
    if isinstance(value, numbers) and not isinstance(value, bool):
        if not abs(value) < LARGEST:
            raise ValueError(f"{name} is {value!s:.20}, which nothing has")
    elif type(value) not in types:
        raise TypeError(f"{name} is {type(value).__name__}")
