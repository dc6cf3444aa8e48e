"""Fat jets from calorimeter towers, and the variables of an event.

GeV, radians, phi in [-pi, pi). Jets are awkward arrays of Momentum4D records with the fields pt,
eta, phi, mass, ``n_events * var``, in descending pT; constituents are ``n_events * var * var`` and
aligned with them.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "clustering": (
            "cluster_fat_jets",
            "cluster_with_constituents",
            "hard_subjet_constituents",
            "kt_subjets",
            "trim",
        ),
        "columns": ("event_variables", "jet_columns", "leading"),
        "content": ("EventContent", "event_content"),
        "padded": ("padded_constituents", "sums_of_constituents"),
        "selection": (
            "FatJetDefinition",
            "find_fat_jets",
            "find_fat_jets_with_constituents",
            "select_fat_jets",
        ),
        "substructure.columns": ("jet_substructure",),
        "substructure.variables": ("JET_MOMENTUM", "JET_VARIABLES"),
        "variables": (
            "EVENT_COLUMNS",
            "N_LEADING_JETS",
            "N_SUMMED_MASSES",
            "VARIABLES",
            "Variable",
        ),
    },
)
