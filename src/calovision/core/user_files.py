"""Files and paths as users write them: YAML without its traps, variables in paths.

YAML 1.1 reads ``no`` as false, ``2016-01-01`` as a date, ``010`` as eight, ``1:30`` as ninety and
``1e-3`` as text, and of a key that is given twice it forgets the first. Here numbers are those of
YAML 1.2, dates are text, and a key is text that stands once in its mapping.
"""

import json
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from calovision.core.errors import InputError
from calovision.core.text import shortened

MOST_VALUES = 1_000_000
"""Values of a file with its anchors written out: a few lines could stand for billions."""

LONGEST_NUMBER = 1000
"""Characters of a number."""

_TAG = "tag:yaml.org,2002:"
_KINDS = {"int": "a number", "float": "a number", "bool": "true or false", "null": "nothing"}
_NUMBERS = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F]+|0b[01]+)$"),
    "float": re.compile(
        r"[-+]?(([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|"
        r"\.(inf|Inf|INF))$|\.(nan|NaN|NAN)$"
    ),
}
# Part of a sentence of PyYAML -> what helps.
_ADVICE = {
    r"'\t'": "indent with spaces, not tabs",
    "but got '['": "inside of { } and [ ] a value with brackets stands in quotes",
    "'<scalar>'": "quotes stand around the whole value, as in \"'a-b' / 2\"",
}
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[^{}]*)\}|(?P<plain>[A-Za-z_]\w*))", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


_NO_TAG = "a tag (!) has no meaning here; write the value without it"


class UserLoader(yaml.SafeLoader):
    """The safe loader of PyYAML with the numbers of YAML 1.2 and without dates."""


