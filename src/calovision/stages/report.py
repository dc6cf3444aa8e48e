"""The report: the page, its numbers in one table, and the tables of a HEPData submission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from calovision.core.result import read_json
from calovision.evaluation.compared import classifier_scores
from calovision.evaluation.results import Reach, Summary
from calovision.jobs.atomic import write_text
from calovision.metrics import roc
from calovision.report import hepdata, page
from calovision.report.answer import answer
from calovision.report.glossary import glossary
from calovision.report.numbers import write_csv
from calovision.report.parts import Section, read_sections
from calovision.report.sections import ANSWER, GLOSSARY
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.storage import read_score_table
from calovision.workflow.example import commented_yaml

HEAD = "# Configuration of the report beside it, with the defaults of keys that were left out.\n"


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
    """Files that `write_report` writes: the page (HTML), its numbers (CSV), and the configuration
    that they are of (YAML).
    """

    page: Path
    numbers: Path
    configuration: Path


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


def write_report(
    files: ReportFiles,
    results: ReportResults,
    options: ReportOptions,
    configuration: Mapping[str, Any],
) -> None:
    """Write all numbers into one CSV, a row each, the name of its file first; the configuration
    with all its keys; and the page, whose first section is the answer that the numbers give.
    """
    numbers = {path.stem: read_json(path) for path in files.numbers}
    write_csv(results.numbers, numbers)
    write_text(results.configuration, commented_yaml(configuration, HEAD, {}))
    sections = read_sections(
        options.sections, plots=files.plots[0].parent, values=options.placeholders
    )
    found = {ANSWER: answer(numbers), GLOSSARY: glossary()}
    page.write_report(
        results.page,
        [_with_text(section, found.get(section.name, "")) for section in sections],
        title=options.title,
        summary=options.facts,
        files={name: Path(path) for name, path in options.links.items()},
        foot=f"calovision {version('calovision')}. {options.foot}",
    )


def _with_text(section: Section, text: str) -> Section:
    """The section with a further text."""
    return replace(section, text=f"{section.text}\n\n{text}".strip())


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
