"""Classifiers of a search without images: shallow ones on event variables, and networks combined
with the jet variables.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "combination": ("combined_score", "fit_combination"),
        "features": ("event_features", "features_of"),
        "fitting": ("fit_shallow",),
        "shallow": ("BASELINES", "Baseline"),
    },
)