UserLoader.yaml_implicit_resolvers = {
    first: [
        entry
        for entry in entries
        if entry[0].removeprefix(_TAG) not in ("int", "float", "timestamp", "value")
    ]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern in _NUMBERS.items():
    UserLoader.add_implicit_resolver(_TAG + _name, _pattern, list("-+.0123456789"))

_RESOLVER = UserLoader("")


def read_yaml(path: Path, kind: str) -> dict[str, Any]:
    """Read a YAML (or JSON) file that holds keys.

    Parameters
    ----------
    path
        The file, UTF-8.
    kind
        What the file is, for the messages: ``"configuration"``.

    Raises
    ------
    InputError
        If the file cannot be read or is no YAML; if a key is given twice or is no text, as ``no:``
        and ``2016:``; if it holds no keys, or more than `MOST_VALUES` values. The sentence names
        the line.
    """
    return parse_yaml(read_text(Path(path), kind), str(path), kind)


def parse_yaml(text: str, origin: str, kind: str) -> dict[str, Any]:
    """Read YAML (or JSON) from text that messages call ``origin``, as `read_yaml` does."""
    content = _parse_json(text, origin)
    if content is None:
        try:
            loader = UserLoader(text)
            try:
                node = loader.get_single_node()
                if node is not None:
                    _check_node(node, origin)
                    content = loader.construct_document(node)
            finally:
                loader.dispose()
        except yaml.YAMLError as error:
            raise InputError(_sentence_of(error, origin)) from error
        except RecursionError as error:
            raise InputError(
                f"{origin}: brackets or blocks are nested too deeply for a {kind}"
            ) from error
        except InputError:
            raise
        except ValueError as error:  # a number with thousands of digits
            raise InputError(f"{origin}: a value cannot be read ({error})") from error
    if content is None:
        raise InputError(f"{origin}: the {kind} is empty; write keys and values as key: value")
    if not isinstance(content, dict):
        raise InputError(f"{origin}: the {kind} holds no keys at its top; write key: value")
    return content


def expand_path(text: str, what: str) -> str:
    """Replace the home folder (``~``) and variables (``$NAME``, ``${NAME}``) in a path.

    Parameters
    ----------
    text
        The path; it stays as it is otherwise.
    what
        Key or file that the path is from, for the message.

    Raises
    ------
    InputError
        If a variable or a user is unknown, or a brace or ``$(`` belongs to no variable.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match["plain"] or match["braced"]
        if not _NAME.fullmatch(name):
            raise InputError(f"{what}: {match[0]} in '{text}' is no variable; write ${{NAME}}")
        if not os.environ.get(name):
            raise InputError(
                f"{what}: the variable {name} in '{text}' is not set; set it, or write the path out"
            )
        return os.environ[name]

    expanded = _VARIABLE.sub(value_of, text)
    expanded = _expand_home(expanded, text, what)
    for mark in ("{", "}", "$("):
        if mark in expanded:
            shown = f"'{text}'" if text == expanded else f"'{text}', which is {expanded},"
            raise InputError(
                f"{what}: the '{mark}' in {shown} belongs to no variable; write the path out"
            )
    return expanded


def _expand_home(path: str, text: str, what: str) -> str:
    if not path.startswith("~"):
        return path
    expanded = os.path.expanduser(path)  # noqa: PTH111 (Path would take a slash from the end)
    if expanded.startswith("~"):
        user = path[1:].partition("/")[0]
        raise InputError(
            f"{what}: '{text}' names the home folder of the user '{user}', who is not there"
        )
    return expanded


def refuse_device(path: Path, kind: str, *, pipes: bool = False) -> None:
    """Raise InputError for a device or a socket, or for a pipe unless these are allowed, since
    reading one may never end.
    """
    try:
        mode = path.stat().st_mode
    except OSError:  # whoever opens it says what is wrong
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or (pipes and stat.S_ISFIFO(mode))):
        raise InputError(f"{path} is a device or a pipe and no {kind}; give the path of a file")


def read_text(path: Path, kind: str) -> str:
    """Text of a file in UTF-8, or of a pipe; InputError as in `read_yaml`."""
    refuse_device(path, f"{kind} file", pipes=True)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such {kind} file") from error
    except OSError as error:
        raise InputError(f"{path}: the {kind} file cannot be read ({error.strerror})") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: the {kind} file is no UTF-8 text; save it as UTF-8"
        ) from error


def _parse_json(text: str, origin: str) -> Any:
    """Content of text that is JSON, which may be indented with tabs; None for other text."""

    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in pairs:
            if key in content:
                raise InputError(
                    f"{origin}: the key '{shortened(key, 80)}' is given twice; keep one of them"
                )
            content[key] = value
        return content

    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text, object_pairs_hook=once)
    except InputError:
        raise
    except (ValueError, RecursionError):  # no JSON, or a number with thousands of digits
        return None


def _sentence_of(error: yaml.YAMLError, origin: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    if mark is None:  # a character that no text may have
        return f"{origin}: no valid YAML ({' '.join(str(error).split())})"
    if "could not determine a constructor" in str(problem):
        return f"{origin}, line {mark.line + 1}: {_NO_TAG}"
    advice = next(
        (words for part, words in _ADVICE.items() if part in str(problem)),
        "look at indentation, colons and brackets",
    )
    return f"{origin}, line {mark.line + 1}: no valid YAML ({problem}); {advice}"


def _check_node(root: yaml.Node, origin: str) -> None:
    """Raise InputError for keys that stand twice or are no text, circles, and too many values."""
    sizes: dict[int, int] = {}

    def size_of(node: yaml.Node, path: tuple[str, ...]) -> int:
        if sizes.get(id(node)) == -1:
            raise InputError(
                f"{_line(node, origin)}: an anchor contains itself; write the values out"
            )
        if id(node) not in sizes:
            _check_tag(node, origin)
            sizes[id(node)] = -1
            sizes[id(node)] = 1 + sum(
                size_of(child, name) for child, name in _children(node, path, origin)
            )
        if sizes[id(node)] > MOST_VALUES:
            raise InputError(
                f"{_line(node, origin)}: with its anchors written out this holds over "
                f"{MOST_VALUES} values"
            )
        return sizes[id(node)]

    size_of(root, ())


def _check_tag(node: yaml.Node, origin: str) -> None:
    """Raise InputError for a tag that makes something else of a value than what it looks like, and
    for a number that is too long to be written.
    """
    kind = node.tag.removeprefix(_TAG)
    if not isinstance(node, yaml.ScalarNode):
        is_plain = kind == ("map" if isinstance(node, yaml.MappingNode) else "seq")
    elif kind == "str":
        return
    else:
        looks = _RESOLVER.resolve(yaml.ScalarNode, node.value, (True, False)).removeprefix(_TAG)
        is_plain = looks == kind or (looks, kind) == ("int", "float")
    if not is_plain:
        raise InputError(f"{_line(node, origin)}: {_NO_TAG}")
    if isinstance(node, yaml.ScalarNode) and len(node.value) > LONGEST_NUMBER:
        raise InputError(
            f"{_line(node, origin)}: a value cannot be read (a number of {len(node.value)} "
            "characters); write a shorter one"
        )


def _children(
    node: yaml.Node, path: tuple[str, ...], origin: str
) -> list[tuple[yaml.Node, tuple[str, ...]]]:
    """Nodes inside a node, with the keys that lead to them."""
    if isinstance(node, yaml.SequenceNode):
        return [(item, (*path, str(number))) for number, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return []
    lines: dict[str, int] = {}
    children = []
    for key, value in node.value:
        name = _key_name(key, path, origin)
        if name in lines:
            raise InputError(
                f"{_line(key, origin)}: the key '{shortened('.'.join((*path, name)), 200)}' is "
                "given twice, first "
                "in line "
                f"{lines[name]}; keep one of them"
            )
        lines[name] = key.start_mark.line + 1
        children.append((value, (*path, name)))
    return children


def _key_name(key: yaml.Node, path: tuple[str, ...], origin: str) -> str:
    below = f" below '{shortened('.'.join(path), 200)}'" if path else ""
    if not isinstance(key, yaml.ScalarNode):
        raise InputError(
            f"{_line(key, origin)}: a list or a mapping{below} stands where a key must be; write "
            "key: value"
        )
    kind = _KINDS.get(key.tag.removeprefix(_TAG))
    if kind is not None:
        raise InputError(
            f"{_line(key, origin)}: the key {shortened(key.value, 80)}{below} is read as {kind}; "
            f"write it in quotes, '{shortened(key.value, 80)}', or choose another name"
        )
    if key.tag.removeprefix(_TAG) not in ("str", "merge"):
        raise InputError(f"{_line(key, origin)}: {_NO_TAG}")
    return str(key.value)


def _line(node: yaml.Node, origin: str) -> str:
    return f"{origin}, line {node.start_mark.line + 1}"


def parse_scalar(text: str) -> Any:
    """The number, truth value or nothing that a text stands for in YAML; else the text itself.

    ``None`` stands for nothing, too: Snakemake writes it so to its jobs.
    """
    tag = UserLoader("").resolve(yaml.ScalarNode, text, (True, False))
    if text == "None" or tag == _TAG + "null":
        return None
    if tag.removeprefix(_TAG) not in _KINDS:
        return text
    try:
        return UserLoader("").construct_object(yaml.ScalarNode(tag, text))
    except ValueError:
        return text
