"""Hooks of MkDocs: pages that lie elsewhere in the repository, and parts written from the package.

A page says ``<!-- generated: commands -->`` where a part is to stand that the package knows: on the
site it stands there, in the repository the page says how to see it.
"""

import re
from collections.abc import Callable
from typing import Any

from links import OUTSIDE, REPOSITORY, linked_files, with_site_links
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url
from parts_of_api import api_pages, table_of_names
from parts_of_commands import command_reference
from parts_of_notebooks import notebook_files, notebook_links
from parts_of_report import figure_reference

PARTS: dict[str, Callable[[], str]] = {
    "commands": command_reference,
    "figures": figure_reference,
    "names": table_of_names,
    "notebooks": notebook_links,
}
SHIM = "https://unpkg.com/iframe-worker/shim"
"""Script that Material's search without a server takes from the network."""

CELL = re.compile(r"<td.*?</td>", re.DOTALL)
CODE = re.compile(r"(?<=<code>)[^<]*(?=</code>)")
BREAK = re.compile(r"([./,_](?=[A-Za-z]|&lt;))")
"""Signs of keys and paths behind which a line may end."""

OWN_SHIM = "offline_search.js"
BELOW = {"api.md": api_pages, "notebooks.md": notebook_files}
"""Page -> generated pages that stand below it in the navigation."""


def on_config(config: Any) -> Any:
    """Put generated pages below their own page in the navigation."""
    config["nav"] = _with_generated(config["nav"])
    config["watch"] += [str(REPOSITORY / path) for path in OUTSIDE]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add pages and files from outside ``docs/``, and those of the API and of the notebooks."""
    for path, address in OUTSIDE.items():
        files.append(File.generated(config, address, abs_src_path=str(REPOSITORY / path)))
    for path, address in linked_files().items():
        files.append(File.generated(config, address, abs_src_path=str(REPOSITORY / path)))
    for address, content in {**api_pages(), **notebook_files()}.items():
        files.append(File.generated(config, address, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Write the generated parts of a page, and its links as those of the site."""
    for name, write in PARTS.items():
        marker = f"<!-- generated: {name} -->"
        if marker in markdown:
            markdown = markdown.replace(marker, write())
    return with_site_links(markdown, page.file.src_uri)


def on_page_content(html: str, **_: Any) -> str:
    """Code in cells of tables: without backslashes before bars, and with places to break lines."""

    def shown(cell: re.Match[str]) -> str:
        return CODE.sub(lambda code: BREAK.sub(r"\1<wbr>", code[0].replace("\\|", "|")), cell[0])

    return CELL.sub(shown, html)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Take the script of the search from the site."""
    return output.replace(SHIM, get_relative_url(OWN_SHIM, page.url))


def on_post_template(output_content: str, **_: Any) -> str:
    """Do the same for the page of addresses that there are not."""
    return output_content.replace(SHIM, OWN_SHIM)


def _with_generated(nav: Any) -> Any:
    if isinstance(nav, list):
        return [_with_generated(entry) for entry in nav]
    if not isinstance(nav, dict):
        return nav
    return {title: _section(entry) for title, entry in nav.items()}


def _section(entry: Any) -> Any:
    if isinstance(entry, str) and entry in BELOW:
        return [entry, *({_title(page): page} for page in BELOW[entry]())]
    return _with_generated(entry)


def _title(page: str) -> str:
    return re.sub(r"^.*/|\.md$", "", page)
