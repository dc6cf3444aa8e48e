"""Paths of a configuration: home folders and variables in them, and the folder of the results.

What is relative is so to the folder where the workflow runs.
"""

import os
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.text import shown
from calovision.core.user_files import expand_path


def expand_folder(text: str) -> str:
    """Replace ``~``, ``$NAME`` and ``${NAME}`` in the folder of the results.

    Raises
    ------
    InputError
        As `calovision.core.user_files.expand_path`; or if it is an address or blank.
    """
    key = "configuration key 'results_dir'"
    if not text.strip() or not text.isprintable():
        raise InputError(f"{key}: {shown(text)} is no name of a folder; give one")
    if "://" in text:
        raise InputError(f"{key}: '{text}' is an address; results go to a folder of this machine")
    return expand_path(text, key)


def check_results_dir(folder: Path) -> None:
    """Raise InputError unless a folder, or the first above it that exists, can be written to."""
    existing = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path)
    )
    if not existing.exists():
        raise InputError(
            f"configuration key 'results_dir': {existing} is a link to what is not there; mend it, "
            "or choose another"
        )
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(
            f"configuration key 'results_dir': {existing} is no folder that you may write to; "
            "choose another one"
        )
