"""What a search does without images: shallow classifiers on jet variables, and networks combined
with them.
"""

from calovision.evaluation.baselines.combination import combined_score, fit_combination
from calovision.evaluation.baselines.features import event_features, referee_features
from calovision.evaluation.baselines.shallow import SHALLOW_CLASSIFIERS, fit_shallow

__all__ = [
    "SHALLOW_CLASSIFIERS",
    "combined_score",
    "event_features",
    "fit_combination",
    "fit_shallow",
    "referee_features",
]
