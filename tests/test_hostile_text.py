"""Text of others that would act on what shows it: a browser, a reader of Markdown, a terminal,
HEPData."""

import json
import logging
import re

import pytest
import yaml
from browser import CHROMIUM, outlines
from fakes_results import HALF, make_summary
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console
from test_report import NO_CHROMIUM, make_figure

from calovision.cli.messages import say
from calovision.cli.summary import columns, pairs, show
from calovision.core.markdown import Markdown, code, escape, markdown_table
from calovision.core.text import printable
from calovision.evaluation.results import (
    CutStep,
    Performance,
    PreselectedEvents,
    SampleNumbers,
    SamplesSummary,
)
from calovision.jobs.logs import _Printable
from calovision.jobs.run_summary.tables import _failures
from calovision.metrics import roc
from calovision.report.hepdata import write_hepdata
from calovision.report.page import write_report
from calovision.report.parts import Section, Table, read_sections
from calovision.report.text import render_inline, render_markdown

PAYLOADS = {
    "nothing": "HT of 8_jets",
    "script": "<script>document.title = 'hacked'</script>",
    "image": '<img src="x" onerror="document.title = 1">',
    "link": '<a href="https://evil.example">click</a>',
    "form": '<form action="https://evil.example"><input name="password"></form>',
    "closing": "</code></td></tr></table></style></title></p><svg onload=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "markdown link": "[click](javascript:alert(1)) [b]: https://evil.example",
    "markdown picture": "![x](https://evil.example/x.png)",
    "autolink": "<https://evil.example> https://evil.example arXiv:1711.03573 <me@evil.example>",
    "emphasis": "**bold** *it* __b__ _i_ ~~s~~ 2*3*4",
    "bars": "HT | mass || \\| \\\\|",
    "code": "a `b` ``c`` ` \\`",
    "lines": "one\n\n# two\n\n- three\r\n    four\n===\n> five",
    "heading": "# title #",
    "item": "1. one",
    "target": "[Errno 28]: /data/a.root",
    "dashes": "---",
    "ends": "]]> --> */ <!-- <![CDATA[ x",
    "entities": "&lt;b&gt; &amp; &copy; &#60; &nbsp",
    "direction": "\u202egpj.exe \u05d0\u05d1 \u200f",
    "escape codes": "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07click\x1b]8;;\x07 \x9b2J "
    "\x00",
    "template": "{{ 7 * 7 }} {% raw %} ${x} {x}",
    "formula": r"$\frac{a}{b}$ \(x\) $$",
    "surrogate": "\udce4.root",
}
PLACES = {
    "title": "h1",
    "fact": "dt",
    "value": "dd",
    "contents": "nav a",
    "section": "h2",
    "placeholder": "section p em + em",
    "cut": "section p code",
    "cell of a table": ".table td",
    "title of a table": ".table h3",
    "name of a sample": ".text .frame td",
    "name of a cut": ".text .frame td + td",
    "message of a job": ".text > div:nth-of-type(2) td:nth-of-type(5)",
    "header": ".text > div:nth-of-type(3) th",
    "skipped file": ".text li",
    "caption": "figcaption p + p",
    "title of a figure": "figcaption .title",
    "file": ".files b",
}


def as_read(text):
    """Text as a reader sees it: control characters are shown, blanks count once."""
    return " ".join(printable(text).split())


def write_page(folder, text):
    """A page with the text in every place."""
    folder.mkdir()
    (folder / "text.md").write_text(
        "*Samples* *{{ names | join(', ') }}*, cut {{ names[0] | code }}.\n"
    )
    steps = (CutStep(text, 1, 1.0, 1.0, 1.0),)
    sample = SampleNumbers(0, 1.0, 1, steps, PreselectedEvents(1, 1.0, 1.0), None)
    failure = {"rule": "train", "name": "cnn", "host": "here", "started": 0.0, "message": text}
    tables = [
        SamplesSummary({text: sample}, None, None, ()).cut_flow_to_markdown(),
        "\n".join(_failures([failure])),
        "\n".join(markdown_table([text], [["1"]])),
        f"- {escape(text)}",
    ]
    (folder / "tables.md").write_text("\n\n".join(tables), encoding="utf-8")
    make_figure(folder, "roc")
    figures = [{"name": "roc", "title": text, "caption": "{{ names | first }}"}]
    entry = {
        "name": "data",
        "title": text,
        "text_file": str(folder / "text.md"),
        "tables": [folder / "tables.md"],
    }
    (section,) = read_sections(
        [entry | {"figures": figures}], plots=folder, values={"names": [text]}
    )
    section = Section(
        section.name, section.title, section.text, section.figures, [Table(text, ["a"], [[text]])]
    )
    page = folder / "report.html"
    write_report(
        page,
        [section],
        title=text,
        summary={text: text},
        files={text: folder / "text.md"},
        foot="Foot.",
    )
    return page


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Outline of each page in a browser."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    folder = tmp_path_factory.mktemp("hostile")
    pages = [
        write_page(folder / str(number), text) for number, text in enumerate(PAYLOADS.values())
    ]
    found, console = outlines(pages, PLACES, folder)
    assert console == []
    return dict(zip(PAYLOADS, found, strict=True))


def skeleton(outline):
    """Elements of a page, without the span of each word, the places
    where names may break, and the class of columns of numbers."""
    return [
        re.sub("^(t[dh]) class", r"\1", element)
        for element in outline["elements"]
        if element not in ("span", "wbr")
    ]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_page_has_the_elements_and_links_of_a_harmless_one(payload, seen):
    assert skeleton(seen[payload]) == skeleton(seen["nothing"])
    assert seen[payload]["links"] == seen["nothing"]["links"]
    assert seen[payload]["title"] == as_read(PAYLOADS[payload])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_browser_shows_the_text_as_it_is(payload, place, seen):
    text = as_read(PAYLOADS[payload])
    expected = f"Figure 1 {text} PDF" if place == "title of a figure" else text
    assert seen[payload]["texts"][place] == expected


