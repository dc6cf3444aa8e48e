"""Taggers: boosted trees on the variables of the rows, and the comparison of all classifiers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calovision.core.classes import class_names
from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.splits import SPLITS, Folds
from calovision.datasets.weights import event_weights
from calovision.evaluation import scored_events
from calovision.evaluation.results import TaggingBins
from calovision.evaluation.results.tagging_tables import main_discriminants
from calovision.evaluation.tagging import (
    all_discriminants,
    log_probabilities,
)
from calovision.evaluation.tagging.baselines import BOOSTING, score_boosting
from calovision.evaluation.tagging.bins import bin_edges, binned, efficiency_of_bins
from calovision.evaluation.tagging.details import diagnose_taggers, mass_of
from calovision.evaluation.tagging.models import compare_networks, count_rows
from calovision.evaluation.tagging.summary import TaggingTables, summarize_taggers
from calovision.evaluation.tagging.tables import (
    row_weights,
    single_variables,
    tabulate_rows,
    variable_names,
)
from calovision.evaluation.tagging.variables import varies
from calovision.evaluation.working_points import named_points
from calovision.jobs.atomic import write_json, write_text
from calovision.metrics import ensemble_scores
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.collections import Definitions, open_list
from calovision.stages.comparison import read_networks
from calovision.storage import ImageCollection, read_score_columns, write_scores, write_table
from calovision.training.weights import fit_flat, loss_weights


@dataclass(frozen=True)
class TaggerBaselineResults(Files):
    """Files that `fit_tagger_baselines` writes: scores, and what was chosen as JSON."""

    scores: Path
    chosen: Path


@dataclass(frozen=True)
class TaggerBaselineOptions(Options):
    """Choices of `fit_tagger_baselines`.

    Attributes
    ----------
    loss
        Weights of the loss: `calovision.training.options.LOSS_OPTIONS`, those of the networks.
    luminosity_fb
        Of the weights that are expected events, 1/fb.
    seed
        Of everything random.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    variables
        Definitions of variables of the user's own.
    """

    loss: Mapping[str, Any]
    luminosity_fb: float
    seed: int
    folds: Mapping[str, Any] | None = None
    variables: Definitions = field(default_factory=dict)


def fit_tagger_baselines(
    images: Path,
    results: TaggerBaselineResults,
    options: TaggerBaselineOptions,
    *,
    tables: Sequence[Path] = (),
    count: Count = not_counted,
) -> None:
    """Fit boosted trees on the training rows of the listed image files, and write their scores for
    the validation and test rows; ``tables`` are those of the variables, as of `open_list`.
    """
    collection = open_list(images, options.variables, tables)
    count(len(collection))
    folds = None if options.folds is None else Folds(**options.folds)

    def weights(split: np.ndarray) -> np.ndarray:
        return _loss_weights(collection, split, options)

    scores, chosen = score_boosting(collection, weights, seed=options.seed, folds=folds)
    scored = scored_events(collection, folds)
    further = {} if folds is None else {"folds": scored.fold, "split": _split(scored.is_test)}
    further["classes"] = collection.classes
    write_scores(results.scores, collection, scored.indices, {BOOSTING: scores}, **further)
    write_json(results.chosen, chosen.to_json())


def _loss_weights(
    collection: ImageCollection, split: np.ndarray, options: TaggerBaselineOptions
) -> np.ndarray:
    """Weights of the loss of the rows that train and validate, ``(n,)``, those of a network; 0 of
    others.
    """
    from calovision.training import TrainingOptions

    of_network = TrainingOptions(**options.loss)
    of_events = event_weights(collection, of_network.weights, options.luminosity_fb)
    training, validation = (np.flatnonzero(split == SPLITS.index(name)) for name in SPLITS[:2])
    flat = fit_flat(collection, training, of_events, of_network)
    weights = np.zeros(len(collection))
    for chosen in (training, validation):
        weights[chosen] = loss_weights(collection, chosen, of_events, of_network, flat)
    return weights


def _split(is_test: np.ndarray) -> np.ndarray:
    test, validation = (SPLITS.index(name) for name in ("test", "validation"))
    return np.where(is_test, test, validation).astype(np.uint8)


@dataclass(frozen=True)
class TaggerFiles(Files):
    """Files that `evaluate_taggers` reads, as those of `EvaluationFiles`; ``baselines`` are the
    scores of the boosted trees, if there are any.
    """

    images: Path
    baselines: tuple[Path, ...]
    scores: tuple[Path, ...]
    models: tuple[Path, ...]
    histories: tuple[Path, ...]
    variables: tuple[Path, ...] = ()


@dataclass(frozen=True)
class TaggerResults(Files):
    """Files that `evaluate_taggers` writes: numbers as JSON, tables as Markdown, rows as HDF5."""

    summary: Path
    table: Path
    models: Path
    models_table: Path
    bins: Path
    diagnostics: Path
    rows: Path
    rows_table: Path
    cut_flow_table: Path
    validation_rows: Path
    test_rows: Path


@dataclass(frozen=True)
class TaggerOptions(Options):
    """Choices of `evaluate_taggers`.

    Attributes
    ----------
    tagging
        Section of the configuration: discriminants, signal efficiencies, bins.
    binned
        Variables whose bins are looked at unless the section has others.
    seeds
        Model -> seeds of its networks.
    seed
        Of the bootstrap.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    variables
        Definitions of variables of the user's own.
    """

    tagging: Mapping[str, Any]
    binned: Sequence[str]
    seeds: Mapping[str, Sequence[int]]
    seed: int
    folds: Mapping[str, Any] | None = None
    variables: Definitions = field(default_factory=dict)


def evaluate_taggers(
    files: TaggerFiles,
    results: TaggerResults,
    options: TaggerOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Write numbers of all classifiers, and the tables of validation and test rows that the plots
    draw.
    """
    collection = open_list(files.images, options.variables, files.variables)
    folds = None if options.folds is None else Folds(**options.folds)
    classes = class_names(collection.classes)
    scored = scored_events(collection, folds)
    count(len(scored.indices))
    networks = read_networks(files, options.seeds, collection, scored)
    of_networks = {name: _of_networks(name, one, classes) for name, one in networks.scores.items()}
    for path in files.baselines:
        columns = read_score_columns(path, collection, scored.indices, [BOOSTING])
        found = log_probabilities(columns[BOOSTING], BOOSTING, len(classes))
        of_networks[BOOSTING] = found[:, None]
    ensembles = {name: ensemble_scores(one) for name, one in of_networks.items()}
    weights, warnings = row_weights(collection)
    validation, test = tabulate_rows(collection, scored, ensembles, weights)
    described = {"scores": "log_probability", "classes": json.dumps(list(classes))}
    for path, table in ((results.validation_rows, validation), (results.test_rows, test)):
        write_table(path, table, attributes=described)
    tested = scored.rows(of_test=True)
    of_test = {name: one[tested] for name, one in of_networks.items()}
    tables = TaggingTables(validation, test, classes)
    names = single_variables(test, variable_names(collection))
    _write_numbers(results, tables, of_test, names, options)
    rows = tables.rows(test, "the test split")
    models = {name: of_test[name] for name in networks.scores}
    compared = compare_networks(rows, models, networks.runs, networks.numbers)
    write_json(results.models, compared.to_json())
    write_text(results.models_table, compared.to_markdown())
    _write_rows(results, collection, classes, warnings, has_folds=folds is not None)


