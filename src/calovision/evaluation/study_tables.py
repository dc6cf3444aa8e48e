"""Tables of the documentation, from the JSON of runs (``make study-tables``).

A page has ``<!-- run: study, comparison -->``, a table, ``<!-- end -->``. What stands between is
written from ``docs/runs/study/comparison.json``, a copy of the run's ``metrics/comparison.json``
that is renewed where the run is there. Without either it stays as it is.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.result import Result, read_json
from calovision.evaluation.results.comparison import CutComparison
from calovision.evaluation.results.models import ModelComparison
from calovision.evaluation.results.numbers import format_interval
from calovision.evaluation.results.reach import Reach
from calovision.evaluation.results.regression import Regression
from calovision.evaluation.results.robustness import Robustness
from calovision.evaluation.results.samples import SamplesSummary
from calovision.evaluation.results.summary import Summary
from calovision.evaluation.results.tagging import TaggingSummary

RESULTS: dict[str, type[Result]] = {
    "comparison": CutComparison,
    "models": ModelComparison,
    "reach": Reach,
    "regression": Regression,
    "robustness": Robustness,
    "samples": SamplesSummary,
    "summary": Summary,
    "tagging": TaggingSummary,
}
"""File of a run's ``metrics/`` -> what it holds."""

HEADLINE = "headline"
"""Kind of a place that holds a sentence of ``comparison.json`` in place of a table."""

PLACE = re.compile(
    r"(<!-- run: (?P<run>\w+), (?P<kind>\w+)(?:, (?P<number>\d+))? -->\n).*?(<!-- end -->)",
    re.DOTALL,
)
"""Place of a table; the number, from 1, chooses one of several tables of a result."""


def folder_of_run(run: str) -> Path:
    """Folder of the results of a run; the example's is ``results`` itself."""
    return Path("results") if run == "example" else Path("results") / run


def copy_results(page: str, kept: Path, folders: Mapping[str, Path]) -> list[str]:
    """Copy the JSON that a page shows from the runs that are there.

    Parameters
    ----------
    page
        Text of the page.
    kept
        Folder of the copies, ``<kept>/<run>/<result>.json``.
    folders
        Run -> folder of its results, where it is not that of `folder_of_run`.

    Returns
    -------
    Names of the results that neither a run nor a copy has, ``<run>/<result>.json``.
    """
    missing = []
    for place in PLACE.finditer(page):
        run, name = place["run"], f"{_result_of(place['kind'])}.json"
        source = folders.get(run, folder_of_run(run)) / "metrics" / name
        copy = kept / run / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(json.dumps(read_json(source), indent=1) + "\n")
        elif not copy.is_file():
            missing.append(f"{run}/{name}")
    return missing


def with_tables(page: str, kept: Path) -> str:
    """Text of a page with its tables written from the copies of the results that are there.

    Raises
    ------
    InputError
        If a place names an unknown result or a table that it has not, or a copy cannot be read.
    """

    def written(place: re.Match[str]) -> str:
        copy = kept / place["run"] / f"{_result_of(place['kind'])}.json"
        if not copy.is_file():
            return place[0]
        return f"{place[1]}{_content(place, copy)}\n{place[5]}"

    return PLACE.sub(written, page)


def tables_of(markdown: str) -> list[str]:
    """Tables of a Markdown text, each with the line on its marks, if there is one."""
    blocks = re.findall(r"(?:^\|.*\n)+(?:\n?†.*\n)?", markdown + "\n", re.MULTILINE)
    return [block.strip() for block in blocks]


def _result_of(kind: str) -> str:
    name = "comparison" if kind == HEADLINE else kind
    if name not in RESULTS:
        known = ", ".join([*RESULTS, HEADLINE])
        raise InputError(f"table of a run: there is no result '{kind}'; choose from {known}")
    return name


def _content(place: re.Match[str], copy: Path) -> str:
    if place["kind"] == HEADLINE:
        return _headline(CutComparison.read(copy))
    tables = tables_of(RESULTS[place["kind"]].read(copy).to_markdown())  # type: ignore[attr-defined]
    number = int(place["number"] or 1)
    if not 1 <= number <= len(tables):
        raise InputError(f"{copy} has {len(tables)} tables, but number {number} is asked for")
    return tables[number - 1]


def _headline(found: CutComparison) -> str:
    point = found.at_signal_region
    if "cnn" not in point.classifiers:
        raise InputError(f"place of a {HEADLINE}: the run has no model 'cnn'; show its comparison")
    gain = point.classifiers["cnn"].over_cuts
    words = "at most " if point.background_is_limit else ""
    return (
        "At the background efficiency of the signal region the network keeps "
        f"{words}{format_interval(gain)} times the signal of the cuts."
    )


def main(arguments: Sequence[str]) -> None:
    """Write the tables of pages: paths of pages, and ``RUN=FOLDER`` for a run in another folder."""
    given = dict(one.split("=", 1) for one in arguments if "=" in one)
    folders = {run: Path(folder) for run, folder in given.items()}
    kept = Path("docs/runs")
    for path in (Path(one) for one in arguments if "=" not in one):
        page = path.read_text()
        for name in copy_results(page, kept, folders):
            print(f"{path}: no run has {name}; its table stays as it is")
        path.write_text(with_tables(page, kept))


if __name__ == "__main__":
    main(sys.argv[1:])
