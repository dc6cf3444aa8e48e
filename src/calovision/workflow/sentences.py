"""Sentences on wrong values of a configuration, made of the errors of pydantic."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.text import shortened, shown
from calovision.workflow.keys import EMPTY, EMPTY_SECTION, Section, annotation_below, section_in

_TYPES = {
    "int_type": "integer",
    "float_type": "number",
    "bool_type": "boolean",
    "tuple_type": "array",
    "dict_type": "object",
    "model_type": "object",
}
_BOUNDS = {
    "greater_than": ("less than or equal to the minimum of", "gt"),
    "greater_than_equal": ("less than the minimum of", "ge"),
    "less_than": ("greater than or equal to the maximum of", "lt"),
    "less_than_equal": ("greater than the maximum of", "le"),
}


def input_error(error: ValidationError, section: type[Section]) -> InputError:
    """Error that names the key of a value that a section refused, and what is wrong with it.

    Of several, an unknown key comes first: what is missing may be what it was meant to be.
    """
    details = error.errors(include_url=False)
    unknown = [one for one in details if one["type"] == "extra_forbidden"]
    first = (unknown or details)[0]
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, InputError):
        return raised
    path = _path_of(first)
    if unknown:
        names = [str(one["loc"][-1]) for one in unknown if one["loc"][:-1] == first["loc"][:-1]]
        sentence = _unknown_keys(names, _known_keys(section, path))
    else:
        sentence = _sentence_of(first)
    return InputError(
        f"configuration key '{'.'.join(map(str, path)) or '(top level)'}': {sentence}"
    )


def _path_of(error: Mapping[str, Any]) -> tuple[int | str, ...]:
    """Keys that lead to the value at fault."""
    path = error["loc"]
    if path[-1:] == ("[key]",):
        return path[:-2]
    return path[:-1] if error["type"] in ("extra_forbidden", "missing") else path


def _known_keys(section: type[Section], path: tuple[int | str, ...]) -> list[str]:
    annotation: Any = section
    for name in path:
        annotation = annotation_below(annotation, name)
    found = section_in(annotation)
    return list(found.model_fields) if found is not None else []


def _unknown_keys(names: list[str], known: list[str]) -> str:
    listed = shortened(", ".join(f"'{name}'" for name in names), 200)
    verb = "was" if len(names) == 1 else "were"
    hint = f"{nearest(names[0], known)}; known here: {', '.join(known)}"
    return f"Additional properties are not allowed ({listed} {verb} unexpected){hint}"


def _sentence_of(error: Mapping[str, Any]) -> str:
    """Sentence on a wrong value."""
    kind = error["type"]
    value = error["input"]
    context = error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing" and isinstance(error["loc"][-1], str):
        return f"'{error['loc'][-1]}' is a required property"
    if value is None and kind in ("dict_type", "model_type"):
        return EMPTY_SECTION
    if value is None:
        return EMPTY
    if kind == "string_type":
        is_plain = isinstance(value, bool | int | float)
        advice = f"write it in quotes, '{value}'" if is_plain else "give one"
        return f"{shown(value)} is no text; {advice}"
    if kind in _TYPES:
        return f"{shown(value)} is not of type '{_TYPES[kind]}'"
    if kind in _BOUNDS:
        relation, bound = _BOUNDS[kind]
        return f"{shown(value)} is {relation} {context[bound]:.12g}"
    if kind == "string_pattern_mismatch":
        names = [one for one in context["pattern"].strip("^()$").split("|") if one.isidentifier()]
        return f"{shown(value)} does not match '{context['pattern']}'{nearest(value, names)}"
    return _sentence_of_length(error)


def _sentence_of_length(error: Mapping[str, Any]) -> str:
    kind = error["type"]
    value = error["input"]
    context = error.get("ctx", {})
    if kind in ("too_short", "string_too_short") and not value:
        return f"{shown(value)} should be non-empty"
    if kind == "too_short" and isinstance(value, Mapping):
        return f"it has {len(value)}; give at least {context['min_length']}"
    if kind in ("too_short", "missing"):
        return f"{shown(value)} is too short"
    if kind == "too_long":
        return f"{shown(value)} is too long; give {context['max_length']} values"
    return error["msg"]
