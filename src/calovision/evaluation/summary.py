"""Summary of the CNN, the cuts and the jet variables of a search on the test split."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np

from calovision.evaluation.events import CLASSIFIERS
from calovision.evaluation.results.numbers import REGION
from calovision.evaluation.results.summary import (
    EventCount,
    EventCounts,
    Preselection,
    RegionEfficiencies,
    RegionWorkingPoint,
    SkippedFile,
    Summary,
)
from calovision.evaluation.working_points import named_points, performance, region_numbers
from calovision.metrics import n_effective
from calovision.metrics.events import column_of
from calovision.storage import ImageCollection


def summarize(
    collection: ImageCollection,
    test: Mapping[str, np.ndarray],
    background_efficiencies: Sequence[float],
    *,
    models: Sequence[str] = (),
) -> Summary:
    """Numbers of ``summary.json``: preselection, signal region and classifiers on the test split.

    Parameters
    ----------
    collection
        The image files, for the preselection.
    test
        The table of the test split of ``tabulate_events``.
    background_efficiencies
        Working points; the signal region's own is added as ``"signal_region"``. Where no background
        is left in the signal region, the upper end of its interval takes the place of 0
        (`calovision.metrics.region_point`).
    models
        Columns of models beside the first one.

    Raises
    ------
    InputError
        If a column is missing, a working point is not in (0, 1], or a class has no positive sum of
        weights.
    """
    region = region_numbers(test)
    labels = np.asarray(test["label"]).ravel()
    weights = np.asarray(test["weight"]).ravel()
    points = named_points(background_efficiencies) | {REGION: region.point}
    point = region.point
    return Summary(
        calovision_version=version("calovision"),
        skipped_files=tuple(SkippedFile(*skipped) for skipped in collection.skipped_files),
        preselection={sample: _preselection(collection, sample) for sample in collection.samples},
        test_events=EventCounts(
            signal=_count(weights[labels == 1]), background=_count(weights[labels == 0])
        ),
        signal_region=RegionEfficiencies(region.signal, region.background),
        region_point=RegionWorkingPoint(point.background_efficiency, point.is_limit),
        classifiers={
            name: performance(column_of(test, name), labels, weights, points)
            for name in (*CLASSIFIERS, *models)
        },
    )


def _count(weights: np.ndarray) -> EventCount:
    return EventCount(len(weights), n_effective(weights))


def _preselection(collection: ImageCollection, sample: str) -> Preselection:
    """Numbers of events before and after, and the weighted efficiency."""
    cut_flow = collection.cut_flow(sample)
    generated, passed = cut_flow[0], cut_flow[-1]
    efficiency = passed[2] / generated[2] if generated[2] else 0.0
    return Preselection(generated[1], passed[1], efficiency)
