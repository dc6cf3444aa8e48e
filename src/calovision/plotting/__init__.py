"""Figures (matplotlib) of arrays and results. Only `save_figure` opens a file.

Figures are made without pyplot's global state: nothing to close, and the caller's style is left
alone. Energies in GeV, angles in radians, labels 1 (signal) and 0 (background).
"""

from calovision.plotting.attribution import plot_attributions
from calovision.plotting.curves import SIGNAL_GRID
from calovision.plotting.diagnostics import plot_calibration, plot_correlations, plot_mass_sculpting
from calovision.plotting.images import plot_event_display, plot_jet_image, plot_mean_images
from calovision.plotting.limits import plot_limits_against_mass
from calovision.plotting.models import plot_model_comparison, plot_model_roc
from calovision.plotting.performance import plot_combination_gain, plot_roc
from calovision.plotting.reach import plot_reach
from calovision.plotting.robustness import plot_robustness
from calovision.plotting.run_summary import plot_run_summary
from calovision.plotting.sample_curves import plot_sample_roc
from calovision.plotting.samples import plot_cut_flow
from calovision.plotting.scores import plot_score_vs_mj_sum, plot_score_vs_n_fat_jets, plot_scores
from calovision.plotting.style import save_figure
from calovision.plotting.training import plot_learning_curves

__all__ = [
    "SIGNAL_GRID",
    "plot_attributions",
    "plot_calibration",
    "plot_combination_gain",
    "plot_correlations",
    "plot_cut_flow",
    "plot_event_display",
    "plot_jet_image",
    "plot_learning_curves",
    "plot_limits_against_mass",
    "plot_mass_sculpting",
    "plot_mean_images",
    "plot_model_comparison",
    "plot_model_roc",
    "plot_reach",
    "plot_robustness",
    "plot_roc",
    "plot_run_summary",
    "plot_sample_roc",
    "plot_score_vs_mj_sum",
    "plot_score_vs_n_fat_jets",
    "plot_scores",
    "save_figure",
]
