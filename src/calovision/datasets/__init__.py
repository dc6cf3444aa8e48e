"""Image files to batches on the device, with symmetries of the detector as augmentation.

Images stay sparse until they are where the network is; then they are ``(n, channels, eta, phi)``
float32.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "batches": ("ImageBatch",),
        "dataset": ("ImageDataset",),
        "flat": ("FlatWeights", "fit_flat_weights"),
        "loader": ("ImageLoader", "Process", "Reading"),
        "statistics": ("channel_maxima", "variable_statistics"),
        "symmetry": (
            "apply_symmetry",
            "group_elements",
            "is_symmetric_in_eta",
            "symmetries",
        ),
        "variables": ("load_variables", "variable_names"),
        "weights": ("WEIGHT_SCHEMES", "event_weights", "training_weights"),
    },
)
