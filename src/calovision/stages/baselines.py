"""Shallow classifiers on the variables of an event, tuned on the validation split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.core.splits import Folds
from calovision.datasets import training_weights
from calovision.evaluation import score_shallow, scored_events
from calovision.jobs.atomic import write_json
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.storage import ImageCollection, read_file_list, write_scores


@dataclass(frozen=True)
class BaselineResults(Files):
    """Files that `fit_baselines` writes: scores, and the choices of each classifier as JSON."""

    scores: Path
    chosen: Path


@dataclass(frozen=True)
class BaselineOptions(Options):
    """Choices of `fit_baselines`.

    Attributes
    ----------
    classifiers
        Of `calovision.evaluation.baselines.BASELINES`.
    luminosity_fb
        Of the expected events, 1/fb.
    weights
        Weights of the loss: one of `calovision.datasets.WEIGHT_SCHEMES`.
    seed
        Of everything random.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    """

    classifiers: Sequence[str]
    luminosity_fb: float
    weights: str
    seed: int
    folds: Mapping[str, Any] | None = None


def fit_baselines(
    images: Path, results: BaselineResults, options: BaselineOptions, *, count: Count = not_counted
) -> None:
    """Fit the classifiers on the training split of the listed image files, and write their scores
    for the validation and test splits; with folds for those of each fold in turn, and the column
    ``fold``.
    """
    collection = ImageCollection(read_file_list(images))
    count(len(collection))
    expected = collection.event_weights(options.luminosity_fb)
    weights = training_weights(collection.column("label"), expected, options.weights)
    folds = None if options.folds is None else Folds(**options.folds)
    scores, chosen = score_shallow(
        collection, options.classifiers, weights, seed=options.seed, folds=folds
    )
    scored = scored_events(collection, folds)
    of_rows = {} if scored.fold is None else {"fold": scored.fold}
    write_scores(results.scores, collection, scored.indices, of_rows | scores)
    write_json(results.chosen, chosen.to_json())
