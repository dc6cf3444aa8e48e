"""Maps of runs from image files of events."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.jobs.atomic import scratch_folder
from calovision.monitoring.accumulation import checked_numbers
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.map_attributes import MapOrigin, require_no_copies
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_maps import WHOLE_RUN
from calovision.monitoring.run_sums import RunSums
from calovision.storage import ImageFile


def accumulate_images(
    paths: Sequence[Path],
    output: Path,
    *,
    run: str = "run",
    lumi_block: str | None = None,
    thresholds: float | Mapping[str, float] = 0.0,
    progress: Callable[[int], None] = lambda n_events: None,
) -> RunMapFile:
    """Write the maps of the runs of image files of events.

    Parameters
    ----------
    paths
        Image files of one grid and the same channels.
    output
        File of run maps to write.
    run, lumi_block
        Columns that hold the numbers; None as lumi block gives maps of whole runs.
    thresholds
        Least value of a hit, for all channels or by channel.
    progress
        Called with the number of images after each chunk.

    Raises
    ------
    InputError
        If a file holds images of jets, of another grid, or has no such column.
    """
    files = [ImageFile(path) for path in paths]
    if not files:
        raise InputError("no image file given: name at least one")
    for file in files:
        _check_images(file, (run, *([lumi_block] if lumi_block else [])))
    layout = _layout(files[0], thresholds)
    for file in files[1:]:
        layout.require(_layout(file, thresholds), str(file.path), str(files[0].path))
    origin = _origin_of_images(files, run, lumi_block)
    require_no_copies((str(file.path), _identity(file)) for file in files)
    with scratch_folder(Path(output)) as folder, RunSums(layout, folder) as sums:
        for file in files:
            for rows, images in file.iterate():
                numbers = (_numbers(file, name, rows) for name in (run, lumi_block))
                sums.add(images, *numbers)
                progress(len(rows))
        if len(sums) == 0:
            raise InputError(f"{files[0].path}: no image in it, so that there is no run to map")
        write_run_maps(output, sums.blocks(), origin=origin)
    return RunMapFile(output)


def _origin_of_images(files: Sequence[ImageFile], run: str, lumi_block: str | None) -> MapOrigin:
    cuts = dict.fromkeys(cut for file in files for cut in file.metadata.selection.values())
    sources = [tuple(one) for file in files for one in file.metadata.source_files]
    return MapOrigin(
        tuple(sources), "", run, lumi_block or "", " & ".join(f"({cut})" for cut in cuts)
    )


def _check_images(file: ImageFile, columns: Sequence[str]) -> None:
    if file.metadata.kind != "event":
        raise InputError(
            f"{file.path}: its images are of jets; give image files of events, since maps "
            "are those of the whole detector"
        )
    for name in columns:
        if name not in file.events:
            raise InputError(
                f"{file.path}: it has no column '{name}'; build the images with a variable of this "
                "name, or name the column that holds the number"
            )


def _layout(file: ImageFile, thresholds: float | Mapping[str, float]) -> MapLayout:
    about = file.metadata
    return MapLayout.of_names(about.grid, about.channels, about.units, thresholds)


def _identity(file: ImageFile) -> str:
    """Its ROOT files and the parts of them; the path of a file that is made of none."""
    about = file.metadata
    return str((about.source_files, about.source_ranges) if about.source_files else file.path)


def _numbers(file: ImageFile, column: str | None, rows: np.ndarray) -> np.ndarray:
    """Numbers of some rows, int64 ``(n,)``."""
    if column is None:
        return np.full(len(rows), WHOLE_RUN)
    return checked_numbers(file.events[column][rows], len(rows))
