"""Notebooks run as a reader would run them, with the solutions of the exercises in their places."""

import re
from pathlib import Path

import nbclient
import nbformat
from nbformat import NotebookNode

FOLDER = Path(__file__).parents[1] / "notebooks"
SOLUTION = re.compile(r"<details>\s*<summary>Solution.*?</summary>(.*?)</details>", flags=re.DOTALL)
CODE = re.compile(r"```python\n(.*?)```", flags=re.DOTALL)


def read_notebook(name: str) -> NotebookNode:
    """Notebook as it is stored."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def solutions(cell: NotebookNode) -> list[str]:
    """Code of the solutions that a cell of text folds away."""
    folded = SOLUTION.findall(cell.source) if cell.cell_type == "markdown" else []
    return [code for text in folded for code in CODE.findall(text)]


def with_solutions(notebook: NotebookNode) -> NotebookNode:
    """Notebook with a cell for the code of each solution, behind its exercise."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        cells += [nbformat.v4.new_code_cell(code) for code in solutions(cell)]
    notebook.cells = cells
    return notebook


def run_notebook(name: str) -> NotebookNode:
    """Run a notebook with its solutions; an exception of a cell is one of the test."""
    notebook = with_solutions(read_notebook(name))
    resources = {"metadata": {"path": FOLDER}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    return notebook


def printed(notebook: NotebookNode) -> str:
    """Text that all cells print."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return "".join(output.text for output in outputs if output.output_type == "stream")


def count_outputs(notebook: NotebookNode, kind: str) -> int:
    """Number of outputs of a kind, as ``image/png``."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return sum(kind in output.get("data", {}) for output in outputs)
