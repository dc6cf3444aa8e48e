"""Numbers of results as CSV with a row each, for a spreadsheet or a plotting program."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced

HEADER = ("quantity", "value")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a cell begins with that a spreadsheet computes


def numbers_csv(numbers: Mapping[str, Any]) -> str:
    """Flatten nested mappings and lists into CSV with the columns ``quantity`` and ``value``.

    A quantity is the path of keys as JSON Pointer writes it (RFC 6901: ``/`` between keys, ``~1``
    for one inside a key, ``~0`` for ``~``), without the leading ``/``; entries of a list go by
    their index from 0. Rows come in the order of ``numbers``; an empty mapping or list has none.

    Numbers, ``true``, ``false`` and ``null`` are written as in JSON, digit by digit; text as it is,
    but behind an apostrophe where a spreadsheet would take it for a formula.

    Raises
    ------
    InputError
        For a value that JSON does not have.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_rows(numbers))
    return text.getvalue()


def write_csv(path: Path, numbers: Mapping[str, Any]) -> None:
    """Write `numbers_csv`, complete or not at all."""
    text = numbers_csv(numbers)
    with replaced(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _rows(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Path and text of every leaf."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _rows(below, (*keys, str(key).replace("~", "~0").replace("/", "~1")))
    elif isinstance(value, list | tuple):
        for index, below in enumerate(value):
            yield from _rows(below, (*keys, str(index)))
    else:
        yield _leaf("/".join(keys), ""), _leaf(value, "/".join(keys))


def _leaf(value: Any, path: str) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    raise InputError(
        f"number {path!r} is a {type(value).__name__}; give numbers, text, lists and mappings as "
        "in JSON"
    )
