"""Shallow classifiers on the variables of an event, tuned on the validation split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calovision.core.splits import SPLITS, Folds
from calovision.datasets import training_weights
from calovision.evaluation import score_shallow, scored_events
from calovision.jobs.atomic import write_json
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.collections import Definitions, open_list
from calovision.storage import write_scores


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
    variables
        Definitions of the variables of the user's own that they see.
    further
        Names of variables that all see beside their own.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    """

    classifiers: Sequence[str]
    luminosity_fb: float
    weights: str
    seed: int
    folds: Mapping[str, Any] | None = None
    variables: Definitions = field(default_factory=dict)
    further: Sequence[str] = ()


def fit_baselines(
    images: Path,
    results: BaselineResults,
    options: BaselineOptions,
    *,
    tables: Sequence[Path] = (),
    count: Count = not_counted,
) -> None:
    """Fit the classifiers on the training split of the listed image files, and write their scores
    for the validation and test splits; with folds for those of each fold in turn, and the column
    ``fold``. ``tables`` are those of the variables, as of `open_list`.
    """
    collection = open_list(images, options.variables, tables)
    count(len(collection))
    expected = collection.event_weights(options.luminosity_fb)
    weights = training_weights(collection.column("label"), expected, options.weights)
    folds = None if options.folds is None else Folds(**options.folds)
    scores, chosen = score_shallow(
        collection,
        options.classifiers,
        weights,
        seed=options.seed,
        folds=folds,
        further=options.further,
    )
    scored = scored_events(collection, folds)
    test, validation = (SPLITS.index(name) for name in ("test", "validation"))
    split = np.where(scored.is_test, test, validation).astype(np.uint8)
    of_rows = {} if scored.fold is None else {"folds": scored.fold, "split": split}
    write_scores(results.scores, collection, scored.indices, scores, **of_rows)
    write_json(results.chosen, chosen.to_json())
