"""Files of run maps merged to one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.jobs.atomic import scratch_folder
from calovision.monitoring.map_attributes import MapOrigin, require_no_copies
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_numbers import FILE, require_different
from calovision.monitoring.run_sums import RunSums


def merge_run_maps(paths: Sequence[Path], output: Path) -> RunMapFile:
    """Write one file of the maps of several: what they have of the same run adds up.

    Parameters
    ----------
    paths
        Files of run maps.
    output
        The file, which is replaced.

    Raises
    ------
    InputError
        If there is no file, or no run in any; if they have other cells, channels or thresholds, or
        another selection of events; if maps of runs and of lumi blocks are mixed; if two are made
        of one ROOT file, or have a run in common where each ROOT file is a run.
    """
    files = [RunMapFile(path) for path in paths]
    if not files:
        raise InputError("no file of run maps given: name at least one")
    for file in files[1:]:
        files[0].layout.require(file, str(file.path), str(files[0].path))
    _require_alike(files)
    require_no_copies(
        (f"{file.path} (of {path})", uuid or path)
        for file in files
        for path, uuid in file.origin.source_files
    )
    _require_own_runs([file for file in files if file.origin.run == FILE])
    origins = [file.origin for file in files]
    with scratch_folder(Path(output)) as folder, RunSums(files[0].layout, folder) as sums:
        for file in files:
            for block in file.blocks():
                sums.add_maps(block)
        if len(sums) == 0:
            raise InputError(f"{files[0].path} and the other files to merge have no runs")
        write_run_maps(output, sums.blocks(), origin=MapOrigin.joined(origins))
    return RunMapFile(output)


def _require_own_runs(files: Sequence[RunMapFile]) -> None:
    """Raise InputError if two files, of ROOT files that are a run each, have the same one."""
    numbers, names = [], []
    for file in files:
        runs = np.unique(file.run).tolist()
        sources = [path for path, _ in file.origin.source_files]
        numbers += runs
        names += (sources if len(runs) == len(sources) == 1 else [str(file.path)]) * len(runs)
    require_different(numbers, names)


def _require_alike(files: Sequence[RunMapFile]) -> None:
    """Raise InputError unless all have the same selection, and rows of one kind."""
    first = files[0]
    for file in files[1:]:
        selections = [one.origin.selection or "none" for one in (first, file)]
        if selections[0] != selections[1]:
            raise InputError(
                f"{file.path}: its events have the selection {selections[1]}, those of "
                f"{first.path} {selections[0]}; merge maps of one selection"
            )
    of_kind = {
        is_run: next((file for file in files if np.any((file.lumi_block < 0) == is_run)), None)
        for is_run in (True, False)
    }
    if None not in of_kind.values():
        raise InputError(
            f"{of_kind[True].path} has maps of whole runs, {of_kind[False].path} of lumi blocks; "
            "merge maps of one kind"
        )
