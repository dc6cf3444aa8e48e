"""Links of the pages: in the repository they lead to files, on the site to pages and copies."""

import posixpath
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = "docs"
OUTSIDE = {
    "src/calovision/storage/FORMAT.md": "image_file.md",
    "src/calovision/monitoring/RUN_MAPS.md": "run_maps.md",
    "config/README.md": "configuring.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Pages outside ``docs/`` by their path in the repository -> page of the site."""

COPIES = "files"  # folder of the site with files of the repository that pages link
README = "README.md"
LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?(?=\))")
FENCE = re.compile(r"^(```.*?^```|<!--.*?-->)", re.DOTALL | re.MULTILINE)


def with_site_links(markdown: str, page: str) -> str:
    """Text of a page of the site, whose links lead to its pages and copies."""
    source = _source_of(page)

    def rewritten(match: re.Match[str]) -> str:
        target = _target(match["target"], source)
        if target is None:
            return match[0]
        address = posixpath.relpath(_address(target), posixpath.dirname(page) or ".")
        return address + (match["anchor"] or "")

    return _outside_code(markdown, lambda text: LINK.sub(rewritten, text))


def links(path: str) -> Iterator[tuple[str, str]]:
    """Links of a page of the repository: path in the repository, and anchor with its ``#``."""
    text = FENCE.sub("", (REPOSITORY / path).read_text())
    for match in LINK.finditer(re.sub(r"`[^`\n]*`", "", text)):
        target = _target(match["target"], path) if match["target"] else path
        if target is not None:
            yield target, match["anchor"] or ""


def pages() -> list[str]:
    """Pages of the site by their paths in the repository."""
    return [*(f"{DOCS}/{path.name}" for path in sorted((REPOSITORY / DOCS).glob("*.md"))), *OUTSIDE]


@cache
def linked_files() -> dict[str, str]:
    """Files of the repository that pages link and that are no pages -> their copies on the site."""
    found = {target for page in pages() for target, _ in links(page)}
    return {
        target: _address(target)
        for target in sorted(found)
        if not target.startswith(f"{DOCS}/") and target not in OUTSIDE and target != README
    }


def _source_of(page: str) -> str:
    """Path in the repository of a page of the site."""
    pages = {address: path for path, address in OUTSIDE.items()}
    return pages.get(page, f"{DOCS}/{page}")


def _target(target: str, source: str) -> str | None:
    """Path in the repository that a link leads to; None of one that stays as it is."""
    if not target or re.match(r"[a-z]+:", target):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))


def _address(path: str) -> str:
    """Address on the site, from its root, of a file of the repository."""
    if path == README:
        return "index.md"
    if path in OUTSIDE:
        return OUTSIDE[path]
    inside = path.startswith(f"{DOCS}/")
    return path.removeprefix(f"{DOCS}/") if inside else f"{COPIES}/{path}"


def _outside_code(markdown: str, change: Callable[[str], str]) -> str:
    parts = FENCE.split(markdown)
    return "".join(part if FENCE.fullmatch(part) else change(part) for part in parts)
