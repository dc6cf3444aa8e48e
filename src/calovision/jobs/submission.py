"""What a job of a farm must have in common with the process that submitted it, and with its
node.
"""

import os
from importlib.metadata import version
from pathlib import Path

from calovision.core.errors import InputError

VARIABLE = "CALOVISION_VERSION"
"""Environment variable with the package version of the process that submits jobs; the workflow sets
it."""


def require_submitter_version() -> None:
    """Raise InputError if jobs were submitted by another version of the package than the one that
    runs them.

    Without the variable, as outside the workflow, nothing is checked.
    """
    submitter, own = os.environ.get(VARIABLE), version("calovision")
    if submitter not in (None, "", own):
        raise InputError(
            f"{VARIABLE}: this job was submitted by calovision {submitter}, but {own} is installed "
            "where it runs: "
            "install the same version in both places"
        )


def require_scratch() -> None:
    """Raise InputError if the scratch folder that the environment names cannot be written to.

    Python would silently take /tmp, which is a small disk, or memory, on many nodes.
    """
    folder = os.environ.get("TMPDIR")
    if not folder or (Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return
    problem = "cannot be written to" if Path(folder).is_dir() else "does not exist"
    raise InputError(
        f"TMPDIR: the scratch folder {folder} {problem}: create it, or name another one (tmpdir in "
        "the profile)"
    )
