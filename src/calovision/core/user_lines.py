"""Lines of the keys in files of users, for the sentences of errors."""

from pathlib import Path
from typing import Any

import yaml

from calovision.core.user_files import UserLoader, parse_yaml, read_text

KeyPath = tuple[str, ...]


def read_yaml_with_lines(path: Path, kind: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """Read a YAML (or JSON) file and the number of the line of each of its keys.

    Parameters
    ----------
    path, kind
        As in `read_yaml`.

    Returns
    -------
    content
        Keys and values.
    lines
        Keys that lead to a value, ``("towers", "e")``, the items of a list by their numbers ->
        line, counted from 1. Some may be missing: those of a merged mapping (``<<``).

    Raises
    ------
    InputError
        As `read_yaml`.
    """
    text = read_text(Path(path), kind)
    content = parse_yaml(text, str(path), kind)
    return content, _lines_of(text)


def _lines_of(text: str) -> dict[KeyPath, int]:
    """Lines of the keys of a text that can be read; none of JSON that YAML cannot read."""
    lines: dict[KeyPath, int] = {}

    def add(node: yaml.Node, path: KeyPath) -> None:
        pairs = []
        if isinstance(node, yaml.MappingNode):
            pairs = [(str(key.value), key, value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            pairs = [(str(number), item, item) for number, item in enumerate(node.value)]
        for name, at, value in pairs:
            lines[(*path, name)] = at.start_mark.line + 1
            add(value, (*path, name))

    loader = UserLoader(text)
    try:
        add(loader.get_single_node(), ())
    except yaml.YAMLError:  # JSON that is indented with tabs
        return {}
    finally:
        loader.dispose()
    return lines
