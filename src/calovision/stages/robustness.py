"""Efficiencies in other detectors, of thresholds that are fixed in the nominal one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calovision import evaluation
from calovision.evaluation.results import ClassEfficiencies, Robustness
from calovision.jobs.atomic import write_json, write_text
from calovision.selection import evaluate_cut
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.collections import Definitions, open_files
from calovision.storage import ImageCollection, read_score_table, read_scores


@dataclass(frozen=True)
class RobustnessFiles(Files):
    """Files that `evaluate_robustness` reads.

    Attributes
    ----------
    test_events
        As `calovision.stages.comparison.evaluate` writes them.
    images
        Image files of the first variation, of the second, ...; equally many of each.
    scores
        Score files of the test events: those of all models for the first variation, ... With folds
        of all events, each scored by the networks of its fold.
    """

    test_events: Path
    images: tuple[Path, ...]
    scores: tuple[Path, ...]


@dataclass(frozen=True)
class RobustnessResults(Files):
    """Files that `evaluate_robustness` writes: JSON and Markdown."""

    numbers: Path
    table: Path


@dataclass(frozen=True)
class RobustnessOptions(Options):
    """Choices of `evaluate_robustness`.

    Attributes
    ----------
    variations, models
        In the order of the files.
    first_model
        The model whose column of the test events is ``cnn``.
    luminosity_fb
        Of the expected events, 1/fb.
    signal_region
        Expression of the cuts of the search.
    background_efficiency
        Working point of the thresholds.
    variables
        Definitions of variables of the user's own that the signal region uses.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    """

    variations: Sequence[str]
    models: Sequence[str]
    first_model: str
    luminosity_fb: float
    signal_region: str
    background_efficiency: float
    folds: Mapping[str, Any] | None = None
    variables: Definitions = field(default_factory=dict)


def evaluate_robustness(
    files: RobustnessFiles,
    results: RobustnessResults,
    options: RobustnessOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Write the efficiencies of the signal region and of the networks' thresholds in every
    variation.
    """
    thresholds = _nominal_thresholds(read_score_table(files.test_events), options)
    n_files = len(files.images) // len(options.variations)
    scores = iter(files.scores)
    variations = {}
    for number, variation in enumerate(options.variations):
        collection = open_files(
            files.images[number * n_files : (number + 1) * n_files], options.variables
        )
        of_models = {model: next(scores) for model in options.models}
        variations[variation] = _efficiencies(collection, of_models, thresholds, options, count)
    found = Robustness(options.background_efficiency, thresholds, variations)
    write_json(results.numbers, found.to_json())
    write_text(results.table, found.to_markdown())


def _nominal_thresholds(
    test: dict[str, np.ndarray], options: RobustnessOptions
) -> dict[str, float]:
    columns = {model: "cnn" if model == options.first_model else model for model in options.models}
    return {
        model: evaluation.threshold_at(
            test[column], test["label"], test["weight"], options.background_efficiency
        )
        for model, column in columns.items()
    }


def _efficiencies(
    collection: ImageCollection,
    scores: dict[str, Path],
    thresholds: dict[str, float],
    options: RobustnessOptions,
    count: Count,
) -> dict[str, ClassEfficiencies]:
    """Efficiencies in one variation; ``scores`` are the files of the models."""
    is_all = options.folds is not None  # every event is in the test split of its fold
    indices = np.arange(len(collection)) if is_all else evaluation.split_indices(collection, "test")
    count(len(indices))
    events = {
        name: collection.column(name)[indices] for name in evaluation.column_names(collection)
    }
    return evaluation.efficiencies_of_variation(
        {model: read_scores(path, collection, indices) for model, path in scores.items()},
        thresholds,
        evaluate_cut("signal_region", options.signal_region, events),
        events["label"],
        collection.event_weights(options.luminosity_fb)[indices],
    )
