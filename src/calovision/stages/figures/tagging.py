"""Figures of taggers: their numbers, and the images of the classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calovision.evaluation.results import (
    BinnedVariable,
    Calibration,
    Confusion,
    CutPoint,
    MassSculpting,
    TaggingBins,
    TaggingDiagnostics,
    TaggingSummary,
)
from calovision.evaluation.results.tagging_tables import main_discriminants, middle_point, pairs_of
from calovision.evaluation.tagging import Discriminant, TaggedRows
from calovision.evaluation.tagging.baselines import BOOSTING
from calovision.evaluation.tagging.variables import variable_scores
from calovision.metrics import Rejection, RocCurve, roc
from calovision.plotting.style import CLASSIFIER_NAMES
from calovision.plotting.tagging.panels import class_colors
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.figures.drawing import draw_figures
from calovision.stages.figures.events import channel_titles
from calovision.storage import ImageCollection, read_file_list, read_table

NAMES = {**CLASSIFIER_NAMES, BOOSTING: "Boosting, jet variables"}


@dataclass(frozen=True)
class TaggerPlotFiles(Files):
    """Files that `plot_taggers` reads, as `calovision.stages.tagging.evaluate_taggers` writes
    them.
    """

    test_rows: Path
    summary: Path
    bins: Path
    diagnostics: Path


@dataclass(frozen=True)
class TaggerPlotOptions(Options):
    """Choices of `plot_taggers`.

    Attributes
    ----------
    class_titles, class_colors
        Of the classes by name, in the order of their labels; None for a color of the style.
    first_model
        Model that has matrices and distributions of its own.
    variables
        Titles of variables, with units.
    """

    class_titles: Mapping[str, str]
    class_colors: Mapping[str, str | None]
    first_model: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TaggerInputs:
    """Inputs of the figures of ``plot_taggers``.

    Attributes
    ----------
    summary
        Numbers of all classifiers.
    titles, colors
        Of the classes by name.
    names, variables
        Titles of classifiers and of variables.
    discriminants
        Titles of the discriminants with panels of their own.
    curves
        Discriminant -> classifier -> ROC curve.
    best_variables
        Discriminant -> title and ROC curve of the best single variable of the validation rows.
    cuts
        Discriminant -> signal efficiency -> cuts.
    bands
        Classifier with a band.
    pair_curves
        Signal class -> background class -> ROC curve of the first model.
    pair_rejections
        Classifier -> signal class -> background class -> rejection, at ``signal_efficiency``.
    confusion
        Classifier -> confusion, of the first model and the boosted trees.
    bins, calibration, sculpting
        Numbers of the files of the same names; the sculpting of those two.
    mass_title
        Title of the mass that is sculpted.
    labels, weights
        Of the rows, ``(n,)``.
    values
        Variable -> values, ``(n,)``.
    outputs
        Discriminant -> values of the first model, ``(n,)``.
    """

    summary: TaggingSummary
    titles: Mapping[str, str]
    colors: Mapping[str, str]
    names: Mapping[str, str]
    variables: Mapping[str, str]
    discriminants: Mapping[str, str]
    curves: Mapping[str, Mapping[str, RocCurve]]
    best_variables: Mapping[str, tuple[str, RocCurve]]
    cuts: Mapping[str, Mapping[str, CutPoint]]
    bands: Sequence[str]
    pair_curves: Mapping[str, Mapping[str, RocCurve]]
    pair_rejections: Mapping[str, Mapping[str, Mapping[str, Rejection]]]
    signal_efficiency: float
    confusion: Mapping[str, Confusion]
    bins: Mapping[str, BinnedVariable]
    calibration: Mapping[str, Mapping[str, Calibration]]
    sculpting: Mapping[str, Mapping[str, MassSculpting]]
    mass_title: str
    labels: np.ndarray
    weights: np.ndarray
    values: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]

    @classmethod
    def read(cls, files: TaggerPlotFiles, options: TaggerPlotOptions) -> "TaggerInputs":
        """Read the numbers of the evaluation, and compute the curves."""
        columns = read_table(files.test_rows)
        summary = TaggingSummary.read(files.summary)
        found = TaggingDiagnostics.read(files.diagnostics)
        rows = TaggedRows.of(tuple(summary.classes), columns["label"], columns["weight"])
        every = {
            name: Discriminant(name, one.signal, one.background)
            for name, one in summary.discriminants.items()
        }
        main = {name: every[name] for name in main_discriminants(summary)}
        first = options.first_model
        shown = [name for name in (first, BOOSTING) if name in summary.taggers]
        point = middle_point(summary)
        pairs = pairs_of(summary)
        variables = list(next(iter(summary.variables.values()), {}))
        return cls(
            summary=summary,
            titles=options.class_titles,
            colors=class_colors(options.class_colors),
            names=NAMES,
            variables=options.variables,
            discriminants={name: one.title(options.class_titles) for name, one in main.items()},
            curves={
                name: {each: curve_of(one, columns[each], rows) for each in summary.taggers}
                for name, one in main.items()
            },
            best_variables=_best_variables(summary, main, columns, rows, options.variables),
            cuts={name: summary.cuts[name] for name in main if name in summary.cuts},
            bands=[first],
            pair_curves=_of_pairs(pairs, lambda name: curve_of(every[name], columns[first], rows)),
            pair_rejections={
                name: _of_pairs(pairs, lambda pair, one=name: _rejection(summary, one, pair, point))
                for name in shown
            },
            signal_efficiency=summary.signal_efficiencies[point],
            confusion={name: summary.taggers[name].confusion for name in shown},
            bins=TaggingBins.read(files.bins).variables,
            calibration=found.calibration,
            sculpting={
                name: {each: one[each] for each in shown}
                for name, one in found.mass_sculpting.items()
            },
            mass_title="Jet mass [GeV]" if "mass" in columns else "Summed jet mass [GeV]",
            labels=rows.labels,
            weights=rows.weights,
            values={name: columns[name] for name in variables},
            outputs={name: one.values(columns[first], rows.classes) for name, one in main.items()},
        )


def curve_of(
    discriminant: Discriminant, log_probabilities: np.ndarray, rows: TaggedRows
) -> RocCurve:
    """ROC curve of a classifier's discriminant."""
    return _curve(discriminant, discriminant.values(log_probabilities, rows.classes), rows)


