"""Weighted efficiencies, ROC curves and working points with their uncertainties.

Scores grow with the likeness to signal and are any finite numbers; labels are 1 (signal) or 0
(background), or the number of one of several classes (`classes`); weights are event weights of any
scale and sign, with a positive sum in each class.
All arrays are ``(n_events,)``; what can be read as such is (`calovision.metrics.events`), the rest
is refused. Uncertainties are 68.3 % intervals (one standard deviation).
"""

from calovision.metrics.classes import macro_auc, pairwise_aucs
from calovision.metrics.efficiencies import Efficiency, efficiency, n_effective
from calovision.metrics.ensembles import ensemble_scores
from calovision.metrics.rejection import Rejection, rejection_at
from calovision.metrics.residuals import residual_numbers, residuals_of
from calovision.metrics.roc import RocCurve, auc, crossing, roc
from calovision.metrics.working_point import (
    RegionPoint,
    is_extrapolated,
    region_point,
    signal_efficiency_at,
)

__all__ = [
    "Efficiency",
    "RegionPoint",
    "Rejection",
    "RocCurve",
    "auc",
    "crossing",
    "efficiency",
    "ensemble_scores",
    "is_extrapolated",
    "macro_auc",
    "n_effective",
    "pairwise_aucs",
    "region_point",
    "rejection_at",
    "residual_numbers",
    "residuals_of",
    "roc",
    "signal_efficiency_at",
]
