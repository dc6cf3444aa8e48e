"""Conversion of one ROOT file, or of a part of it, to an image file."""

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import awkward as ak
import numpy as np

from calovision.conversion.fields import check_jet_options, jet_variables
from calovision.conversion.image_check import ImageCheck
from calovision.conversion.layer_check import LayerCheck
from calovision.conversion.normalization import find_cross_section
from calovision.conversion.own_jets import SameJets, recipe_of_file
from calovision.conversion.parallel import read_ahead, write_behind
from calovision.conversion.recipe import ImageRecipe, configuration_hash
from calovision.conversion.row_counts import RowCounts
from calovision.conversion.rows import ImageRows, image_rows
from calovision.conversion.sample import Sample
from calovision.conversion.source import Source, SourceFile
from calovision.conversion.stored import StoredRecipe
from calovision.core.depth import LAYER
from calovision.core.errors import BadFileError, EntryError, InputError
from calovision.images import check_channels
from calovision.images.areas import SIZES
from calovision.jets.variables import branches_of_events
from calovision.ntuples import Events, NtupleInfo
from calovision.ntuples.events import COUNTED
from calovision.ntuples.paths import split_tree
from calovision.storage import ImageFileWriter, ImageMetadata

logger = logging.getLogger(__name__)

ON_BAD_FILE = ("fail", "skip")


