"""Maps of runs from ROOT files, image files or images, in constant memory."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from calovision.conversion.fields import fields_to_read
from calovision.conversion.parallel import read_ahead, run_in_processes
from calovision.conversion.recipe import ImageRecipe
from calovision.core.errors import BadFileError, EntryError, InputError
from calovision.images import SparseImages, build_sparse_images
from calovision.images.channels import needed_fields
from calovision.jobs.atomic import scratch_folder
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.map_attributes import MapOrigin, require_no_copies
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps
from calovision.monitoring.run_numbers import FILE, RunNumbers, find_numbers, require_different
from calovision.monitoring.run_sums import RunSums
from calovision.ntuples import Events, Ntuple, NtupleInfo
from calovision.ntuples.schemas import find_schemas
from calovision.ntuples.schemas.schema import Schema


@dataclass(frozen=True)
class RunSource:
    """ROOT files of runs, and how they are read.

    Attributes
    ----------
    files
        Paths or addresses, with ``:tree`` behind one to name its tree. A run may be spread over
        several, and its events may come in any order.
    schema, tree
        Of the ntuples; None finds the schema that fits, and takes its tree.
    run
        Branch of the number of the run, a formula of branches, a number, or ``"file"``: the number
        in the name of the file, each file a run; ``"file:PATTERN"``, a regular expression whose
        group is the number, where files may be parts of a run. None: the branch of the schema.
    per_lumi_block, lumi_block
        Whether maps are those of lumi blocks; branch or formula of their number, in place of the
        schema's.
    selection
        Expression on branches that events must fulfil, as ``"HLT_ZeroBias == 1"``; None for all.
    chunk_size
        Events in memory at a time; None takes as many as fit a bounded memory.
    retries
        How often an address that does not answer is tried again.
    """

    files: Sequence[Path | str]
    schema: str | Path | Schema | None = None
    tree: str | None = None
    run: str | None = None
    lumi_block: str | None = None
    per_lumi_block: bool = False
    selection: str | None = None
    chunk_size: int | None = None
    retries: int = 0

    def __post_init__(self) -> None:
        files = self.files
        given = (files,) if isinstance(files, Path | str) else tuple(files)
        if not given:
            raise InputError("no ROOT file given: name at least one")
        if twice := [one for one in given if given.count(one) > 1]:
            raise InputError(f"{twice[0]}: given twice; give each file once")
        object.__setattr__(self, "files", given)

    def ntuple(self, path: Path | str, numbers: RunNumbers | None = None) -> Ntuple:
        """One of the files, to be read with these numbers: without weights and counts of generated
        events, which data have not.
        """
        return Ntuple(
            path,
            schema=tuple(one.without_generation() for one in find_schemas(self.schema)),
            tree=self.tree,
            retries=self.retries,
            n_generated=1,
            sum_of_weights=1.0,
            variables=numbers.variables if numbers else None,
        )

    def numbers(self, path: Path | str) -> tuple[RunNumbers, NtupleInfo]:
        """Place of the numbers of a file, and its description."""
        with self.ntuple(path) as ntuple:
            info = ntuple.info
        given = self.run, self.lumi_block, self.selection
        return find_numbers(info, *given, per_lumi_block=self.per_lumi_block), info


def accumulate_files(
    source: RunSource | Sequence[Path | str],
    output: Path,
    layout: MapLayout,
    *,
    may_be_empty: bool = False,
    processes: int = 1,
    progress: Callable[[int], None] = lambda n_events: None,
) -> RunMapFile:
    """Write the maps of the runs of ROOT files.

    Parameters
    ----------
    source
        The files, of one schema or of several.
    output
        File of run maps to write.
    layout
        Cells, channels and thresholds (`MapLayout.of_channels`).
    may_be_empty
        Write a file without runs where no event passes, as of one of many jobs; else this is an
        error.
    processes
        Processes that share the files.
    progress
        Called with the number of events after each chunk.

    Raises
    ------
    InputError
        If a file cannot be read, lacks what a channel needs or the number of the run, or is a copy
        of another; if no file has an event that passes.
    """
    source = source if isinstance(source, RunSource) else RunSource(source)
    found = [source.numbers(path) for path in source.files]
    infos = [info for _, info in found]
    require_no_copies((str(info.path), f"{info.uuid} {info.tree}") for info in infos)
    if source.run == FILE:
        require_different([numbers.of_file for numbers, _ in found], source.files)
    files = [
        _FileOfRuns(source, path, numbers)
        for path, (numbers, info) in zip(source.files, found, strict=True)
        if info.n_entries > 0  # what it is made of cannot be told
    ]
    with scratch_folder(Path(output)) as folder, RunSums(layout, folder) as sums:
        _add_files(sums, files, folder, processes, progress)
        if len(sums) == 0 and not may_be_empty:
            raise InputError(_no_events(source))
        origin = _origin(source, infos, found[0][0])
        write_run_maps(output, sums.blocks(), origin=origin, layout=layout)
    return RunMapFile(output)


def accumulate(
    images: SparseImages,
    run: np.ndarray,
    layout: MapLayout,
    *,
    lumi_block: np.ndarray | None = None,
) -> RunMaps:
    """Maps of runs of images in memory.

    Parameters
    ----------
    images
        Of events, as `calovision.build_images` or its sparse sister makes them.
    run, lumi_block
        Of each image, whole numbers ``(n,)``; None as lumi block gives maps of whole runs.
    layout
        Of the images.

    Raises
    ------
    InputError
        If lengths or shapes do not fit.
    """
    blocks = np.full(len(images), WHOLE_RUN) if lumi_block is None else lumi_block
    with RunSums(layout) as sums:
        sums.add(images, *(checked_numbers(one, len(images)) for one in (run, blocks)))
        return sums.maps()


@dataclass(frozen=True)
class _FileOfRuns:
    """One file, which may be sent to another process."""

    source: RunSource
    path: Path | str
    numbers: RunNumbers

    def add_to(self, sums: RunSums, progress: Callable[[int], None]) -> None:
        """Add its events."""
        channels = sums.layout.channels
        recipe = ImageRecipe(grid=sums.layout.grid, channels=channels, cluster_jets=False)
        with self.source.ntuple(self.path, self.numbers) as ntuple:
            needed = needed_fields(channels)
            fields = fields_to_read(recipe, ntuple.info)
            fields = {name: of for name, of in fields.items() if name in needed}
            chunks = read_ahead(ntuple.iterate(fields, chunk_size=self.source.chunk_size))
            with closing(chunks):
                for events in chunks:
                    _add_events(sums, events, self.numbers, self.path)
                    progress(len(events.event_number))

    def write(self, output: Path, layout: MapLayout, *, progress: Callable[[int], None]) -> None:
        """Write its maps alone."""
        with scratch_folder(output) as folder, RunSums(layout, folder) as sums:
            self.add_to(sums, progress)
            write_run_maps(output, sums.blocks(), layout=layout)


def _add_files(
    sums: RunSums,
    files: Sequence[_FileOfRuns],
    folder: Path,
    processes: int,
    progress: Callable[[int], None],
) -> None:
    """Add the events of all files: of one after the other, or by way of a file of maps of each."""
    if processes <= 1 or len(files) <= 1:
        for file in files:
            file.add_to(sums, progress)
        return
    parts = [folder / f"{number:06d}.h5" for number in range(len(files))]
    jobs = [partial(file.write, part, sums.layout) for file, part in zip(files, parts, strict=True)]
    run_in_processes(jobs, processes=processes, progress=progress)
    for part in parts:
        for block in RunMapFile(part).blocks():
            sums.add_maps(block)
        part.unlink()


def _add_events(sums: RunSums, events: Events, numbers: RunNumbers, path: Path | str) -> None:
    """Add the events of a chunk that pass."""
    passed = numbers.passed(events)
    run, lumi_block = numbers.read(events, path)
    towers, tracks, candidates = (
        one if one is None or passed.all() else one[passed]
        for one in (events.towers, events.tracks, events.candidates)
    )
    try:
        images, _ = build_sparse_images(
            towers, tracks, sums.layout.grid, sums.layout.channels, candidates=candidates
        )
    except EntryError as error:
        entry = events.first_entry + int(np.flatnonzero(passed)[error.row])
        raise BadFileError(f"{path}, entry {entry}: {error.field} {error.problem}") from error
    sums.add(images, run[passed], lumi_block[passed])


def _no_events(source: RunSource) -> str:
    n = len(source.files)
    files = f"{source.files[0]}" + (f" and {n - 1} more files" if n > 1 else "")
    if source.selection:
        return (
            f"{files}: no event passes the selection {source.selection}, so there is nothing to map"
        )
    return f"{files}: no event in it, so that there is no run to map"


def _origin(source: RunSource, infos: Sequence[NtupleInfo], numbers: RunNumbers) -> MapOrigin:
    schemas = sorted({info.schema for info in infos})
    return MapOrigin(
        source_files=tuple((str(info.path), info.uuid) for info in infos),
        schema=schemas[0] if len(schemas) == 1 else "",
        run=source.run or numbers.run,
        lumi_block=numbers.lumi_block,
        selection=source.selection or "",
    )


def checked_numbers(numbers: np.ndarray, n: int) -> np.ndarray:
    """Numbers of runs as int64 ``(n,)``."""
    found = np.asarray(numbers)
    if found.shape != (n,):
        raise InputError(
            f"numbers of runs of shape {found.shape} for {n} images: give one for each"
        )
    with np.errstate(invalid="ignore"):
        whole = found.astype(np.int64)
    if not np.array_equal(whole, found):
        wrong = found[whole != found][0]
        raise InputError(f"the number of a run is {wrong}: it must be a whole number")
    return whole
