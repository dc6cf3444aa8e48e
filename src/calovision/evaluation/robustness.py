"""Efficiencies of fixed thresholds when the detector differs from the one of the training."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from calovision.evaluation.working_points import format_efficiency
from calovision.markdown import markdown_table
from calovision.metrics import Efficiency, efficiency

CUTS = "signal_region"


def threshold_at(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, background_efficiency: float) -> float:
    """Lowest threshold that at most this weighted share of the background reaches."""
    background = np.flatnonzero(np.asarray(labels) == 0)
    order = background[np.argsort(-np.asarray(scores)[background], kind="stable")]
    share = np.maximum.accumulate(np.cumsum(np.asarray(weights)[order])) / np.asarray(weights)[order].sum()
    passing = int(np.searchsorted(share, background_efficiency, side="right"))
    return float(np.nextafter(scores[order[passing]], np.inf)) if passing < len(order) else -np.inf


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
    ``signal_region`` and classifiers -> ``signal`` and ``background``: value, low, high, n_eff of the preselected
    events.
    """
    passed = {CUTS: region} | {name: scores[name] >= threshold for name, threshold in thresholds.items()}
    return {
        name: {
            title: asdict(efficiency(keeps[labels == label], weights[labels == label], name=f"the {title}"))
            for title, label in (("signal", 1), ("background", 0))
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
            cells = [format_efficiency(Efficiency(**numbers[kind])) for kind in ("signal", "background")]
            rows.append([variation, name.replace("_", " "), cells[0], ratio, cells[1]])
    text = (
        "Signal and background efficiencies of thresholds that are fixed in the nominal detector at background "
        f"efficiency {found['background_efficiency']:.2g}."
    )
    return f"{text}\n\n" + "\n".join(markdown_table(header, rows)) + "\n"
