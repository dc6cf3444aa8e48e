"""Signal efficiency of all classifiers at the background efficiency of the signal region, with
paired ratios to the cuts.
"""

from collections.abc import Mapping

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.paired import Comparison, compare_paired
from calovision.evaluation.results.comparison import (
    ComparedClassifier,
    ComparisonPoint,
    CutComparison,
)
from calovision.evaluation.results.numbers import REGION, Interval
from calovision.evaluation.working_points import region_numbers
from calovision.metrics.events import column_of

UNWEIGHTED_POINT = 1e-3
"""Background efficiency at which networks are compared with every event counting 1."""


def compare_with_cuts(
    test: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    *,
    reference: str | None,
    seed: int,
    n_replicas: int = 300,
    regions: Mapping[str, np.ndarray] | None = None,
) -> CutComparison:
    """Numbers of ``comparison.json``: signal efficiencies at equal background, and paired ratios.

    If no background survives in the signal region, the 68.3 % upper limit of its background
    efficiency is used, and ratios to the cuts are upper limits without an interval.

    Parameters
    ----------
    test
        Table of test events; its column ``fold``, if there, is that of `compare_paired`.
    scores
        Classifier -> its scores ``(n,)``, or those of its networks ``(n, n_networks)``.
    reference
        Baseline in the denominator of ``over_reference``, one of ``scores``; None omits it.
    seed, n_replicas
        Of the bootstrap.
    regions
        Further regions: name -> events that pass, booleans ``(n,)``.

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
    labels = column_of(test, "label")
    weights = column_of(test, "weight")
    ones = np.ones(len(np.asarray(labels)))
    bootstrap = {"folds": test.get("fold"), "seed": seed, "n_replicas": n_replicas}
    unweighted = compare_paired(
        scores, labels, ones, background_efficiency=UNWEIGHTED_POINT, **bootstrap
    )

    def at(passed: np.ndarray, name: str) -> ComparisonPoint:
        point = region_numbers(test, passed).point
        found = compare_paired(scores, labels, weights, signal_region=passed, **bootstrap)
        classifiers = _classifiers(found, reference, cuts=REGION, is_limit=point.is_limit)
        return ComparisonPoint(
            background_efficiency=point.background_efficiency,
            background_is_limit=point.is_limit,
            classifiers={name if key == REGION else key: one for key, one in classifiers.items()},
        )

    return CutComparison(
        at_signal_region=at(column_of(test, REGION), REGION),
        unweighted=ComparisonPoint(
            background_efficiency=UNWEIGHTED_POINT,
            classifiers=_classifiers(unweighted, reference),
        ),
        at_regions={name: at(passed, name) for name, passed in (regions or {}).items()} or None,
    )


def _classifiers(
    found: Comparison,
    reference: str | None,
    *,
    cuts: str | None = None,
    is_limit: bool = False,
) -> dict[str, ComparedClassifier]:
    def ratio(name: str, other: str | None) -> Interval | None:
        return found.ratio(name, other) if other in found.nominal else None

    classifiers = {}
    for name, value in found.efficiencies.items():
        over_cuts = ratio(name, cuts)
        if is_limit and name != cuts:
            over_cuts = Interval(over_cuts.value, None, None)
        classifiers[name] = ComparedClassifier(value, over_cuts, ratio(name, reference))
    return classifiers
