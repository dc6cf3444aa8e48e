"""Configuration of the workflow, its checks and its paths, before any job runs.

Nothing here imports Snakemake, uproot or torch: every job reads the configuration when it starts.
"""

from calovision.workflow.configuration import (
    Configuration,
    check_configuration,
    check_names,
    default_configuration,
    expand_paths,
    from_command_line,
    merge_configurations,
    read_configuration,
)
from calovision.workflow.paths import check_results_dir
from calovision.workflow.samples import gaps_in_slices
from calovision.workflow.sources import package_digest

__all__ = [
    "Configuration",
    "check_configuration",
    "check_names",
    "check_results_dir",
    "default_configuration",
    "expand_paths",
    "from_command_line",
    "gaps_in_slices",
    "merge_configurations",
    "package_digest",
    "read_configuration",
]
