"""Figures of the predictions of a target.

Predictions, true values and weights are ``(n,)``; ``names`` are titles of models and opponents.
"""

from calovision.plotting.regression.bins import plot_target_calibration, plot_target_resolution
from calovision.plotting.regression.rows import (
    plot_prediction_against_truth,
    plot_target_residuals,
)

__all__ = [
    "plot_prediction_against_truth",
    "plot_target_calibration",
    "plot_target_residuals",
    "plot_target_resolution",
]
