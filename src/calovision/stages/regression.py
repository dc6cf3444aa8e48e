"""Predictions of a target: the networks against the sum of the image and boosted trees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from calovision.core.splits import Folds
from calovision.evaluation import scored_events
from calovision.evaluation.regression.comparison import (
    RegressionRows,
    compare_regressors,
    equal_edges,
)
from calovision.evaluation.regression.opponents import fit_opponents
from calovision.evaluation.results.regression import Regression, RegressionModel
from calovision.evaluation.tagging.models import count_rows
from calovision.evaluation.tagging.rows import event_groups
from calovision.evaluation.tagging.tables import OF_JETS, row_weights, variable_names
from calovision.jobs.atomic import write_json, write_text
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.collections import Definitions, open_list
from calovision.stages.comparison import Networks, read_networks
from calovision.storage import ImageCollection, write_table
from calovision.storage.predictions import read_predictions
from calovision.storage.targets import target_values

RELATIVE = "relative"
ALL_ROWS = ("all",)
"""Class of the rows where there are no classes."""


@dataclass(frozen=True)
class RegressionFiles(Files):
    """Files that `evaluate_regression` reads, as those of `EvaluationFiles`."""

    images: Path
    scores: tuple[Path, ...]
    models: tuple[Path, ...]
    histories: tuple[Path, ...]
    variables: tuple[Path, ...] = ()


@dataclass(frozen=True)
class RegressionResults(Files):
    """Files that `evaluate_regression` writes: numbers as JSON, tables as Markdown, rows as
    HDF5.
    """

    summary: Path
    table: Path
    rows: Path
    rows_table: Path
    cut_flow_table: Path
    test_rows: Path


@dataclass(frozen=True)
class RegressionOptions(Options):
    """Choices of `evaluate_regression`.

    Attributes
    ----------
    target
        ``name``, ``title`` and ``unit``.
    regression
        Section of the configuration.
    baseline_variables
        Variables of the user's own that the boosted trees see.
    seeds
        Model -> seeds of its networks.
    seed
        Of the trees and the bootstrap.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    variables
        Definitions of variables of the user's own.
    """

    target: Mapping[str, str]
    regression: Mapping[str, Any]
    baseline_variables: Sequence[str]
    seeds: Mapping[str, Sequence[int]]
    seed: int
    folds: Mapping[str, Any] | None = None
    variables: Definitions = field(default_factory=dict)

    @property
    def is_relative(self) -> bool:
        """Residuals are relative."""
        return self.regression["residual"] == RELATIVE


def evaluate_regression(
    files: RegressionFiles,
    results: RegressionResults,
    options: RegressionOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Write bias and resolution of all models and opponents, and the table of the test rows that
    the plots draw.
    """
    collection = open_list(files.images, options.variables, files.variables)
    folds = None if options.folds is None else Folds(**options.folds)
    scored = scored_events(collection, folds)
    count(len(scored.indices))
    name = options.target["name"]
    truth = target_values(collection, name)
    read = partial(read_predictions, target=name)
    networks = read_networks(files, options.seeds, collection, scored, read=read)
    opponents = fit_opponents(
        collection,
        truth,
        scored,
        folds=folds,
        variables=_boosted(collection, options),
        is_relative=options.is_relative,
        boosting=options.regression["boosting"],
        seed=options.seed,
    )
    tested = scored.rows(of_test=True)
    indices = scored.indices[tested]
    known = np.isfinite(truth[indices])
    usable = known & ((truth[indices] > 0) | (not options.is_relative))
    weights, warnings = row_weights(collection)
    columns = _keys(collection, indices) | {"truth": truth[indices], "weight": weights[indices]}
    predictions = {one: each[tested] for one, each in (networks.scores | opponents).items()}
    columns |= {one: each.reshape(len(each), -1).mean(axis=1) for one, each in predictions.items()}
    write_table(results.test_rows, {one: each[usable] for one, each in columns.items()})
    rows = RegressionRows(
        truth[indices][usable],
        columns["weight"][usable],
        event_groups({one: columns[one][usable] for one in ("sample", "event_number")}),
        options.is_relative,
    )
    found = _numbers(rows, {one: each[usable] for one, each in predictions.items()}, options)
    summary = Regression(
        target=name,
        title=options.target["title"],
        unit=options.target["unit"],
        is_relative=options.is_relative,
        n_rows=len(rows.truth),
        n_missing=int(np.count_nonzero(~known)),
        n_not_positive=int(np.count_nonzero(known & ~usable)),
        n_folds=None if folds is None else folds.number,
        opponents=tuple(opponents),
        regressors=found,
        models=_models(networks),
        warnings=tuple(warnings),
    )
    write_json(results.summary, summary.to_json())
    write_text(results.table, summary.to_markdown())
    _write_counts(results, collection, warnings, has_folds=folds is not None)


def _write_counts(
    results: RegressionResults,
    collection: ImageCollection,
    warnings: Sequence[str],
    *,
    has_folds: bool,
) -> None:
    """Write how many rows each sample has, and the cut flow."""
    counted = count_rows(collection, collection.classes or ALL_ROWS, warnings, has_folds=has_folds)
    write_json(results.rows, counted.to_json())
    write_text(results.rows_table, counted.to_markdown())
    write_text(results.cut_flow_table, counted.cut_flow_to_markdown())


def _boosted(collection: ImageCollection, options: RegressionOptions) -> list[str]:
    """Columns that the trees see: those of the package but the target, and what the user adds;
    other variables of the user's own may tell the truth.
    """
    of_package = [name for name in variable_names(collection) if name not in collection.variables]
    names = dict.fromkeys([*of_package, *options.baseline_variables])
    return [name for name in names if name != options.target["name"]]


def _keys(collection: ImageCollection, indices: np.ndarray) -> dict[str, np.ndarray]:
    of_jets = OF_JETS if collection.metadata.kind == "jet" else ()
    columns = {name: collection.column(name)[indices] for name in ("event_number", *of_jets)}
    return {"sample": collection.sample_names()[indices], **columns}


def _numbers(
    rows: RegressionRows, predictions: Mapping[str, np.ndarray], options: RegressionOptions
) -> dict[str, Any]:
    """Numbers of all regressors; ratios are over the opponents and the first model."""
    regression = options.regression
    edges = np.asarray(regression["edges"], dtype=np.float64)
    if not len(edges):
        edges = equal_edges(rows.truth, regression["n_bins"])
    opponents = [name for name in predictions if name not in options.seeds]
    return compare_regressors(
        rows,
        predictions,
        edges,
        seeds=options.seeds,
        references=[*opponents, next(iter(options.seeds))],
        with_fit=regression["fit"],
        seed=options.seed,
    )


def _models(networks: Networks) -> dict[str, RegressionModel]:
    return {
        name: RegressionModel(
            **vars(numbers),
            trainings={str(seed): record for seed, record in networks.runs[name].items()},
        )
        for name, numbers in networks.numbers.items()
    }
