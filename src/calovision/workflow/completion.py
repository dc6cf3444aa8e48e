"""A merged configuration checked and completed, before any job runs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from calovision.workflow.configuration import Configuration
from calovision.workflow.paths import check_results_dir


def complete_configuration(
    merged: Mapping[str, Any],
    *,
    is_main: bool = True,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Check a configuration and expand its paths.

    Parameters
    ----------
    merged
        Configuration with all keys.
    is_main
        False in a job, whose configuration the process that submitted it has checked: names and
        folders are not looked at again.
    warn
        Receives sentences on what is allowed, but perhaps not meant.

    Raises
    ------
    InputError
        One sentence on the first key that is wrong.
    """
    found = Configuration.from_mapping(merged).with_paths()
    if is_main:
        found.check_names()
        check_results_dir(Path(found.results_dir))
        for gap in found.gaps_in_slices() if warn is not None else []:
            warn(gap)
    return found.to_dict()
