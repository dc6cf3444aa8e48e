"""Towers, tracks and particle-flow candidates to event images of the whole detector.

Images are ``(n_events, n_channels, n_eta, n_phi)``, float32; energies in GeV.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "awkward_images": ("build_awkward_images",),
        "builder": ("build_images", "build_sparse_images"),
        "channels": ("CHANNELS", "Channel", "check_channels"),
        "sparse": ("SparseImages", "cell_type"),
    },
)
