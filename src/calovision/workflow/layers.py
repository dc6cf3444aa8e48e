"""Layers of a configuration, in plain values: defaults, files, the command line."""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from math import isfinite
from pathlib import Path
from types import NoneType
from typing import Any, get_origin

from calovision.core.errors import InputError
from calovision.core.text import shown
from calovision.core.user_files import parse_scalar, read_yaml
from calovision.workflow.keys import annotation_below, members

NAMED = (("samples",), ("models",), ("robustness", "variations"), ("selection", "preselection"))
"""Sections whose entries the user names: those of the defaults are an example, and go."""

OF_EVENTS: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("selection", "preselection"), {}),
    (("event_content",), None),
)
"""Keys with a default of images of events, and their value for images of jets."""

EXAMPLE = Path("config/config.yaml")
"""File of the working folder, read (if there is one) between the defaults and the user's files."""


def read_example(file: Path | None, known: Collection[str]) -> dict[str, Any]:
    """Read the file between the defaults and the user's files; nothing if there is none.

    Parameters
    ----------
    file
        None for `EXAMPLE`, which nobody named: it may be that of another workflow.
    known
        Keys at the top of a configuration.

    Raises
    ------
    InputError
        If it has a key that is not among them, or cannot be read (`read_yaml`).
    """
    if file is None and not EXAMPLE.is_file():
        return {}
    file = EXAMPLE if file is None else file
    content = read_yaml(file, "configuration")
    for name in content:
        if name not in known:
            raise InputError(
                f"configuration key '{name}' of {file}, which is read since it is in the working "
                "folder: there is no such key; if the file belongs to another workflow, run in "
                "another folder (--directory)"
            )
    return content


def merge_layers(
    base: Mapping[str, Any], layers: Sequence[Mapping[str, Any]], examples: Sequence[Any]
) -> dict[str, Any]:
    """Apply changes to a configuration, one after the other.

    Mappings are merged key by key, everything else is replaced. The sections `NAMED` of ``base``
    are replaced as a whole by the first layer that has them; so are those of a layer that only
    repeats the ones of ``examples``, as config/config.yaml does. An empty mapping empties such a
    section. The folds of the ``base`` are those of its samples and split: they go where a layer has
    others and names no folds. Its preselection and event content are those of images of events:
    they go where a layer asks for jets and none names them.
    """
    merged = deepcopy(dict(base))
    sections = [_section(one, path) for one in examples for path in NAMED]
    for layer in layers:
        for path in NAMED:
            given = _section(layer, path)
            section = _section(merged, path)
            if given is not None and section is not None and (not given or section in sections):
                del _section(merged, path[:-1])[path[-1]]
        _merge(merged, layer)
    own = [one for one in layers if "samples" not in one or one["samples"] not in sections]
    if _have_another_split(own) and isinstance(merged.get("split"), dict):
        merged["split"]["folds"] = None
    if any(_section(layer, ("images", "kind")) == "jet" for layer in layers):
        for path, nothing in OF_EVENTS:
            parent = _section(merged, path[:-1])
            if isinstance(parent, dict) and not any(_gives(layer, path) for layer in layers):
                parent[path[-1]] = deepcopy(nothing)
    return merged


def _gives(configuration: Any, path: Sequence[str]) -> bool:
    """Test whether a configuration has a value, null or another, at the end of a path."""
    parent = _section(configuration, path[:-1])
    return isinstance(parent, Mapping) and path[-1] in parent


def _have_another_split(layers: Sequence[Mapping[str, Any]]) -> bool:
    """Test whether layers have samples or fractions of their own, and none of them folds."""
    splits, samples = (
        [one for layer in layers if isinstance(one := _section(layer, (name,)), Mapping)]
        for name in ("split", "samples")
    )
    if any("folds" in split for split in splits):
        return False
    every = [one for some in samples for one in some.values()]
    trained = [one for one in every if _section(one, ("role",)) != "application"]
    return bool(trained) or any("fractions" in split for split in splits)


def _section(configuration: Any, path: Sequence[str]) -> Any:
    """The value at the end of a path; None where there is no such mapping."""
    for key in path:
        configuration = configuration.get(key) if isinstance(configuration, Mapping) else None
    return configuration


def _merge(target: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Update mappings inside mappings, too."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = deepcopy(value)


def parse_texts(value: Any, annotation: Any) -> Any:
    """Copy a value of the command line or of a module, with text replaced by what it stands for.

    Inside of braces Snakemake leaves numbers, truth values and null text; they are read as YAML
    reads them where the key wants such a value.

    Parameters
    ----------
    value
        The configuration or a part of it; it need not be right.
    annotation
        Type that its values should have: a section, or what the annotation of a key says.
    """
    if isinstance(value, Mapping):
        return {
            key: parse_texts(one, annotation_below(annotation, key)) for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        below = annotation_below(annotation, 0)
        return [parse_texts(one, below) for one in value]
    if not isinstance(value, str):
        return value
    found = parse_scalar(value)
    return found if _is_wanted(found, members(annotation)) else value


def _is_wanted(value: Any, types: Sequence[Any]) -> bool:
    """Test whether a key of these types takes a value as it is."""
    if Any in types:
        return True
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float in types or (int in types and value == value // 1)
    if value is None:
        return NoneType in types
    return any(isinstance(value, get_origin(one) or one) for one in types if one is not NoneType)


def check_plain_values(value: Any, path: tuple[str, ...] = ()) -> None:
    """Raise InputError for keys that are no text (from Python) and numbers that are not finite.

    Parameters
    ----------
    value
        The configuration or a part of it.
    path
        Keys that lead to it.
    """
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not isinstance(name, str):
                raise InputError(
                    f"configuration key '{'.'.join((*path, str(name)))}': {shown(name)} is no "
                    f"text; write it in quotes, '{name}'"
                )
            check_plain_values(one, (*path, name))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            check_plain_values(one, (*path, str(number)))
    elif isinstance(value, float) and not isfinite(value):
        raise InputError(
            f"configuration key '{'.'.join(path)}': {value} is no finite number; give one"
        )
