"""Files of run maps merged to one."""

from collections.abc import Sequence
from pathlib import Path

from calovision.core.errors import InputError
from calovision.jobs.atomic import scratch_folder
from calovision.monitoring.map_attributes import MapOrigin, require_no_copies
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_sums import RunSums


def merge_run_maps(paths: Sequence[Path], output: Path) -> RunMapFile:
    """Write one file of the maps of several: what they have of the same run adds up.

    Raises
    ------
    InputError
        If there is no file, they have other cells, channels or thresholds, or two are made of one
        ROOT file.
    """
    files = [RunMapFile(path) for path in paths]
    if not files:
        raise InputError("no file of run maps given: name at least one")
    for file in files[1:]:
        files[0].layout.require(file, str(file.path), str(files[0].path))
    require_no_copies(
        (f"{file.path} (of {path})", uuid or path)
        for file in files
        for path, uuid in file.origin.source_files
    )
    origins = [file.origin for file in files]
    with scratch_folder(Path(output)) as folder, RunSums(files[0].layout, folder) as sums:
        for file in files:
            for block in file.blocks():
                sums.add_maps(block)
        write_run_maps(output, sums.blocks(), origin=MapOrigin.joined(origins))
    return RunMapFile(output)
