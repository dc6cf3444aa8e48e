"""Notebooks as pages: with the output of ``results/notebooks/`` where they were run."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

import markdown
import nbformat
from links import REPOSITORY

STORED = REPOSITORY / "notebooks"
RUN = REPOSITORY / "results/notebooks"
FOLDED = re.compile(r"(<summary>.*?</summary>)(.*?)(</details>)", re.DOTALL)
TO_NOTEBOOK = re.compile(r"\]\((\w+)\.ipynb\)")


def notebook_links() -> str:
    """List of the notebooks, as Markdown, with the title of each."""
    rows = [f"- [{_title(page)}]({address}) (`{path.name}`)" for address, path, page in _pages()]
    return "\n".join(rows)


def notebook_files() -> dict[str, str]:
    """Pages of the notebooks by their addresses."""
    return {address: page for address, _, page in _pages()}


@cache
def _pages() -> list[tuple[str, Any, str]]:
    return [
        (f"notebooks/{path.stem}.md", path, _page(nbformat.read(_newest(path.name), as_version=4)))
        for path in sorted(STORED.glob("*.ipynb"))
    ]


def _newest(name: str) -> str:
    return str(RUN / name if (RUN / name).is_file() else STORED / name)


def _page(notebook: Any) -> str:
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(_text(cell.source))
        elif cell.cell_type == "code" and cell.source.strip():
            parts += [f"```python\n{cell.source}\n```", *_outputs(cell.outputs)]
    return "\n\n".join(parts) + "\n"


def _text(source: str) -> str:
    """Text of a cell; links lead to pages, and what is folded away is HTML."""
    return FOLDED.sub(_unfolded, TO_NOTEBOOK.sub(r"](\1.md)", source))


def _unfolded(found: re.Match[str]) -> str:
    extensions = ["pymdownx.superfences", "pymdownx.highlight"]
    inside = markdown.markdown(found[2].strip(), extensions=extensions)
    return _joined(f"{found[1]}\n{inside}\n{found[3]}")


def _outputs(outputs: list[Mapping[str, Any]]) -> Iterator[str]:
    """Outputs of a cell as Markdown: pictures and tables as they are, text as text."""
    for output in outputs:
        data = output.get("data", {})
        if "image/png" in data:
            picture = re.sub(r"\s", "", data["image/png"])
            yield f'<img alt="output of the cell" src="data:image/png;base64,{picture}">'
        elif "text/html" in data:
            yield f'<div class="output">{_joined(data["text/html"])}</div>'
        elif "text/markdown" in data:
            yield data["text/markdown"]
        elif text := output.get("text") or data.get("text/plain"):
            yield f'<pre class="output">{_joined(escape(text))}</pre>'


def _joined(text: str) -> str:
    """Text without empty lines, at which HTML within Markdown would end."""
    return re.sub(r"\n\s*\n", "\n", text)


def _title(page: str) -> str:
    found = re.search(r"^#+ (.*)$", page, re.MULTILINE)
    return found[1] if found else "Notebook"
