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
    ReportSection("runs", "Runs", tables=("monitoring",), needs="is_monitoring"),
    ReportSection(
        "detection", "What is found of faults", tables=("monitoring_study",), needs="has_study"
    ),
    ReportSection("data", "Data", tables=("samples",), needs="has_networks"),
    ReportSection("selection", "Selection", tables=("cut_flow",), needs="has_networks"),
    ReportSection("images", "Images", needs="has_networks"),
    ReportSection("training", "Training", needs="has_networks"),
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
    ReportSection("accounting", "Accounting of events", tables=("accounting",)),
    ReportSection("run", "Run", tables=("run_summary",)),
)
