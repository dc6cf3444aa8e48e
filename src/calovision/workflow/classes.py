"""Classes of a configuration, and the label of a sample among them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.text import shown
from calovision.workflow.keys import NAME_PATTERN, Entry, Text, key


class Class(Entry):
    """One kind of rows that the networks tell apart."""

    title: Text | None = key(None, "Name in plots; the class's name if absent", example="$W$")
    color: Text | None = key(
        None, "Colour in plots, as matplotlib knows it; one of the style if absent", example="C0"
    )


def _check_label(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{shown(value)} is not of type 'integer'")
    is_class = isinstance(value, str) and value != ""
    is_mapping = (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(isinstance(one, str) and one for pair in value.items() for one in pair)
    )
    if value is None or (value in (0, 1)) or is_class or is_mapping:
        return value
    raise ValueError(
        f"{shown(value)} is not one of [0, 1], the name of a class, or expressions by the name of "
        "their class"
    )


Label = Annotated[
    int | str | dict[str, str],
    BeforeValidator(_check_label),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "enum": [0, 1]},
                {"type": "string", "pattern": NAME_PATTERN},
                {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
            ]
        }
    ),
]


def check_label(name: str, label: Any, classes: Mapping[str, Class]) -> None:
    """Raise InputError unless the label of a sample is one of the classes; without any, 0 or 1."""
    where = f"configuration key 'samples.{name}.label'"
    if not classes and not isinstance(label, int):
        raise InputError(f"{where}: {shown(label)} needs 'classes'; without them it is 0 or 1")
    if classes and isinstance(label, int):
        raise InputError(f"{where}: with 'classes' it names one of them: {', '.join(classes)}")
    if isinstance(label, Mapping):
        _check_expressions(where, label)
    named = [label] if isinstance(label, str) else label if isinstance(label, Mapping) else ()
    for one in named:
        if one not in classes:
            raise InputError(
                f"{where}: '{one}' is not one of the classes {', '.join(classes)}"
                f"{nearest(one, classes)}"
            )


def _check_expressions(where: str, label: Mapping[str, str]) -> None:
    """Raise InputError for an expression that cannot be read."""
    from calovision.selection.expressions import parse

    for name, text in label.items():
        try:
            parse(text, f"class '{name}'", sums=True)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error


def label_number(label: Any, classes: Mapping[str, Class]) -> int:
    """Number of the class of a sample; -1 where it is that of each row."""
    if isinstance(label, str):
        return list(classes).index(label)
    return label if isinstance(label, int) else OF_ROWS


def labels_of(label: Any, classes: Mapping[str, Class]) -> set[int]:
    """Numbers of the classes that a sample may have: all of them where image files tell its
    labels (None).
    """
    if label is None:
        return set(range(len(classes)))
    if isinstance(label, Mapping):
        return {list(classes).index(one) for one in label}
    return {label_number(label, classes)}
