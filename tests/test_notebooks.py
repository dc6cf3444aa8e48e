"""The notebooks: stored without output, complete, and run with the solutions of their exercises.

`04_inspect_results` needs a finished analysis and runs in `test_workflow.py`.
"""

import gzip
import re
from importlib import import_module

import nbformat
import numpy as np
import pytest
import torch
from notebook_runs import (
    FOLDER,
    count_outputs,
    printed,
    read_notebook,
    run_notebook,
    solutions,
    with_solutions,
)

NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


@pytest.fixture(autouse=True)
def short(tmp_path, monkeypatch):
    """Few events and epochs, and a folder for what the notebooks write."""
    monkeypatch.setenv("CALOVISION_SHORT", "1")
    monkeypatch.setenv("CALOVISION_NOTEBOOKS", str(tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_stored_without_output(name):
    notebook = read_notebook(name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in code)
    assert {cell.execution_count for cell in code} == {None}
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("name", NAMES)
def test_opens_with_what_it_needs(name):
    first = read_notebook(name).cells[0]
    assert first.source.startswith(f"# {int(name[:2])}. ")
    assert "**What it needs.**" in first.source


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_a_solution(name):
    text = [cell for cell in read_notebook(name).cells if cell.cell_type == "markdown"]
    exercises = [re.findall(r"^\*\*(\d)\.\*\* ", cell.source, flags=re.MULTILINE) for cell in text]
    numbers = [int(number) for found in exercises for number in found]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 3
    for cell, found in zip(text, exercises, strict=True):
        assert cell.source.count("<details>") == cell.source.count("</details>") == len(found)
        assert len(solutions(cell)) == len(found)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_notebooks(name):
    for cell in read_notebook(name).cells:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", cell.source):
            assert (FOLDER / target).exists(), f"{name}: {target}"


def test_solutions_are_run_behind_their_exercises():
    notebook = with_solutions(read_notebook("01_convolutions"))
    (place,) = (i for i, cell in enumerate(notebook.cells) if "[1, -2, 1]" in cell.source[:60])
    assert notebook.cells[place].cell_type == "code"
    assert notebook.cells[place - 1].source.startswith("## Exercises\n\n**1.**")


def test_convolutions():
    notebook = run_notebook("01_convolutions")
    text = printed(notebook)
    assert "dense: 3.87e+10 weights, 155 GB; a filter: 10 weights" in text
    assert "308.0 -498.0 164.0 and the bias 1 give -25.0" in text
    moving = [
        output.data["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    # a frame for each response, and nothing from the network
    assert [html.count("data:image/png;base64") for html in moving] == [3, 12]
    assert not any("http" in html or "fa-" in html for html in moving)
    assert count_outputs(notebook, "image/png") == 10


def test_wrong_fact_does_not_pass():
    (cell,) = (
        one for one in read_notebook("01_convolutions").cells if "def convolve(" in one.source
    )
    names = {"np": np}
    exec(cell.source, names)
    with pytest.raises(AssertionError):
        exec(cell.source.replace("[7, 12, 17]", "[7, 12, 18]"), names)


def code_with(name, text):
    """Code of the one cell of a notebook that holds a text."""
    (cell,) = (
        cell
        for cell in read_notebook(name).cells
        if cell.cell_type == "code" and text in cell.source
    )
    return cell.source


def write_idx(path, array, *, compressed):
    """Write an idx file of unsigned bytes."""
    content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content += array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if compressed else content)


def test_fashion_mnist_is_read(tmp_path):
    """Four files, two of them compressed: the images that were written, the classes, the splits."""
    rng = np.random.default_rng(1)
    written = {}
    for part, n in (("train", 50), ("t10k", 20)):
        images, labels = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
        is_test = part == "t10k"
        suffix = ".gz" if is_test else ""
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{suffix}", images, compressed=is_test)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{suffix}", labels, compressed=is_test)
        written[part] = images, labels
    names = {"gzip": gzip, "np": np, "torch": torch, "FASHION_MNIST": tmp_path}
    for text in ("def read_idx", "CLASSES = ("):
        exec(code_with("02_train_a_cnn", text), names)
    assert names["HAS_FASHION"]
    assert len(names["CLASSES"]) == 10
    fit, test = (names["train"], names["validation"]), names["test"]
    assert [len(one[1]) for one in fit] == [45, 5]
    assert test[0].shape == (20, 1, 28, 28)
    assert test[0].dtype == torch.float32
    np.testing.assert_allclose(test[0][:, 0] * 255, written["t10k"][0], rtol=1e-6)
    assert np.array_equal(test[1], written["t10k"][1])
    np.testing.assert_allclose(fit[0][0][:, 0] * 255, written["train"][0][5:], rtol=1e-6)
    assert np.array_equal(fit[1][1], written["train"][1][:5])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda content: content[:-1], "1567 numbers, not 1568"),
        (lambda content: b"PK" + content, "no idx file of unsigned bytes"),
        (lambda content: b"", "no idx file of unsigned bytes"),
    ],
)
def test_other_files_are_no_idx_files(tmp_path, change, sentence):
    path = tmp_path / "t10k-images-idx3-ubyte"
    write_idx(path, np.zeros((2, 28, 28)), compressed=False)
    path.write_bytes(change(path.read_bytes()))
    names = {"gzip": gzip, "np": np, "FASHION_MNIST": tmp_path / "nothing"}
    exec(code_with("02_train_a_cnn", "def read_idx"), names)
    assert not names["HAS_FASHION"]
    with pytest.raises(FileNotFoundError, match=r"train-images.*, t10k-labels\S* is missing"):
        names["find_idx"](tmp_path)
    with pytest.raises(ValueError, match=f"{path.name}: {sentence}"):
        names["read_idx"](path)


