"""Efficiencies of fixed thresholds when the detector differs from the one of the training."""

from collections.abc import Mapping

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.results.numbers import REGION
from calovision.evaluation.results.robustness import ClassEfficiencies
from calovision.metrics import efficiency
from calovision.metrics.events import (
    check_weights,
    event_flags,
    event_labels,
    event_numbers,
    numeric_array,
    scaled_to_one,
)


def threshold_at(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, background_efficiency: float
) -> float:
    """Lowest threshold that at most this weighted share of the background reaches, before more than
    it first does.

    Parameters
    ----------
    scores, labels, weights
        As in `calovision.metrics.roc`.
    background_efficiency
        In (0, 1].

    Raises
    ------
    InputError
        If arrays do not fit together, the efficiency is not in (0, 1], or the background has no
        positive sum of weights.
    """
    precision = numeric_array(scores, "scores").dtype.newbyteorder("=")
    scores = event_numbers(scores, "scores")
    background = np.flatnonzero(~event_labels(labels, n_events=len(scores)))
    weights = event_numbers(weights, "weights", n_events=len(scores), finite=False)
    check_weights(weights[background], "the background (label 0)")
    if not 0.0 < background_efficiency <= 1.0:
        raise InputError(
            f"background efficiency {background_efficiency} is no working point; give one in (0, 1]"
        )
    order = background[np.argsort(-scores[background], kind="stable")]
    ends = np.append(
        np.flatnonzero(np.diff(scores[order])), len(order) - 1
    )  # last event of each tie
    share = np.maximum.accumulate(np.cumsum(scaled_to_one(weights[order]))[ends])
    passing = int(
        np.searchsorted(
            share / scaled_to_one(weights[order]).sum(), background_efficiency, side="right"
        )
    )
    if passing == len(ends):
        return -np.inf
    # the next number that the scores can have: a comparison with float32 would round a closer one
    number = precision.type if precision.kind == "f" and precision.itemsize < 8 else np.float64
    return float(np.nextafter(number(scores[order[ends[passing]]]), number(np.inf)))


def efficiencies_of_variation(
    scores: Mapping[str, np.ndarray],
    thresholds: Mapping[str, float],
    region: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
) -> dict[str, ClassEfficiencies]:
    """Signal and background efficiency of the signal region and of each classifier's threshold.

    Parameters
    ----------
    scores
        Classifier -> scores ``(n,)`` of the preselected test events of a variation.
    thresholds
        Classifier -> threshold, fixed in the nominal detector.
    region
        Booleans ``(n,)``: passes the cuts.
    labels, weights
        Of the events, ``(n,)``.

    Returns
    -------
    ``signal_region`` and classifiers -> efficiencies of the preselected events.

    Raises
    ------
    InputError
        If arrays do not fit together, a classifier has no scores, or a class has no positive sum of
        weights.
    """
    is_signal = event_labels(labels)
    weights = event_numbers(weights, "weights", n_events=len(is_signal), finite=False)
    passed = {REGION: event_flags(region, "values of the signal region", n_events=len(is_signal))}
    for name, threshold in thresholds.items():
        if name not in scores:
            raise InputError(
                f"classifier '{name}' has a threshold but no scores; score the variation with it"
            )
        passed[name] = (
            event_numbers(scores[name], f"scores of '{name}'", n_events=len(is_signal)) >= threshold
        )
    return {
        name: ClassEfficiencies(
            efficiency(keeps[is_signal], weights[is_signal], name="the signal"),
            efficiency(keeps[~is_signal], weights[~is_signal], name="the background"),
        )
        for name, keeps in passed.items()
    }
