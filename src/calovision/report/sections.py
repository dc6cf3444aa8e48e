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
    is_open
        False for one that is folded until it is asked for.
    """

    name: str
    title: str
    tables: tuple[str, ...] = ()
    needs: str = ""
    is_open: bool = True


ANSWER, GLOSSARY = "answer", "glossary"
"""Sections whose text is made of the results, and of the documentation."""

SECTIONS = (
    ReportSection(ANSWER, "Result"),
    ReportSection("runs", "Runs", tables=("monitoring",), needs="is_monitoring"),
    ReportSection(
        "detection", "What is found of faults", tables=("monitoring_study",), needs="has_study"
    ),
    ReportSection(
        "performance", "Performance", tables=("comparison", "summary"), needs="is_search"
    ),
    ReportSection("taggers", "Performance", tables=("tagging", "taggers"), needs="is_tagging"),
    ReportSection("variables", "Variables, bins and masses", needs="is_tagging"),
    ReportSection(
        "regression", "Bias and resolution", tables=("regression",), needs="is_regression"
    ),
    ReportSection("reach", "Reach", tables=("reach",), needs="is_search"),
    ReportSection("robustness", "Robustness", tables=("robustness",), needs="variations"),
    ReportSection("attention", "What the network sees", needs="is_search"),
    ReportSection("data", "Data", tables=("samples",), needs="has_networks"),
    ReportSection("selection", "Selection", tables=("cut_flow",), needs="has_networks"),
    ReportSection("images", "Images", needs="has_networks"),
    ReportSection("training", "Training", needs="has_networks"),
    ReportSection(GLOSSARY, "Glossary", needs="is_search", is_open=False),
    ReportSection("accounting", "Accounting of events", tables=("accounting",), is_open=False),
    ReportSection("run", "Run", tables=("run_summary",), is_open=False),
)
