"""Classifiers against the cuts at equal background: ``comparison.json``."""

from dataclasses import dataclass

from calovision.core.digits import in_digits
from calovision.core.markdown import markdown_table
from calovision.core.result import Result
from calovision.evaluation.results.numbers import (
    REGION,
    Interval,
    format_interval,
    mark_of,
    with_meaning,
)
from calovision.metrics import Efficiency

RATIOS = {
    "over_cuts": "relative to the cuts",
    "over_reference": "relative to boosted trees on high-level variables",
}
"""Name in the results -> words in the table."""


@dataclass(frozen=True)
class ComparedClassifier:
    """Signal efficiency of a classifier, and its paired ratios to the cuts and to a baseline."""

    signal_efficiency: Efficiency
    over_cuts: Interval | None = None
    over_reference: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class ComparisonPoint:
    """Classifiers at one background efficiency.

    ``background_is_limit`` is true if no background survives in the signal region: its 68.3 % upper
    limit is used, and ``over_cuts`` is an upper limit without an interval.
    """

    background_efficiency: float
    background_is_limit: bool | None = None
    classifiers: dict[str, ComparedClassifier]


@dataclass(frozen=True)
class CutComparison(Result):
    """Classifiers at the background efficiency of the signal region, with every event counting 1 at
    another one, and at those of further regions if there are any.
    """

    at_signal_region: ComparisonPoint
    unweighted: ComparisonPoint
    at_regions: dict[str, ComparisonPoint] | None = None

    def to_markdown(self) -> str:
        """Text and table of all classifiers."""
        is_limit = bool(self.at_signal_region.background_is_limit)
        text = (
            "Signal efficiency at equal background efficiency with 68 % intervals, which for "
            "several networks include the spread between them. The ratios are paired, from a "
            "bootstrap over the events and over the networks of a model: both classifiers see the "
            "same events in every replica."
        )
        if is_limit:
            text += (
                " **No background survives in the signal region**: the 68 % upper limit on it is used, "
                "and the ratios to the cuts are upper limits."
            )
        parts = [text, "\n".join(with_meaning(self._lines()))]
        for name, point in (self.at_regions or {}).items():
            lines = markdown_table(*_table(point, name, f"the background of {name}"))
            parts.append("\n".join(with_meaning(lines)))
        return "\n\n".join(parts) + "\n"

    def _lines(self) -> list[str]:
        weighted, unweighted = self.at_signal_region, self.unweighted
        header, rows = _table(weighted, REGION, "the signal region's background")
        header.append(
            f"signal at background {unweighted.background_efficiency:g}, every event counts 1"
        )
        for name, row in zip(weighted.classifiers, rows, strict=True):
            other = unweighted.classifiers.get(name)
            row.append(_signal_cell(other.signal_efficiency) if other else "")
        return markdown_table(header, rows)


def _table(weighted: ComparisonPoint, cuts: str, where: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the classifiers at the background efficiency of a region."""
    is_limit = bool(weighted.background_is_limit)
    first = next(iter(weighted.classifiers.values()))
    ratios = [name for name in RATIOS if getattr(first, name) is not None]
    point = f"{'below ' * is_limit}{in_digits(weighted.background_efficiency, 2)}"
    header = ["classifier", f"signal at {where} ({point})", *(RATIOS[name] for name in ratios)]
    rows = []
    for name, found in weighted.classifiers.items():
        is_cuts = name == cuts
        row = [name.replace("_", " "), _signal_cell(found.signal_efficiency, of_cuts=is_cuts)]
        for ratio in ratios:
            at_most = is_limit and ratio == "over_cuts" and not is_cuts
            row.append(_ratio_cell(getattr(found, ratio), at_most=at_most))
        rows.append(row)
    return header, rows


def _ratio_cell(ratio: Interval, *, at_most: bool) -> str:
    return "below " * (at_most and ratio.value is not None) + format_interval(ratio)


def _signal_cell(value: Efficiency, *, of_cuts: bool = False) -> str:
    """Value, interval, and a mark if too few background events are behind it; those of the cuts are
    in the header.
    """
    return format_interval(value) + ("" if of_cuts else mark_of(value.n_eff))
