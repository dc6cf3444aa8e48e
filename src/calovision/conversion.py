"""One ROOT ntuple to one image file: jets, preselection, images, weights, split."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import awkward as ak
import numpy as np

from calovision.errors import InputError
from calovision.grid import EtaPhiGrid
from calovision.images import CHANNELS, build_images, check_channels
from calovision.jets import FatJetDefinition, event_variables, find_fat_jets
from calovision.ntuples import Events, NtupleInfo, iterate_events, open_ntuple
from calovision.selection import apply_selection
from calovision.splits import assign_split
from calovision.storage import ImageFileWriter, ImageMetadata

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageRecipe:
    """What decides the content of an image file, beside the ntuple.

    ``preselection`` maps cut names to expressions (``selection.evaluate_cut``);
    ``split_fractions`` are the shares of train, validation and test.
    """

    grid: EtaPhiGrid = field(default_factory=EtaPhiGrid)
    channels: tuple[str, ...] = ("em_et", "had_et", "tracks")
    fat_jets: FatJetDefinition = field(default_factory=FatJetDefinition)
    preselection: Mapping[str, str] = field(default_factory=dict)
    split_seed: int = 1
    split_fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)


def convert_ntuple(
    path: Path,
    output: Path,
    recipe: ImageRecipe,
    *,
    sample: str,
    label: int,
    schema: str,
    cross_section_pb: float | None = None,
    chunk_size: int = 500,
) -> ImageMetadata:
    """Build the images of the events of one ntuple that pass the preselection.

    Parameters
    ----------
    path, output
        The ROOT file; the HDF5 file to write.
    recipe
        Grid, channels, jets, preselection, split.
    sample, label
        Name of the sample; 1 for signal, 0 for background.
    schema
        Layout of the ntuple, one of ``ntuples.SCHEMAS``.
    cross_section_pb
        Cross-section of the sample, pb; the file's own if None.
    chunk_size
        Events in memory at a time.

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
    info = open_ntuple(path, schema=schema)
    configuration_hash = _configuration_hash(recipe, sample, label, schema, cross_section_pb)
    cross_section_pb = _cross_section(info, sample, cross_section_pb)
    cut_flow = [("generated", info.n_generated, info.sum_of_weights)] + [(cut, 0, 0.0) for cut in recipe.preselection]
    with ImageFileWriter(output, (len(recipe.channels), recipe.grid.n_eta, recipe.grid.n_phi)) as writer:
        writer.append(*_no_events(recipe, sample, label))  # the columns exist even if no event passes
        for events in iterate_events(path, schema=schema, chunk_size=chunk_size, trimmed=recipe.fat_jets.groomed):
            images, columns, steps = _convert_chunk(events, recipe, sample, label)
            writer.append(images, columns)
            cut_flow[1:] = [
                (name, n + more, total + weight)
                for (name, n, total), (_, more, weight) in zip(cut_flow[1:], steps, strict=True)
            ]
        metadata = ImageMetadata(
            sample=sample,
            label=label,
            grid=recipe.grid,
            channels=tuple(recipe.channels),
            units=tuple(CHANNELS[channel].unit for channel in recipe.channels),
            selection=dict(recipe.preselection),
            cut_flow=cut_flow,
            cross_section_pb=cross_section_pb,
            n_generated=info.n_generated,
            sum_of_weights=info.sum_of_weights,
            source_files=[(str(path), info.uuid)],
            configuration_hash=configuration_hash,
            package_version=version("calovision"),
        )
        writer.close(metadata)
    for cut, n_events, weight in cut_flow:
        logger.info("%s: %s: %d events, sum of weights %g", path, cut, n_events, weight)
    return metadata


def _configuration_hash(*choices: object) -> str:
    """Hash of everything that decides the content of the file beside the ntuple, so that two files can be compared."""
    text = json.dumps(choices, default=lambda value: vars(value))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cross_section(info: NtupleInfo, sample: str, configured: float | None) -> float:
    """The configured cross-section, else the file's, in pb."""
    cross_section_pb = info.cross_section_pb if configured is None else configured
    if cross_section_pb is None:
        raise InputError(
            f"{info.path}: the file holds no positive cross-section: give samples.{sample}.cross_section_pb (pb) in "
            "the configuration"
        )
    if not (np.isfinite(cross_section_pb) and cross_section_pb > 0):
        raise InputError(
            f"sample '{sample}': the cross-section {cross_section_pb} pb is not positive: correct "
            f"samples.{sample}.cross_section_pb"
        )
    if not info.sum_of_weights > 0:
        raise InputError(
            f"{info.path}: the generator weights sum up to {info.sum_of_weights}, so that events cannot be normalized: "
            "the sum must be positive"
        )
    return float(cross_section_pb)


def _convert_chunk(events: Events, recipe: ImageRecipe, sample: str, label: int) -> tuple:
    """Images, columns and cut flow of the events of a chunk that pass."""
    fat_jets = find_fat_jets(events.towers, events.fat_jets, recipe.fat_jets)
    variables = event_variables(fat_jets)
    passed, steps = apply_selection(recipe.preselection, variables, events.weight)
    images, overflow = build_images(events.towers[passed], events.tracks[passed], recipe.grid, recipe.channels)
    number = events.event_number[passed]
    split = assign_split(sample, number, seed=recipe.split_seed, fractions=recipe.split_fractions)
    columns = {
        "event_number": number,
        "label": np.full(len(number), label, dtype=np.int8),
        "weight": events.weight[passed],
        "split": split,
        "overflow": overflow,
        **{name: values[passed] for name, values in variables.items()},
    }
    return images, columns, steps


def _no_events(recipe: ImageRecipe, sample: str, label: int) -> tuple:
    """Images and columns of a chunk without events."""
    number = ak.Array([[0.0]])[:0]
    towers = ak.zip(dict.fromkeys(("eta", "phi", "e", "e_em", "e_had"), number))
    tracks = ak.zip(dict.fromkeys(("pt", "eta", "phi"), number))
    empty = Events(np.zeros(0, dtype=np.int64), np.zeros(0), towers, tracks, None)
    return _convert_chunk(empty, recipe, sample, label)[:2]
