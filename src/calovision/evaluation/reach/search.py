"""Reach of the cuts and of classifiers on one sample of test events, and the gain over the cuts."""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.reach.bins import (
    SearchBins,
    check_positive,
    choose_edges,
    choose_threshold,
)
from calovision.evaluation.reach.selections import FilledSelections, Selection
from calovision.evaluation.reach.significance import check_uncertainty
from calovision.evaluation.reach.statistics import counted_significance, expected_limit
from calovision.metrics.events import column_of

METHODS = ("best_cut", "binned")
"""How the score of a classifier is used."""

ONE_DEVIATION = (0.158655, 0.5, 0.841345)  # quantiles of a normal distribution at -1, 0 and 1


def search_reach(
    validation: Mapping[str, np.ndarray],
    test: Mapping[str, np.ndarray],
    scores: Sequence[str],
    *,
    cross_section_pb: float,
    expected_signal: float,
    expected_background: float,
    background_uncertainty: float,
    seed: int,
    signal_region: str = "signal_region",
    n_bootstrap: int = 200,
    least_n_eff: float = 10.0,
    correlated: bool = True,
) -> dict:
    """Expected significance and limits of the cuts, and of each classifier by its best cut and by
    bins of its score.

    Thresholds and edges come from the validation events, everything else from the test events.

    Parameters
    ----------
    validation, test
        Columns ``(n,)``: label, weight and one per classifier; ``test`` also the signal region. The
        scale of the weights is free, signal and background apart.
    scores
        Columns of the classifiers, larger = more like signal.
    cross_section_pb
        Cross-section of the signal.
    expected_signal, expected_background
        Events after the preselection at the luminosity: what all events of a table stand for.
    background_uncertainty
        Relative systematic uncertainty of the background.
    seed, n_bootstrap
        Of the bootstrap.
    signal_region
        Boolean column with the cuts.
    least_n_eff
        Effective background events of the validation split, as in `choose_threshold` and
        `choose_edges`.
    correlated
        Whether the systematic uncertainty is common to the bins (`SearchBins`).

    Returns
    -------
    The arguments, ``cuts``, and ``classifiers``: name -> ``best_cut`` and ``binned``. Each of these
    has ``column`` and ``edges``; per bin ``signal``, ``background``, ``background_error``
    (statistical), ``background_is_limit`` (no simulated background is left: the upper end of the
    interval of its efficiency takes its place, as in `calovision.metrics.region_point`) and
    ``n_eff`` of the background; ``significance``; ``limit`` on ``mu`` and ``cross_section_pb``,
    with the band (``band_low``, ``band_high``) of +-1 standard deviation of what may be observed;
    ``method`` of both (`calovision.evaluation.reach.statistics`): ``asymptotic``, or ``counting``
    or ``toys`` where few events are expected; and, except for the cuts, the ``gain`` in
    ``significance`` and ``limit``, larger than 1 if better than the cuts. Of these numbers ``low``
    and ``high`` are the 68.3 % interval from the number of test events. None stands for a number
    that does not exist, as a limit without signal.

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
    check_uncertainty(background_uncertainty)
    check_positive(expected_signal=expected_signal, expected_background=expected_background)
    check_positive(cross_section_pb=cross_section_pb, least_n_eff=least_n_eff)
    expected = {1: float(expected_signal), 0: float(expected_background)}
    _check_bootstrap(n_bootstrap)
    options = {"expected_signal": expected[1], "expected_background": expected[0]}
    options |= {
        "background_uncertainty": float(background_uncertainty),
        "least_n_eff": float(least_n_eff),
    }
    selections = {"cuts": Selection(signal_region)}
    for name in scores:
        events = [column_of(validation, column) for column in (name, "label", "weight")]
        threshold = choose_threshold(*events, **options)
        edges = choose_edges(*events, threshold=threshold, least_n_eff=least_n_eff)
        selections[name, "best_cut"] = Selection(name, (threshold,))
        selections[name, "binned"] = Selection(name, tuple(float(edge) for edge in edges))

    of_test = FilledSelections(
        test, selections, expected, float(background_uncertainty), correlated
    )
    records = {key: _record(of_test, key, cross_section_pb) for key in selections}
    methods = {key: record["method"] for key, record in records.items()}
    replicas = of_test.replicas(np.random.default_rng(seed), n_bootstrap, methods)
    for key, record in records.items():
        _add_intervals(
            record, records["cuts"], replicas[key], replicas["cuts"], is_cuts=key == "cuts"
        )
    return {
        **options,
        "cross_section_pb": float(cross_section_pb),
        "correlated": correlated,
        "seed": seed,
        "n_bootstrap": n_bootstrap,
        "cuts": records["cuts"],
        "classifiers": {
            name: {method: records[name, method] for method in METHODS} for name in scores
        },
    }


def _record(of_test: FilledSelections, key: object, cross_section_pb: float) -> dict:
    """The numbers of one selection without their statistical intervals."""
    signal, background, error, is_limit = of_test.fill(key)
    if key == "cuts" and not signal.any():
        raise InputError(
            "the signal region keeps no signal event of the test split; loosen it or simulate more "
            "signal"
        )
    bins = SearchBins(signal, background, error, **of_test.options)
    selection = of_test.selections[key]
    significance, (limit, method) = counted_significance(bins), limit_record(bins, cross_section_pb)
    return {
        "column": selection.column,
        "edges": None if selection.edges is None else list(selection.edges),
        "signal": signal.tolist(),
        "background": background.tolist(),
        "background_error": error.tolist(),
        "background_is_limit": is_limit.tolist(),
        "n_eff": [
            0.0 if limit else value
            for limit, value in zip(is_limit, of_test.n_eff(key), strict=True)
        ],
        "significance": {"value": significance.value},
        "limit": limit,
        "method": {"significance": significance.method, "limit": method},
    }


def limit_record(bins: SearchBins, cross_section_pb: float) -> tuple[dict, str]:
    """Limit on ``mu`` and ``cross_section_pb`` with its band, None where there is no limit; and how
    it was found.
    """
    limit = expected_limit(bins)
    values = {"value": limit.value, "band_low": limit.band_low, "band_high": limit.band_high}
    units = {
        unit: {name: known(value * scale) for name, value in values.items()}
        for unit, scale in (("mu", 1.0), ("cross_section_pb", float(cross_section_pb)))
    }
    return units, limit.method


def known(value: float) -> float | None:
    """A number for JSON: None if it is infinite or nan."""
    return float(value) if np.isfinite(value) else None


def _add_intervals(
    record: dict, cuts: dict, replicas: dict, of_cuts: dict, *, is_cuts: bool
) -> None:
    """Put the bootstrap's intervals, and the gain over the cuts, into a record."""
    record["significance"] = _with_interval(
        record["significance"]["value"], replicas["significance"]
    )
    for limits in record["limit"].values():
        limits |= _with_interval(limits["value"], replicas["limit"])
    if is_cuts:
        return
    better = {
        "significance": (record["significance"]["value"], cuts["significance"]["value"]),
        "limit": (cuts["limit"]["mu"]["value"], record["limit"]["mu"]["value"]),
    }
    over = {
        "significance": (replicas["significance"], of_cuts["significance"]),
        "limit": (of_cuts["limit"], replicas["limit"]),
    }
    record["gain"] = {
        name: _with_interval(_ratio(*better[name]), _ratio(*over[name])) for name in better
    }


