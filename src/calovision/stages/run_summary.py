"""The cost of a run, at its end."""

from dataclasses import dataclass
from pathlib import Path

from calovision.jobs.atomic import write_json, write_text
from calovision.jobs.run_summary import summarize_run, summary_tables
from calovision.plotting import plot_run_summary, save_figure
from calovision.stages.arguments import Files


@dataclass(frozen=True)
class RunSummaryResults(Files):
    """Files that `write_run_summary` writes: JSON, Markdown and a figure.

    ``numbers`` is in a folder of the folder of the results; ``run_summary`` is the PNG, with a PDF
    beside it.
    """

    numbers: Path
    table: Path
    run_summary: Path


def write_run_summary(results: RunSummaryResults) -> None:
    """Write jobs, failures, time, memory, events/s and bytes of every stage of a run."""
    found = summarize_run(results.numbers.parents[1])
    write_json(results.numbers, found)
    write_text(results.table, summary_tables(found))
    save_figure(plot_run_summary(found["stages"]), results.run_summary.with_suffix(""))
