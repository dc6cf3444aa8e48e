"""Efficiencies of fixed thresholds when the detector differs from the one of the training."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from calovision.core.errors import InputError
from calovision.core.markdown import markdown_table
from calovision.evaluation.working_points import format_efficiency
from calovision.metrics import Efficiency, efficiency
from calovision.metrics.events import (
    check_weights,
    event_flags,
    event_labels,
    event_numbers,
    numeric_array,
    scaled_to_one,
)

CUTS = "signal_region"


def threshold_at(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, background_efficiency: float
) -> float:
    """Lowest threshold that at most this weighted share of the background reaches, before more than
    it first does.

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
) -> dict[str, dict[str, Any]]:
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
    ``signal_region`` and classifiers -> ``signal`` and ``background``: value, low, high, n_eff of
    the preselected events.

    Raises
    ------
    InputError
        If arrays do not fit together, a classifier has no scores, or a class has no positive sum of
        weights.
    """
    is_signal = event_labels(labels)
    weights = event_numbers(weights, "weights", n_events=len(is_signal), finite=False)
    passed = {CUTS: event_flags(region, "values of the signal region", n_events=len(is_signal))}
    for name, threshold in thresholds.items():
        if name not in scores:
            raise InputError(
                f"classifier '{name}' has a threshold but no scores; score the variation with it"
            )
        passed[name] = (
            event_numbers(scores[name], f"scores of '{name}'", n_events=len(is_signal)) >= threshold
        )
    return {
        name: {
            title: asdict(efficiency(keeps[members], weights[members], name=f"the {title}"))
            for title, members in (("signal", is_signal), ("background", ~is_signal))
        }
        for name, keeps in passed.items()
    }


def robustness_table(found: Mapping[str, Any]) -> str:
    """Variations as Markdown."""
    header = ["variation", "selection", "signal", "over nominal", "background"]
    rows = []
    for variation, selections in found["variations"].items():
        for name, numbers in selections.items():
            nominal = found["variations"]["nominal"][name]["signal"]["value"]
            ratio = f"{numbers['signal']['value'] / nominal:.3f}" if nominal > 0 else "none"
            cells = [
                format_efficiency(Efficiency(**numbers[kind])) for kind in ("signal", "background")
            ]
            rows.append([variation, name.replace("_", " "), cells[0], ratio, cells[1]])
    text = (
        "Signal and background efficiencies of thresholds that are fixed in the nominal detector "
        "at background "
        f"efficiency {found['background_efficiency']:.2g}."
    )
    return f"{text}\n\n" + "\n".join(markdown_table(header, rows)) + "\n"
