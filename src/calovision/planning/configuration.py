"""The configuration of a workflow, merged from its files as Snakemake and the workflow merge them."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path

import yaml

from calovision.errors import InputError

REPLACED = (("samples",), ("models",), ("robustness", "variations"), ("selection", "preselection"))
"""Sections that a later file replaces as a whole, since their entries have names of their own."""


def read_configuration(base: Path, files: Sequence[Path]) -> dict:
    """Read the configuration of a workflow.

    Parameters
    ----------
    base
        The file that has every key, config/config.yaml.
    files
        What differs from it; later ones win. Samples, models, variations and the preselection are replaced as a whole.

    Raises
    ------
    InputError
        If a file is missing, no YAML, or no mapping.
    """
    configuration = _read(base)
    changes: dict = {}
    for file in files:
        _merge(changes, _read(file))
    merged = deepcopy(configuration)
    _merge(merged, changes)
    for path in REPLACED:
        section, name, found = merged, path[-1], changes
        for part in path[:-1]:
            section, found = section.get(part) or {}, found.get(part) or {}
        if name in found:
            section[name] = found[name]
    return merged


def _read(file: Path) -> dict:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{file}: no such configuration file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: the configuration file cannot be read as text") from error
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise InputError(f"{file}, line {line}: no valid YAML; look at indentation, colons and brackets") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: no configuration; give a file of keys and values as config/config.yaml")
    return content


def _merge(target: dict, changes: Mapping) -> None:
    """Update mappings inside mappings, too."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = deepcopy(value)