def _ratio(above: float | np.ndarray | None, below: float | np.ndarray | None) -> np.ndarray:
    """Quotient; nan where one of both does not exist or the lower one is 0."""
    above, below = (
        np.asarray(np.nan if value is None else value, dtype=np.float64) for value in (above, below)
    )
    fine = np.isfinite(above) & np.isfinite(below) & (below > 0)
    return np.divide(above, below, out=np.full(fine.shape, np.nan), where=fine)


def _with_interval(value: float | None, replicas: np.ndarray) -> dict[str, float | None]:
    """Value with the 68.3 % interval: its distances are those of the replicas from their median, as
    ratios.

    A replica has a larger statistical error than the sample, which moves its results; ratios leave
    that out.
    """
    replicas = replicas[np.isfinite(replicas)]
    if value is None or not np.isfinite(value) or not len(replicas):
        return {"value": None if value is None else known(float(value)), "low": None, "high": None}
    low, median, high = np.quantile(replicas, ONE_DEVIATION)
    if not median > 0:
        return {"value": float(value), "low": None, "high": None}
    return {
        "value": float(value),
        "low": float(value * (low / median)),
        "high": float(value * (high / median)),
    }


def _check_bootstrap(n_bootstrap: int) -> None:
    if n_bootstrap < 1:
        raise InputError(
            f"n_bootstrap is {n_bootstrap}; give at least 1 replica, 200 for two digits of an "
            "interval"
        )
