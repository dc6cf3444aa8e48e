"""Image files to batches on the device, with symmetries of the detector as augmentation.

Images stay sparse until they are where the network is; then they are ``(n, channels, eta, phi)``
float32.
"""

from calovision.datasets.batches import ImageBatch
from calovision.datasets.labeled import LabeledImages
from calovision.datasets.loader import ImageLoader, Process, Reading
from calovision.datasets.statistics import channel_maxima, variable_statistics
from calovision.datasets.symmetry import (
    apply_symmetry,
    group_elements,
    is_symmetric_in_eta,
    symmetries,
)
from calovision.datasets.variables import load_variables, variable_names
from calovision.datasets.weights import WEIGHT_SCHEMES, training_weights

__all__ = [
    "WEIGHT_SCHEMES",
    "ImageBatch",
    "ImageLoader",
    "LabeledImages",
    "Process",
    "Reading",
    "apply_symmetry",
    "channel_maxima",
    "group_elements",
    "is_symmetric_in_eta",
    "load_variables",
    "symmetries",
    "training_weights",
    "variable_names",
    "variable_statistics",
]