def _of_networks(name: str, scores: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Log-probabilities ``(n, n_networks, n_classes)`` of scores ``(n, n_networks, ...)``."""
    each = np.moveaxis(scores, 1, 0)
    return np.stack([log_probabilities(one, name, len(classes)) for one in each], axis=1)


def _write_numbers(
    results: TaggerResults,
    tables: TaggingTables,
    of_test: Mapping[str, np.ndarray],
    variables: Sequence[str],
    options: TaggerOptions,
) -> None:
    """Summary, bins and diagnostics."""
    discriminants = all_discriminants(tables.classes, options.tagging["discriminants"])
    summary = summarize_taggers(
        tables,
        of_test,
        discriminants,
        named_points(options.tagging["signal_efficiencies"]),
        variables=variables,
        reference=BOOSTING if BOOSTING in of_test else None,
        n_folds=None if options.folds is None else options.folds["number"],
        seed=options.seed,
    )
    write_json(results.summary, summary.to_json())
    write_text(results.table, summary.to_markdown())
    main = [discriminants[name] for name in main_discriminants(summary)]
    rows = tables.rows(tables.test, "the test split")
    ensembles = {name: ensemble_scores(one) for name, one in of_test.items()}
    edges = bins_of(tables.test, options)
    at = efficiency_of_bins(options.tagging["signal_efficiencies"])
    bins = {
        name: binned(rows, tables.test[name], one, ensembles, main, signal_efficiency=at)
        for name, one in edges.items()
    }
    write_json(results.bins, TaggingBins(bins).to_json())
    mass, width = mass_of(tables.test)
    found = diagnose_taggers(rows, ensembles, main, mass=mass, bin_width=width)
    write_json(results.diagnostics, found.to_json())


def bins_of(
    columns: Mapping[str, np.ndarray], options: TaggerOptions
) -> dict[str, tuple[float, ...]]:
    """Variable -> edges of its bins: those of the configuration, else of as many rows; none of a
    variable with the same value in all rows.

    Raises
    ------
    InputError
        If the rows have no such variable.
    """
    if options.tagging["bins"]:
        for name in options.tagging["bins"]:
            if name not in columns or columns[name].ndim != 1:
                raise InputError(
                    f"configuration key 'tagging.bins.{name}': the image files have no column "
                    f"'{name}' with one number a row{nearest(name, columns)}; give another, or "
                    "have it built (images.jets.variables)"
                )
        return {name: tuple(edges) for name, edges in options.tagging["bins"].items()}
    varied = [name for name in options.binned if name in columns and varies(columns[name])]
    found = {name: bin_edges(columns[name]) for name in varied}
    return {name: edges for name, edges in found.items() if len(edges) > 2}


def _write_rows(
    results: TaggerResults,
    collection: ImageCollection,
    classes: Sequence[str],
    warnings: Sequence[str],
    *,
    has_folds: bool,
) -> None:
    counted = count_rows(collection, classes, warnings, has_folds=has_folds)
    write_json(results.rows, counted.to_json())
    write_text(results.rows_table, counted.to_markdown())
    write_text(results.cut_flow_table, counted.cut_flow_to_markdown())
