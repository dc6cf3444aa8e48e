"""Networks by name, and models: a network with the scaling before it and the head behind it.

Images are ``(n, channels, eta, phi)``, unscaled, in the units of the image file; a model gives one
logit an image, or with more than two classes one for each.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "processor": ("has_native_bf16", "keep_freed_memory"),
        "files": ("load_model", "save_mean", "save_model"),
        "image_model": ("FusionHead", "ImageModel", "make_model"),
        "layers": ("EtaPhiConv2d", "FeatureNetwork"),
        "mean_model": ("MeanModel", "average_models"),
        "networks": ("NETWORKS", "NetworkEntry"),
        "scaling": ("ScalingStatistics",),
        "specification": ("SCALINGS", "ModelSpecification"),
        "table": (
            "LayerRow",
            "NetworkTable",
            "count_multiply_adds",
            "count_parameters",
            "network_table",
        ),
    },
)
