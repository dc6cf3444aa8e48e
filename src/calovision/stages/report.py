"""The report: the page, its numbers in one table, and the tables of a HEPData submission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from calovision.core.result import read_json
from calovision.evaluation.compared import classifier_scores
from calovision.evaluation.results import Reach, Summary
from calovision.metrics import roc
from calovision.report import hepdata, page
from calovision.report.numbers import write_csv
from calovision.report.parts import read_sections
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.storage import read_score_table


@dataclass(frozen=True)
class ReportFiles(Files):
    """Files that `write_report` reads.

    Attributes
    ----------
    plots
        Figures, all in one folder.
    numbers
        JSON files of results.
    """

    plots: tuple[Path, ...]
    numbers: tuple[Path, ...]


@dataclass(frozen=True)
class ReportResults(Files):
    """Files that `write_report` writes: the page (HTML), its numbers (CSV)."""

    page: Path
    numbers: Path


@dataclass(frozen=True)
class ReportOptions(Options):
    """Content of the page.

    Attributes
    ----------
    title, facts
        Heading, and the facts under it by name.
    sections
        Sections, as `calovision.report.parts.read_sections` takes them.
    placeholders
        Values of the placeholders in their texts.
    links
        Files to link at the end, by title.
    foot
        How the page was made, Markdown.
    """

    title: str
    facts: Mapping[str, str]
    sections: Sequence[Mapping[str, Any]]
    placeholders: Mapping[str, Any]
    links: Mapping[str, str]
    foot: str


def write_report(files: ReportFiles, results: ReportResults, options: ReportOptions) -> None:
    """Write all numbers into one CSV, a row each, the name of its file first; and the page."""
    write_csv(results.numbers, {path.stem: read_json(path) for path in files.numbers})
    page.write_report(
        results.page,
        read_sections(options.sections, plots=files.plots[0].parent, values=options.placeholders),
        title=options.title,
        summary=options.facts,
        files={name: Path(path) for name, path in options.links.items()},
        foot=f"calovision {version('calovision')}. {options.foot}",
    )


@dataclass(frozen=True)
class SubmissionFiles(Files):
    """Files that `write_hepdata` reads: table of the test events, numbers as JSON."""

    test_events: Path
    summary: Path
    reach: Path


def write_hepdata(
    files: SubmissionFiles, folder: Path, description: str, *, count: Count = not_counted
) -> None:
    """Write the tables of a HEPData submission.

    Parameters
    ----------
    files
        Results of the evaluation.
    folder
        Folder of the tables.
    description
        Abstract of the submission.
    count
        Of the events.
    """
    events = read_score_table(files.test_events)
    count(len(events["label"]))
    summary = Summary.read(files.summary)
    curves = {
        name: roc(classifier_scores(events, name), events["label"], events["weight"])
        for name in summary.classifiers
    }
    hepdata.write_hepdata(
        folder,
        curves=curves,
        summary=summary,
        reach=Reach.read(files.reach),
        description=description,
    )
