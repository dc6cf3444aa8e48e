"""Lists of runs in a configuration."""

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from calovision.core.errors import InputError
from calovision.core.run_lists import SUFFIX, RunList


def _check(value: object) -> object:
    entries = list(value) if isinstance(value, list | tuple) else [value]
    readable = [one for one in entries if not (isinstance(one, str) and one.endswith(SUFFIX))]
    try:
        RunList.read(readable, "")
    except InputError as error:
        raise ValueError(str(error).removeprefix(": ")) from error
    return tuple(entries)


Runs = Annotated[
    tuple[int | str, ...],
    BeforeValidator(_check),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "minItems": 1,
        }
    ),
]
"""Runs: a number, a range as ``10-20`` or ``30-``, a file of them (``*.txt``), or a list."""
