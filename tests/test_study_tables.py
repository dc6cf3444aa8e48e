"""Tables of the documentation are those of the results of runs."""

import json
from pathlib import Path

import pytest

from calovision.core.errors import InputError
from calovision.evaluation import study_tables
from calovision.evaluation.results.comparison import (
    ComparedClassifier,
    ComparisonPoint,
    CutComparison,
)
from calovision.evaluation.results.numbers import Interval
from calovision.metrics import Efficiency

PAGE = """Before.

<!-- run: mine, comparison -->
| old |
<!-- end -->

<!-- run: mine, headline -->
Old sentence.
<!-- end -->

<!-- run: other, reach -->
| stays |
<!-- end -->

After.
"""


def write_run(folder):
    """A run with one classifier, twice as good as the cuts."""
    half, quarter = Efficiency(0.5, 0.45, 0.55, 30.0), Efficiency(0.25, 0.2, 0.3, 30.0)
    classifiers = {
        "signal_region": ComparedClassifier(quarter, Interval(1.0, 1.0, 1.0)),
        "cnn": ComparedClassifier(half, Interval(2.0, 1.8, 2.3)),
    }
    point = ComparisonPoint(background_efficiency=1e-3, classifiers=classifiers)
    (folder / "metrics").mkdir(parents=True)
    text = json.dumps(CutComparison(point, point).to_json())
    (folder / "metrics/comparison.json").write_text(text)


def test_tables_are_written_from_the_run_and_from_its_copy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(Path("results/mine"))
    kept = tmp_path / "runs"
    assert study_tables.copy_results(PAGE, kept, {}) == ["other/reach.json"]
    page = study_tables.with_tables(PAGE, kept)
    assert "| old |" not in page
    assert "| cnn | 0.500 (0.450 to 0.550) | 2.00 (1.80 to 2.30) |" in page
    assert "the network keeps 2.00 (1.80 to 2.30) times the signal of the cuts." in page
    assert "<!-- run: other, reach -->\n| stays |\n<!-- end -->" in page
    assert page.startswith("Before.")
    assert page.endswith("After.\n")
    # without the run, the copy is what counts
    Path("results/mine/metrics/comparison.json").unlink()
    assert study_tables.copy_results(page, kept, {}) == ["other/reach.json"]
    assert study_tables.with_tables(page, kept) == page


def test_a_run_may_be_in_another_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_run(Path("elsewhere"))
    Path("page.md").write_text(PAGE)
    study_tables.main(["page.md", "mine=elsewhere"])
    assert "2.00 (1.80 to 2.30)" in Path("page.md").read_text()
    assert capsys.readouterr().out == (
        "page.md: no run has other/reach.json; its table stays as it is\n"
    )


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("mine, mystery", "there is no result 'mystery'; choose from comparison"),
        ("mine, comparison, 7", "has 1 tables, but number 7 is asked for"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, monkeypatch, place, message):
    monkeypatch.chdir(tmp_path)
    write_run(Path("results/mine"))
    study_tables.copy_results(PAGE, tmp_path / "runs", {})
    with pytest.raises(InputError, match=message):
        study_tables.with_tables(f"<!-- run: {place} -->\n<!-- end -->", tmp_path / "runs")


def test_tables_of_a_text():
    text = "Words.\n\n| a |\n| --- |\n| 1 † |\n\n† few events.\n\n| b |\n| --- |\n"
    assert study_tables.tables_of(text) == [
        "| a |\n| --- |\n| 1 † |\n\n† few events.",
        "| b |\n| --- |",
    ]
