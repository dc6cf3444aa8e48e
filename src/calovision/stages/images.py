"""ROOT ntuples to image files, and the list of these that later stages read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from calovision.conversion import ImageRecipe, WeightOptions, convert_job
from calovision.conversion.variations import Variation
from calovision.images.grid import EtaPhiGrid
from calovision.jets import EventContent, FatJetDefinition
from calovision.jobs.compilation import skip_numba_extensions
from calovision.stages.arguments import Count, not_counted
from calovision.storage import ImageCollection, write_file_list
from calovision.workflow.chunks import Chunk


@dataclass(frozen=True)
class ImageJob:
    """ROOT files of one job, and what the configuration says of their sample.

    Attributes
    ----------
    chunk
        The files, and their entries.
    sample, label
        Name; 1 for signal, 0 for background.
    schema, tree
        Of the ntuples; None finds them.
    cross_section_pb
        None: the file's own.
    weights
        How the generator weights are to be understood.
    """

    chunk: Chunk
    sample: str
    label: int
    schema: str | None = None
    tree: str | None = None
    cross_section_pb: float | None = None
    weights: WeightOptions = field(default_factory=WeightOptions)

    @classmethod
    def of(cls, sample: str, job: Mapping[str, Any]) -> Self:
        """Take ``chunk`` and ``sample`` of the parameter ``job`` of the rule."""
        meaning = WeightOptions(**(job["sample"]["weights"] or {}))
        return cls(Chunk(**job["chunk"]), sample, **{**job["sample"], "weights": meaning})


@dataclass(frozen=True)
class ImageFileOptions:
    """Choices of the conversion that decide no event of the output.

    Attributes
    ----------
    compression
        Of the output: None or ``"blosc2"``.
    on_bad_file
        ``"fail"`` or ``"skip"``.
    chunk_size
        Events in memory at a time; None takes as many as fit a bounded memory.
    retries
        How often an address that does not answer is tried again.
    """

    compression: str | None = None
    on_bad_file: str = "fail"
    chunk_size: int | None = None
    retries: int = 0

    @classmethod
    def of(cls, images: Mapping[str, Any]) -> Self:
        """Take section ``images`` of the configuration."""
        compression = images["compression"]
        return cls(
            compression=None if compression == "none" else compression,
            on_bad_file=images["on_bad_file"],
            chunk_size=images["chunk_size"],
            retries=images["remote_retries"],
        )


def image_recipe(recipe: Mapping[str, Any], split: Mapping[str, Any]) -> ImageRecipe:
    """Recipe of the images of a job.

    Parameters
    ----------
    recipe
        ``images``, ``fat_jets``, ``event_content`` and ``variation`` (None: without them),
        ``preselection``, ``seed``, as in the configuration.
    split
        ``fractions`` of training, validation and test; ``group`` if the split is not drawn from the
        sample's name.
    """
    images = recipe["images"]
    edges = images["eta_edges"]
    content = recipe["event_content"]
    variation = recipe["variation"]
    return ImageRecipe(
        grid=EtaPhiGrid(
            *images["grid"], tuple(images["eta_range"]), None if edges is None else tuple(edges)
        ),
        channels=tuple(images["channels"]),
        fat_jets=FatJetDefinition(**recipe["fat_jets"]),
        content=None if content is None else EventContent(**content),
        variation=None if variation is None else Variation.from_mapping(variation),
        preselection=recipe["preselection"],
        split_seed=recipe["seed"],
        split_fractions=tuple(split["fractions"]),
        split_group=split.get("group"),
    )


def build_images(
    output: Path,
    job: ImageJob,
    recipe: ImageRecipe,
    options: ImageFileOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Write the images of the events of one job that pass the preselection."""
    skip_numba_extensions()
    convert_job(
        job.chunk.files,
        output,
        recipe,
        first=job.chunk.first,
        n_files=job.chunk.n_files,
        entries=job.chunk.entries,
        entry_range=job.chunk.entry_range,
        sample=job.sample,
        label=job.label,
        schema=job.schema,
        tree=job.tree,
        cross_section_pb=job.cross_section_pb,
        weights=job.weights,
        compression=options.compression,
        on_bad_file=options.on_bad_file,
        chunk_size=options.chunk_size,
        retries=options.retries,
        progress=count,
    )


def list_images(files: Sequence[Path], output: Path) -> None:
    """Write the list of the image files of all samples.

    Raises
    ------
    InputError
        If files do not belong together: before the first training.
    """
    ImageCollection(files)
    write_file_list(Path(output), files)
