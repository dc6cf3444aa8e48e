"""Several image files of one sample into one, for those who build the parts in parallel."""

import math
from collections.abc import Sequence
from pathlib import Path

from calovision.core.errors import InputError
from calovision.storage.collection import ImageCollection
from calovision.storage.metadata import ImageMetadata
from calovision.storage.normalization import add_cut_flows, add_warnings, mean_cross_section
from calovision.storage.recipes import common_recipe
from calovision.storage.writer import ImageFileWriter


def merge_image_files(
    paths: Sequence[Path], output: Path, *, compression: str | None = None, outside: bool = False
) -> ImageMetadata:
    """Write the rows of image files, one file after the other, into one image file.

    Parameters
    ----------
    paths
        Image files of one sample.
    output
        The file to write; it may be one of ``paths``.
    compression
        As in `ImageFileWriter`.
    outside
        As in `ImageFile`: the parts were written ``to_merge``.

    Returns
    -------
    What was stored: cut flow, generated events and weights are summed, source and skipped files
    listed one after the other, the cross-section averaged by generated events; the rest is that of
    the first file.

    Raises
    ------
    InputError
        If the files do not belong together or are of several samples, or their columns differ.
    """
    collection = ImageCollection(paths, outside=outside)
    if len(collection.samples) > 1:
        raise InputError(
            f"{output}: image files of one sample can be merged, not of "
            f"{', '.join(collection.samples)}"
        )
    with ImageFileWriter(
        output, collection.metadata.image_shape, compression=compression
    ) as writer:
        # a file without events may lack columns, if its ntuple was skipped
        for file in [file for file in collection.files if len(file)] or collection.files[:1]:
            writer.append_file(file)
        metadata = merge_metadata([file.metadata for file in collection.files])
        writer.close(metadata)
    return metadata


def merge_metadata(infos: Sequence[ImageMetadata]) -> ImageMetadata:
    """Attributes of the files of one sample as those of one file; sums where they count
    something.
    """
    first = infos[0]
    return ImageMetadata(
        sample=first.sample,
        label=first.label,
        grid=first.grid,
        channels=first.channels,
        units=first.units,
        selection=first.selection,
        cut_flow=add_cut_flows(infos),
        cross_section_pb=mean_cross_section(infos),
        n_generated=sum(info.n_generated for info in infos),
        sum_of_weights=math.fsum(info.sum_of_weights for info in infos),
        source_files=[source for info in infos for source in info.source_files],
        configuration_hash=first.configuration_hash,
        package_version=first.package_version,
        kind=first.kind,
        jet_recipe=first.jet_recipe,
        skipped_files=[skipped for info in infos for skipped in info.skipped_files],
        source_ranges=_source_ranges(infos),
        source_rows=_of_sources(infos, "source_rows"),
        source_events=_of_sources(infos, "source_events"),
        fat_jet_radius=first.fat_jet_radius
        if len({info.fat_jet_radius for info in infos}) == 1
        else None,
        definition={name: value for info in infos for name, value in info.definition.items()},
        split_group=first.split_group,
        warnings=add_warnings(infos),
        recipe=common_recipe(infos),
        classes=first.classes,
        class_cuts=first.class_cuts,
        jet_selection=first.jet_selection,
        jet_cut_flow=add_cut_flows(infos, "jet_cut_flow"),
        mask=_added_masks(infos),
    )


def _added_masks(infos: Sequence[ImageMetadata]) -> dict | None:
    """Mask of all files, with the sums of what it changed."""
    masks = [info.mask for info in infos if info.mask is not None]
    if not masks:
        return None
    sums = {
        name: [
            math.fsum(of_channel) for of_channel in zip(*(one[name] for one in masks), strict=True)
        ]
        for name in ("removed", "filled")
    }
    return masks[0] | sums


def _source_ranges(infos: Sequence[ImageMetadata]) -> list | None:
    """Ranges of all source files; None if all of them were read as a whole."""
    if all(info.source_ranges is None for info in infos):
        return None
    return [
        entries
        for info in infos
        for entries in info.source_ranges or [None] * len(info.source_files)
    ]


def _of_sources(infos: Sequence[ImageMetadata], name: str) -> list | None:
    """Numbers of all source files, an attribute with one for each; None if they are not known of
    one.
    """
    if any(getattr(info, name) is None and info.source_files for info in infos):
        return None
    return [number for info in infos for number in getattr(info, name) or ()]
