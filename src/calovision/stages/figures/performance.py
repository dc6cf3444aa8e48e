"""Figures of the first model and of its output: ROC curves, variables, diagnostics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.evaluation import CLASSIFIERS, bootstrap_roc, diagnose
from calovision.evaluation.results import Calibration, Correlation, MassSculpting, Summary
from calovision.jobs.atomic import write_json
from calovision.metrics import Efficiency, RocCurve, roc
from calovision.plotting import SIGNAL_GRID
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.figures.drawing import draw_figures
from calovision.storage import read_score_table

FURTHER_CURVES = ("n_jets", "referee")
"""Classifiers that have a ROC curve in the figure where they are among the scores."""


@dataclass(frozen=True)
class PerformanceFiles(Files):
    """Files that `plot_performance` reads, as `calovision.stages.comparison.evaluate` writes
    them.
    """

    test_events: Path
    network_scores: Path
    summary: Path


@dataclass(frozen=True)
class PerformanceOptions(Options):
    """Choices of `plot_performance`.

    Attributes
    ----------
    class_names
        Titles of signal (1) and background (0).
    first_model
        Model whose networks have a bootstrap of their curve.
    """

    class_names: Mapping[int, str]
    first_model: str


@dataclass(frozen=True)
class PerformanceInputs:
    """Inputs of the figures of ``plot_performance``.

    Attributes
    ----------
    events
        Columns of the test events by name, ``(n_events,)``: scores of all classifiers, jet
        variables.
    scores, n_fat_jets, mj_sum, labels, weights
        Columns of these: the output of the first model (a logit), GeV.
    class_names
        Titles of signal (1) and background (0).
    curves
        ROC curve of each classifier that is shown.
    signal_region
        Signal and background efficiency of the cuts of the search.
    bootstrap
        ``"cnn"`` -> edges of the band of its curve at `calovision.plotting.SIGNAL_GRID`.
    efficiencies
        Classifier -> working point -> signal efficiency.
    """

    events: Mapping[str, np.ndarray]
    scores: np.ndarray
    n_fat_jets: np.ndarray
    mj_sum: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    class_names: Mapping[int, str]
    curves: Mapping[str, RocCurve]
    signal_region: tuple[Efficiency, Efficiency]
    bootstrap: Mapping[str, tuple[np.ndarray, np.ndarray]]
    efficiencies: Mapping[str, Mapping[str, Efficiency]]

    @classmethod
    def read(cls, files: PerformanceFiles, options: PerformanceOptions) -> "PerformanceInputs":
        """Read the numbers of the evaluation, and compute the curves."""
        events = read_score_table(files.test_events)
        networks = read_score_table(files.network_scores)[options.first_model]
        summary = Summary.read(files.summary)
        region = summary.signal_region
        classes = (events["label"], events["weight"])
        shown = [*CLASSIFIERS, *(name for name in FURTHER_CURVES if name in events)]
        return cls(
            events=events,
            scores=events["cnn"],
            n_fat_jets=events["n_fat_jets"],
            mj_sum=events["mj_sum"],
            labels=events["label"],
            weights=events["weight"],
            class_names=options.class_names,
            curves={name: roc(events[name], *classes) for name in shown},
            signal_region=(region.signal_efficiency, region.background_efficiency),
            bootstrap={
                "cnn": bootstrap_roc(networks, *classes, SIGNAL_GRID, folds=events.get("fold"))
            },
            efficiencies={
                name: summary.classifiers[name].signal_efficiency for name in CLASSIFIERS
            },
        )


def plot_performance(
    files: PerformanceFiles,
    output: Mapping[str, Any],
    options: PerformanceOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Draw ROC curves, the output and its variables, and the gain from combining.

    ``output`` names the files, as of `calovision.stages.figures.drawing.draw_figures`.
    """
    inputs = PerformanceInputs.read(files, options)
    count(len(inputs.labels))
    draw_figures("plot_performance", output, inputs)


@dataclass(frozen=True)
class DiagnosticsInputs:
    """Inputs of the figures of ``plot_diagnostics``.

    Attributes
    ----------
    events
        Columns of the test events by name, ``(n_events,)``.
    calibration, correlations, mass_sculpting
        Classifier -> numbers of ``diagnostics.json``; of the correlations, class -> variable ->
        numbers.
    """

    events: Mapping[str, np.ndarray]
    calibration: Mapping[str, Calibration]
    correlations: Mapping[str, Mapping[str, Mapping[str, Correlation]]]
    mass_sculpting: Mapping[str, MassSculpting]


def plot_diagnostics(
    test_events: Path,
    output: Mapping[str, Any],
    classifiers: Sequence[str],
    *,
    count: Count = not_counted,
) -> None:
    """Write the diagnostics of classifiers and draw them.

    Parameters
    ----------
    test_events
        Table of the test events.
    output
        Files by name: ``numbers`` (JSON), and the figures as of
        `calovision.stages.figures.drawing.draw_figures`.
    classifiers
        Columns of that table that hold scores.
    count
        Of the events.
    """
    events = read_score_table(test_events)
    count(len(events["label"]))
    found = diagnose(events, classifiers)
    write_json(Path(output["numbers"]), found.to_json())
    inputs = DiagnosticsInputs(events, found.calibration, found.correlations, found.mass_sculpting)
    draw_figures("plot_diagnostics", output, inputs)
