"""Figures of the predictions of a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.evaluation.regression.comparison import FEWEST_ROWS, bin_of
from calovision.evaluation.regression.opponents import BOOSTING, SUM
from calovision.evaluation.results.regression import Regression
from calovision.metrics.residuals import CENTRAL, OrderedResiduals, residuals_of
from calovision.plotting.style import CLASSIFIER_NAMES
from calovision.stages.arguments import Count, Files, not_counted
from calovision.stages.figures.drawing import draw_figures
from calovision.storage import read_table

NAMES = {**CLASSIFIER_NAMES, SUM: "Calibrated sum", BOOSTING: "Boosting"}


@dataclass(frozen=True)
class RegressionPlotFiles(Files):
    """Files that `plot_regression` reads, as `calovision.stages.regression.evaluate_regression`
    writes them.
    """

    test_rows: Path
    summary: Path


@dataclass(frozen=True)
class RegressionInputs:
    """Inputs of the figures of ``plot_regression``.

    Attributes
    ----------
    summary
        Numbers of all predictions.
    names
        Titles of models and opponents.
    title, unit, is_relative
        Of the target, and whether residuals are relative.
    truth, weights
        Of the test rows, ``(n,)``.
    predictions, residuals
        Name -> those of the test rows, ``(n,)``.
    bands
        Name -> ends of the central 68 % of the residuals in each bin of the true value.
    """

    summary: Regression
    names: Mapping[str, str]
    title: str
    unit: str
    is_relative: bool
    truth: np.ndarray
    weights: np.ndarray
    predictions: Mapping[str, np.ndarray]
    residuals: Mapping[str, np.ndarray]
    bands: Mapping[str, Sequence[tuple[float, float]]]

    @classmethod
    def read(cls, files: RegressionPlotFiles) -> "RegressionInputs":
        """Read the numbers of the evaluation, and the test rows."""
        summary = Regression.read(files.summary)
        columns = read_table(files.test_rows)
        truth, weights = columns["truth"], columns["weight"]
        predictions = {name: columns[name] for name in summary.regressors}
        residuals = {
            name: residuals_of(one, truth, relative=summary.is_relative)
            for name, one in predictions.items()
        }
        bins = next(iter(summary.regressors.values())).truth_bins
        edges = np.array([bins[0].low, *(one.high for one in bins)])
        return cls(
            summary,
            NAMES,
            summary.title,
            summary.unit,
            summary.is_relative,
            truth,
            weights,
            predictions,
            residuals,
            {
                n: _bands(one, weights, bin_of(truth, edges), len(bins))
                for n, one in residuals.items()
            },
        )


def _bands(
    residuals: np.ndarray, weights: np.ndarray, place: np.ndarray, n_bins: int
) -> list[tuple[float, float]]:
    found = []
    for number in range(n_bins):
        mine = place == number
        quantiles = OrderedResiduals(residuals[mine]).quantiles(weights[mine], CENTRAL)
        is_enough = np.count_nonzero(mine) >= FEWEST_ROWS
        found.append(tuple(quantiles) if is_enough else (np.nan, np.nan))
    return found


def plot_regression(
    files: RegressionPlotFiles, output: Mapping[str, Any], *, count: Count = not_counted
) -> None:
    """Draw predictions against truth, calibration, resolution and residuals.

    ``output`` names the files, as of `calovision.stages.figures.drawing.draw_figures`.
    """
    inputs = RegressionInputs.read(files)
    count(len(inputs.truth))
    draw_figures("plot_regression", output, inputs)