def convert_ntuple(
    source: Path | str | Source,
    output: Path,
    recipe: ImageRecipe,
    *,
    sample: str | Sample,
    label: int | None = None,
    on_bad_file: str = "fail",
    compression: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImageMetadata:
    """Build the images of the events of one ntuple that pass the preselection.

    Parameters
    ----------
    source
        The ROOT file, a path or an address as ``root://...``, with ``:tree`` behind it to name the
        tree; or a `Source` of one file, which says how it is read.
    output
        The HDF5 file to write.
    recipe
        Grid, channels, jets, preselection, split.
    sample, label
        The `Sample`; or its name, and 1 for signal, 0 for background.
    on_bad_file
        ``"fail"`` raises on a file that cannot be read or holds numbers that are not finite;
        ``"skip"`` writes an image file without events that names it in ``skipped_files`` and counts
        none of its generated events.
    compression
        None or ``"blosc2"``, as in `ImageFileWriter`.
    progress
        Called with the number of events after each chunk.

    Returns
    -------
    What was stored about the file, with the cut flow.

    Raises
    ------
    InputError
        If the ntuple cannot be read, has other than the expected entries or no cross-section where
        none is given, or the recipe asks for an unknown channel or variable.
    """
    check_options(recipe, on_bad_file)
    source = Source.of(source)
    if len(source.files) > 1:
        raise InputError(f"{len(source.files)} files given to convert_ntuple; give one")
    sample = Sample.of(sample, label)
    (file,) = source.open(recipe, [sample.weights], sample.class_cuts)
    convert = FileConversion(file, recipe, sample, on_bad_file)
    return convert(output, compression=compression, progress=progress)


def check_options(recipe: ImageRecipe, on_bad_file: str) -> None:
    """Raise InputError for an unknown channel or `on_bad_file`, or as `check_jet_options`."""
    check_channels(recipe.channels)
    check_jet_options(recipe)
    if recipe.mask is not None:
        if recipe.jets is not None:
            raise InputError(
                "a mask is of the detector's cells, but the images are those of jets, around their "
                "axis; leave the mask out"
            )
        recipe.mask.mask.check(recipe.grid, recipe.channels)
    if on_bad_file not in ON_BAD_FILE:
        raise InputError(f"on_bad_file is '{on_bad_file}': choose one of {', '.join(ON_BAD_FILE)}")


@dataclass(frozen=True)
class FileConversion:
    """Conversion of one file, which may be sent to another process.

    Attributes
    ----------
    file
        The ROOT file; it is closed at the end.
    recipe, on_bad_file
        As in `convert_ntuple`.
    sample
        The sample, with the weights of this file.
    """

    file: SourceFile
    recipe: ImageRecipe
    sample: Sample
    on_bad_file: str = "fail"

    def __call__(
        self,
        output: Path,
        *,
        compression: str | None = None,
        to_merge: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> ImageMetadata:
        """Write the image file; with ``to_merge`` as a part that is merged soon."""
        new_file = partial(
            ImageFileWriter, output, self.recipe.image_shape, compression=compression
        )
        try:
            with self.file.ntuple:
                metadata = self._convert(
                    partial(new_file, to_merge=to_merge), progress or (lambda n_events: None)
                )
        except BadFileError as error:
            if self.on_bad_file == "fail":
                raise
            logger.warning("%s: skipped (%s)", self.file.path, error)
            metadata = self._skip(new_file, error)
        for cut, n_events, weight in metadata.cut_flow:
            logger.info(
                "%s: %s: %d events, sum of weights %g", self.file.path, cut, n_events, weight
            )
        return metadata

    def _convert(
        self, new_file: Callable[[], ImageFileWriter], progress: Callable[[int], None]
    ) -> ImageMetadata:
        """Convert the events of the file, and store what it says about them."""
        definition = self.file.definition(self.recipe)
        self.file.check_entries()
        cross_section = find_cross_section(self.file.info, self.sample)
        info = self.file.info_of_part()
        check, layers = ImageCheck(self.recipe), LayerCheck(self.recipe.image_channels)
        with new_file() as writer:
            counts = self._write(writer, info, check, layers, progress)
            metadata = self._metadata(
                cross_section,
                counts,
                info=info,
                source_rows=[len(writer)],
                source_events=[(counts.read.n, counts.read.weight, counts.read.absolute)],
                source_files=[(self.file.name, info.uuid)],
                source_ranges=None if self.file.is_whole else [self.file.entries],
                definition=definition,
                warnings=self._warnings(
                    info.warnings | check.warnings() | layers.warnings() | counts.warnings()
                ),
            )
            writer.close(metadata)
        return metadata

    def _warnings(self, found: Mapping[str, str]) -> list[tuple[str, str, int]]:
        """Log what is odd about the file and its images, and return it for the image file."""
        for what, sentence in found.items():
            if what != COUNTED:  # the reader has logged it
                logger.warning("%s: %s", self.file.path, sentence)
        return [(what, sentence, 1) for what, sentence in found.items()]

    def _skip(self, new_file: Callable[[], ImageFileWriter], error: BadFileError) -> ImageMetadata:
        """Write an image file without events, which names the bad file."""
        cross_section = self.sample.cross_section_pb or np.nan
        skipped = [(str(self.file.path), str(error))]
        nothing = RowCounts(self.recipe, self.sample)
        metadata = self._metadata(cross_section, nothing, source_files=[], skipped_files=skipped)
        with new_file() as writer:
            writer.append(*self._no_rows(None))
            writer.close(metadata)
        return metadata

    def _write(
        self,
        writer: ImageFileWriter,
        info: NtupleInfo,
        check: ImageCheck,
        layers: LayerCheck,
        progress: Callable[[int], None],
    ) -> RowCounts:
        """Convert chunk by chunk, while the next one is read and the last one written."""
        counts = RowCounts(self.recipe, self.sample, info.n_generated, info.sum_of_weights)
        first, _ = self.file.entries
        recipe = recipe_of_file(self.recipe, info)
        same_jets = SameJets(recipe, info)
        n_events = 0
        chunks = read_ahead(self.file.events(self.recipe))
        with write_behind(writer.append) as append, closing(chunks):
            for events in chunks:
                rows = self.rows(events, recipe, first + n_events)
                append(rows.images, rows.columns)
                same_jets.add(rows.pt_ratios)
                layers.add(events)
                check.add_weights(events.weight)
                check.add(rows.images, rows.columns["overflow"])
                check.add_variables(rows.columns)
                counts.add(rows, events.weight)
                n_events += len(events.event_number)
                progress(len(events.event_number))
            if n_events == 0:
                append(*self._no_rows(info))  # the columns exist all the same
        same_jets.finish()
        return counts

    def rows(self, events: Events, recipe: ImageRecipe, first: int) -> ImageRows:
        """Rows of a chunk whose first entry is ``first``; BadFileError names the entry."""
        try:
            return image_rows(events, recipe, self.sample)
        except EntryError as error:
            where = f"{self.file.info.path}, entry {first + error.row}"
            raise BadFileError(f"{where}: {error.field} {error.problem}") from error

    def _no_rows(self, info: NtupleInfo | None) -> tuple:
        """Images and columns of a chunk without events; with those of fat jets if the file has
        some of its own.
        """
        names = ("pt", "eta", "phi", "mass", "e", "e_em", "e_had", "charge", LAYER, *SIZES)
        own_fields = (*names, *jet_variables(self.recipe))
        nothing = ak.zip(dict.fromkeys(names, ak.Array([[0.0]])[:0]))
        own = info is not None and "fat_jets" in info.collections
        empty = Events(
            event_number=np.zeros(0, dtype=np.int64),
            weight=np.zeros(0),
            towers=nothing,
            tracks=nothing,
            fat_jets=ak.zip(dict.fromkeys(own_fields, nothing.pt)) if own else None,
            candidates=nothing,
            variables=dict.fromkeys(branches_of_events(self.recipe.own_variables), np.zeros(0)),
            **dict.fromkeys(info.row_numbers if info else (), np.zeros(0, dtype=np.int64)),
        )
        return image_rows(empty, self.recipe, self.sample)[:2]

    def _metadata(
        self,
        cross_section_pb: float,
        counts: RowCounts,
        *,
        info: NtupleInfo | None = None,
        **others: object,
    ) -> ImageMetadata:
        """Metadata of the image file; zero counts if the ntuple was skipped (no ``info``)."""
        recipe = self.recipe
        return ImageMetadata(
            grid=recipe.image_grid,
            channels=recipe.image_channels,
            units=recipe.image_units,
            kind=recipe.kind,
            jet_recipe=None if recipe.jets is None else recipe.jets.to_dict(),
            selection=dict(recipe.preselection),
            cut_flow=counts.cut_flow,
            jet_selection=dict(recipe.jet_selection),
            jet_cut_flow=counts.jet_cut_flow,
            sample=self.sample.name,
            label=self.sample.label,
            classes=self.sample.classes,
            class_cuts=dict(self.sample.class_cuts),
            cross_section_pb=cross_section_pb,
            n_generated=info.n_generated if info else 0,
            sum_of_weights=info.sum_of_weights if info else 0.0,
            fat_jet_radius=_fat_jet_radius(recipe, info),
            split_group=recipe.split_group or "",
            mask=None
            if recipe.mask is None
            else recipe.mask.attribute(recipe.grid, recipe.channels, counts.masked),
            configuration_hash=self._configuration_hash(),
            recipe=self._stored_recipe(),
            **others,
        )

    def _stored_recipe(self) -> dict:
        """Recipe for further files; a tree that was named with the path is that of the file."""
        source = self.file.source
        tree = source.tree or split_tree(self.file.path)[1]
        return StoredRecipe.of(self.recipe, source.schema, tree).to_dict()

    def _configuration_hash(self) -> str:
        """Hash of all choices; shares of counts, which differ from file to file, are none."""
        source = self.file.source
        sample = self.sample
        return configuration_hash(
            self.recipe,
            sample.name,
            sample.label,
            (sample.classes, dict(sample.class_cuts)),
            None if source.schema is None else str(source.schema),
            source.tree,
            sample.cross_section_pb,
            (sample.weights.index, sample.weights.include_cross_section),
        )


def _fat_jet_radius(recipe: ImageRecipe, info: NtupleInfo | None) -> float | None:
    """Radius of the clustered fat jets, or of the file's own; None if there are none, or their
    radius is not known.
    """
    if info is None or not recipe.cluster_jets:
        return None
    if "fat_jets" in info.collections and recipe.variation is None:
        return info.fat_jet_radius
    return float(recipe.fat_jets.radius)
