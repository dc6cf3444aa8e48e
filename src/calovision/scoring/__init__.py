"""Scores of a trained network: of images in memory or in image files, on the CPU or on a GPU.

A score is the network's output, the logit; its sigmoid is the probability of signal where both
classes are as frequent. Probabilities are for people: next to 1 they have ties, in float32 from a
logit of 17 on and in float64 from 37 on, where the working points of a search lie.
"""

from calovision.scoring.evaluation import choose_device, is_out_of_memory, symmetry_elements
from calovision.scoring.fit import check_files
from calovision.scoring.scores import score_collection, score_images

__all__ = [
    "check_files",
    "choose_device",
    "is_out_of_memory",
    "score_collection",
    "score_images",
    "symmetry_elements",
]
