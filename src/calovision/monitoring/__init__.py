"""The detector watched run by run with the same images: maps of runs, a reference, faults, flags.

Without torch; the networks are in `calovision.monitoring.networks`.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "accumulation": ("RunSource", "accumulate", "accumulate_files"),
        "image_accumulation": ("accumulate_images",),
        "layout": ("MapLayout",),
        "methods": ("METHODS",),
        "reference": ("Reference",),
        "run_map_file": ("RunMapFile", "write_run_maps"),
        "run_map_merge": ("merge_run_maps",),
        "run_maps": ("RunMaps",),
    },
)
