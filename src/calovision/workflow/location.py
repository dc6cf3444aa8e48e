"""Place of the workflow of the package: its Snakefile, rules, scripts and profiles.

The wheel carries it inside the package; of an editable installation it is that of the checkout.
"""

from pathlib import Path

from calovision.core.errors import InputError

IN_PACKAGE = Path(__file__).parents[1] / "_workflow"
IN_CHECKOUT = Path(__file__).parents[3] / "workflow"


def workflow_folder() -> Path:
    """Folder of the workflow.

    Raises
    ------
    InputError
        If the package was installed without it.
    """
    for folder in (IN_PACKAGE, IN_CHECKOUT):
        if (folder / "Snakefile").is_file():
            return folder
    raise InputError(
        f"the workflow is not beside the package, in {IN_PACKAGE}: install it again, with pip "
        'install "calovision[all]"'
    )


def workflow_snakefile() -> str:
    """Path of the Snakefile, for a workflow that uses this one as a module."""
    return str(workflow_folder() / "Snakefile")
