"""Results as dataclasses: their JSON, and the same objects from it again."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

from calovision.core.errors import InputError
from calovision.core.text import printable, shortened

WORDS = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
"""Type of a value in a result -> its name in messages."""


class Result:
    """Base of the frozen dataclasses whose JSON is a file of results.

    The keys are the names of the fields, in their order. An optional field has None as its default
    and is left out of the JSON while it is None; None in any other field becomes ``null``.
    """

    def to_json(self) -> dict[str, Any]:
        """Mappings, lists, numbers, text and None, as `json` writes them."""
        return to_json(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Object of what `to_json` gave.

        Raises
        ------
        InputError
            If a key is missing or its value is of another type; the message has its path.
        """
        return from_json(cls, content)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Object of a file of results.

        Raises
        ------
        InputError
            If the file cannot be read, or is no JSON of this result.
        """
        content = read_json(path)
        try:
            return cls.from_json(content)
        except RecursionError as error:
            raise InputError(f"{path}: its lists are nested too deep; make it again") from error
        except ValueError as error:  # also InputError
            raise InputError(f"{path}: {error}; make these results again") from error


def read_json(path: Path) -> Any:
    """Content of a file that an earlier step wrote.

    Raises
    ------
    InputError
        If the file cannot be read, or is no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except RecursionError as error:
        raise InputError(f"{path}: its lists are nested too deep; make it again") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}; make these results again") from error


def to_json(value: Any) -> Any:
    """Plain value of a dataclass, or of mappings and sequences that hold some."""
    if isinstance(value, Result) and type(value).to_json is not Result.to_json:
        return value.to_json()
    if is_dataclass(value):
        found = {
            one.name: getattr(value, one.name) for one in fields(value) if _is_written(one, value)
        }
        return {name: to_json(each) for name, each in found.items()}
    if isinstance(value, Mapping):
        return {key: to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    return value


def from_json(kind: Any, value: Any, path: str = "") -> Any:
    """Value of a type from its JSON: the inverse of `to_json`.

    Parameters
    ----------
    kind
        A dataclass, ``dict[str, X]``, ``tuple[X, ...]``, ``X | None``, `float`, `int`, `str`,
        `bool` or `Any`.
    value
        What JSON holds of it.
    path
        Keys that lead to the value, for messages.

    Raises
    ------
    InputError
        If the value is none of this type.
    """
    origin = get_origin(kind)
    arguments = get_args(kind)
    if origin is UnionType:
        (inner,) = (one for one in arguments if one is not type(None))
        return None if value is None else from_json(inner, value, path)
    if is_dataclass(kind):
        return _object(kind, _mapping(value, path), path)
    if origin is dict:
        entries = _mapping(value, path).items()
        return {key: from_json(arguments[1], each, _below(path, key)) for key, each in entries}
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _wrong(value, "a list", path)
        each = enumerate(value)
        return tuple(from_json(arguments[0], one, _below(path, index)) for index, one in each)
    if kind in WORDS and not _is_of(value, kind):
        raise _wrong(value, WORDS[kind], path)
    return value


def _is_written(field: Field, owner: Any) -> bool:
    """False for an optional field that is None."""
    return field.default is not None or getattr(owner, field.name) is not None


def _object(kind: type, content: Mapping[str, Any], path: str) -> Any:
    """Dataclass of a mapping; other keys than those of its fields are ignored, unless one is the
    misspelt name of a field that is not there.
    """
    types = _types(kind)
    values = {}
    lacking = [field.name for field in fields(kind) if field.name not in content]
    for name in content if lacking else ():
        if name not in types and (near := get_close_matches(name, lacking, n=1, cutoff=0.8)):
            raise InputError(
                f"the key '{shortened(printable(_below(path, name)))}' is unknown; did you mean "
                f"{near[0]}?"
            )
    for field in fields(kind):
        if field.name in content:
            place = _below(path, field.name)
            values[field.name] = from_json(types[field.name], content[field.name], place)
        elif field.default is MISSING:
            raise InputError(f"the key '{_below(path, field.name)}' is missing")
    return kind(**values)


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(value, "a mapping", path)
    return value


def _is_of(value: Any, kind: type) -> bool:
    """True if a value of JSON is of a type; an integer is a number, a boolean is not."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float if kind is float else kind)


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _wrong(value: Any, words: str, path: str) -> InputError:
    owner = f"the value of '{path}'" if path else "the content"
    return InputError(f"{owner} is of the type {type(value).__name__}, not {words}")
