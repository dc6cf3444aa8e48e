"""Answer of a run to its question, which is the first section of its report.

The numbers are those of the results, each with its 68 % interval.
"""

from collections.abc import Callable, Mapping
from typing import Any

from calovision.core.digits import events_in_digits, in_digits
from calovision.core.markdown import escape
from calovision.evaluation.results import CutComparison, Reach, Summary
from calovision.evaluation.results.numbers import REGION, Interval, format_interval
from calovision.evaluation.results.regression import Regression
from calovision.evaluation.results.tagging import TaggingSummary

FIRST = "cnn"
"""Name of the first model, whatever its own, in the reach of a search."""

FEW = 10
"""Effective events below which a number is called too uncertain to quote."""

INTERVALS = "Uncertainties are 68 % intervals."


def answer(numbers: Mapping[str, Any]) -> str:
    """Sentences on the result, Markdown; none where the results are not there.

    Parameters
    ----------
    numbers
        Contents of the JSON files of results by their names.
    """
    for names, words in _ANSWERS.items():
        if all(name in numbers for name in names):
            return words(*(numbers[name] for name in names))
    return ""


def _of_search(comparison: Any, summary: Any, reach: Any, models: Any) -> str:
    found = CutComparison.from_json(comparison).at_signal_region
    region = Summary.from_json(summary).signal_region.background_efficiency
    cnn, cuts = found.classifiers[next(iter(models))], found.classifiers[REGION]
    kept = format_interval(cnn.signal_efficiency)
    by_cuts = format_interval(cuts.signal_efficiency)
    if found.background_is_limit:
        at = f"No background survives the cuts; at the 68 % upper limit, {in_digits(region.high)},"
    else:
        at = f"At the background efficiency of the cuts, {format_interval(region)},"
    sentences = [f"**{at} the CNN keeps {kept} of the signal, and the cuts {by_cuts}.**"]
    sentences += _ratios(cnn, at_most=bool(found.background_is_limit))
    if region.n_eff < FEW:
        sentences.append(
            f"Only {events_in_digits(region.n_eff)} effective background events pass the cuts: too "
            "few to quote the ratios; more background events would make them firm."
        )
    return " ".join([*sentences, INTERVALS]) + "\n\n" + _reach(Reach.from_json(reach))


def _ratios(cnn: Any, *, at_most: bool) -> list[str]:
    """Sentence on the ratios to the cuts and to the boosted trees, as far as there are any."""
    words = {
        "over_cuts": "the cuts keep",
        "over_reference": "boosted trees on high-level variables keep",
    }
    parts = []
    for name, what in words.items():
        ratio = getattr(cnn, name)
        if ratio is not None and ratio.value is not None:
            bound = "at most " * (at_most and name == "over_cuts")
            parts.append(f"{bound}{format_interval(ratio)} times what {what}")
    return [f"That is {' and '.join(parts)}."] if parts else []


def _reach(found: Reach) -> str:
    cnn = found.classifiers.get(FIRST, {}).get("binned")
    if cnn is None:
        return ""
    cuts, bins = (("above " * one.is_bound, one) for one in (found.cuts, cnn))
    return (
        f"Expected significance of the signal, with {found.background_uncertainty:.0%} uncertainty "
        f"of the background: {bins[0]}{format_interval(bins[1].significance)} by bins of the CNN "
        f"output, {cuts[0]}{format_interval(cuts[1].significance)} by the cuts."
    )


def _of_taggers(content: Any) -> str:
    found = TaggingSummary.from_json(content)
    name, first = next(iter(found.taggers.items()))
    sentences = [
        f"**{escape(name)} tells the {len(found.classes)} classes apart with a macro AUC of "
        f"{_digits(first.macro_auc)} and a mean accuracy of {_digits(first.accuracy)}.**"
    ]
    if found.reference and found.reference != name:
        difference, side = first.differences[found.reference], "above"
        if (difference.value or 0) < 0:
            difference, side = _negated(difference), "below"
        sentences.append(
            f"Its macro AUC is {_digits(difference)} {side} that of "
            f"{escape(found.reference.replace('_', ' '))}."
        )
    best = max(found.taggers, key=lambda one: found.taggers[one].macro_auc.value or 0)
    if best != name:
        sentences.append(
            f"The highest is that of {escape(best)}, {_digits(found.taggers[best].macro_auc)}."
        )
    return " ".join([*sentences, INTERVALS])


def _negated(number: Interval) -> Interval:
    ends = (None if one is None else -one for one in (number.value, number.high, number.low))
    return Interval(*ends)


def _digits(number: Interval) -> str:
    """``0.941 (0.940 to 0.942)``."""
    if number.value is None or number.low is None or number.high is None:
        return "unknown" if number.value is None else f"{number.value:.3f}"
    return f"{number.value:.3f} ({number.low:.3f} to {number.high:.3f})"


def _of_regression(content: Any) -> str:
    found = Regression.from_json(content)
    name = next(iter(found.models))
    unit = "" if found.is_relative or not found.unit else f" {escape(found.unit)}"
    first = found.regressors[name]
    sentences = [
        f"**{escape(name)} predicts {escape(found.title)} with a resolution of "
        f"{format_interval(first.overall.resolution)}{unit} and a bias of "
        f"{format_interval(first.overall.bias_median)}{unit}.**"
    ]
    for opponent in found.opponents:
        if opponent in first.over:
            sentences.append(
                f"Its resolution is {format_interval(first.over[opponent])} times that of "
                f"{escape(opponent.replace('_', ' '))}."
            )
    return " ".join([*sentences, INTERVALS])


def _of_runs(content: Any) -> str:
    states = content["runs"]
    n = states.get("alarm", 0)
    sentences = [f"**{n} of {content['n_runs']} runs {'has' if n == 1 else 'have'} an alarm.**"]
    if content["n_alarms"] > n:
        sentences.append(f"There are {content['n_alarms']} alarms in all.")
    if known := states.get("known", 0):
        sentences.append(f"{known} with known faults only.")
    if unjudged := states.get("few_events", 0) + states.get("no_statement", 0):
        sentences.append(f"{unjudged} could not be judged.")
    return " ".join(sentences)


_ANSWERS: dict[tuple[str, ...], Callable[..., str]] = {
    ("comparison", "summary", "reach", "models"): _of_search,
    ("tagging",): _of_taggers,
    ("regression",): _of_regression,
    ("monitoring",): _of_runs,
}
"""Names of the results -> words for their answer."""
