"""Drill of texts of others in pages: names of samples, classes, runs, faults, cuts and files, and
titles, that a page, a reader of Markdown or a terminal would obey. All are shown as they stand, and
none acts.
"""

import re
from collections.abc import Iterator
from functools import cache, partial
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from test_hostile_text import PAYLOADS, write_page

from calovision.core.markdown import escape, markdown_table
from calovision.core.text import printable
from calovision.report.text import render_inline, render_markdown
from faults.cases import Case, Drill, Judgement, Outcome

PIECES = (
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b>", "</td>", "&lt;", "&amp;"),
    *("[a](javascript:alert(1))", "![p](https://evil/x.png)", "`", "``", "**", "_", "|", "\\", "#"),
    *("$x^2$", "$", r"\frac{a}{b}", r"\input{/etc/passwd}", "{{ 7 * 7 }}", "{% raw %}", "%s"),
    *("\u202egpj", "\u05d0\u05d1", "\u200b", "\x1b[31m", "\x00", "\r\n", "\n\n# t\n", "\t"),
    *("漢字", "é", "👩\u200d👩", "\udce4", "x" * 3000, " ", "a", "8", "-", "1.", "=", "~~", "://"),
)
HARMLESS = "HT of 8 jets"
_ACTING = {"script", "img", "form", "iframe", "object", "svg", "input", "link", "base"}


class _Page(HTMLParser):
    """Words of a page, and its elements and addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def count(self, text: str) -> int:
        """Number of times that a reader sees a text."""
        return " ".join("".join(self.words).split()).count(text)


def _shown(text: str) -> str:
    """Text as a reader sees it: control characters written out, blanks once."""
    return " ".join(printable(text).split())


def judge_html(html: str, text: str, harmless: str) -> Judgement:
    """Judge a page with a text of others by the same page with `HARMLESS` in its places."""
    page, usual = _Page(html), _Page(harmless)
    acting = set(page.elements) & _ACTING - set(usual.elements)
    if page.handlers or acting:
        return Judgement(Outcome.WRONG, f"it acts: {page.handlers}, {acting}")
    if _outside(page) != _outside(usual):
        return Judgement(Outcome.WRONG, f"it leads elsewhere: {_outside(page)}")
    times, least = page.count(_shown(text)), usual.count(HARMLESS)
    if _shown(text) and times < least:
        return Judgement(Outcome.WRONG, f"shown {times} times of {least}")
    return Judgement(Outcome.RIGHT)


def _outside(page: _Page) -> list[str]:
    return sorted(one for one in page.addresses if re.match(r"(?!data:image|#)\w+:", one))


@cache
def _harmless() -> str:
    with TemporaryDirectory() as folder:
        return write_page(Path(folder) / "harmless", HARMLESS).read_text(encoding="utf-8")


def _judge_page(text: str, folder: Path) -> Judgement:
    html = write_page(folder / "page", text).read_text(encoding="utf-8")
    return judge_html(html, text, _harmless())


def _judge_markdown(text: str, folder: Path) -> Judgement:
    """Markdown of a table and of a sentence shows the text, and has no other elements."""
    table = str(render_markdown("\n".join(markdown_table(["a", text], [[text, "1"]]))))
    cells = [
        " ".join(unescape(re.sub("<[^>]*>", "", cell)).split())
        for cell in re.findall(r"<td[^>]*>(.*?)</td>", table, re.DOTALL)
    ]
    sentence = _Page(str(render_inline(f"x {escape(text)} y")))
    said = " ".join("".join(sentence.words).split())
    wanted = " ".join(f"x {_shown(text)} y".split())
    if cells != [_shown(text), "1"] or said != wanted or sentence.elements:
        return Judgement(Outcome.WRONG, f"shown as {cells}, {said!r}, {sentence.elements}")
    return Judgement(Outcome.RIGHT)


def texts(rng: np.random.Generator, n: int) -> list[str]:
    """``n`` texts: all that act somewhere, and some of pieces."""
    return [*PAYLOADS.values(), *_of_pieces(rng, n)][:n]


def _of_pieces(rng: np.random.Generator, n: int) -> Iterator[str]:
    for _ in range(n):
        yield "".join(rng.choice(np.array(PIECES, dtype=object), rng.integers(1, 6)))


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    _harmless()
    n = 120 if n_cases is None else n_cases
    found = texts(rng, n)
    if n_cases is not None:
        found = list(rng.permutation(np.array(found, dtype=object)))
    for number, text in enumerate(found):
        judge_text = _judge_page if number % 2 else _judge_markdown
        yield Case(f"{text[:60]!a}", partial(judge_text, text))


REPORT_TEXTS = Drill("report_texts", "Texts of others in the report", _cases)
