"""Parts of the page, read from a list of entries in the parameters of a workflow.

Texts are Markdown with tables. Figures are PNG files, in the page, and their PDF beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from calovision.core.errors import InputError
from calovision.core.markdown import code, escape

ENTRY_KEYS = {"name", "title", "text", "text_file", "figures", "tables", "is_open"}
FIGURE_KEYS = {"name", "title", "caption", "is_detail"}
TEXTS = Path(__file__).with_name("texts")


@dataclass(frozen=True)
class Figure:
    """A plot: PNG for the page, title, caption (Markdown), and its PDF to link, if there is one;
    details are folded.
    """

    path: Path
    title: str
    caption: str
    pdf: Path | None = None
    is_detail: bool = False


@dataclass(frozen=True)
class Table:
    """A table; its cells are text, or `calovision.core.markdown.Markdown`; its caption is Markdown
    of one line.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A chapter of the page: the name is its address (``#name``), the text is Markdown and may hold
    tables. One that is not open is folded until it is asked for.
    """

    name: str
    title: str
    text: str = ""
    figures: Sequence[Figure] = field(default=())
    tables: Sequence[Table] = field(default=())
    is_open: bool = True


def read_sections(
    entries: Sequence[Mapping[str, Any]],
    *,
    plots: Path,
    values: Mapping[str, Any],
    texts: Path = TEXTS,
) -> list[Section]:
    """Sections of the page from a list of entries, such as a workflow's parameters.

    Parameters
    ----------
    entries
        One mapping per section: ``name`` and ``title``; optionally ``text`` (Markdown) or
        ``text_file`` (a template of Markdown), ``tables`` (paths of Markdown files, appended to the
        text in order), ``is_open``, and ``figures``, a list of mappings with ``name``, ``title``,
        ``is_detail`` and ``caption`` (a template of Markdown; without it no caption).
    plots
        Folder of the figures: the one called x is ``x.png``, with ``x.pdf`` where that exists.
    values
        Values that the templates show as ``{{ name }}`` (Jinja), as they are: Markdown in them is
        escaped; ``{{ name | code }}`` puts them within backticks.
    texts
        Folder to which the paths of text files are relative.

    Raises
    ------
    InputError
        For an unknown or missing key, a missing text or table, or a placeholder without a value.
        That the figures exist is for `calovision.report.page.write_report` to check.
    """
    return [_section(entry, Path(plots), values, Path(texts)) for entry in entries]


def _section(
    entry: Mapping[str, Any], plots: Path, values: Mapping[str, Any], texts_folder: Path
) -> Section:
    _check_keys(entry, ENTRY_KEYS, f"section {entry.get('name', '(without a name)')!r}")
    texts = [entry.get("text", "")]
    if "text_file" in entry:
        path = texts_folder / entry["text_file"]
        texts.append(_filled(_read(path), values, str(path)))
    texts += [_read(Path(path)) for path in entry.get("tables", [])]
    figures = [_figure(figure, plots, values) for figure in entry.get("figures", [])]
    return Section(
        entry["name"],
        entry["title"],
        "\n\n".join(text.strip() for text in texts if text.strip()),
        figures,
        is_open=entry.get("is_open", True),
    )


def _figure(entry: Mapping[str, Any], plots: Path, values: Mapping[str, Any]) -> Figure:
    owner = f"figure {entry.get('name', '(without a name)')!r}"
    _check_keys(entry, FIGURE_KEYS, owner)
    caption = " ".join(entry.get("caption", "").split())
    pdf = plots / f"{entry['name']}.pdf"
    return Figure(
        plots / f"{entry['name']}.png",
        entry["title"],
        _filled(caption, values, f"caption of {owner} of the report").strip(),
        pdf if pdf.is_file() else None,
        entry.get("is_detail", False),
    )


def _check_keys(entry: Mapping[str, Any], known: set[str], owner: str) -> None:
    unknown = sorted(entry.keys() - known)
    missing = sorted({"name", "title"} - entry.keys())
    if unknown or missing:
        problem = f"unknown key {unknown[0]!r}" if unknown else f"no {missing[0]!r}"
        raise InputError(
            f"{owner} of the report has {problem}; known are {', '.join(sorted(known))}"
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text of the report ({error})") from None


def _filled(template: str, values: Mapping[str, Any], owner: str) -> str:
    """Text of a template with its placeholders replaced; ``owner`` is named if that fails."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, finalize=escape)
    environment.filters["code"] = code
    try:
        return environment.from_string(template).render(values)
    except jinja2.TemplateError as error:
        raise InputError(
            f"{owner}: {error}; known values are {', '.join(sorted(values)) or 'none'}"
        ) from None
