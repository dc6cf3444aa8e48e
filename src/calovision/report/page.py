"""One HTML page of sections, figures and style: it loads nothing and runs no script."""

import os
import struct
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced
from calovision.report.parts import Figure, Section
from calovision.report.templates import page_template
from calovision.report.text import render_inline, render_markdown, render_table

WIDE = 1.7  # width over height from which a figure takes the whole width of the page
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TAKEN_NAMES = ("top", "files")  # addresses on the page that are no section's


@dataclass(frozen=True)
class _Image:
    """A figure ready for the page: number, file as data URI, size in pixels, links."""

    number: int
    title: str
    data: str
    width: int
    height: int
    pdf: str | None


def write_report(
    output: Path,
    sections: Sequence[Section],
    *,
    title: str,
    summary: Mapping[str, str],
    files: Mapping[str, Path],
    foot: str,
) -> None:
    """Write the page, complete or not at all; the same input gives the same bytes.

    Parameters
    ----------
    output
        The HTML file. Its links to ``files`` and to the PDF of figures are relative to its folder.
    sections
        In their order on the page. Figures that follow each other with the same caption share it.
    title, summary
        Heading, and the key facts under it by name, plain text.
    files
        Files and folders to link by name, at the end of the page.
    foot
        How the page was made, Markdown.

    Raises
    ------
    InputError
        If a figure, a PDF or a linked file is missing, a figure is no PNG, two sections share a
        name, or a row of a table has another length than its header.
    """
    output = Path(output)
    names = Counter([*TAKEN_NAMES, *(section.name for section in sections)])
    if repeated := [name for name, times in names.items() if times > 1]:
        raise InputError(
            f"section name {repeated[0]!r} is taken; give every section of the report its own"
        )
    numbers = count(1)
    page = {
        "title": title,
        "summary": summary,
        "sections": [_section_view(section, numbers, output.parent) for section in sections],
        "files": {name: _link(Path(path), output.parent) for name, path in files.items()},
        "foot": render_markdown(foot),
    }
    text = page_template("report").render(page)
    with replaced(output) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _section_view(section: Section, numbers: Iterator[int], folder: Path) -> dict[str, Any]:
    """Section as the template needs it, its figures numbered on."""
    first = [figure for figure in section.figures if not figure.is_detail]
    details = [figure for figure in section.figures if figure.is_detail]
    return {
        "name": section.name,
        "title": section.title,
        "text": render_markdown(section.text),
        "tables": [
            {
                "title": table.title,
                "html": render_table(table),
                "caption": render_inline(table.caption),
            }
            for table in section.tables
        ],
        "is_open": section.is_open,
        "figures": _figure_views(first, numbers, folder),
        "details": _figure_views(details, numbers, folder),
        "n_details": len(details),
    }


def _figure_views(
    figures: Sequence[Figure], numbers: Iterator[int], folder: Path
) -> list[dict[str, Any]]:
    """Figures as the template needs them: those with one caption together, and their places."""
    groups = [
        [_image(figure, next(numbers), folder) for figure in group]
        for group in _with_the_same_caption(figures)
    ]
    captions = [group[0].caption for group in _with_the_same_caption(figures)]
    return [
        {"images": images, "caption": render_inline(caption), "layout": layout}
        for images, caption, layout in zip(groups, captions, _layouts(groups), strict=True)
    ]


def _with_the_same_caption(figures: Sequence[Figure]) -> list[list[Figure]]:
    """Runs of figures with one caption; a figure without a caption stays alone."""
    runs = groupby(enumerate(figures), key=lambda item: item[1].caption or item[0])
    return [[figure for _, figure in run] for _, run in runs]


def _layouts(groups: Sequence[Sequence[_Image]]) -> list[str]:
    """Place of every figure in the two columns of the page: ``half``, ``wide``, or ``alone``
    (caption at its side).
    """
    takes_all = [len(images) > 1 or images[0].width > WIDE * images[0].height for images in groups]
    layouts = []
    position = 0
    while position < len(groups):
        if takes_all[position]:
            layouts.append("wide")
        elif position + 1 < len(groups) and not takes_all[position + 1]:
            layouts += ["half", "half"]
        else:
            layouts.append("alone")
        position = len(layouts)
    return layouts


def _image(figure: Figure, number: int, folder: Path) -> _Image:
    path = Path(figure.path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: figure {figure.title!r} of the report cannot be read ({error.strerror})"
        ) from None
    if not content.startswith(PNG_SIGNATURE) or len(content) < 24:
        raise InputError(f"{path}: figure {figure.title!r} of the report is no PNG")
    width, height = struct.unpack(
        ">II", content[16:24]
    )  # of the header chunk, the first by the format
    pdf = _link(Path(figure.pdf), folder) if figure.pdf else None
    data = Markup("data:image/png;base64,") + b64encode(content).decode()
    return _Image(number, figure.title, data, width, height, pdf)


def _link(path: Path, folder: Path) -> str:
    """Address of a file or folder relative to that of the page."""
    if not path.exists():
        raise InputError(f"{path}: the report links it, but it does not exist")
    return quote(os.fsencode(Path(os.path.relpath(path, folder)).as_posix())) + (
        "/" if path.is_dir() else ""
    )
