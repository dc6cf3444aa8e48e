"""Markdown of tables, and escapes for text that was written by others.

Markdown comes from the package only. What is not known to be Markdown (names, cuts, paths,
messages) is escaped, so that it is read as it was written, in the report and in any other reader of
Markdown.
"""

import re
from collections.abc import Iterable, Sequence

from calovision.core.text import printable

ESCAPED = re.compile(
    r"[\\`*|]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])"
)  # an underscore within a word means nothing
BY_ENTITY = {
    "~": "&#126;",
    "$": "&#36;",
}  # not every reader of Markdown knows them behind a backslash
TAG = re.compile(r"<(?=[A-Za-z/!?])")
ENTITY = re.compile(r"&(?=#?\w+;)")
ADDRESS = re.compile(r":(?=//)|(?<=arXiv):", re.IGNORECASE)  # becomes a link by itself
OPENING = re.compile(
    r"[#>]|--|[+-](?=\s|$)|\d+(?=[.)](?:\s|$))|\[(?=[^\[\]]*\]:)"
)  # a line so begun is a title, a quotation, a list, or the target of a link, which is not shown


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escape(text: object) -> Markdown:
    r"""Markdown of one line that shows a text as it is, but `Markdown` unchanged.

    Characters that would act on what shows them are written as escapes (`printable`), ends of lines
    become spaces.
    """
    if isinstance(text, Markdown):
        return text
    words = re.sub(r"\]$", r"\]", _inline(text))  # what follows may make a link of it
    found = OPENING.match(words)
    if found is None:
        return Markdown(words)
    return Markdown(f"{found[0]}\\{words[found.end() :]}" if found[0].isdigit() else f"\\{words}")


def code(text: object) -> Markdown:
    """Markdown that shows a text as code; not for cells of tables, which a bar would end."""
    words = " ".join(printable(text).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", words)), default=0))
    return Markdown(f"{fence} {words} {fence}" if "`" in words else f"`{words}`" if words else "")


def markdown_table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table; cells that are no `Markdown` are escaped."""
    lines = (header, [Markdown("---")] * len(header), *rows)
    return [f"| {' | '.join(map(_inline, line))} |" for line in lines]


def rendered_table(header: Sequence[object], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown, in which a bar would end the cell."""
    cells = [[Markdown(cell.replace("|", r"\|")) for cell in row] for row in rows]
    return "\n".join(markdown_table(header, cells)) + "\n"


def _inline(text: object) -> Markdown:
    """Escape a text for a place within a line; `Markdown` unchanged."""
    if isinstance(text, Markdown):
        return text
    words = " ".join(printable(text).split())
    words = TAG.sub("&lt;", ENTITY.sub("&amp;", words))
    words = ADDRESS.sub("&#58;", ESCAPED.sub(r"\\\g<0>", words))
    return Markdown(words.translate(str.maketrans(BY_ENTITY)))
