"""Networks by name, and models: a network with the scaling before it and the head behind it.

Images are ``(n, channels, eta, phi)``, unscaled, in the units of the image file; a model gives one
logit an image.
"""

from calovision.models.allocator import keep_freed_memory
from calovision.models.files import load_model, save_model
from calovision.models.image_model import FusionHead, ImageModel, make_model
from calovision.models.layers import EtaPhiConv2d, FeatureNetwork
from calovision.models.precision import multiplies_bf16
from calovision.models.registry import NETWORKS, POINT_NETWORKS, NetworkEntry
from calovision.models.scaling import ScalingStatistics
from calovision.models.specification import SCALINGS, ModelSpecification
from calovision.models.table import (
    LayerRow,
    NetworkTable,
    count_multiply_adds,
    count_parameters,
    network_table,
)

__all__ = [
    "NETWORKS",
    "POINT_NETWORKS",
    "SCALINGS",
    "EtaPhiConv2d",
    "FeatureNetwork",
    "FusionHead",
    "ImageModel",
    "LayerRow",
    "ModelSpecification",
    "NetworkEntry",
    "NetworkTable",
    "ScalingStatistics",
    "count_multiply_adds",
    "count_parameters",
    "keep_freed_memory",
    "load_model",
    "make_model",
    "multiplies_bf16",
    "network_table",
    "save_model",
]
