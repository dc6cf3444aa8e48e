"""Configuration of the workflow, its checks and its paths, before any job runs.

Nothing here imports Snakemake, uproot or torch: every job reads the configuration when it starts.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "configuration": ("Configuration",),
        "location": ("workflow_folder", "workflow_snakefile"),
        "paths": ("check_results_dir",),
        "sources": ("package_digest",),
    },
)
