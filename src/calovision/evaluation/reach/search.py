"""Reach of the cuts and of classifiers on one sample of test events, and the gain over the cuts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.reach.bins import (
    SearchBins,
    check_positive,
    choose_edges,
    choose_threshold,
)
from calovision.evaluation.reach.folds import SignalScale
from calovision.evaluation.reach.intervals import limit_interval, ratio, with_interval
from calovision.evaluation.reach.selections import FilledSelections, Selection
from calovision.evaluation.reach.significance import check_uncertainty
from calovision.evaluation.reach.statistics import (
    Limit,
    Significance,
    counted_significance,
    expected_limit,
)
from calovision.evaluation.results.numbers import REGION
from calovision.evaluation.results.reach import (
    METHODS,
    FoundBy,
    Gains,
    LimitUnits,
    Reach,
    SelectionReach,
)
from calovision.metrics.events import column_of

Key = str | tuple[str, str]
"""Selection: ``"cuts"``, or a classifier and one of `METHODS`."""


@dataclass(frozen=True)
class ExpectedEvents:
    """Events that the samples stand for, after the preselection at the luminosity, and the
    cross-section of the signal.
    """

    signal: float
    background: float
    cross_section_pb: float


@dataclass(frozen=True)
class SearchOptions:
    """Choices of `search_reach`.

    Attributes
    ----------
    background_uncertainty
        Relative systematic uncertainty of the background.
    seed, n_bootstrap
        Of the bootstrap.
    least_n_eff
        Effective background events of the validation split, as in `choose_threshold` and
        `choose_edges`.
    correlated
        Whether the systematic uncertainty is common to the bins (`SearchBins`).
    """

    background_uncertainty: float
    seed: int
    n_bootstrap: int = 200
    least_n_eff: float = 10.0
    correlated: bool = True


class _Nominal(NamedTuple):
    """Bins of a selection and their numbers, without statistical intervals."""

    bins: SearchBins
    is_limit: np.ndarray
    significance: Significance
    limit: Limit


def search_reach(
    validation: Mapping[str, np.ndarray],
    test: Mapping[str, np.ndarray],
    scores: Sequence[str],
    expected: ExpectedEvents,
    options: SearchOptions,
    *,
    signal_region: str = REGION,
) -> Reach:
    """Expected significance and limits of the cuts, and of each classifier by its best cut and by
    bins of its score.

    Thresholds and edges come from the validation events, everything else from the test events. With
    folds those of a fold are chosen on the test events of the other folds
    (`calovision.evaluation.reach.folds`), which are many times its validation events, and bin its
    own test events; the bins are then added up.

    Parameters
    ----------
    validation, test
        Columns ``(n,)``: label, weight and one per classifier; ``test`` also the signal region. The
        scale of the weights is free, signal and background apart. With folds both have the column
        ``fold``, and the validation events of the folds are stacked.
    scores
        Columns of the classifiers, larger = more like signal.
    expected
        Events that all events of a table stand for.
    options
        Uncertainty and bootstrap.
    signal_region
        Boolean column with the cuts.

    Raises
    ------
    InputError
        If a column is missing, a class has no event or no positive sum of weights, the background
        uncertainty is not in [0, inf), the numbers of expected events are not positive, the cuts
        keep no signal, or no threshold leaves enough background events.

    Notes
    -----
    The intervals are those of a Poisson bootstrap over the test events, the same replicas for every
    method, so that fluctuations in common cancel in the gain. pyhf would take hours for the
    replicas: they use the same likelihood profiled in closed form,
    `calovision.evaluation.reach.likelihood`. Thresholds, edges and networks stay as they are.
    """
    _check(expected, options)
    selections: dict[Key, Selection] = {"cuts": Selection(signal_region)}
    for name in scores:
        selections |= _selections_of(name, validation, test, expected, options)
    of_test = FilledSelections(
        test,
        selections,
        {1: float(expected.signal), 0: float(expected.background)},
        float(options.background_uncertainty),
        options.correlated,
    )
    records = _records(of_test, expected, options)
    return Reach(
        expected_signal=float(expected.signal),
        expected_background=float(expected.background),
        background_uncertainty=float(options.background_uncertainty),
        least_n_eff=float(options.least_n_eff),
        cross_section_pb=float(expected.cross_section_pb),
        correlated=options.correlated,
        seed=options.seed,
        n_bootstrap=options.n_bootstrap,
        cuts=records["cuts"],
        classifiers={
            name: {method: records[name, method] for method in METHODS} for name in scores
        },
    )


def _check(expected: ExpectedEvents, options: SearchOptions) -> None:
    check_uncertainty(options.background_uncertainty)
    check_positive(
        expected_signal=expected.signal,
        expected_background=expected.background,
        cross_section_pb=expected.cross_section_pb,
        least_n_eff=options.least_n_eff,
    )
    if options.n_bootstrap < 1:
        raise InputError(
            f"n_bootstrap is {options.n_bootstrap}; give at least 1 replica, 200 for two digits of "
            "an interval"
        )


def _selections_of(
    name: str,
    validation: Mapping[str, np.ndarray],
    test: Mapping[str, np.ndarray],
    expected: ExpectedEvents,
    options: SearchOptions,
) -> dict[Key, Selection]:
    """Best cut and bins of a classifier, chosen on the validation events; those of a fold on the
    test events of the others.
    """
    if "fold" not in validation:
        events = [column_of(validation, column) for column in (name, "label", "weight")]
        threshold, edges = _chosen(events, expected, options)
        return {
            (name, "best_cut"): Selection(name, (threshold,)),
            (name, "binned"): Selection(name, edges),
        }
    scale = SignalScale(name, validation)
    chosen = []
    for fold in range(scale.n_folds):
        threshold, edges = _chosen(scale.outside(fold, test), expected, options)
        to_scores = {edge: scale.to_scores(fold, edge) for edge in edges}
        chosen.append((to_scores[threshold], tuple(to_scores.values())))
    thresholds = [[threshold] for threshold, _ in chosen]
    return {
        (name, "best_cut"): Selection.of_folds(name, thresholds),
        (name, "binned"): Selection.of_folds(name, common_bins(chosen)),
    }


def _chosen(
    events: Sequence[np.ndarray], expected: ExpectedEvents, options: SearchOptions
) -> tuple[float, tuple[float, ...]]:
    """Threshold and edges by scores, labels and weights."""
    threshold = choose_threshold(
        *events,
        expected_signal=float(expected.signal),
        expected_background=float(expected.background),
        background_uncertainty=float(options.background_uncertainty),
        least_n_eff=float(options.least_n_eff),
    )
    edges = choose_edges(*events, threshold=threshold, least_n_eff=options.least_n_eff)
    return threshold, tuple(float(edge) for edge in edges)


def common_bins(
    chosen: Sequence[tuple[float, tuple[float, ...]]],
) -> list[tuple[float, ...]]:
    """Edges of each fold in as many bins, from its threshold and its edges.

    The edges next to the threshold stay, as many on each side as all folds have, so that the bins
    that are added up lie equally far from the best cut.
    """
    places = [edges.index(threshold) for threshold, edges in chosen]
    below = min(places)
    above = min(len(edges) - place for place, (_, edges) in zip(places, chosen, strict=True))
    return [
        edges[place - below : place + above]
        for place, (_, edges) in zip(places, chosen, strict=True)
    ]


def _records(
    of_test: FilledSelections, expected: ExpectedEvents, options: SearchOptions
) -> dict[Key, SelectionReach]:
    """Reach of all selections, with the intervals of the bootstrap and the gains."""
    nominal = {key: _nominal(of_test, key) for key in of_test.selections}
    methods = {
        key: {"significance": one.significance.method, "limit": one.limit.method}
        for key, one in nominal.items()
    }
    rng = np.random.default_rng(options.seed)
    replicas = of_test.replicas(rng, options.n_bootstrap, methods)
    records: dict[Key, SelectionReach] = {}
    for key, one in nominal.items():
        is_cuts = key == "cuts"
        gain = None if is_cuts else _gains(one, nominal["cuts"], replicas[key], replicas["cuts"])
        records[key] = _record(of_test, key, one, replicas[key], expected.cross_section_pb, gain)
    return records


def _nominal(of_test: FilledSelections, key: Key) -> _Nominal:
    signal, background, error, is_limit = of_test.fill(key)
    if key == "cuts" and not signal.any():
        raise InputError(
            "the signal region keeps no signal event of the test split; loosen it or simulate more "
            "signal"
        )
    bins = SearchBins(signal, background, error, **of_test.options)
    return _Nominal(bins, is_limit, counted_significance(bins), expected_limit(bins))


def _record(
    of_test: FilledSelections,
    key: Key,
    nominal: _Nominal,
    replicas: Mapping[str, np.ndarray],
    cross_section_pb: float,
    gain: Gains | None,
) -> SelectionReach:
    selection = of_test.selections[key]
    bins = nominal.bins
    n_eff = zip(nominal.is_limit, of_test.n_eff(key), strict=True)
    return SelectionReach(
        column=selection.column,
        edges=selection.edges,
        fold_edges=selection.fold_edges,
        signal=tuple(bins.signal.tolist()),
        background=tuple(bins.background.tolist()),
        background_error=tuple(bins.background_error.tolist()),
        background_is_limit=tuple(nominal.is_limit.tolist()),
        n_eff=tuple(0.0 if is_limit else value for is_limit, value in n_eff),
        significance=with_interval(nominal.significance.value, replicas["significance"]),
        limit=LimitUnits(
            mu=limit_interval(nominal.limit, 1.0, replicas["limit"]),
            cross_section_pb=limit_interval(
                nominal.limit, float(cross_section_pb), replicas["limit"]
            ),
        ),
        method=FoundBy(nominal.significance.method, nominal.limit.method),
        gain=gain,
    )


def _gains(
    nominal: _Nominal,
    cuts: _Nominal,
    replicas: Mapping[str, np.ndarray],
    of_cuts: Mapping[str, np.ndarray],
) -> Gains:
    """Ratios to the cuts, from the same replicas."""
    return Gains(
        significance=with_interval(
            ratio(nominal.significance.value, cuts.significance.value),
            ratio(replicas["significance"], of_cuts["significance"]),
        ),
        limit=with_interval(
            ratio(cuts.limit.value, nominal.limit.value),
            ratio(of_cuts["limit"], replicas["limit"]),
        ),
    )
