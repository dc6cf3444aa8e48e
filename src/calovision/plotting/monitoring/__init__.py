"""Figures of runs that are watched: maps with flags, histories, flagged towers, what is found."""

from calovision.plotting.monitoring.histories import plot_histories
from calovision.plotting.monitoring.maps import plot_reference, plot_run_maps
from calovision.plotting.monitoring.runs import plot_flagged_towers
from calovision.plotting.monitoring.study import plot_false_discoveries, plot_fault_roc

__all__ = [
    "plot_false_discoveries",
    "plot_fault_roc",
    "plot_flagged_towers",
    "plot_histories",
    "plot_reference",
    "plot_run_maps",
]
