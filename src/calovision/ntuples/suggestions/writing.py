"""Text of a suggested schema: YAML with the reasons as comments."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

import yaml

from calovision.core.text import printable
from calovision.ntuples.suggestions.choices import Choice, Part
from calovision.ntuples.suggestions.formulas import Line

WIDTH = 98  # characters of a comment's line
MOST_ALTERNATIVES = 4
_COMMENT_COLUMN = 34


def scalar(value: str) -> str:
    """Text as a YAML scalar, in double quotes where it would be read as something else."""
    try:
        is_plain = yaml.safe_load(f"key: {value}") == {"key": value}
    except yaml.YAMLError:
        is_plain = False
    is_number = value.replace(".", "", 1).isdigit() or value in ("true", "false")
    if is_plain or is_number:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _in_yaml(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return scalar(value)
    return f"[{', '.join(_in_list(one) for one in value)}]"


def _in_list(value: str) -> str:
    text = scalar(value)
    is_quoted = text.startswith('"')
    return text if is_quoted or not set(",[]{}") & set(text) else f'"{text}"'


def line_text(line: Line, indent: str = "") -> str:
    """``key: value  # comment``."""
    text = f"{indent}{line.key}: {_in_yaml(line.value)}"
    return f"{text:<{_COMMENT_COLUMN}}  # {printable(line.comment)}" if line.comment else text


def comment_lines(text: str) -> list[str]:
    """Comment of several lines."""
    lines = wrap(printable(text), WIDTH, break_long_words=False, break_on_hyphens=False)
    return [f"# {line}" for line in lines]


def choice_lines(choice: Choice) -> list[str]:
    """Lines of a collection: what it is made of, its parts, and the alternatives as comments."""
    lines = [line for part in choice.parts for line in comment_lines(part.comment)]
    lines.append(f"{choice.key}:")
    if len(choice.parts) == 1:
        lines += [line_text(line, "  ") for line in choice.parts[0].lines]
    else:
        for part in choice.parts:
            first, *rest = part.lines
            lines.append(line_text(first, "  - "))
            lines += [line_text(line, "    ") for line in rest]
    return [*lines, *_alternatives(choice.alternatives)]


def _alternatives(parts: Sequence[Part]) -> list[str]:
    """Other groups, one line each, in YAML's short form."""
    lines = []
    for part in parts[:MOST_ALTERNATIVES]:
        keys = ", ".join(f"{one.key}: {_short(one.value)}" for one in part.lines)
        lines.append(f"  # or {part.comment}: {{{keys}}}")
    if len(parts) > MOST_ALTERNATIVES:
        lines.append(f"  # or {', '.join(part.label for part in parts[MOST_ALTERNATIVES:])}")
    return list(map(printable, lines))


def _short(value: str | Sequence[str]) -> str:
    """Value inside of braces, where a comma or a brace would end it."""
    return _in_list(value) if isinstance(value, str) else _in_yaml(value)


def joined(sections: Iterable[Sequence[str]]) -> str:
    """Text of sections, an empty line between them."""
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"