def _curve(discriminant: Discriminant, values: np.ndarray, rows: TaggedRows) -> RocCurve:
    shares = discriminant.shares(rows.labels, rows.classes)
    chosen = shares > 0
    is_signal = discriminant.is_signal(rows.labels, rows.classes)
    return roc(values[chosen], is_signal[chosen], (rows.weights * shares)[chosen])


def _rejection(summary: TaggingSummary, tagger: str, pair: str, point: str) -> Rejection:
    return summary.taggers[tagger].discriminants[pair].rejection[point]


def _of_pairs(pairs: Mapping[tuple[str, str], str], find: Any) -> dict[str, dict[str, Any]]:
    """Signal class -> background class -> what is found for the discriminant of the pair."""
    found: dict[str, dict[str, Any]] = {}
    for (signal, background), name in pairs.items():
        found.setdefault(signal, {})[background] = find(name)
    return found


def _best_variables(
    summary: TaggingSummary,
    discriminants: Mapping[str, Discriminant],
    columns: Mapping[str, np.ndarray],
    rows: TaggedRows,
    titles: Mapping[str, str],
) -> dict[str, tuple[str, RocCurve]]:
    """Title and curve of the variable with the largest AUC on the validation rows."""
    found = {}
    for name, one in discriminants.items():
        numbers = summary.variables.get(name)
        if numbers:
            best = max(numbers, key=lambda variable: numbers[variable].validation_auc)
            scores = variable_scores(columns[best], is_larger=numbers[best].is_larger_for_signal)
            found[name] = titles.get(best, best), _curve(one, scores, rows)
    return found


def plot_taggers(
    files: TaggerPlotFiles,
    output: Mapping[str, Any],
    options: TaggerPlotOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Draw curves, matrices, bins, calibration, sculpting and distributions of the test rows.

    ``output`` names the files, as of `calovision.stages.figures.drawing.draw_figures`.
    """
    inputs = TaggerInputs.read(files, options)
    count(len(inputs.labels))
    draw_figures("plot_taggers", output, inputs)


@dataclass(frozen=True)
class ClassImagesInputs:
    """Inputs of the figures of ``plot_class_images``.

    Attributes
    ----------
    mean_images
        Title of a class -> weighted mean image ``(n_channels, n_eta, n_phi)``.
    single_images
        Title of a class -> first channel of some rows, ``(n_shown, n_eta, n_phi)``.
    edges
        Edges of the cells in eta and in phi.
    channels
        Title of each channel with its unit.
    channel
        That of the first one.
    axes_titles
        Of eta and of phi.
    """

    mean_images: Mapping[str, np.ndarray]
    single_images: Mapping[str, np.ndarray]
    edges: tuple[np.ndarray, np.ndarray]
    channels: Sequence[str]
    channel: str
    axes_titles: tuple[str, str]


def plot_class_images(
    images: Path,
    output: Mapping[str, Any],
    class_titles: Mapping[str, str],
    *,
    n_shown: int,
    count: Count = not_counted,
) -> None:
    """Draw the mean image of each class, and its first rows.

    Parameters
    ----------
    images
        List of the image files.
    output
        Files by name, as of `draw_figures`.
    class_titles
        Titles of the classes by name, in the order of their labels.
    n_shown
        Number of rows of each class.
    count
        Of the rows.

    Raises
    ------
    InputError
        If no row passed the cuts.
    """
    collection = ImageCollection(read_file_list(images))
    collection.require_events()
    count(len(collection))
    labels, weights = collection.column("label"), collection.column("weight")
    grid = collection.metadata.grid
    of_class = {
        title: np.flatnonzero(labels == label) for label, title in enumerate(class_titles.values())
    }
    channels = channel_titles(collection)
    is_of_jets = collection.metadata.kind == "jet"
    inputs = ClassImagesInputs(
        mean_images={
            title: collection.mean_image(labels == label, weights)
            for label, title in enumerate(class_titles.values())
            if len(of_class[title])
        },
        single_images={
            title: collection.dense(rows[:n_shown])[:, 0]
            for title, rows in of_class.items()
            if len(rows)
        },
        edges=(grid.edges_in_eta, grid.edges_in_phi),
        channels=channels,
        channel=channels[0],
        axes_titles=(r"$\Delta\eta$", r"$\Delta\phi$ [rad]")
        if is_of_jets
        else (r"$\eta$", r"$\phi$ [rad]"),
    )
    draw_figures("plot_class_images", output, inputs)
