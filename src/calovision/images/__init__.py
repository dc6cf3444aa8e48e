"""Towers, tracks and particle-flow candidates to event images of the whole detector.

Images are ``(n_events, n_channels, n_eta, n_phi)``, float32; energies in GeV.
"""

from calovision.images.builder import build_images, build_sparse_images
from calovision.images.channels import CHANNELS, Channel, check_channels
from calovision.images.sparse import SparseImages, cell_type

__all__ = [
    "CHANNELS",
    "Channel",
    "SparseImages",
    "build_images",
    "build_sparse_images",
    "cell_type",
    "check_channels",
]
