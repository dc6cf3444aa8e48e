"""The configuration and the facts of the run (`calovision.workflow.analysis`), which rules share."""

import os
from contextlib import contextmanager
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.text import printable
from calovision.core.user_files import read_yaml
from calovision.workflow import Configuration, parameters, report_content, tagging
from calovision.workflow.analysis import Analysis
from calovision.workflow.rules import RULES
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError


@contextmanager
def plain_errors():
    """WorkflowError, which Snakemake shows as a sentence, in place of InputError."""
    try:
        yield
    except InputError as error:
        raise WorkflowError(printable(error, lines=True))


def read_configuration():
    """The configuration: of the workflow that uses this one as a module; else of files and the command line."""
    settings = workflow.config_settings
    # a workflow that includes this one may have read files of its own
    if workflow.modifier.skip_configfile or config != settings.overwrite_config:
        found = Configuration.of_module(config)
    else:
        found = Configuration.read(settings.configfiles, dict(settings.config), read=read_file)
    if workflow.is_main_process:
        found.check_before_run(warn=logger.warning)
    return found


def read_file(path):
    """A configuration file: one that asks for templates (YTE) as Snakemake reads it, others with our checks."""
    found = read_yaml(path, "configuration")
    return load_configfile(path) if "__use_yte__" in found else found


def check_module():
    """Raise InputError where a module moves the paths of rules: not all paths here are those of rules."""
    modifier = workflow.modifier.path_modifier
    if modifier.prefix or modifier._prefix_replacements:
        raise InputError(
            "module: give results_dir in its config instead of prefix or replace_prefix"
        )


def source_file(path):
    """A file of the workflow by its path below workflow/, wherever the workflow lies; Snakemake fetches it from afar."""
    file = WORKFLOW_FOLDER / path
    return str(file) if file.exists() else workflow.source_path(f"../{path}")


def code_of(rule):
    """Parameter of a rule: hash of the code that decides its results, so that editing it makes these again."""
    return RULES[rule].code_digest([source_file(f"scripts/{RULES[rule].script_name}")])


WORKFLOW_FOLDER = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
with plain_errors():
    check_module()
    analysis = Analysis(read_configuration(), is_main=workflow.is_main_process)
    analysis.look_for_files()
config = analysis.configuration.to_dict()
results = analysis.results


wildcard_constraints:
    **analysis.wildcard_constraints(),
