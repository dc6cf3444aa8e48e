"""The comparison of cuts, jet variables, networks and their combination on the test split, or on
all events by folds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from calovision import evaluation
from calovision.core.splits import Folds
from calovision.evaluation.compared import Compared
from calovision.evaluation.results import (
    CutComparison,
    ModelComparison,
    ModelNumbers,
    SamplesSummary,
    Summary,
    TrainingRecord,
)
from calovision.jobs.atomic import write_json, write_text
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.collections import Definitions, open_list
from calovision.storage import (
    ImageCollection,
    read_score_columns,
    read_scores,
    write_score_table,
)

REFERENCE = "referee"
"""Baseline in the denominator of ratios, if it is fitted."""


@dataclass(frozen=True)
class EvaluationFiles(Files):
    """Files that `evaluate` reads.

    Attributes
    ----------
    images
        List of the image files.
    baselines
        Scores of the shallow classifiers.
    scores, models, histories
        Scores, ``model.json`` and ``history.csv`` of every network: the models in the order of
        ``EvaluationOptions.seeds``, the seeds of each in theirs, the folds of each ascending.
    """

    images: Path
    baselines: Path
    scores: tuple[Path, ...]
    models: tuple[Path, ...]
    histories: tuple[Path, ...]
    variables: tuple[Path, ...] = ()


@dataclass(frozen=True)
class EvaluationResults(Files):
    """Files that `evaluate` writes: numbers as JSON, tables as Markdown, events as HDF5."""

    summary: Path
    table: Path
    models: Path
    samples: Path
    samples_table: Path
    cut_flow_table: Path
    comparison: Path
    comparison_table: Path
    validation_events: Path
    test_events: Path
    network_scores: Path


@dataclass(frozen=True)
class EvaluationOptions(Options):
    """Choices of `evaluate`.

    Attributes
    ----------
    luminosity_fb
        Of the expected events, 1/fb.
    signal_region
        Expression of the cuts of the search.
    background_efficiencies
        Working points.
    seeds
        Model -> seeds of its networks.
    baselines
        Shallow classifiers.
    seed
        Of the combination with the jet variables and of the bootstrap.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    compare
        What else is compared, as `calovision.evaluation.compared.Compared` takes it.
    variables
        Definitions of variables of the user's own.
    """

    luminosity_fb: float
    signal_region: str
    background_efficiencies: Sequence[float]
    seeds: Mapping[str, Sequence[int]]
    baselines: Sequence[str]
    seed: int
    folds: Mapping[str, Any] | None = None
    compare: Mapping[str, Any] = field(default_factory=dict)
    variables: Definitions = field(default_factory=dict)


def evaluate(
    files: EvaluationFiles,
    results: EvaluationResults,
    options: EvaluationOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Write efficiencies of all classifiers and networks, and the tables of validation and test
    events that the plots draw.
    """
    collection = open_list(files.images, options.variables, files.variables)
    folds = None if options.folds is None else Folds(**options.folds)
    scored = evaluation.scored_events(collection, folds)
    count(len(scored.indices))
    networks = read_networks(files, options.seeds, collection, scored)
    shallow = read_score_columns(files.baselines, collection, scored.indices, options.baselines)
    ensembles = {
        model: evaluation.ensemble_scores(columns) for model, columns in networks.scores.items()
    }
    validation, test = evaluation.tabulate_events(
        collection,
        scored,
        ensembles | shallow,
        luminosity_fb=options.luminosity_fb,
        signal_region=options.signal_region,
        seed=options.seed,
    )
    networks = networks.of_rows(scored.rows(of_test=True))
    numbers = _compute_results(collection, test, networks, list(shallow), options)
    write_score_table(results.validation_events, validation)
    write_score_table(results.test_events, test)
    write_score_table(results.network_scores, networks.scores)
    _write_results(results, numbers)


class _Results(NamedTuple):
    summary: Summary
    models: ModelComparison
    comparison: CutComparison
    samples: SamplesSummary


@dataclass(frozen=True)
class Networks:
    """Of each model: scores ``(n_rows, n_seeds)``, numbers of the network, seed -> training."""

    scores: dict[str, np.ndarray]
    numbers: dict[str, ModelNumbers]
    runs: dict[str, dict[int, TrainingRecord]]

    def of_rows(self, rows: np.ndarray) -> "Networks":
        """The same networks with the scores of some rows, by their positions."""
        return replace(self, scores={name: columns[rows] for name, columns in self.scores.items()})


def read_networks(
    files: EvaluationFiles,
    seeds: Mapping[str, Sequence[int]],
    collection: ImageCollection,
    scored: evaluation.ScoredEvents,
    *,
    read: Callable[[Path, ImageCollection, np.ndarray], np.ndarray] = read_scores,
) -> Networks:
    """Scores and training of the networks of all models; of scores ``(n_rows, n_classes)`` each
    model has ``(n_rows, n_seeds, n_classes)``. ``read`` reads a score file.
    """
    networks = Networks({}, {}, {})
    of_folds = [scored.indices[members] for members in scored.members()]
    of_all = zip(files.scores, files.models, files.histories, strict=True)
    for model, of_model in seeds.items():
        of_networks = islice(of_all, len(of_model) * len(of_folds))
        scores, descriptions, histories = zip(*of_networks, strict=True)
        columns = [
            read(path, collection, indices)
            for path, indices in zip(scores, cycle(of_folds), strict=False)
        ]
        of_seeds = zip(*[iter(columns)] * len(of_folds), strict=True)
        networks.scores[model] = np.stack([np.concatenate(folds) for folds in of_seeds], axis=1)
        numbers, runs = evaluation.read_runs(
            of_model, descriptions, histories, has_folds=scored.fold is not None
        )
        networks.numbers[model] = numbers
        networks.runs[model] = runs
    return networks


def _compute_results(
    collection: ImageCollection,
    test: Mapping[str, np.ndarray],
    networks: Networks,
    shallow: Sequence[str],
    options: EvaluationOptions,
) -> _Results:
    points = options.background_efficiencies
    further_models = list(networks.scores)[1:]
    compared = Compared(**options.compare)
    summary = evaluation.summarize(
        collection,
        test,
        points,
        models=[*further_models, *shallow],
        compared=compared,
        n_folds=None if options.folds is None else options.folds["number"],
    )
    models = evaluation.compare_models(
        networks.scores,
        test["label"],
        test["weight"],
        points,
        runs=networks.runs,
        numbers=networks.numbers,
    )
    single = compared.beside_cuts(test) | {name: test[name] for name in (*shallow, "cnn+jets")}
    comparison = evaluation.compare_with_cuts(
        test,
        single | networks.scores,
        regions=compared.passed(test),
        reference=REFERENCE if REFERENCE in shallow else None,
        seed=options.seed,
    )
    samples = evaluation.summarize_samples(
        collection, luminosity_fb=options.luminosity_fb, signal_region=options.signal_region
    )
    return _Results(summary, models, comparison, samples)


def _write_results(files: EvaluationResults, found: _Results) -> None:
    write_text(files.table, f"{found.summary.to_markdown()}\n{found.models.to_markdown()}")
    write_text(files.comparison_table, found.comparison.to_markdown())
    write_text(files.samples_table, found.samples.to_markdown())
    write_text(files.cut_flow_table, found.samples.cut_flow_to_markdown())
    write_json(files.summary, found.summary.to_json())
    write_json(files.models, found.models.to_json())
    write_json(files.comparison, found.comparison.to_json())
    write_json(files.samples, found.samples.to_json())
