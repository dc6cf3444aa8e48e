"""Configuration of a workflow: the package's defaults, changed by files and the command line."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError
from calovision.core.user_files import parse_scalar, read_yaml

EXAMPLE = Path("config/config.yaml")
"""File of the working folder, read (if there is one) between the defaults and the user's files."""

NAMED = (("samples",), ("models",), ("robustness", "variations"), ("selection", "preselection"))
"""Sections whose entries the user names: those of the defaults are an example, and go."""

_TYPES = {"string": str, "boolean": bool, "null": type(None), "array": list, "object": dict}


@cache
def _read_own(name: str) -> dict[str, Any]:
    return read_yaml(Path(__file__).with_name(name), "configuration")


def default_configuration() -> dict[str, Any]:
    """Value of every key: the laptop example, as config/config.yaml shows it."""
    return deepcopy(_read_own("defaults.yaml"))


def schema_of_configuration() -> dict[str, Any]:
    """JSON schema of the configuration."""
    return _read_own("config.schema.yaml")


def read_configuration(
    files: Iterable[Path] = (),
    values: Mapping[str, Any] | None = None,
    *,
    base: Path | None = None,
    read: Callable[[Path], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Read the configuration of a workflow.

    Parameters
    ----------
    files
        Files that say what differs from the defaults; later ones win (`merge_configurations`).
    values
        Values of the command line (``--config``), which win over all files; numbers may be text.
    base
        File between the defaults and ``files``; None for `EXAMPLE` if there is one.
    read
        Reader of one of ``files``; None for `read_yaml`.

    Raises
    ------
    InputError
        If a file cannot be read as `calovision.core.user_files.read_yaml` does.
    """
    configuration = default_configuration()
    if base is None and EXAMPLE.is_file():
        base = EXAMPLE
    if base is not None:
        configuration = merge_configurations(configuration, [_read_base(base)])
    layers = [read_yaml(file, "configuration") if read is None else read(file) for file in files]
    merged = merge_configurations(configuration, [*layers, from_command_line(values or {})])
    return with_types(merged, schema_of_configuration())


def _read_base(file: Path) -> dict[str, Any]:
    """The file of the working folder, which nobody named: it may be that of another workflow."""
    content = read_yaml(file, "configuration")
    for key in content:
        if key not in schema_of_configuration()["properties"]:
            raise InputError(
                f"configuration key '{key}' of {file}, which is read since it is in the working "
                "folder: there is no "
                "such key; if the file belongs to another workflow, run in another folder "
                "(--directory)"
            )
    return content


def from_command_line(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give values of the command line, or of a module, the types that the schema asks for.

    Inside of braces Snakemake leaves them text.
    """
    return with_types(values, schema_of_configuration(), parse=True)


def merge_configurations(
    base: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Apply changes to a configuration, one after the other.

    Mappings are merged key by key, everything else is replaced. The sections `NAMED` of ``base``
    are replaced as a whole by the first layer that has them; so are those of a layer that only
    repeats the base or the defaults, as config/config.yaml does. An empty mapping empties such a
    section.
    """
    merged = deepcopy(dict(base))
    examples = [_section(one, path) for one in (default_configuration(), base) for path in NAMED]
    for layer in layers:
        for path in NAMED:
            given, section = _section(layer, path), _section(merged, path)
            if given is not None and section is not None and (not given or section in examples):
                del _section(merged, path[:-1])[path[-1]]
        _merge(merged, layer)
    return merged


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


def with_types(value: Any, schema: Mapping[str, Any], *, parse: bool = False) -> Any:
    """Copy a value, with integers for whole numbers where the schema wants those (``1e4`` events).

    Parameters
    ----------
    value
        The configuration or a part of it; it need not fit the schema.
    schema
        Its JSON schema.
    parse
        Also read text as YAML reads it, where the schema allows the value that it stands for.
    """
    if "$ref" in schema:
        schema = {**schema_of_configuration()["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    if isinstance(value, Mapping):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        others = others if isinstance(others, Mapping) else {}
        return {
            key: with_types(one, known.get(key, others), parse=parse) for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [with_types(one, schema.get("items", {}), parse=parse) for one in value]
    types = _types_of(schema)
    if parse and isinstance(value, str):
        found = parse_scalar(value)
        value = found if not types or _has_type(found, types) else value
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole and "integer" in types and "number" not in types else value


def _types_of(schema: Mapping[str, Any]) -> set[str]:
    """Types that a schema allows; none if it allows all."""
    types = schema.get("type", ())
    found = {types} if isinstance(types, str) else set(types)
    for one in schema.get("anyOf", ()):
        found |= _types_of(one)
    if "enum" in schema and not found:
        return {"string" if isinstance(one, str) else "integer" for one in schema["enum"]}
    return found


def _has_type(value: Any, types: set[str]) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number" in types or ("integer" in types and float(value).is_integer())
    return any(isinstance(value, _TYPES[one]) for one in types if one in _TYPES)
