"""Tables of the taggers as Markdown."""

from calovision.core.digits import in_digits
from calovision.core.markdown import Markdown, code, escape, markdown_table
from calovision.evaluation.results.numbers import (
    Interval,
    events_in_words,
    format_efficiency,
    mark_of,
    with_meaning,
)
from calovision.evaluation.results.tagging import DiscriminantNumbers, TaggingSummary
from calovision.metrics import Rejection

MEANING = (
    "Every class counts the same: within it rows count by their weights, whose sum is that of each "
    "other class, so that no number depends on how many rows a class has. Intervals are the central "
    "68 % of a bootstrap in which all rows of an event are drawn together, and a network of each "
    "model; differences and ratios are paired, with the same rows in each replica."
)


def summary_text(summary: TaggingSummary) -> str:
    """Text and tables of all numbers."""
    parts = [f"Of {_rows_in_words(summary)}. {MEANING}"]
    parts += [f"**{escape(one)}.**" for one in summary.warnings]
    parts.append("\n".join(_tagger_lines(summary)))
    for name in main_discriminants(summary):
        parts.append(_discriminant_title(summary, name))
        parts.append("\n".join(with_meaning(_discriminant_lines(summary, name))))
    if pairs := _pair_lines(summary):
        first = next(iter(summary.taggers))
        point = middle_point(summary)
        parts.append(
            f"Rejection of each class (columns) where {point} of another one (rows) is kept, by "
            f"{code(first)}:"
        )
        parts.append("\n".join(with_meaning(pairs)))
    if lines := _cut_lines(summary):
        rows = "rows of the other folds, for each fold" if summary.n_folds else "validation rows"
        parts.append(f"Cuts that leave the least background on the {rows}:")
        parts.append("\n".join(lines))
    if lines := _variable_lines(summary):
        parts.append(
            "AUC of single variables, in the direction of the validation rows (large or small values "
            "like signal); one with the same value in all rows is left out:"
        )
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _rows_in_words(summary: TaggingSummary) -> str:
    rows = events_in_words(summary.n_folds).replace("events", "rows")
    each = ", ".join(f"{escape(name)} {one.rows}" for name, one in summary.classes.items())
    return f"{rows}: {each}"


def main_discriminants(summary: TaggingSummary) -> list[str]:
    """Discriminants with a table of their own: all but the pairs of more than two classes."""
    return [name for name in summary.discriminants if name not in pairs_of(summary).values()]


def pairs_of(summary: TaggingSummary) -> dict[tuple[str, str], str]:
    """Signal and background class -> discriminant of this pair; none of two classes."""
    if len(summary.classes) < 3:
        return {}
    named = {
        (one, other): f"{one}_vs_{other}"
        for one in summary.classes
        for other in summary.classes
        if one != other
    }
    return {
        pair: name
        for pair, name in named.items()
        if name in summary.discriminants
        and (list(summary.discriminants[name].signal), list(summary.discriminants[name].background))
        == ([pair[0]], [pair[1]])
    }


