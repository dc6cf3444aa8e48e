"""ROOT ntuples to image files, and the list of these that later stages read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from calovision.conversion import ImageRecipe, Sample, Source, WeightOptions, convert_job
from calovision.conversion.masking import ImageMask
from calovision.conversion.variables import tabulate_variables
from calovision.conversion.variations import Variation
from calovision.images.grid import EtaPhiGrid
from calovision.images.mask_file import read_mask
from calovision.jets import EventContent, FatJetDefinition
from calovision.jets.variables import own_variable
from calovision.jobs.compilation import skip_numba_extensions
from calovision.stages.arguments import Count, not_counted
from calovision.storage import ImageCollection, write_file_list
from calovision.workflow.chunks import Chunk
from calovision.workflow.jet_images import JetImages


@dataclass(frozen=True)
class ImageJob:
    """ROOT files of one job, and what the configuration says of their sample.

    Attributes
    ----------
    chunk
        The files, and their entries.
    sample
        The sample of all of them.
    schema, tree
        Of the ntuples; None finds them.
    """

    chunk: Chunk
    sample: Sample
    schema: str | None = None
    tree: str | None = None

    @classmethod
    def of(cls, sample: str, job: Mapping[str, Any]) -> Self:
        """Take ``chunk`` and ``sample`` of the parameter ``job`` of the rule."""
        configured = job["sample"]
        of_events = Sample(
            sample,
            configured["label"],
            classes=tuple(configured.get("classes", ())),
            class_cuts=configured.get("class_cuts", {}),
            cross_section_pb=configured["cross_section_pb"],
            cross_section_required=configured.get("cross_section_required", True),
            weights=WeightOptions(**(configured["weights"] or {})),
        )
        return cls(Chunk(**job["chunk"]), of_events, configured["schema"], configured["tree"])


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
    fat_jets = FatJetDefinition(**recipe["fat_jets"])
    content = recipe["event_content"]
    variation = recipe["variation"]
    return ImageRecipe(
        **_of_kind(recipe["images"], fat_jets.radius),
        fat_jets=fat_jets,
        content=None if content is None else EventContent(**content),
        variation=None if variation is None else Variation.from_mapping(variation),
        preselection=recipe["preselection"],
        variables={
            name: own_variable(name, **one) for name, one in recipe.get("variables", {}).items()
        },
        split_seed=recipe["seed"],
        split_fractions=tuple(split["fractions"]),
        split_group=split.get("group"),
    )


def _of_kind(images: Mapping[str, Any], radius: float) -> dict[str, Any]:
    """Cells, channels and steps of images of events, or of jets of a radius."""
    if images.get("kind", "event") == "event":
        edges = images["eta_edges"]
        edges = None if edges is None else tuple(edges)
        grid = EtaPhiGrid(*images["grid"], tuple(images["eta_range"]), edges)
        mask = images.get("mask")
        return {
            "grid": grid,
            "channels": tuple(images["channels"]),
            "mask": None if mask is None else ImageMask(read_mask(mask), images["mask_fill"]),
        }
    jets = JetImages(**images["jets"])
    return {
        "jets": jets.image_recipe(radius),
        "jets_per_event": jets.per_event,
        "jet_variables": jets.variables,
        "jet_constituents": jets.constituents,
        "jet_selection": jets.selection,
    }


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
        _source(job, options),
        output,
        recipe,
        sample=job.sample,
        on_bad_file=options.on_bad_file,
        compression=options.compression,
        progress=count,
    )


def compute_variables(
    images: Path,
    output: Path,
    job: ImageJob,
    wanted: Mapping[str, Any],
    options: ImageFileOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Write variables of branches for the events of an image file.

    ``wanted`` has the ``variables`` and the section ``fat_jets`` of the configuration.
    """
    recipe = ImageRecipe(
        fat_jets=FatJetDefinition(**wanted["fat_jets"]),
        variables={name: own_variable(name, **one) for name, one in wanted["variables"].items()},
    )
    tabulate_variables(_source(job, options), images, output, recipe, progress=count)


def _source(job: ImageJob, options: ImageFileOptions) -> Source:
    """ROOT files of a job, as they are read."""
    return Source(
        job.chunk.files,
        schema=job.schema,
        tree=job.tree,
        chunk_size=options.chunk_size,
        retries=options.retries,
        entry_range=job.chunk.entry_range,
        n_entries=job.chunk.entries,
        first_file=job.chunk.first,
        n_files=job.chunk.n_files,
    )


def list_variables(files: Sequence[Path], output: Path) -> None:
    """Write the list of the tables of variables of all samples."""
    write_file_list(Path(output), files)


def list_images(files: Sequence[Path], output: Path) -> None:
    """Write the list of the image files of all samples.

    Raises
    ------
    InputError
        If files do not belong together: before the first training.
    """
    ImageCollection(files)
    write_file_list(Path(output), files)
