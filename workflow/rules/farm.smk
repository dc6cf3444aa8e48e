"""Environment of the jobs, and requests to a batch farm, checked before any job is submitted."""

import sys

import snakemake.dag
from calovision.jobs import htcondor, submission


def partitions():
    """SLURM partitions in the default resources and in those of rules; None where there is none."""
    settings = workflow.resource_settings
    resources = [settings.default_resources or {}, *(settings.overwrite_resources or {}).values()]
    values = [dict(named).get("slurm_partition") for named in resources]
    return [getattr(value, "raw", value) for value in values]


submission.prepare_environment(is_main=workflow.is_main_process)
if workflow.is_main_process:
    with plain_errors():
        submission.check_partitions(partitions())
    if hasattr(snakemake.dag, "ScriptProcessor"):
        submission.check_scripts_by_rule(snakemake.dag.ScriptProcessor)
    # Snakemake imports the plugins that are installed, whichever it uses
    if "snakemake_executor_plugin_htcondor" in sys.modules:
        htcondor.adapt(sys.modules["snakemake_executor_plugin_htcondor"])


envvars:
    submission.VARIABLE,
