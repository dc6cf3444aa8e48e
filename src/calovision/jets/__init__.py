"""Fat jets from calorimeter towers, and the jet variables of an event.

GeV, radians, phi in [-pi, pi). Jets are awkward arrays of Momentum4D records with the fields pt,
eta, phi, mass, ``n_events * var``, in descending pT; constituents are ``n_events * var * var`` and
aligned with them.
"""

from calovision.jets.clustering import (
    cluster_fat_jets,
    cluster_with_constituents,
    hard_subjet_constituents,
    kt_subjets,
    trim,
)
from calovision.jets.event_content import EventContent, event_content
from calovision.jets.selection import (
    FatJetDefinition,
    find_fat_jets,
    find_fat_jets_with_constituents,
    select_fat_jets,
)
from calovision.jets.variables import (
    N_LEADING_JETS,
    N_SUMMED_MASSES,
    event_variables,
    jet_columns,
    leading,
)

__all__ = [
    "N_LEADING_JETS",
    "N_SUMMED_MASSES",
    "EventContent",
    "FatJetDefinition",
    "cluster_fat_jets",
    "cluster_with_constituents",
    "event_content",
    "event_variables",
    "find_fat_jets",
    "find_fat_jets_with_constituents",
    "hard_subjet_constituents",
    "jet_columns",
    "kt_subjets",
    "leading",
    "select_fat_jets",
    "trim",
]
