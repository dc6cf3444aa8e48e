"""Figures of all models: networks and ensembles at the working points, ROC, learning curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from calovision.evaluation import ensemble_scores, read_history
from calovision.evaluation.results import ModelComparison, ModelResult, Performance, Performances
from calovision.metrics import Efficiency, RocCurve, roc
from calovision.plotting.tagging.panels import class_colors
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.figures.drawing import draw_figures
from calovision.storage import read_score_table


@dataclass(frozen=True)
class ModelsFiles(Files):
    """Files that `plot_models` reads, as `calovision.stages.comparison.evaluate` writes them."""

    models: Path
    test_events: Path
    network_scores: Path


@dataclass(frozen=True)
class ModelResults:
    """Results of all models with events of some weights; each is a mapping from the model.

    Attributes
    ----------
    networks
        Signal efficiencies of its networks ``(n_networks, n_points)``.
    ensembles
        Signal efficiency of its ensemble at each working point.
    network_curves, ensemble_curves
        ROC curve of each network, and of the ensemble.
    """

    networks: Mapping[str, np.ndarray]
    ensembles: Mapping[str, Sequence[Efficiency]]
    network_curves: Mapping[str, Sequence[RocCurve]]
    ensemble_curves: Mapping[str, RocCurve]


@dataclass(frozen=True)
class ModelsInputs:
    """Inputs of the figures of ``plot_models``.

    Attributes
    ----------
    points
        Names of the working points.
    weighted, unweighted
        Results with weighted events, and with every event counting 1.
    axis
        ``"efficiency"`` of the background in ROC curves, or its ``"rejection"``.
    """

    points: Sequence[str]
    weighted: ModelResults
    unweighted: ModelResults
    axis: str = "efficiency"


def plot_models(
    files: ModelsFiles,
    output: Mapping[str, Any],
    *,
    axis: str = "efficiency",
    count: Count = not_counted,
) -> None:
    """Draw the networks and ensembles of the models against each other.

    ``output`` names the files, as of `calovision.stages.figures.drawing.draw_figures`; ``axis`` is
    that of `ModelsInputs`.
    """
    events = read_score_table(files.test_events)
    scores = read_score_table(files.network_scores)
    models = ModelComparison.read(files.models).models
    labels = events["label"]
    count(len(labels))
    first = next(iter(models.values()))
    inputs = ModelsInputs(
        points=list(first.ensemble.weighted.signal_efficiency),
        weighted=_results(models, "weighted", scores, labels, events["weight"]),
        unweighted=_results(models, "unweighted", scores, labels, np.ones(len(labels))),
        axis=axis,
    )
    draw_figures("plot_models", output, inputs)


def _results(
    models: Mapping[str, ModelResult],
    weighting: str,
    scores: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
) -> ModelResults:
    """Efficiencies of the models, and curves of the scores ``(n_events, n_networks)``."""
    networks = {}
    ensembles = {}
    for model, result in models.items():
        seeds = [_efficiencies(one, weighting) for one in result.seeds.values()]
        networks[model] = np.array([[one.value for one in points] for points in seeds])
        ensembles[model] = _efficiencies(result.ensemble, weighting)
    return ModelResults(
        networks=networks,
        ensembles=ensembles,
        network_curves={
            model: [roc(one, labels, weights) for one in scores[model].T] for model in models
        },
        ensemble_curves={
            model: roc(ensemble_scores(scores[model]), labels, weights) for model in models
        },
    )


def _efficiencies(result: Performances, weighting: str) -> list[Efficiency]:
    """Signal efficiencies at the working points in their order."""
    performance: Performance = getattr(result, weighting)
    return list(performance.signal_efficiency.values())


@dataclass(frozen=True)
class TrainingInputs:
    """Inputs of the figures of ``plot_training``.

    Attributes
    ----------
    histories
        Model -> network -> columns of its history, ``(n_epochs,)`` each.
    titles, colors
        Of the classes by name.
    """

    histories: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]
    titles: Mapping[str, str]
    colors: Mapping[str, str]


@dataclass(frozen=True)
class TrainingOptions(Options):
    """Choices of `plot_training`.

    Attributes
    ----------
    networks
        Model -> names of its networks.
    class_titles, class_colors
        Of the classes by name, in the order of their labels; a color of None is the next free one.
    """

    networks: Mapping[str, Sequence[str]]
    class_titles: Mapping[str, str]
    class_colors: Mapping[str, str | None]


def plot_training(
    histories: Sequence[str | Path], output: Mapping[str, Any], options: TrainingOptions
) -> None:
    """Draw the learning curves of all networks.

    Parameters
    ----------
    histories
        ``history.csv`` of every network: in the order of ``options.networks``.
    output
        Files by name, as of `calovision.stages.figures.drawing.draw_figures`.
    options
        Networks and classes.
    """
    files: Iterator[str | Path] = iter(histories)
    of_models = {
        model: {
            network: read_history(file)
            for network, file in zip(some, islice(files, len(some)), strict=True)
        }
        for model, some in options.networks.items()
    }
    colors = class_colors(options.class_colors)
    draw_figures("plot_training", output, TrainingInputs(of_models, options.class_titles, colors))
