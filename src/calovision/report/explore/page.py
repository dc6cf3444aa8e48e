"""The page to explore: content as JSON beside the scripts that draw it; it loads nothing.

The scripts of the page are known to the browser by their hashes, so that none runs that a text of
somebody else would bring.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from calovision.jobs.atomic import write_text
from calovision.report.templates import page_template

SCRIPTS = ("numbers", "state", "charts", "tables", "images", "detail", "gallery", "main")
"""Files of the page's own script, in the order in which they run."""
FOLDER = Path(__file__).parent
DIGITS = 7
"""Significant digits of the numbers of the page."""


def write_page(
    output: Path, content: Mapping[str, Any], *, title: str, report: str, foot: str
) -> None:
    """Write the page, complete or not at all; the same content gives the same bytes.

    Parameters
    ----------
    output
        The HTML file.
    content
        What the scripts draw, plain values (`calovision.stages.explore`).
    title
        Heading, plain text.
    report
        Address of the report, relative to the page.
    foot
        Program that made the page.
    """
    from plotly.offline import get_plotlyjs

    library, own = _script(get_plotlyjs()), _script(own_script())
    page = {
        "title": title,
        "report": report,
        "foot": foot,
        "content": content,
        "style": Markup((FOLDER / "style.css").read_text(encoding="utf-8")),
        "library": Markup(library),
        "script": Markup(own),
        "hashes": Markup(" ".join(f"'sha256-{_sha256(one)}'" for one in (library, own))),
        "json": Markup(json_in_page(content)),
    }
    write_text(Path(output), page_template("report/explore").render(page))


def own_script() -> str:
    """Script of the page, in a function, so that no name of it meets another's."""
    parts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return "(function () {\n'use strict';\n" + "\n".join(parts) + "\n})();\n"


def json_in_page(content: Any) -> str:
    """JSON for an element of the page: nothing in it ends the element or begins another."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def numbers(values: Any) -> Any:
    """Numbers of any shape as lists, rounded to `DIGITS`; None for what is not finite."""
    array = np.asarray(
        [np.nan if one is None else one for one in values] if isinstance(values, list) else values
    )
    if array.dtype.kind in "iu":
        return array.tolist()
    if array.ndim > 1:
        return [numbers(one) for one in array]
    found = [_rounded(one) for one in np.atleast_1d(array).tolist()]
    return found if array.ndim else found[0]


def base64_of(array: np.ndarray) -> str:
    """Bytes of an array in base64."""
    return b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def _script(text: str) -> str:
    """Text of a script as the browser hashes it."""
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("a script of the page ends its element")
    return f"\n{text.strip()}\n"


def _sha256(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()
