"""A ROOT file, or a part of it, to an image file."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import awkward as ak
import numpy as np

from calovision.conversion.chunks import Chunk, convert_chunk
from calovision.conversion.normalization import find_cross_section
from calovision.conversion.overlap import read_ahead, write_behind
from calovision.conversion.reading import (
    check_entries,
    describe_file,
    open_file,
    part_of,
    read_events,
)
from calovision.conversion.recipe import ImageRecipe, WeightOptions, configuration_hash
from calovision.core.errors import BadFileError, EntryError, InputError
from calovision.images import CHANNELS, check_channels
from calovision.ntuples import Events, NtupleInfo, clipped
from calovision.ntuples.root_file import split_tree
from calovision.storage import ImageFileWriter, ImageMetadata

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
    schema: str | Path | None = None,
    tree: str | None = None,
    cross_section_pb: float | None = None,
    cross_section_required: bool = True,
    weights: WeightOptions = GENERATOR_WEIGHTS,
    on_bad_file: str = "fail",
    compression: str | None = None,
    to_merge: bool = False,
    chunk_size: int | None = None,
    entry_range: tuple[int, int | None] | None = None,
    n_entries: int | None = None,
    retries: int = 0,
    info: NtupleInfo | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImageMetadata:
    """Build the images of the events of one ntuple that pass the preselection.

    Parameters
    ----------
    path, output
        The ROOT file, a path or an address as ``root://...``, with ``:tree`` behind it to name the
        tree; the HDF5 file to write.
    recipe
        Grid, channels, jets, preselection, split.
    sample, label
        Name of the sample; 1 for signal, 0 for background.
    schema
        Layout of the ntuple: one of ``ntuples.SCHEMAS`` or the path of a YAML file; None finds the
        one that fits.
    tree
        Name of the tree, where it is not that of the schema.
    cross_section_pb
        Cross-section of the sample, pb; the file's own if None.
    cross_section_required
        False stores NaN where no cross-section is known, for images that need no weights.
    weights
        How the generator weights are to be understood.
    on_bad_file
        ``"fail"`` raises on a file that cannot be read or holds numbers that are not finite;
        ``"skip"`` writes an image file without events that names it in ``skipped_files`` and counts
        none of its generated events.
    compression, to_merge
        None or ``"blosc2"``; whether the file is a part that is merged soon, as in
        `ImageFileWriter`.
    chunk_size
        Events in memory at a time; None takes as many as fit a bounded memory.
    entry_range
        First entry, and the one behind the last (None: the end of the file), of a part of the
        ntuple, which has its share of the generated events and of the sum of weights; None for all.
    n_entries
        Entries that the ntuple must have; None if that is not known.
    retries
        How often an address that does not answer is tried again, with growing waits.
    info
        What `reading.open_file` said of the file; None if it was not asked.
    progress
        Called with the number of events after each chunk.

    Returns
    -------
    What was stored about the file, with the cut flow.

    Raises
    ------
    InputError
        If the ntuple cannot be read, has other than ``n_entries`` or no cross-section where none is
        given, or the recipe asks for an unknown channel or variable.
    """
    check_channels(recipe.channels)
    if recipe.jets_per_event < 1:
        raise InputError(f"jets_per_event is {recipe.jets_per_event}: give at least one")
    check_on_bad_file(on_bad_file)
    meaning = (
        weights.index,
        weights.include_cross_section,
    )  # shares of counts differ from file to file
    layout = None if schema is None else str(schema)
    choices = configuration_hash(recipe, sample, label, layout, tree, cross_section_pb, meaning)
    describe = partial(_metadata, recipe, sample=sample, label=label, configuration_hash=choices)
    try:
        if info is None:
            info = open_file(
                path, recipe, schema=schema, tree=tree, weights=weights, retries=retries
            )
        definition = describe_file(info, recipe)
        check_entries(info, n_entries)
        section = find_cross_section(
            info, sample, cross_section_pb, weights, required=cross_section_required
        )
        entries = clipped(*(entry_range or (0, None)), info.n_entries)
        chunks = read_events(info, recipe, weights, chunk_size, entries, retries)
        info = part_of(info, *(entry_range or (0, None)))
        done = progress or (lambda n_events: None)
        with ImageFileWriter(
            output, recipe.image_shape, compression=compression, to_merge=to_merge
        ) as writer:
            cut_flow = _write_chunks(writer, chunks, info, recipe, sample, label, entries[0], done)
            metadata = describe(
                info,
                section,
                cut_flow=cut_flow,
                source_files=[(_with_tree(path, tree), info.uuid)],
                source_ranges=None if entry_range is None else [entries],
                definition=definition,
            )
            writer.close(metadata)
    except BadFileError as error:
        if on_bad_file == "fail":
            raise
        logger.warning("%s: skipped (%s)", path, error)
        metadata = describe(
            None,
            cross_section_pb or np.nan,
            source_files=[],
            skipped_files=[(str(path), str(error))],
        )
        with ImageFileWriter(output, recipe.image_shape, compression=compression) as writer:
            writer.append(*_no_events(recipe, sample, label, None))
            writer.close(metadata)
    for cut, n_events, weight in metadata.cut_flow:
        logger.info("%s: %s: %d events, sum of weights %g", path, cut, n_events, weight)
    return metadata


def check_on_bad_file(on_bad_file: str) -> None:
    """Raise InputError unless it is a choice that there is."""
    if on_bad_file not in ON_BAD_FILE:
        raise InputError(f"on_bad_file is '{on_bad_file}': choose one of {', '.join(ON_BAD_FILE)}")


def _with_tree(path: Path | str, tree: str | None) -> str:
    """Path as given, with the tree that was named apart from it."""
    return str(path) if tree is None or split_tree(path)[1] else f"{path}:{tree}"


def _write_chunks(
    writer: ImageFileWriter,
    chunks: Iterator[Events],
    info: NtupleInfo,
    recipe: ImageRecipe,
    sample: str,
    label: int,
    first: int,
    progress: Callable[[int], None],
) -> list[tuple[str, int, float]]:
    """Convert chunk by chunk, while the next one is read and the last one written; returns the cut
    flow.

    ``first`` is the number of the first entry.
    """
    cut_flow = [("generated", info.n_generated, info.sum_of_weights)] + [
        (cut, 0, 0.0) for cut in recipe.preselection
    ]
    n_events = 0
    with write_behind(writer.append) as append:
        for events in read_ahead(chunks):
            chunk = _convert_chunk(
                events, recipe, sample, label, where=f"{info.path}, entry", first=first + n_events
            )
            append(chunk.images, chunk.columns)
            cut_flow[1:] = [
                (name, n + more, total + weight)
                for (name, n, total), (_, more, weight) in zip(
                    cut_flow[1:], chunk.cut_flow, strict=True
                )
            ]
            n_events += len(events.event_number)
            progress(len(events.event_number))
        if n_events == 0:
            append(*_no_events(recipe, sample, label, info))  # the columns exist all the same
    return cut_flow


def _convert_chunk(
    events: Events, recipe: ImageRecipe, sample: str, label: int, *, where: str, first: int
) -> Chunk:
    try:
        return convert_chunk(events, recipe, sample, label)
    except EntryError as error:
        raise BadFileError(f"{where} {first + error.row}: {error.field} {error.problem}") from error


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
        fat_jet_radius=_clustered_radius(recipe, info),
        split_group=recipe.split_group or "",
        **others,
    )


def _clustered_radius(recipe: ImageRecipe, info: NtupleInfo | None) -> float | None:
    """Radius of the fat jets if they are clustered from the towers; None if the file brings its
    own, or has none.
    """
    if info is None or not recipe.cluster_jets:
        return None
    return (
        None
        if "fat_jets" in info.collections and recipe.variation is None
        else float(recipe.fat_jets.radius)
    )


def _units(recipe: ImageRecipe) -> tuple[str, ...]:
    """Units of the channels; a normalized jet image has shares instead of GeV."""
    normalized = recipe.jets is not None and recipe.jets.normalize is not None
    return tuple("" if normalized else CHANNELS[channel].unit for channel in recipe.image_channels)


def _no_events(recipe: ImageRecipe, sample: str, label: int, info: NtupleInfo | None) -> tuple:
    """Images and columns of a chunk without events, of a file that has fat jets of its own or
    not.
    """
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
