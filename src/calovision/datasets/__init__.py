"""Image files to batches on the device, and what symmetry gives for free.

Images stay sparse until they are where the network is; then they are ``(n, channels, eta, phi)``
float32.
"""

from calovision.datasets.batches import ImageBatch
from calovision.datasets.labeled import LabeledImages
from calovision.datasets.loader import ImageLoader
from calovision.datasets.statistics import channel_maxima
from calovision.datasets.symmetry import apply_symmetry, group_elements, symmetries
from calovision.datasets.variables import load_variables, variable_names, variable_statistics
from calovision.datasets.weights import WEIGHT_SCHEMES, training_weights

__all__ = [
    "WEIGHT_SCHEMES",
    "ImageBatch",
    "ImageLoader",
    "LabeledImages",
    "apply_symmetry",
    "channel_maxima",
    "group_elements",
    "load_variables",
    "symmetries",
    "training_weights",
    "variable_names",
    "variable_statistics",
]
