"""The cost of a run, at its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.jobs.atomic import write_json, write_text
from calovision.jobs.run_summary import summarize_run, summary_tables
from calovision.stages.arguments import Files
from calovision.stages.figures.drawing import draw_figures


@dataclass(frozen=True)
class RunSummaryResults(Files):
    """Numbers that `write_run_summary` writes, as JSON and Markdown.

    ``numbers`` is in a folder of the folder of the results.
    """

    numbers: Path
    table: Path


@dataclass(frozen=True)
class RunSummaryInputs:
    """Inputs of the figures of ``write_run_summary``.

    Attributes
    ----------
    stages
        Stage -> number of its jobs, time (s) and memory (MB), as in ``run_summary.json``.
    """

    stages: Mapping[str, Mapping[str, Any]]


def write_run_summary(results: RunSummaryResults, output: Mapping[str, Any]) -> None:
    """Write jobs, failures, time, memory, events/s and bytes of every stage of a run.

    ``output`` names the files of the figures, as of `draw_figures`.
    """
    found = summarize_run(results.numbers.parents[1])
    write_json(results.numbers, found)
    write_text(results.table, summary_tables(found))
    draw_figures("write_run_summary", output, RunSummaryInputs(found["stages"]))