def test_train_a_cnn(tmp_path):
    """On jets that are simulated there."""
    notebook = run_notebook("02_train_a_cnn")
    text = printed(notebook)
    assert "Fashion-MNIST: not here, so we take jets" in text
    numbers = [int(n) for n in re.findall(r"^\w+ +(\d+) images:", text, re.MULTILINE)]
    assert len(numbers) == 3
    assert 100 < sum(numbers) < 250  # of 400 events, one jet or two of 500 to 600 GeV
    # conv 4, pool, dense 100 against conv 8, pool, conv 16, pool, dense 100
    assert re.findall(r"([\d,]+) in all", text) == ["78,944", "80,152"]
    assert "scalars: loss/training, loss/validation, accuracy/validation" in text
    assert "images: predictions against truth, training images  graph: True" in text
    assert {path.name for path in (tmp_path / "tensorboard").iterdir()} == {
        "baseline",
        "improved",
        "dropout",
    }
    assert sorted(path.stem for path in (tmp_path / "jets").glob("*.h5")) == [
        "W_100",
        "gluon_100",
        "quark_100",
        "top_100",
    ]
    assert count_outputs(notebook, "image/png") == 13
    assert "Warning" not in text


def test_image_builder():
    notebook = run_notebook("03_image_builder")
    text = printed(notebook)
    assert "(200, 3, 64, 64) float32" in text
    assert "3 chunks, the same images: True" in text
    assert re.search(r"^dask: the same images|^dask is not here: pip install", text, re.MULTILINE)
    assert re.search(r"^coffea: 3 chunks, the same|^coffea is not here: pip", text, re.MULTILINE)
    assert count_outputs(notebook, "image/png") == 5


def test_missing_analysis_is_said(tmp_path):
    code = code_with("04_inspect_results", "FileNotFoundError")
    check = code[code.index("if not (RESULTS") : code.index("summary = ")]
    with pytest.raises(FileNotFoundError, match="run `make` in the checkout"):
        exec(check, {"RESULTS": tmp_path})


def test_monitoring():
    notebook = run_notebook("05_monitoring")
    text = printed(notebook)
    assert "60 runs; 17 of them with a fault" in text
    assert "1536 towers: threshold 5.18" in text
    # runs 46 to 60: the fading module is not seen in its first five runs
    assert "60 runs: 45 without an alarm, 15 with an alarm." in text
    assert re.findall(r"exit status (\d)", text) == ["0", "3", "0"]
    assert count_outputs(notebook, "image/png") == 6


def test_page_of_a_notebook(monkeypatch):
    """Text, code and outputs, as the site shows them."""
    pytest.importorskip("pymdownx", reason="the site needs the extra docs")
    monkeypatch.syspath_prepend(FOLDER.parent / "docs/hooks")
    make_page = import_module("parts_of_notebooks")._page
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    data = [{"text/markdown": table, "text/plain": "x"}, {"text/html": "<p>a</p>\n\n<p>b</p>"}]
    outputs = [nbformat.v4.new_output("display_data", data=one) for one in data]
    text = (
        "See [2](02_train_a_cnn.ipynb).\n\n<details><summary>Solution</summary>\n\nNone.\n\n"
        "```python\na = 1\n\nb = 2\n```\n\n</details>"
    )
    page = make_page(
        nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_markdown_cell(text),
                nbformat.v4.new_code_cell("show()", outputs=outputs),
            ]
        )
    )
    assert "See [2](02_train_a_cnn.md).\n" in page
    assert "```python\nshow()\n```\n\n" + table in page
    assert '<div class="output"><p>a</p>\n<p>b</p></div>' in page
    folded = page[page.index("<details>") : page.index("</details>")]
    assert "\n\n" not in folded
    assert "```" not in folded
    assert folded.count('<span class="n">') == 2
