"""How much more signal than the cuts: all classifiers at the background efficiency of the signal
region, paired.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from calovision.core.errors import InputError
from calovision.core.markdown import Markdown, markdown_table
from calovision.evaluation.paired import Comparison, compare_paired
from calovision.evaluation.working_points import REGION, mark_of, region_numbers, with_meaning

UNWEIGHTED_POINT = (
    1e-3  # background efficiency at which networks are compared, every event counting 1
)
NONE = {"value": None, "low": None, "high": None}


def compare_with_cuts(
    test: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    *,
    reference: str | None,
    seed: int,
) -> dict[str, Any]:
    """The numbers of ``comparison.json``.

    Parameters
    ----------
    test
        Table of test events.
    scores
        Classifier -> its scores ``(n,)``, or those of its networks ``(n, n_networks)``.
    reference
        Baseline in the denominator of ``over_reference``, one of ``scores``; None omits it.
    seed
        Of the bootstrap.

    Returns
    -------
    ``at_signal_region`` and ``unweighted``, each with ``background_efficiency`` and
    ``classifiers``: of each the ``signal_efficiency`` (value, low, high and n_eff, the numbers of
    ``summary.json``; of several networks `mean_efficiency`) and the paired ratios ``over_cuts`` (at
    the signal region only) and ``over_reference``, as value, low and high; None where there is no
    number, as the ratio to cuts that keep no signal.

    Where no background is left in the signal region, ``background_is_limit`` is true,
    ``background_efficiency`` is the upper end of the interval, and ``over_cuts`` is an upper limit
    without an interval.

    Raises
    ------
    InputError
        If the reference is none of the scores, a column is missing, arrays do not fit together, or
        a class has no positive sum of weights.
    """
    if reference is not None and reference not in scores:
        raise InputError(
            f"reference '{reference}' has no scores; choose one of {', '.join(scores) or 'none'}"
        )
    region = region_numbers(test)
    labels, weights = test["label"], test["weight"]
    ones = np.ones(len(np.asarray(labels)))
    at_region = compare_paired(scores, labels, weights, signal_region=test[REGION], seed=seed)
    unweighted = compare_paired(
        scores, labels, ones, background_efficiency=UNWEIGHTED_POINT, seed=seed
    )
    return {
        "at_signal_region": {
            "background_efficiency": region.point.background_efficiency,
            "background_is_limit": region.point.is_limit,
            "classifiers": _results(
                at_region, reference, cuts=REGION, is_limit=region.point.is_limit
            ),
        },
        "unweighted": {
            "background_efficiency": UNWEIGHTED_POINT,
            "classifiers": _results(unweighted, reference, cuts=None),
        },
    }


def _results(
    found: Comparison,
    reference: str | None,
    *,
    cuts: str | None,
    is_limit: bool = False,
) -> dict[str, dict]:
    ratios = {"over_cuts": cuts, "over_reference": reference}
    results = {
        name: {"signal_efficiency": asdict(value)}
        | {
            ratio: _known(found.ratio(name, other))
            for ratio, other in ratios.items()
            if other in found.nominal
        }
        for name, value in found.efficiencies.items()
    }
    for name, result in results.items():
        if is_limit and name != cuts:
            result["over_cuts"] = NONE | {"value": result["over_cuts"]["value"]}
    return results


def _known(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON, which has no nan."""
    return {key: value if np.isfinite(value) else None for key, value in numbers.items()}


def comparison_table(comparison: Mapping[str, Any]) -> str:
    """The comparison as Markdown."""
    weighted, unweighted = comparison["at_signal_region"], comparison["unweighted"]
    first = next(iter(weighted["classifiers"].values()))
    ratios = {"over_cuts": "over the cuts", "over_reference": Markdown("over `referee`")}
    ratios = {name: title for name, title in ratios.items() if name in first}
    is_limit = weighted.get("background_is_limit", False)
    point = f"{'below ' * is_limit}{weighted['background_efficiency']:.2g}"
    header = ["classifier", f"signal at the signal region's background ({point})", *ratios.values()]
    header += [f"signal at background {UNWEIGHTED_POINT:g}, every event counts 1"]
    rows = []
    for name, numbers in weighted["classifiers"].items():
        other = unweighted["classifiers"].get(name)
        cells = [_signal_cell(numbers["signal_efficiency"], of_cuts=name == REGION)]
        for ratio in ratios:
            at_most = (
                is_limit
                and ratio == "over_cuts"
                and name != REGION
                and numbers[ratio]["value"] is not None
            )
            cells.append("below " * at_most + format_interval(numbers[ratio]))
        rows.append(
            [
                name.replace("_", " "),
                *cells,
                _signal_cell(other["signal_efficiency"]) if other else "",
            ]
        )
    text = (
        "Signal efficiency at equal background efficiency with 68 % intervals, which for several "
        "networks include the "
        "spread between them. The ratios are paired, from a bootstrap over the events and over the "
        "networks of a "
        "model: both classifiers see the same events in every replica."
    )
    if is_limit:
        text += (
            " **No background is left in the signal region**: the upper end of the 68 % interval "
            "takes its place, "
            "and the ratios to the cuts are upper limits."
        )
    return f"{text}\n\n" + "\n".join(with_meaning(markdown_table(header, rows))) + "\n"


def _signal_cell(numbers: Mapping[str, float | None], *, of_cuts: bool = False) -> str:
    """Value, interval, and a mark if too few background events are behind it; those of the cuts are
    in the header.
    """
    return format_interval(numbers) + ("" if of_cuts else mark_of(numbers.get("n_eff")))


def format_interval(numbers: Mapping[str, float | None]) -> str:
    """``0.853 (0.841 to 0.862)``; words where there is no number."""
    if numbers["value"] is None:
        return "none"
    if numbers["low"] is None:
        return f"{numbers['value']:.3g}"
    return f"{numbers['value']:.3g} ({numbers['low']:.3g} to {numbers['high']:.3g})"
