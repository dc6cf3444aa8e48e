"""Lines of a schema's file that name branches, for what is only found wrong in a ROOT file."""

import re
from collections.abc import Iterable
from pathlib import Path

_COMMENT = re.compile(r"(^|\s)#.*")


def lines_that_name(schema: str, names: Iterable[str]) -> str:
    """Return ``" in line 4"``, or ``""``: of a schema that is no file, or names that are computed.

    Parameters
    ----------
    schema
        Name of a schema, or the path of its file.
    names
        Branches.
    """
    try:
        lines = Path(schema).read_text().splitlines()
    except (OSError, ValueError):
        return ""
    names = list(names)
    vectors = [name.rpartition(".")[0] for name in names if "." in name]  # p4: their members
    found = _lines(lines, names) or _lines(lines, vectors)
    if not found:
        return ""
    *first, last = map(str, found[:3])
    return f" in line {last}" if not first else f" in lines {', '.join(first)} and {last}"


def _lines(lines: list[str], names: list[str]) -> list[int]:
    """Numbers of the lines, from 1, that hold one of the names as a whole."""
    if not names:
        return []
    pattern = re.compile(rf"(?<![\w./])(?:{'|'.join(map(re.escape, names))})(?![\w/])")
    return [n for n, line in enumerate(lines, 1) if pattern.search(_COMMENT.sub("", line))]
