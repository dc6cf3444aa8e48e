"""How much more signal than the cuts: all classifiers at the background efficiency of the signal region, paired."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from calovision.evaluation.paired import Comparison, compare_paired
from calovision.markdown import Markdown, markdown_table

UNWEIGHTED_POINT = 1e-3  # background efficiency at which networks are compared, every event counting 1


def compare_with_cuts(
    test: Mapping[str, np.ndarray], scores: Mapping[str, np.ndarray], *, reference: str | None, seed: int
) -> dict[str, Any]:
    """The numbers of ``comparison.json``.

    Parameters
    ----------
    test
        Table of test events.
    scores
        Classifier -> its scores ``(n,)``, or those of its networks ``(n, n_networks)``.
    reference
        Classifier of a referee, by which all are divided, too; None: there is none.
    seed
        Of the bootstrap.

    Returns
    -------
    ``at_signal_region`` and ``unweighted``, each with ``background_efficiency`` and ``classifiers``: of each the
    ``signal_efficiency`` and the paired ratios ``over_cuts`` (at the signal region only) and ``over_reference``, as
    value, low and high; None where there is no number, as the ratio to cuts that keep no signal.
    """
    labels, weights = test["label"], test["weight"]
    region = test["signal_region"].astype(bool)
    at_region = compare_paired(scores, labels, weights, signal_region=region, seed=seed)
    unweighted = compare_paired(scores, labels, np.ones(len(labels)), background_efficiency=UNWEIGHTED_POINT, seed=seed)
    background = labels == 0
    return {
        "at_signal_region": {
            "background_efficiency": float(weights[region & background].sum() / weights[background].sum()),
            "classifiers": _results(at_region, reference, cuts="signal_region"),
        },
        "unweighted": {
            "background_efficiency": UNWEIGHTED_POINT,
            "classifiers": _results(unweighted, reference, cuts=None),
        },
    }


def _results(found: Comparison, reference: str | None, *, cuts: str | None) -> dict[str, dict]:
    ratios = {"over_cuts": cuts, "over_reference": reference}
    return {
        name: {"signal_efficiency": _known(found.value(name))}
        | {ratio: _known(found.ratio(name, other)) for ratio, other in ratios.items() if other in found.nominal}
        for name in found.nominal
    }


def _known(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON, which has no nan."""
    return {key: value if np.isfinite(value) else None for key, value in numbers.items()}


def comparison_table(comparison: Mapping[str, Any]) -> str:
    """The comparison as Markdown."""
    weighted, unweighted = comparison["at_signal_region"], comparison["unweighted"]
    first = next(iter(weighted["classifiers"].values()))
    ratios = {"over_cuts": "over the cuts", "over_reference": Markdown("over `referee`")}
    ratios = {name: title for name, title in ratios.items() if name in first}
    point = f"{weighted['background_efficiency']:.2g}"
    header = ["classifier", f"signal at the signal region's background ({point})", *ratios.values()]
    header += [f"signal at background {UNWEIGHTED_POINT:g}, every event counts 1"]
    rows = []
    for name, numbers in weighted["classifiers"].items():
        other = unweighted["classifiers"].get(name)
        cells = [format_interval(numbers["signal_efficiency"]), *(format_interval(numbers[ratio]) for ratio in ratios)]
        rows.append([name.replace("_", " "), *cells, format_interval(other["signal_efficiency"]) if other else ""])
    text = (
        "Signal efficiency at equal background efficiency with 68 % intervals from a bootstrap over the events and "
        "over the networks of a model; the ratios are paired: both classifiers see the same events in every replica."
    )
    return f"{text}\n\n" + "\n".join(markdown_table(header, rows)) + "\n"


def format_interval(numbers: Mapping[str, float | None]) -> str:
    """``0.853 (0.841 to 0.862)``; words where there is no number."""
    if numbers["value"] is None:
        return "none"
    if numbers["low"] is None:
        return f"{numbers['value']:.3g}"
    return f"{numbers['value']:.3g} ({numbers['low']:.3g} to {numbers['high']:.3g})"
