"""Scores of a trained network: of images in memory or in image files, on the CPU or on a GPU.

A score is the network's output, the logit; its sigmoid is the probability of signal where both
classes are as frequent. Of more than two classes the scores are the logarithms of their
probabilities. Probabilities are for people: next to 1 they have ties, in float32 from a
logit of 17 on and in float64 from 37 on, where the working points of a search lie.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "evaluation": ("choose_device", "is_out_of_memory", "symmetry_elements"),
        "file_scoring": ("ScoredFile",),
        "fit": ("check_files",),
        "folds": ("score_out_of_fold",),
        "ntuples": ("NtupleOptions", "score_ntuple", "score_ntuples"),
        "scores": ("score_collection", "score_images"),
    },
)
