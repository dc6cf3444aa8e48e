"""Summary of the CNN, the cuts and the jet variables of a search on the test split."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

from calovision.evaluation.compared import (
    EXAMPLE,
    Compared,
    compared_samples,
)
from calovision.evaluation.events import CLASSIFIERS
from calovision.evaluation.results.numbers import REGION, Performance
from calovision.evaluation.results.summary import (
    CutRegion,
    EventCount,
    EventCounts,
    Preselection,
    RegionEfficiencies,
    RegionWorkingPoint,
    SampleEfficiencies,
    SkippedFile,
    Summary,
)
from calovision.evaluation.working_points import (
    RegionNumbers,
    named_points,
    performance,
    region_numbers,
)
from calovision.metrics import auc, n_effective, roc
from calovision.metrics.events import column_of, has_positive_sum
from calovision.storage import ImageCollection


def summarize(
    collection: ImageCollection,
    test: Mapping[str, np.ndarray],
    background_efficiencies: Sequence[float],
    *,
    models: Sequence[str] = (),
    compared: Compared = EXAMPLE,
    n_folds: int | None = None,
) -> Summary:
    """Numbers of ``summary.json``: preselection, signal region and classifiers on the test split.

    Parameters
    ----------
    collection
        The image files, for the preselection.
    test
        The table of the test split of ``tabulate_events``.
    background_efficiencies
        Working points; the signal region's own is added as ``"signal_region"``. If no background
        survives in the signal region, its 68.3 % upper limit is used
        (`calovision.metrics.region_point`).
    models
        Columns of models beside the first one.
    compared
        Variables and further regions; of each sample, if asked for.
    n_folds
        Number of folds whose classifiers score the events of the table, which then has all; None
        without folds.

    Raises
    ------
    InputError
        If a column is missing, a working point is not in (0, 1], or a class has no positive sum of
        weights.
    """
    labels = np.asarray(test["label"]).ravel()
    weights = np.asarray(test["weight"]).ravel()
    names = [CLASSIFIERS[0], *compared.in_summary, CLASSIFIERS[-1], *models]
    found = _compare(test, names, background_efficiencies, compared)
    region = found.regions.pop(REGION)
    return Summary(
        calovision_version=version("calovision"),
        skipped_files=tuple(SkippedFile(*skipped) for skipped in collection.skipped_files),
        preselection={sample: _preselection(collection, sample) for sample in collection.samples},
        test_events=EventCounts(
            signal=_count(weights[labels == 1]), background=_count(weights[labels == 0])
        ),
        signal_region=RegionEfficiencies(region.signal_efficiency, region.background_efficiency),
        region_point=region.point,
        classifiers=found.classifiers,
        regions=found.regions or None,
        samples=_samples(test, names, background_efficiencies, compared)
        if compared.per_sample
        else None,
        folds=n_folds,
        auc_of_folds=None
        if n_folds is None
        else _auc_of_folds(test, [CLASSIFIERS[0], CLASSIFIERS[-1], *models]),
    )


def _auc_of_folds(test: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, float]:
    """Mean AUC of the folds in which both classes have a positive sum of weights."""
    fold, labels, weights = (np.asarray(test[name]).ravel() for name in ("fold", "label", "weight"))
    folds = [
        members
        for members in (fold == one for one in np.unique(fold))
        if all(has_positive_sum(weights[members & (labels == label)]) for label in (0, 1))
    ]
    found = {}
    for name in names if folds else ():
        scores = column_of(test, name)
        found[name] = float(
            np.mean([auc(roc(scores[one], labels[one], weights[one])) for one in folds])
        )
    return found


class _Found(NamedTuple):
    regions: dict[str, CutRegion]
    classifiers: dict[str, Performance]


def _compare(
    test: Mapping[str, np.ndarray],
    names: Sequence[str],
    background_efficiencies: Sequence[float],
    compared: Compared,
) -> _Found:
    """Signal region and further regions, and classifiers at the background efficiency of each."""
    regions = {REGION: region_numbers(test)}
    regions |= {name: region_numbers(test, one) for name, one in compared.passed(test).items()}
    points = named_points(background_efficiencies)
    points |= {name: one.point for name, one in regions.items()}
    labels, weights = (np.asarray(test[name]).ravel() for name in ("label", "weight"))
    return _Found(
        {name: _cut_region(one) for name, one in regions.items()},
        {
            name: performance(scores, labels, weights, points, compared.signal_efficiencies)
            for name, scores in compared.scores(test, names).items()
        },
    )


def _cut_region(found: RegionNumbers) -> CutRegion:
    point = RegionWorkingPoint(found.point.background_efficiency, found.point.is_limit)
    return CutRegion(found.signal, found.background, point)


def _samples(
    test: Mapping[str, np.ndarray],
    names: Sequence[str],
    background_efficiencies: Sequence[float],
    compared: Compared,
) -> dict[str, SampleEfficiencies]:
    """Numbers of each sample that shares its class with others."""
    samples = np.asarray(test["sample"]).astype(str)
    results = {}
    for sample, members in compared_samples(test).items():
        own = samples == sample
        weights = np.asarray(test["weight"])[own]
        found = _Found({}, {})
        if has_positive_sum(weights):
            events = {name: np.asarray(values)[members] for name, values in test.items()}
            found = _compare(events, names, background_efficiencies, compared)
        regions = {
            name: RegionEfficiencies(one.signal_efficiency, one.background_efficiency)
            for name, one in found.regions.items()
        }
        label = int(np.asarray(test["label"])[own][0])
        results[sample] = SampleEfficiencies(label, _count(weights), regions, found.classifiers)
    return results


def _count(weights: np.ndarray) -> EventCount:
    return EventCount(len(weights), n_effective(weights))


def _preselection(collection: ImageCollection, sample: str) -> Preselection:
    """Numbers of events before and after, and the weighted efficiency."""
    cut_flow = collection.cut_flow(sample)
    generated, passed = cut_flow[0], cut_flow[-1]
    efficiency = passed[2] / generated[2] if generated[2] else 0.0
    return Preselection(generated[1], passed[1], efficiency)
