"""The reach of the search: significance and limits of the cuts and of all classifiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calovision.core.splits import Folds
from calovision.evaluation.reach import (
    SearchOptions,
    SignalPoint,
    reach_against_mass,
    search_reach,
)
from calovision.evaluation.results import SamplesSummary
from calovision.evaluation.signal_points import expected_events, nominal_point, signal_point
from calovision.jobs.atomic import write_json, write_text
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.collections import Definitions, open_files
from calovision.storage import read_score_table, read_scores


@dataclass(frozen=True)
class ReachFiles(Files):
    """Files that `evaluate_reach` reads.

    Attributes
    ----------
    validation_events, test_events, samples
        As `calovision.stages.comparison.evaluate` writes them.
    images
        Image files of the signals of other masses, in a folder with the name of each sample.
    scores
        Scores of the first model for these signals, ``<sample>.h5``; with folds those of each event
        by the networks of its fold.
    """

    validation_events: Path
    test_events: Path
    samples: Path
    images: tuple[Path, ...]
    scores: tuple[Path, ...]
    variables: tuple[Path, ...] = ()


@dataclass(frozen=True)
class ReachResults(Files):
    """Files that `evaluate_reach` writes: JSON and Markdown."""

    numbers: Path
    table: Path


@dataclass(frozen=True)
class ReachOptions(Options):
    """Choices of `evaluate_reach`.

    Attributes
    ----------
    classifiers
        Columns of the tables of events.
    options
        Of `calovision.evaluation.reach.SearchOptions`, without the seed.
    masses
        Signal sample -> mass in GeV; None where none is given.
    signal_region
        Expression of the cuts of the search.
    luminosity_fb
        Of the expected events, 1/fb.
    seed
        Of the bootstrap.
    variables
        Definitions of variables of the user's own.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    """

    classifiers: Sequence[str]
    options: Mapping[str, Any]
    masses: Mapping[str, float | None]
    signal_region: str
    luminosity_fb: float
    seed: int
    variables: Definitions = field(default_factory=dict)
    folds: Mapping[str, Any] | None = None


def evaluate_reach(
    files: ReachFiles, results: ReachResults, options: ReachOptions, *, count: Count = not_counted
) -> None:
    """Write expected significance and limits; against the mass where there are other signals."""
    validation = read_score_table(files.validation_events)
    test = read_score_table(files.test_events)
    count(len(validation["label"]) + len(test["label"]))
    samples = SamplesSummary.read(files.samples).samples
    search = SearchOptions(seed=options.seed, **options.options)
    found = search_reach(validation, test, options.classifiers, expected_events(samples), search)
    points = _points_of_other_masses(files, options)
    if points:
        signal = next(name for name, one in samples.items() if one.label == 1)
        points[options.masses[signal]] = nominal_point(test, samples[signal])
        found = found.with_masses(reach_against_mass(found, points, classifiers=["cnn"]))
    write_json(results.numbers, found.to_json())
    write_text(results.table, found.to_markdown())


def _points_of_other_masses(
    files: ReachFiles, options: ReachOptions
) -> dict[float | None, SignalPoint]:
    points = {}
    folds = None if options.folds is None else Folds(**options.folds)
    for path in files.scores:
        name = path.stem
        collection = open_files(
            *(
                [file for file in files.images if file.parent.name == name],
                options.variables,
                [file for file in files.variables if file.parent.name == name],
            )
        )
        scores = read_scores(path, collection, np.arange(len(collection)))
        points[options.masses[name]] = signal_point(
            collection,
            scores,
            signal_region=options.signal_region,
            luminosity_fb=options.luminosity_fb,
            folds=folds,
        )
    return points