TEXTS = st.text(st.sampled_from("ab1 |\\`*_[](){}<>&;#!~$:/-+=.\n\t\"'é"), max_size=30) | st.text(
    max_size=20
)


COMMONMARK = MarkdownIt("commonmark").enable("table")  # as forges read a summary


def words_of(html):
    """Text between the tags of a little HTML, entities resolved."""
    import html as escapes

    return " ".join(escapes.unescape(re.sub(r"<[^>]*>", "", str(html))).split())


@given(TEXTS)
def test_escaped_text_is_read_as_it_was_written(text):
    shown = " ".join(printable(text).split())
    for rendered in (render_markdown(escape(text)), COMMONMARK.render(escape(text))):
        assert set(re.findall(r"<(/?\w+)", rendered)) <= {"p", "/p"}
        assert words_of(rendered) == shown
    for render in (render_markdown, COMMONMARK.render):
        assert words_of(render(f"- {escape(text)}\n- b")) == f"{shown} b".lstrip()
    # emphasis that does not end at the second asterisk is no emphasis: both asterisks are read
    assert words_of(render_inline(f"*{escape(text)}* x")) in (
        f"{shown} x".lstrip(),
        f"*{shown}* x",
    )
    written = "\n".join(markdown_table(["a", text], [[text, "1"]]))
    for table in (str(render_markdown(written)), COMMONMARK.render(written)):
        assert len(re.findall("<t[dh][ >]", table)) == 4
        cells = re.findall(r"<td[^>]*>(.*?)</td>", table)
        assert [words_of(cell) for cell in cells] == [shown, "1"]


@given(TEXTS)
def test_code_is_read_as_it_was_written(text):
    shown = " ".join(printable(text).split())
    rendered = str(render_inline(f"({code(text)})"))
    assert words_of(rendered) == f"({shown})"
    assert set(re.findall(r"<(/?\w+)", rendered)) <= {"code", "/code"}


def test_markdown_of_the_package_stays():
    assert escape(Markdown("**a** | b")) == "**a** | b"
    assert markdown_table(["a", Markdown("`b`")], [["x|y", 3]])[0::2] == [
        "| a | `b` |",
        "| x\\|y | 3 |",
    ]
    assert markdown_table(["cross-section [pb]"], [])[0] == "| cross-section [pb] |"
    for plain in ("jet_cnn", "HT > 1500", "0.95 (0.93-0.96)", "-0.5", "a & b", "eta < 2"):
        assert escape(plain) == plain


def test_markdown_of_somebody_else_makes_no_page(tmp_path):
    text = (
        "<script>x</script>\n\n<form>\n\n![p](https://evil/x.png) [j](javascript:alert(1)) "
        "[ok](https://arxiv.org/abs/1)"
    )
    found = str(render_markdown(text))
    assert set(re.findall(r"<(\w+)([^>]*)>", found)) == {
        ("p", ""),
        ("a", ""),
        ("a", ' href="https://arxiv.org/abs/1"'),
    }


HOSTILE = "\x1b]8;;https://evil.example\x07[red]x[/red] :smile:\x1b[31m \u202eb"
SHOWN = r"\x1b]8;;https://evil.example\x07[red]x[/red] :smile:\x1b[31m \u202eb"


def test_printable_keeps_what_is_printed():
    for text in ("", "HT > 1500 [GeV]", "αβ ü 漢字", "\u0646\u200c\u0647", "👩‍👩‍👧"):
        assert printable(text) == text
    assert printable("a\nb\tc") == "a b c"
    assert printable("a\nb\tc\r", lines=True) == "a\nb\tc "
    assert printable(HOSTILE) == SHOWN
    assert printable("\udce4") == r"\udce4"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_terminal_shows_the_text_as_it_is(is_terminal, capsys, monkeypatch):
    monkeypatch.setattr(
        "calovision.cli.summary.Console",
        lambda **options: Console(
            **options, force_terminal=is_terminal, width=300, color_system=None
        ),
    )
    show(HOSTILE, pairs([(HOSTILE, HOSTILE)]), columns([HOSTILE], [[HOSTILE]], title=HOSTILE))
    say(HOSTILE)
    printed = capsys.readouterr().out
    assert printed.count(SHOWN) == 7
    assert "\x1b]8" not in printed
    assert "\x1b[31m" not in printed


def test_log_shows_the_text_as_it_is():
    record = logging.LogRecord("x", logging.ERROR, "", 0, "%s\nnext line", (HOSTILE,), None)
    assert _Printable("%(levelname)s %(message)s").format(record) == f"ERROR {SHOWN}\nnext line"


def test_hepdata_shows_the_text_as_it_is(tmp_path):
    name = r'<b onclick="x">$\input{/etc/passwd}$</b>'
    summary = make_summary({name: Performance(0.5, {"0.1": HALF})})
    curves = {name: roc([0.1, 0.2, 0.8, 0.9], [0, 1, 0, 1], [1, 1, 1, 1])}
    folder = write_hepdata(
        tmp_path / "h", curves=curves, summary=summary, reach=None, description="d"
    )
    safe = r'&lt;b onclick="x"&gt;\$\input{/etc/passwd}\$&lt;/b&gt;'
    first, *_ = list(yaml.safe_load_all((folder / "submission.yaml").read_text()))[1:]
    assert f"classifier {safe} after" in first["description"]
    table = yaml.safe_load((folder / "efficiencies_at_working_points.yaml").read_text())
    assert table["independent_variables"][0]["values"][0]["value"] == safe
    assert json.dumps(table)
