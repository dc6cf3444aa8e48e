"""Words of the report that a newcomer may not know, from the glossary of the documentation."""

import re
from pathlib import Path

IN_PACKAGE = Path(__file__).parents[1] / "_docs/glossary.md"
IN_CHECKOUT = Path(__file__).parents[3] / "docs/glossary.md"
"""The page in the wheel, and in a checkout."""

WORDS = ("n_eff", "Working point", "Signal region", "Preselection", "Slice", "Overflow")
"""Words that the report explains, as the terms of the page have them."""

_ENTRY = re.compile(r"^- \*\*(?P<term>[^*]+)\*\*(?P<text>.*(?:\n  .*)*)", re.MULTILINE)
_LINK = re.compile(r"\s*\[More\]\([^)]*\)")


def glossary() -> str:
    """List of `WORDS` with their meanings, Markdown; empty where the page is not installed."""
    path = next((one for one in (IN_PACKAGE, IN_CHECKOUT) if one.is_file()), None)
    if path is None:
        return ""
    entries = _ENTRY.finditer(path.read_text(encoding="utf-8"))
    found = {one["term"]: " ".join(_LINK.sub("", one["text"]).split()) for one in entries}
    terms = (next((term for term in found if word in term), None) for word in WORDS)
    return "\n".join(f"- **{term}**{found[term]}" for term in terms if term is not None)
