"""Images of jets: the constituents of each jet around its middle, rotated, mirrored and normalized
as a recipe says.

Images are ``(n_jets, n_channels, n_eta, n_phi)``; GeV and radians.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "awkward_images": ("build_awkward_jet_images",),
        "builder": ("build_dense_jet_images", "build_jet_images"),
        "recipe": ("CHOICES", "JET_RECIPES", "JetImageRecipe"),
    },
)
