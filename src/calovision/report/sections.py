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
    ReportSection(
        "performance", "Performance", tables=("comparison", "summary"), needs="is_search"
    ),
    ReportSection("attention", "What the network sees", needs="is_search"),
    ReportSection("reach", "Reach", tables=("reach",), needs="is_search"),
    ReportSection("robustness", "Robustness", tables=("robustness",), needs="variations"),
    ReportSection("taggers", "Performance", tables=("tagging", "taggers"), needs="is_tagging"),
    ReportSection("variables", "Variables, bins and masses", needs="is_tagging"),
    ReportSection(
        "regression", "Bias and resolution", tables=("regression",), needs="is_regression"
    ),
    ReportSection("run", "Run", tables=("run_summary",)),
)
