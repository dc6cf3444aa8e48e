"""Figures of the first model and of its output: ROC curves, variables, diagnostics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calovision.evaluation import CLASSIFIERS, bootstrap_roc, diagnose
from calovision.evaluation.compared import classifier_scores, compared_samples
from calovision.evaluation.results import Calibration, Correlation, MassSculpting, Summary
from calovision.jets.variables import VARIABLES
from calovision.jobs.atomic import write_json
from calovision.metrics import Efficiency, RocCurve, roc
from calovision.metrics.events import has_positive_sum
from calovision.plotting import SIGNAL_GRID
from calovision.plotting.style import CLASSIFIER_NAMES
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
    compare
        Fields of `ShownCurves` that are not those of the example.
    """

    class_names: Mapping[int, str]
    first_model: str
    compare: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ShownCurves:
    """Choices of the ROC curves.

    Attributes
    ----------
    classifiers, variables
        Names in the summary; None for those of the example.
    titles, sample_titles
        Titles of variables and of samples.
    axis
        ``"efficiency"`` of the background, or its ``"rejection"``.
    per_sample
        Whether there are curves of single samples.
    """

    classifiers: Sequence[str] | None = None
    variables: Sequence[str] | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    sample_titles: Mapping[str, str] = field(default_factory=dict)
    axis: str = "efficiency"
    per_sample: bool = False

    def names(self, events: Mapping[str, np.ndarray]) -> list[str]:
        """Classifiers of the curves, in the order of the legend."""
        further = [name for name in FURTHER_CURVES if name in events]
        if self.classifiers is None and self.variables is None:
            return [*CLASSIFIERS, *further]
        first, *variables, combined = CLASSIFIERS
        if self.variables is None:
            variables += [name for name in further if name in VARIABLES]
        else:
            variables = list(self.variables)
        if self.classifiers is not None:
            return [*self.classifiers, *variables]
        return [first, *variables, combined, *(one for one in further if one not in VARIABLES)]

    def gains(self, summary: Summary, names: Sequence[str]) -> list[str]:
        """Classifiers in the figure of the gain: those with a curve, and the two of the ratio."""
        if self.classifiers is None and self.variables is None:
            return list(CLASSIFIERS)
        both = (CLASSIFIERS[0], CLASSIFIERS[-1])
        return [name for name in summary.classifiers if name in names or name in both]


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
    regions
        Further cut regions: title -> signal and background efficiency.
    samples
        Label -> sample -> classifier -> curve of the sample against the sum of the other class.
    names, sample_titles
        Titles of classifiers and of samples.
    axis
        ``"efficiency"`` of the background, or its ``"rejection"``.
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
    regions: Mapping[str, tuple[Efficiency, Efficiency]]
    samples: Mapping[int, Mapping[str, Mapping[str, RocCurve]]]
    names: Mapping[str, str]
    sample_titles: Mapping[str, str]
    axis: str

    @classmethod
    def read(cls, files: PerformanceFiles, options: PerformanceOptions) -> "PerformanceInputs":
        """Read the numbers of the evaluation, and compute the curves."""
        events = read_score_table(files.test_events)
        networks = read_score_table(files.network_scores)[options.first_model]
        summary = Summary.read(files.summary)
        region = summary.signal_region
        classes = (events["label"], events["weight"])
        choices = ShownCurves(**options.compare)
        shown = choices.names(events)
        return cls(
            events=events,
            scores=events["cnn"],
            n_fat_jets=events["n_fat_jets"],
            mj_sum=events["mj_sum"],
            labels=events["label"],
            weights=events["weight"],
            class_names=options.class_names,
            curves=_curves(events, shown),
            signal_region=(region.signal_efficiency, region.background_efficiency),
            bootstrap={
                "cnn": bootstrap_roc(networks, *classes, SIGNAL_GRID, folds=events.get("fold"))
            },
            efficiencies={
                name: summary.classifiers[name].signal_efficiency
                for name in choices.gains(summary, shown)
            },
            regions={
                name: (one.signal_efficiency, one.background_efficiency)
                for name, one in (summary.regions or {}).items()
            },
            samples=_sample_curves(events, shown) if choices.per_sample else {},
            names={**CLASSIFIER_NAMES, **choices.titles},
            sample_titles=choices.sample_titles,
            axis=choices.axis,
        )


def _curves(events: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, RocCurve]:
    return {
        name: roc(classifier_scores(events, name), events["label"], events["weight"])
        for name in names
    }


def _sample_curves(
    events: Mapping[str, np.ndarray], names: Sequence[str]
) -> dict[int, dict[str, dict[str, RocCurve]]]:
    """Curves of each sample that shares its class with others and has a positive sum of weights."""
    found: dict[int, dict[str, dict[str, RocCurve]]] = {1: {}, 0: {}}
    samples = np.asarray(events["sample"]).astype(str)
    for sample, members in compared_samples(events).items():
        own = samples == sample
        if has_positive_sum(events["weight"][own]):
            of_sample = {name: values[members] for name, values in events.items()}
            found[int(events["label"][own][0])][sample] = _curves(of_sample, names)
    return found


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
    variable_titles
        Titles, with units, of variables of the user's own.
    """

    events: Mapping[str, np.ndarray]
    calibration: Mapping[str, Calibration]
    correlations: Mapping[str, Mapping[str, Mapping[str, Correlation]]]
    mass_sculpting: Mapping[str, MassSculpting]
    variable_titles: Mapping[str, str]


def plot_diagnostics(
    test_events: Path,
    output: Mapping[str, Any],
    classifiers: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
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
    variables
        Columns with variables of the user's own, one number an event -> their titles, with units.
    count
        Of the events.
    """
    events = read_score_table(test_events)
    count(len(events["label"]))
    titles = variables or {}
    found = diagnose(events, classifiers, further=list(titles))
    write_json(Path(output["numbers"]), found.to_json())
    numbers = found.calibration, found.correlations, found.mass_sculpting
    inputs = DiagnosticsInputs(events, *numbers, titles)
    draw_figures("plot_diagnostics", output, inputs)