def middle_point(summary: TaggingSummary) -> str:
    """Signal efficiency in the middle of those asked for."""
    points = list(summary.signal_efficiencies)
    return points[len(points) // 2]


def _tagger_lines(summary: TaggingSummary) -> list[str]:
    reference = summary.reference
    header = ["classifier", "networks", "macro AUC", "mean accuracy"]
    if reference:
        header.append(Markdown(f"macro AUC above {code(reference)}"))
    rows = []
    for name, one in summary.taggers.items():
        row = [name, str(one.n_networks), four_digits(one.macro_auc), four_digits(one.accuracy)]
        if reference:
            row.append("" if name == reference else four_digits(one.differences[reference]))
        rows.append(row)
    return markdown_table(header, rows)


def four_digits(number: Interval) -> str:
    """``0.9412 (0.9401 to 0.9424)``."""
    if number.value is None:
        return "none"
    if number.low is None or number.high is None:
        return f"{number.value:.4f}"
    return f"{number.value:.4f} ({number.low:.4f} to {number.high:.4f})"


def _discriminant_title(summary: TaggingSummary, name: str) -> str:
    sides = summary.discriminants[name]
    words = [_side_in_words(side) for side in (sides.signal, sides.background)]
    return f"{code(name)}: {words[0]} against {words[1]}; background rejections:"


def _side_in_words(shares: dict[str, float]) -> str:
    """``top``, ``gluon, w in equal shares`` or ``0.7 gluon, 0.3 w``."""
    if len(shares) == 1:
        return escape(next(iter(shares)))
    if max(shares.values()) - min(shares.values()) < 1e-12:
        return f"{', '.join(map(escape, shares))} in equal shares"
    return ", ".join(f"{share:.3g} {escape(one)}" for one, share in shares.items())


def _discriminant_lines(summary: TaggingSummary, name: str) -> list[str]:
    points = list(summary.signal_efficiencies)
    middle = middle_point(summary)
    header = ["classifier", "AUC", *(f"at signal {point}" for point in points)]
    if summary.reference:
        header.append(Markdown(f"over {code(summary.reference)} at {middle}"))
    cuts = summary.cuts.get(name, {})
    if cuts:
        header.append(f"over the cuts at {middle}")
    rows = []
    for tagger, one in summary.taggers.items():
        numbers = one.discriminants[name]
        row = [tagger, four_digits(numbers.auc)]
        row += [rejection_words(numbers.rejection[point]) for point in points]
        if summary.reference:
            row.append(_ratio(numbers, "over_reference", middle))
        if cuts:
            row.append(_ratio(numbers, "over_cuts", middle))
        rows.append(row)
    if cuts:
        cells = [_bounded(cuts[point].rejection) if point in cuts else "" for point in points]
        rows.append(["cuts", "", *cells, *[""] * (len(header) - 2 - len(points))])
    return markdown_table(header, rows)


def _ratio(numbers: DiscriminantNumbers, kind: str, point: str) -> str:
    found = getattr(numbers, kind)
    return "" if found is None or point not in found else _bounded(found[point])


def rejection_words(number: Rejection) -> str:
    """``1970 (969 to 3970)``, or ``above 83`` where no background is left, with the `mark_of` its
    background rows.
    """
    if number.is_limit:
        return f"above {in_digits(number.low)}"
    interval = Interval(number.value, number.low, number.high)
    return _bounded(interval) + mark_of(number.n_eff)


def _bounded(number: Interval) -> str:
    """Interval, of which the upper end may be missing."""
    if number.value is None:
        return "none" if number.low is None else f"above {in_digits(number.low)}"
    value, low, high = (
        None if one is None else in_digits(one) for one in (number.value, number.low, number.high)
    )
    if low is None:
        return str(value)
    return f"{value} (above {low})" if high is None else f"{value} ({low} to {high})"


def _pair_lines(summary: TaggingSummary) -> list[str]:
    pairs = pairs_of(summary)
    if not pairs:
        return []
    taggers = next(iter(summary.taggers.values())).discriminants
    point = middle_point(summary)
    rows = [
        [
            one,
            *(
                rejection_words(taggers[pairs[one, other]].rejection[point])
                if (one, other) in pairs
                else ""
                for other in summary.classes
            ),
        ]
        for one in summary.classes
    ]
    return markdown_table(["signal", *summary.classes], rows)


def _cut_lines(summary: TaggingSummary) -> list[str]:
    rows = [
        [
            name,
            point,
            one.cuts,
            format_efficiency(one.signal_efficiency),
            format_efficiency(one.background_efficiency),
        ]
        for name in main_discriminants(summary)
        for point, one in summary.cuts.get(name, {}).items()
    ]
    header = ["discriminant", "at signal", "cuts", "signal", "background"]
    return markdown_table(header, rows) if rows else []


def _variable_lines(summary: TaggingSummary) -> list[str]:
    chosen = [name for name in main_discriminants(summary) if name in summary.variables]
    if not chosen:
        return []
    names = list(summary.variables[chosen[0]])
    rows = []
    for variable in names:
        cells = [summary.variables[name][variable] for name in chosen]
        words = [
            f"{one.auc:.4f} ± {one.auc_error:.4f} "
            f"({'large' if one.is_larger_for_signal else 'small'})"
            for one in cells
        ]
        missing = max(one.missing for one in cells)
        rows.append([variable, *words, str(missing)])
    return markdown_table(["variable", *chosen, "rows without it"], rows)
