"""Sections of the report in their order."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportSection:
    """A section of the report; its text is ``texts/<name>.md.j2`` beside this module.

    Attributes
    ----------
    name, title
        Address on the page, and heading.
    tables
        Tables of numbers below the text, ``metrics/<table>.md`` of the results.
    needs
        What a run must have to show it, as of `calovision.report.figure.ReportFigure`.
    """

    name: str
    title: str
    tables: tuple[str, ...] = ()
    needs: str = ""


SECTIONS = (
    ReportSection("data", "Data", tables=("samples",)),
    ReportSection("selection", "Selection", tables=("cut_flow",)),
    ReportSection("images", "Images"),
    ReportSection("training", "Training"),
    ReportSection("performance", "Performance", tables=("comparison", "summary")),
    ReportSection("attention", "What the network sees"),
    ReportSection("reach", "Reach", tables=("reach",)),
    ReportSection("robustness", "Robustness", tables=("robustness",), needs="variations"),
    ReportSection("run", "Run", tables=("run_summary",)),
)
