"""Images of jets: the constituents of each jet around its middle, rotated, mirrored and normalized
as a recipe says.

Images are ``(n_jets, n_channels, n_eta, n_phi)``; GeV and radians.
"""

from calovision.images.jet_images.awkward_images import build_awkward_jet_images
from calovision.images.jet_images.builder import build_dense_jet_images, build_jet_images
from calovision.images.jet_images.recipe import CHOICES, JET_RECIPES, JetImageRecipe

__all__ = [
    "CHOICES",
    "JET_RECIPES",
    "JetImageRecipe",
    "build_awkward_jet_images",
    "build_dense_jet_images",
    "build_jet_images",
]
