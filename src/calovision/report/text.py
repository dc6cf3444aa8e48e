"""Markdown -> HTML, with tables that scroll inside their frame where the window is narrower."""

import re
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markupsafe import Markup

from calovision.errors import InputError
from calovision.report.parts import Table

# how the cells of a column of numbers start
NUMBER = re.compile(r"[-+−±<>≤≥~≈]?\s*\.?\d|[-–—]?$|nan\b|inf\b", re.IGNORECASE)
ARXIV = re.compile(r"(?<![\[/\w])arXiv:(\d{4}\.\d{4,5})(?![\]\d])")  # not yet a link
STASHED = re.compile("\x02[^\x03]*\x03")  # what Markdown puts in place of HTML and entities until the end


def render_markdown(text: str) -> Markup:
    """HTML of a Markdown text with tables."""
    return Markup(Markdown(extensions=["tables", "sane_lists", _Frames()]).convert(_linked(text)))


def render_inline(text: str) -> Markup:
    """HTML of one paragraph of Markdown, without the paragraph's tags."""
    html = Markdown().convert(_linked(" ".join(text.split())))
    return Markup(html.removeprefix("<p>").removesuffix("</p>"))


def render_table(table: Table) -> Markup:
    """HTML of a table.

    Raises
    ------
    InputError
        If a row has another number of cells than the header.
    """
    for number, row in enumerate(table.rows, start=1):
        if len(row) != len(table.header):
            raise InputError(
                f"table {table.title!r}: row {number} has {len(row)} cells but the header {len(table.header)}; "
                "give one per column"
            )
    lines = [table.header, ["---"] * len(table.header), *table.rows]
    return render_markdown("\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines))


def _linked(text: str) -> str:
    """Markdown with a link for every arXiv number."""
    return ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


def _cell(text: str) -> str:
    """A cell in one line, whose bars do not end it."""
    return " ".join(str(text).split()).replace("|", r"\|")


class _Frames(Extension):
    """Extension of Markdown: `_FrameTables` after the tables are made."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name that Markdown calls
        md.treeprocessors.register(_FrameTables(md), "frame_tables", -1)  # the last


class _FrameTables(Treeprocessor):
    """Put every table into a frame that scrolls, and mark the columns of numbers."""

    def run(self, root: Element) -> None:
        for parent in list(root.iter()):
            for position, table in enumerate(list(parent)):
                if table.tag == "table":
                    parent[position] = _framed(table)


def _framed(table: Element) -> Element:
    header, *rows = ([*row] for row in table.iter("tr"))
    for column, title in enumerate(header):
        cells = [row[column] for row in rows]
        if cells and column > 0 and all(NUMBER.match(_text(cell)) for cell in cells):
            for cell in (title, *cells):
                cell.set("class", "number")
            for cell in cells:
                _keep_interval_together(cell)
    for cell in header:
        cell.set("scope", "col")
    label = "Table: " + ", ".join(_text(cell) for cell in header)
    frame = Element("div", {"class": "frame", "role": "region", "tabindex": "0", "aria-label": label})
    frame.append(table)
    return frame


def _keep_interval_together(cell: Element) -> None:
    """Put the brackets behind a number into an element of their own, which the page does not break."""
    value, bracket, interval = (cell.text or "").partition(" (")
    if bracket and not len(cell):
        cell.text = f"{value} "
        SubElement(cell, "span").text = f"({interval}"


def _text(cell: Element) -> str:
    return STASHED.sub("", "".join(cell.itertext())).strip()
