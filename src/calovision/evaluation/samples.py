"""Samples one by one: their cut flows, effective events and signal region, and warnings."""

from collections.abc import Sequence

import numpy as np

from calovision.evaluation.events import column_names
from calovision.evaluation.results.samples import (
    CutStep,
    PreselectedEvents,
    SampleNumbers,
    SamplesSummary,
)
from calovision.metrics import Efficiency, efficiency, n_effective
from calovision.metrics.events import has_positive_sum
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection

DOMINATING_SHARE = 0.2
FEW_EVENTS = 5.0
"""A sample that makes more than `DOMINATING_SHARE` of the background in the signal region from
fewer effective events than this gets a warning."""


def summarize_samples(
    collection: ImageCollection, *, luminosity_fb: float, signal_region: str
) -> SamplesSummary:
    """Numbers of ``samples.json``, from the events of all splits: cuts are not trained.

    Parameters
    ----------
    collection
        The image files.
    luminosity_fb
        Integrated luminosity, 1/fb.
    signal_region
        Expression on the event variables.

    """
    names = collection.sample_names()
    labels = collection.column("label")
    weights = collection.event_weights(luminosity_fb)
    columns = {name: collection.column(name) for name in column_names(collection)}
    region = evaluate_cut("signal_region", signal_region, columns)
    samples = {
        name: _sample(collection, name, region[names == name], weights[names == name])
        for name in collection.samples
    }
    signal, background = (
        _region(region[labels == label], weights[labels == label]) for label in (1, 0)
    )
    warnings = [*warnings_of_files(collection), *_warnings(names, labels, region, weights)]
    return SamplesSummary(samples, signal, background, tuple(warnings))


def _sample(
    collection: ImageCollection, name: str, region: np.ndarray, weights: np.ndarray
) -> SampleNumbers:
    steps = cut_steps(collection.cut_flow(name))
    return SampleNumbers(
        label=collection.samples[name],
        cross_section_pb=collection.cross_section_pb(name),
        n_generated=steps[0].events,
        cut_flow=steps,
        preselected=PreselectedEvents(len(weights), n_effective(weights), float(weights.sum())),
        signal_region=_region(region, weights),
    )


def cut_steps(flow: Sequence[tuple[str, int, float]]) -> tuple[CutStep, ...]:
    """Steps of a cut flow, with what they keep of the first one and of the one before."""
    generated = flow[0][2]
    steps = []
    for position, (cut, n_events, total) in enumerate(flow):
        before = flow[max(position - 1, 0)][2]
        of_generated = total / generated if generated else 0.0
        of_before = total / before if before else 0.0
        steps.append(CutStep(cut, n_events, total, of_generated, of_before))
    return tuple(steps)


def _region(passed: np.ndarray, weights: np.ndarray) -> Efficiency | None:
    """Efficiency of the region; None where no event is left, or their weights cancel."""
    return efficiency(passed, weights) if has_positive_sum(weights) else None


def warnings_of_files(collection: ImageCollection) -> list[str]:
    """Warnings that the image files of the samples hold."""
    return [
        f"sample {name}: {sentence.rstrip('.')}"
        + (f" (the first of {n_files} files with such a warning)" if n_files > 1 else "")
        for name in collection.samples
        for _, sentence, n_files in collection.warnings(name)
    ]


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
