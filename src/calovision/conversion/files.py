"""ROOT files to image files: one to one, and several to one."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import awkward as ak
import numpy as np

from calovision.conversion.chunks import Chunk, convert_chunk, fields_to_read
from calovision.conversion.normalization import find_cross_section
from calovision.conversion.overlap import read_ahead, write_behind
from calovision.conversion.processes import run_in_processes
from calovision.conversion.recipe import ImageRecipe, WeightOptions, configuration_hash
from calovision.errors import BadFileError, InputError, NotFiniteError
from calovision.images import CHANNELS, check_channels
from calovision.ntuples import Events, NtupleInfo, iterate_events, open_ntuple
from calovision.storage import ImageFileWriter, ImageMetadata, merge_image_files

logger = logging.getLogger(__name__)

ON_BAD_FILE = ("fail", "skip")
GENERATOR_WEIGHTS = WeightOptions()


def convert_ntuple(
    path: Path | str,
    output: Path,
    recipe: ImageRecipe,
    *,
    sample: str,
    label: int,
    schema: str | None = None,
    tree: str | None = None,
    cross_section_pb: float | None = None,
    cross_section_required: bool = True,
    weights: WeightOptions = GENERATOR_WEIGHTS,
    on_bad_file: str = "fail",
    compression: str | None = None,
    chunk_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImageMetadata:
    """Build the images of the events of one ntuple that pass the preselection.

    Parameters
    ----------
    path, output
        The ROOT file, a path or an address as ``root://...``, with ``:tree`` behind it to name the tree; the HDF5 file
        to write.
    recipe
        Grid, channels, jets, preselection, split.
    sample, label
        Name of the sample; 1 for signal, 0 for background.
    schema
        Layout of the ntuple: one of ``ntuples.SCHEMAS`` or the path of a YAML file; None finds the one that fits.
    tree
        Name of the tree, where it is not that of the schema.
    cross_section_pb
        Cross-section of the sample, pb; the file's own if None.
    cross_section_required
        False stores NaN where no cross-section is known, for images that need no weights.
    weights
        How the generator weights are to be understood.
    on_bad_file
        ``"fail"`` raises on a file that cannot be read or holds numbers that are not finite; ``"skip"`` writes an image
        file without events that names it in ``skipped_files`` and counts none of its generated events.
    compression
        None or ``"blosc2"``.
    chunk_size
        Events in memory at a time; None takes as many as fit a bounded memory.
    progress
        Called with the number of events after each chunk.

    Returns
    -------
    What was stored about the file, with the cut flow.

    Raises
    ------
    InputError
        If the ntuple cannot be read, has no cross-section where none is given, or the recipe asks
        for an unknown channel or variable.
    """
    check_channels(recipe.channels)
    if recipe.jets_per_event < 1:
        raise InputError(f"jets_per_event is {recipe.jets_per_event}: give at least one")
    _check_on_bad_file(on_bad_file)
    meaning = (weights.index, weights.include_cross_section)  # shares of counts differ from file to file
    choices = configuration_hash(recipe, sample, label, schema, tree, cross_section_pb, meaning)
    describe = partial(_metadata, recipe, sample=sample, label=label, configuration_hash=choices)
    try:
        info = _open(path, schema, tree, weights)
        section = find_cross_section(info, sample, cross_section_pb, weights, required=cross_section_required)
        chunks = _read(info, recipe, weights, chunk_size)
        with ImageFileWriter(output, recipe.image_shape, compression=compression) as writer:
            cut_flow = _write_chunks(writer, chunks, info, recipe, sample, label, progress or (lambda n_events: None))
            metadata = describe(info, section, cut_flow=cut_flow, source_files=[(str(path), info.uuid)])
            writer.close(metadata)
    except BadFileError as error:
        if on_bad_file == "fail":
            raise
        logger.warning("%s: skipped (%s)", path, error)
        with ImageFileWriter(output, recipe.image_shape, compression=compression) as writer:
            writer.append(*_no_events(recipe, sample, label, None))
            metadata = describe(
                None, cross_section_pb or np.nan, source_files=[], skipped_files=[(str(path), str(error))]
            )
            writer.close(metadata)
    for cut, n_events, weight in metadata.cut_flow:
        logger.info("%s: %s: %d events, sum of weights %g", path, cut, n_events, weight)
    return metadata


def convert_ntuples(
    paths: Sequence[Path | str],
    output: Path,
    recipe: ImageRecipe,
    *,
    weights: WeightOptions = GENERATOR_WEIGHTS,
    on_bad_file: str = "fail",
    compression: str | None = None,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
    **options: object,
) -> ImageMetadata:
    """Build the images of several ntuples of one sample into one file.

    Parameters
    ----------
    paths
        The ROOT files, in the order in which their events come.
    weights
        Numbers of generated events and sums of weights are those of all files together.
    processes
        Number of processes that share the files.
    output, recipe, on_bad_file, compression, progress, options
        As in `convert_ntuple`.

    Returns
    -------
    What was stored, with everything summed over the files.

    Raises
    ------
    InputError
        As `convert_ntuple`; if there is no file, a file is named twice, or every file was skipped.
    """
    _check_on_bad_file(on_bad_file)
    if not paths:
        raise InputError("no ROOT file given: name at least one")
    if len({str(path) for path in paths}) < len(paths):
        raise InputError(
            f"{next(path for path in paths if list(paths).count(path) > 1)}: given twice; give each file once"
        )
    output = Path(output)
    if len(paths) == 1:  # a single bad file leaves nothing to go on with
        return convert_ntuple(
            paths[0], output, recipe, weights=weights, compression=compression, progress=progress, **options
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder:
        parts = [Path(folder) / f"{number:06d}.h5" for number in range(len(paths))]
        convert = partial(convert_ntuple, recipe=recipe, on_bad_file=on_bad_file, **options)
        jobs = [
            partial(convert, path, part, weights=weights.of_file(number, len(paths)))
            for number, (path, part) in enumerate(zip(paths, parts, strict=True))
        ]
        infos = run_in_processes(jobs, processes=processes, progress=progress)
        if all(info.skipped_files for info in infos):
            raise InputError(f"every file was skipped; the first: {infos[0].skipped_files[0][1]}")
        return merge_image_files(parts, output, compression=compression)


def _check_on_bad_file(on_bad_file: str) -> None:
    if on_bad_file not in ON_BAD_FILE:
        raise InputError(f"on_bad_file is '{on_bad_file}': choose one of {', '.join(ON_BAD_FILE)}")


def _open(path: Path | str, schema: str | None, tree: str | None, weights: WeightOptions) -> NtupleInfo:
    """What the file says about all its events."""
    try:
        return open_ntuple(
            path,
            schema=schema,
            tree=tree,
            weight_index=weights.index,
            n_generated=weights.n_generated,
            sum_of_weights=weights.sum_of_weights,
        )
    except InputError as error:
        raise BadFileError(str(error)) from error


def _read(info: NtupleInfo, recipe: ImageRecipe, weights: WeightOptions, chunk_size: int | None) -> Iterator[Events]:
    """Chunks of the file."""
    try:
        yield from iterate_events(
            info.path,
            schema=info.schema,
            tree=info.tree,
            chunk_size=chunk_size,
            trimmed=recipe.fat_jets.groomed,
            fields=fields_to_read(recipe, info),
            weight_index=weights.index,
        )
    except InputError as error:
        raise BadFileError(str(error)) from error


def _write_chunks(
    writer: ImageFileWriter,
    chunks: Iterator[Events],
    info: NtupleInfo,
    recipe: ImageRecipe,
    sample: str,
    label: int,
    progress: Callable[[int], None],
) -> list[tuple[str, int, float]]:
    """Convert chunk by chunk, while the next one is read and the last one written; returns the cut flow."""
    cut_flow = [("generated", info.n_generated, info.sum_of_weights)] + [(cut, 0, 0.0) for cut in recipe.preselection]
    n_events = 0
    with write_behind(writer.append) as append:
        for events in read_ahead(chunks):
            chunk = _convert_chunk(events, recipe, sample, label, where=f"{info.path}, entry", first=n_events)
            append(chunk.images, chunk.columns)
            cut_flow[1:] = [
                (name, n + more, total + weight)
                for (name, n, total), (_, more, weight) in zip(cut_flow[1:], chunk.cut_flow, strict=True)
            ]
            n_events += len(events.event_number)
            progress(len(events.event_number))
        if n_events == 0:
            append(*_no_events(recipe, sample, label, info))  # the columns exist all the same
    return cut_flow


def _convert_chunk(events: Events, recipe: ImageRecipe, sample: str, label: int, *, where: str, first: int) -> Chunk:
    try:
        return convert_chunk(events, recipe, sample, label)
    except NotFiniteError as error:
        raise BadFileError(
            f"{where} {first + error.row}: {error.field} is not finite; give finite energies and momenta"
        ) from error


def _metadata(
    recipe: ImageRecipe,
    info: NtupleInfo | None,
    cross_section_pb: float,
    *,
    cut_flow: list | None = None,
    **others: object,
) -> ImageMetadata:
    """Attributes of the image file of a ntuple; of one that was skipped if there is no info."""
    nothing = [(cut, 0, 0.0) for cut in ("generated", *recipe.preselection)]
    return ImageMetadata(
        grid=recipe.image_grid,
        channels=recipe.image_channels,
        units=_units(recipe),
        kind="event" if recipe.jets is None else "jet",
        jet_recipe=None if recipe.jets is None else recipe.jets.to_dict(),
        selection=dict(recipe.preselection),
        cut_flow=cut_flow or nothing,
        cross_section_pb=cross_section_pb,
        n_generated=info.n_generated if info else 0,
        sum_of_weights=info.sum_of_weights if info else 0.0,
        **others,
    )


def _units(recipe: ImageRecipe) -> tuple[str, ...]:
    """Units of the channels; a normalized jet image has shares instead of GeV."""
    normalized = recipe.jets is not None and recipe.jets.normalize is not None
    return tuple("" if normalized else CHANNELS[channel].unit for channel in recipe.image_channels)


def _no_events(recipe: ImageRecipe, sample: str, label: int, info: NtupleInfo | None) -> tuple:
    """Images and columns of a chunk without events, of a file that has fat jets of its own or not."""
    names = ("pt", "eta", "phi", "mass", "e", "e_em", "e_had", "charge")
    nothing = ak.zip(dict.fromkeys(names, ak.Array([[0.0]])[:0]))
    own = info is not None and "fat_jets" in info.collections
    empty = Events(
        event_number=np.zeros(0, dtype=np.int64),
        weight=np.zeros(0),
        towers=nothing,
        tracks=nothing,
        fat_jets=nothing if own else None,
        candidates=nothing,
    )
    return convert_chunk(empty, recipe, sample, label)[:2]
