"""Samples one by one: what was generated, what each cut leaves, and which of them a few heavy
events dominate.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from calovision.core.markdown import escape, markdown_table
from calovision.evaluation.summary import column_names
from calovision.evaluation.working_points import format_efficiency
from calovision.metrics import Efficiency, efficiency, n_effective
from calovision.metrics.events import has_positive_sum
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection

DOMINATING_SHARE, FEW_EVENTS = 0.2, 5.0
"""A sample that makes more than this share of the background in a region from fewer effective
events gets a warning."""


def summarize_samples(
    collection: ImageCollection, *, luminosity_fb: float, signal_region: str
) -> dict[str, Any]:
    """The numbers of ``samples.json``, from the events of all splits: cuts are not trained.

    Parameters
    ----------
    collection
        The image files.
    luminosity_fb
        Integrated luminosity, 1/fb.
    signal_region
        Expression on the event variables.

    Returns
    -------
    ``samples``: of each its ``label``, ``cross_section_pb``, ``n_generated``, the ``cut_flow``
    (name, events, sum of weights, efficiency relative to generated and to the cut before),
    ``preselected`` (events, n_eff, expected events) and ``signal_region`` (efficiency of the
    preselected events); ``background`` and ``signal``: the same region for all samples of a label;
    ``warnings``: sentences.
    """
    names, labels = collection.sample_names(), collection.column("label")
    weights = collection.event_weights(luminosity_fb)
    columns = {name: collection.column(name) for name in column_names(collection)}
    region = evaluate_cut("signal_region", signal_region, columns)
    samples = {
        name: _sample(collection, name, region[names == name], weights[names == name])
        for name in collection.samples
    }
    classes = {
        title: _region(region[labels == label], weights[labels == label])
        for title, label in (("signal", 1), ("background", 0))
    }
    return {"samples": samples, **classes, "warnings": _warnings(names, labels, region, weights)}


def _sample(
    collection: ImageCollection, name: str, region: np.ndarray, weights: np.ndarray
) -> dict[str, Any]:
    cross_section = collection.cross_section_pb(name)
    flow = collection.cut_flow(name)
    steps = []
    for position, (cut, n_events, total) in enumerate(flow):
        before = flow[max(position - 1, 0)][2]
        of_generated = total / flow[0][2] if flow[0][2] else 0.0
        relative = {"efficiency": of_generated, "relative": total / before if before else 0.0}
        steps.append({"cut": cut, "events": n_events, "sum_of_weights": total} | relative)
    return {
        "label": collection.samples[name],
        "cross_section_pb": cross_section,
        "n_generated": flow[0][1],
        "cut_flow": steps,
        "preselected": {
            "n": len(weights),
            "n_eff": n_effective(weights),
            "expected": float(weights.sum()),
        },
        "signal_region": _region(region, weights),
    }


def _region(passed: np.ndarray, weights: np.ndarray) -> dict[str, float] | None:
    """Efficiency of the region; None where no event is left, or their weights cancel."""
    return asdict(efficiency(passed, weights)) if has_positive_sum(weights) else None


def _warnings(
    names: np.ndarray, labels: np.ndarray, region: np.ndarray, weights: np.ndarray
) -> list[str]:
    """Samples that make much of the background of the signal region from few effective events."""
    inside = region & (labels == 0)
    total = weights[inside].sum()
    found = []
    for name in np.unique(names[inside]):
        of_sample = weights[inside & (names == name)]
        share = of_sample.sum() / total if has_positive_sum(weights[inside]) else 0.0
        n_eff = n_effective(of_sample)
        if share > DOMINATING_SHARE and n_eff < FEW_EVENTS:
            found.append(
                f"sample {name} makes {share:.0%} of the background in the signal region from "
                f"{n_eff:.1f} effective "
                "events: generate more of it, or harder ones (bias_power)"
            )
    if not inside.any():
        found.append(
            "no background event passes the signal region: its efficiency is an upper limit; "
            "generate more"
        )
    elif not has_positive_sum(weights[inside]):
        found.append(
            "the background in the signal region cancels by its negative weights; generate more of "
            "it"
        )
    return found


def samples_table(found: Mapping[str, Any]) -> str:
    """Samples as Markdown."""
    header = [
        "sample",
        "cross-section [pb]",
        "generated",
        "preselected",
        "efficiency",
        "effective events",
        "expected events",
    ]
    header += ["signal region, of the preselected"]
    rows = []
    for name, numbers in found["samples"].items():
        after, region = numbers["preselected"], numbers["signal_region"]
        rows.append(
            [
                name,
                f"{numbers['cross_section_pb']:.4g}",
                f"{numbers['n_generated']:,}",
                f"{after['n']:,}",
                f"{numbers['cut_flow'][-1]['efficiency']:.3g}",
                f"{after['n_eff']:,.0f}",
                f"{after['expected']:.3g}",
                format_efficiency(Efficiency(**region)) if region else "no event",
            ]
        )
    lines = markdown_table(header, rows)
    for title in ("signal", "background"):
        region = found[title]
        if region:
            value = Efficiency(**region)
            lines += [
                "",
                f"Signal region, all {title} together: {format_efficiency(value)}, "
                f"{value.n_eff:.1f} effective events.",
            ]
    lines += (
        ["", *(f"**Warning**: {escape(text)}." for text in found["warnings"])]
        if found["warnings"]
        else []
    )
    return "\n".join(lines) + "\n"


def cut_flow_table(found: Mapping[str, Any]) -> str:
    """Cut flows as Markdown: events, sum of weights, efficiency, and relative to the cut before."""
    rows = [
        [
            name,
            step["cut"],
            f"{step['events']:,}",
            f"{step['sum_of_weights']:.5g}",
            f"{step['efficiency']:.3g}",
            f"{step['relative']:.3g}",
        ]
        for name, numbers in found["samples"].items()
        for step in numbers["cut_flow"]
    ]
    return (
        "\n".join(
            markdown_table(
                ["sample", "cut", "events", "sum of weights", "of generated", "of the cut before"],
                rows,
            )
        )
        + "\n"
    )
