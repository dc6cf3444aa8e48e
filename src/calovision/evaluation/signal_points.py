"""Inputs of the reach from the samples of a run: expected events, and tables of signal events."""

from collections.abc import Mapping

import numpy as np

from calovision.core.errors import InputError
from calovision.core.splits import Folds
from calovision.evaluation.events import column_names
from calovision.evaluation.reach.masses import SignalPoint
from calovision.evaluation.reach.search import ExpectedEvents
from calovision.evaluation.results.numbers import REGION
from calovision.evaluation.results.samples import SampleNumbers
from calovision.metrics.events import event_numbers
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection


def expected_events(samples: Mapping[str, SampleNumbers]) -> ExpectedEvents:
    """Events of both labels expected after the preselection, and the cross-section of the signal.

    Numbers of several samples of a label are added up.
    """

    def total(label: int) -> float:
        return sum(one.preselected.expected for one in samples.values() if one.label == label)

    cross_section = sum(one.cross_section_pb for one in samples.values() if one.label == 1)
    return ExpectedEvents(total(1), total(0), cross_section)


def signal_point(
    collection: ImageCollection,
    scores: np.ndarray,
    *,
    signal_region: str,
    luminosity_fb: float,
    folds: Folds | None = None,
) -> SignalPoint:
    """Events of one sample with the scores of the first model, ``(n,)``.

    No network saw them. With folds each still has one, whose networks score it and whose bins take
    it, as an event of the data would: then the limit is that of the analysis whose background it
    uses, and none of its thresholds is asked of other networks.

    Parameters
    ----------
    collection, scores
        Image files of the sample, and the score of each event.
    signal_region
        Cut, as an expression.
    luminosity_fb
        Integrated luminosity, 1/fb.
    folds
        Folds of the analysis, if it has some.

    Raises
    ------
    InputError
        If the collection holds several samples, or no event, or there is not one finite score an
        event.
    """
    if len(collection.samples) != 1 or len(collection) == 0:
        raise InputError(
            "a signal of the reach is one sample with preselected events: give each a name of its "
            "own"
        )
    columns = {name: collection.column(name) for name in column_names(collection)}
    weights = collection.event_weights(luminosity_fb)
    events = {
        "label": np.ones(len(weights), dtype=np.int8),
        "weight": weights,
        REGION: evaluate_cut("signal_region", signal_region, columns),
        "cnn": event_numbers(scores, "scores", n_events=len(weights)),
    }
    if folds is not None:
        events["fold"] = collection.folds(folds)
    return SignalPoint(
        events, collection.cross_section_pb(next(iter(collection.samples))), float(weights.sum())
    )


def nominal_point(test: Mapping[str, np.ndarray], sample: SampleNumbers) -> SignalPoint:
    """Signal of the training: its test events, and the numbers of its sample."""
    names = ("label", "weight", REGION, "cnn", *(["fold"] if "fold" in test else []))
    events = {name: test[name] for name in names}
    return SignalPoint(events, sample.cross_section_pb, sample.preselected.expected)
