"""HTML of Markdown, with tables that scroll inside their frame where the window is narrower.

Markdown is the package's own; should other text get in, it cannot become more than words in
italics: tags are shown as they were written, there are no pictures, and links lead to ``https`` or
to places of the page.
"""

import re
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from markupsafe import Markup

from calovision.core.errors import InputError
from calovision.core.markdown import markdown_table
from calovision.report.parts import Table

# how the cells of a column of numbers start
NUMBER = re.compile(r"[-+−±<>≤≥~≈]?\s*\.?\d|[-–—]?$|nan\b|inf\b", re.IGNORECASE)
ARXIV = r"(?<![/\w])arXiv:(\d{4}\.\d{4,5})(?!\d)"
STASHED = re.compile(
    "\x02([^\x03]*)\x03"
)  # what Markdown puts in place of escapes and entities until the end
RAW_HTML = ("html", "autolink", "automail", "image_link", "image_reference", "short_image_ref")
ADDRESSES = ("https://", "#")  # beginnings of what a link may lead to


def render_markdown(text: str) -> Markup:
    """HTML of a Markdown text with tables."""
    return Markup(_markdown().convert(_percent_kept(text)))


def render_inline(text: str) -> Markup:
    """HTML of one paragraph of Markdown, without the paragraph's tags."""
    html = _markdown().convert(_percent_kept(" ".join(text.split())))
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
                f"table {table.title!r}: row {number} has {len(row)} cells but the header "
                f"{len(table.header)}; "
                "give one per column"
            )
    return render_markdown("\n".join(markdown_table(table.header, table.rows)))


def _percent_kept(text: str) -> str:
    """Text whose lines do not end between a number and its percent sign."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def _markdown() -> Markdown:
    """Reader of Markdown without raw HTML."""
    reader = Markdown(extensions=["tables", "sane_lists", _Frames()])
    reader.preprocessors.deregister("html_block")
    for name in RAW_HTML:
        reader.inlinePatterns.deregister(name)
    return reader


class _ArxivLinks(InlineProcessor):
    """Make a link of every arXiv number that is not in code or a link."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match, data: str) -> tuple[Element, int, int]:  # noqa: N802 - the name that Markdown calls
        link = Element("a", {"href": f"https://arxiv.org/abs/{m[1]}"})
        link.text = AtomicString(m[0])
        return link, m.start(0), m.end(0)


class _Frames(Extension):
    """Extension of Markdown: `_ArxivLinks`, and `_FrameTables` and `_HarmlessLinks` after the rest
    is made.
    """

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name that Markdown calls
        md.inlinePatterns.register(_ArxivLinks(ARXIV, md), "arxiv", 65)  # after code and links
        md.treeprocessors.register(_FrameTables(md), "frame_tables", -1)  # the last
        md.treeprocessors.register(_HarmlessLinks(md), "harmless_links", -2)


class _FrameTables(Treeprocessor):
    """Put every table into a frame that scrolls, and mark the columns of numbers."""

    def run(self, root: Element) -> None:
        for parent in list(root.iter()):
            for position, table in enumerate(list(parent)):
                if table.tag == "table":
                    parent[position] = _framed(table)


class _HarmlessLinks(Treeprocessor):
    """Take the address from links that lead elsewhere than the web or the page."""

    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            if not link.get("href", "").startswith(ADDRESSES):
                link.attrib.clear()


def _framed(table: Element) -> Element:
    header, *rows = ([*row] for row in table.iter("tr"))
    for column, title in enumerate(header):
        cells = [row[column] for row in rows]
        if cells and column > 0 and all(NUMBER.match(_text(cell)) for cell in cells):
            for cell in (title, *cells):
                cell.set("class", "number")
            for cell in cells:
                _keep_interval_together(cell)
    label = "Table: " + ", ".join(_text(cell) for cell in header)
    for cell in (one for row in (header, *rows) for one in row):
        _break_behind_underscores(cell)
    for cell in header:
        cell.set("scope", "col")
    frame = Element(
        "div", {"class": "frame", "role": "region", "tabindex": "0", "aria-label": label}
    )
    frame.append(table)
    return frame


def _keep_interval_together(cell: Element) -> None:
    """Put the brackets behind a number into an element of their own, which the page does not
    break.
    """
    value, bracket, interval = (cell.text or "").partition(" (")
    if bracket and not len(cell):
        cell.text = f"{value} "
        SubElement(cell, "span").text = f"({interval}"


def _break_behind_underscores(cell: Element) -> None:
    """Let the lines of a cell end behind the underscores of a name, and not in its words."""
    first, *others = (cell.text or "").split("_")
    if not others or len(cell):
        return
    cell.text = f"{first}_"
    for number, part in enumerate(others, 1):
        SubElement(cell, "wbr").tail = part + "_" * (number < len(others))


def _text(cell: Element) -> str:
    text = "".join(cell.itertext())
    return STASHED.sub(lambda found: chr(int(found[1])) if found[1].isdigit() else "", text).strip()
