"""Jets that come with their constituents, block by block, as an image file: the common end of the
imports of particles.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.conversion.image_check import ImageCheck
from calovision.conversion.parallel import read_ahead, write_behind
from calovision.conversion.recipe import ImageRecipe, configuration_hash
from calovision.conversion.rows import ImageRows, image_rows
from calovision.conversion.sample import Sample
from calovision.conversion.stored import StoredRecipe
from calovision.core.errors import EntryError, InputError
from calovision.jets import VARIABLES, FatJetDefinition
from calovision.ntuples import Events
from calovision.selection import variables_of
from calovision.storage import ImageFileWriter, ImageMetadata

BLOCK_BYTES = 2**25  # of padded particles, float64, in memory at a time
ALL_JETS = {"pt_min": 0.0, "eta_max": 300.0}
"""Selection of fat jets that every jet passes."""


class JetBlock(NamedTuple):
    """Some jets in the order of a file, with those of one event together.

    Attributes
    ----------
    path, first
        The file, and the entry of the first jet in it.
    constituents
        Records, ``n_jets * var``.
    jets
        ``pt``, ``eta``, ``phi``, ``mass``, ``(n_jets,)``, GeV and rad.
    event_number, label, weight
        ``(n_jets,)``.
    split
        Position in `calovision.core.splits.SPLITS`; None to draw it from the event number.
    """

    path: Path
    first: int
    constituents: ak.Array
    jets: dict[str, np.ndarray]
    event_number: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    split: np.ndarray | None


@dataclass(frozen=True, kw_only=True)
class JetFileOptions:
    """Choices for the image file of imported jets.

    Attributes
    ----------
    recipe
        Recipe of the images, with ``jets``; its selection of fat jets is not used.
    sample
        Name of the sample; that of the image file without suffix if None.
    classes
        Names of the classes, whose positions are the labels; none for background and signal.
    cross_section_pb
        Of the sample, pb; NaN if it is not known.
    compression
        As in `ImageFileWriter`.
    """

    recipe: ImageRecipe
    sample: str | None = None
    classes: Sequence[str] = ()
    cross_section_pb: float = float("nan")
    compression: str | None = None


@dataclass
class _Counts:
    """Numbers of what went through, of each file."""

    jets: int = 0
    sum_of_weights: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    cut_flow: Sequence[tuple[str, int, float]] = ()

    def add(self, block: JetBlock, rows: ImageRows) -> None:
        self.jets += len(block.label)
        self.sum_of_weights += float(block.weight.sum())
        self.rows[str(block.path)] = self.rows.get(str(block.path), 0) + len(rows.images)
        before = self.cut_flow or [(name, 0, 0.0) for name, _, _ in rows.jet_cut_flow]
        self.cut_flow = [
            (name, n + n_more, total + weight)
            for (name, n, total), (_, n_more, weight) in zip(before, rows.jet_cut_flow, strict=True)
        ]


def write_jet_file(
    output: Path,
    blocks: Generator[JetBlock],
    options: JetFileOptions,
    *,
    label: int,
    definition: dict[str, str],
    progress: Callable[[int], None] | None = None,
) -> ImageMetadata:
    """Write the images of jets as one image file, a row for each jet, in bounded memory.

    Parameters
    ----------
    output
        The image file.
    blocks
        The jets, at least one block.
    options
        Recipe, sample and classes.
    label
        Label of all jets, or `calovision.core.classes.OF_ROWS`.
    definition
        What the jets and their constituents are, for `ImageMetadata.definition`.
    progress
        Called with the number of jets of each block that is done.

    Returns
    -------
    What was stored about the file.

    Raises
    ------
    InputError
        If the recipe is none of jets, or a jet is not possible; the file and the entry are named.
    """
    recipe = options.recipe
    if recipe.jets is None:
        raise InputError("the recipe makes images of events: give one of jets")
    for name in VARIABLES:
        if name in variables_of(recipe.jet_selection):
            raise InputError(
                f"cuts on jets: '{name}' is a variable of whole events, of which arrays of jets "
                "may lack some: cut on pt, eta, phi, mass and variables of jets"
            )
    recipe = replace(recipe, fat_jets=FatJetDefinition(recipe.fat_jets.radius, **ALL_JETS))
    sample = Sample(options.sample or Path(output).stem, label, cross_section_required=False)
    counts, check = _Counts(), ImageCheck(recipe)
    shape = recipe.image_shape
    with ImageFileWriter(output, shape, compression=options.compression) as writer:
        ahead = read_ahead(blocks)
        with write_behind(writer.append) as append, closing(blocks), closing(ahead):
            for block in ahead:
                rows = _rows(block, recipe, sample)
                append(rows.images, rows.columns)
                counts.add(block, rows)
                check.add_weights(block.weight)
                check.add(rows.images, rows.columns["overflow"])
                check.add_variables(rows.columns)
                if progress is not None:
                    progress(len(block.label))
        metadata = _metadata(recipe, sample, options, counts, definition, check)
        writer.close(metadata)
    return metadata


@contextmanager
def entries_named(path: Path, first: int) -> Iterator[None]:
    """Say which entry of a file an error about a jet is about, counted from ``first``."""
    try:
        yield
    except EntryError as error:
        where = f"{path}, entry {first + error.row}"
        raise InputError(f"{where}: {error.field} {error.problem}") from error


def _rows(block: JetBlock, recipe: ImageRecipe, sample: Sample) -> ImageRows:
    """Rows of a block, with the labels, ranks and splits that it brings along."""
    n_jets = len(block.label)
    alone = np.ones(n_jets, dtype=np.int64)  # one jet an event: they come with their ranks
    events = Events(
        event_number=block.event_number,
        weight=block.weight,
        towers=None,
        tracks=None,
        fat_jets=ak.unflatten(ak.zip(block.jets, with_name="Momentum4D"), alone),
        constituents=ak.unflatten(block.constituents, alone),
        first_entry=block.first,
    )
    with entries_named(block.path, block.first):
        _require_constituents(block)
        rows = image_rows(events, recipe, sample)
    columns = {name: one for name, one in rows.columns.items() if name not in VARIABLES}
    columns["label"] = block.label[rows.event].astype(np.int8)
    columns["jet_index"] = _ranks(block.event_number, block.jets["pt"])[rows.event]
    if block.split is not None:
        columns["split"] = block.split[rows.event].astype(np.uint8)
    return rows._replace(columns=columns)


def _require_constituents(block: JetBlock) -> None:
    counts = ak.to_numpy(ak.num(block.constituents, axis=1))
    if not counts.all():
        raise EntryError(
            int(np.argmin(counts)), "the jet", "has no constituents; leave it out", of="jet"
        )


def _ranks(event_number: np.ndarray, pt: np.ndarray) -> np.ndarray:
    """Rank in pT of each jet among those of its event, int64 ``(n_jets,)``, from 0."""
    order = np.lexsort((-pt, event_number))
    is_first = np.diff(event_number[order], prepend=event_number[order][:1] - 1) != 0
    places = np.arange(len(order))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = places - np.maximum.accumulate(np.where(is_first, places, 0))
    return ranks


def _metadata(
    recipe: ImageRecipe,
    sample: Sample,
    options: JetFileOptions,
    counts: _Counts,
    definition: dict[str, str],
    check: ImageCheck,
) -> ImageMetadata:
    classes = tuple(options.classes)
    choices = (recipe, sample.name, sample.label, classes, definition)
    return ImageMetadata(
        sample=sample.name,
        label=sample.label,
        grid=recipe.image_grid,
        channels=recipe.image_channels,
        units=recipe.image_units,
        selection={},
        cut_flow=[("in the file", counts.jets, counts.sum_of_weights)],
        jet_selection=dict(recipe.jet_selection),
        jet_cut_flow=list(counts.cut_flow),
        cross_section_pb=options.cross_section_pb,
        n_generated=counts.jets,
        sum_of_weights=counts.sum_of_weights,
        source_files=[(path, "") for path in counts.rows],
        source_rows=list(counts.rows.values()),
        configuration_hash=configuration_hash(*choices),
        kind=recipe.kind,
        jet_recipe=recipe.jets.to_dict(),
        definition=definition,
        warnings=[(what, sentence, 1) for what, sentence in check.warnings().items()],
        recipe=StoredRecipe.of(recipe, None).to_dict(),
        classes=classes,
    )
