"""Figures of taggers: rows of two to about ten classes, several classifiers.

``titles`` and ``colors`` are those of the classes by name, ``names`` titles of classifiers,
``discriminants`` the titles of the discriminants by name, in the order of their panels.
"""

from calovision.plotting.tagging.details import (
    plot_binned_backgrounds,
    plot_binned_rejections,
    plot_class_calibration,
    plot_jet_mass_sculpting,
)
from calovision.plotting.tagging.distributions import plot_class_outputs, plot_class_variables
from calovision.plotting.tagging.images import plot_class_images, plot_jets_of_classes
from calovision.plotting.tagging.matrices import plot_confusion, plot_pair_rejections
from calovision.plotting.tagging.models import plot_tagger_models
from calovision.plotting.tagging.roc import plot_pair_roc, plot_tagger_roc

__all__ = [
    "plot_binned_backgrounds",
    "plot_binned_rejections",
    "plot_class_calibration",
    "plot_class_images",
    "plot_class_outputs",
    "plot_class_variables",
    "plot_confusion",
    "plot_jet_mass_sculpting",
    "plot_jets_of_classes",
    "plot_pair_rejections",
    "plot_pair_roc",
    "plot_tagger_models",
    "plot_tagger_roc",
]
