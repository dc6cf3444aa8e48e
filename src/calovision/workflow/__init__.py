"""Configuration of the workflow, its checks and its paths, before any job runs.

Nothing here imports Snakemake, uproot or torch: every job reads the configuration when it starts.
"""

from calovision.workflow.configuration import Configuration
from calovision.workflow.paths import check_results_dir
from calovision.workflow.sources import package_digest

__all__ = ["Configuration", "check_results_dir", "package_digest"]
