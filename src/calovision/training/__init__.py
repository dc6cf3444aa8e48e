"""Training of a network on image files, with Lightning."""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "epoch_numbers": ("HISTORY",),
        "options": ("TrainingOptions",),
        "run": ("train_network",),
    },
)
