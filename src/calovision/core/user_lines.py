"""Lines of the keys in files of users, for the sentences of errors."""

from typing import Any

import yaml

from calovision.core.user_files import UserLoader, parse_yaml

KeyPath = tuple[str, ...]


def parse_yaml_with_lines(
    text: str, origin: str, kind: str
) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """Read YAML (or JSON) from text, and the number of the line of each of its keys.

    Parameters
    ----------
    text, origin, kind
        As in `calovision.core.user_files.parse_yaml`.

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
        As `parse_yaml`.
    """
    content = parse_yaml(text, origin, kind)
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
