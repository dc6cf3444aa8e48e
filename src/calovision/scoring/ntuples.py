"""Scores of the entries of ROOT files, by the recipe that a model brings along: images are made and
scored chunk by chunk, in memory that does not grow with the file.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from calovision.conversion import ImageRecipe, ImageStream, StoredRecipe
from calovision.conversion.parallel import run_in_processes
from calovision.conversion.streams import narrowed
from calovision.core.errors import InputError
from calovision.models import ImageModel, keep_freed_memory
from calovision.ntuples import NtupleInfo
from calovision.ntuples.output_names import output_names
from calovision.ntuples.paths import split_tree
from calovision.ntuples.schemas.schema import Schema
from calovision.scoring.evaluation import choose_device
from calovision.scoring.file_scoring import FileScoring, ScoredFile
from calovision.scoring.fit import Images, check_kind
from calovision.scoring.score_files import (
    SUFFIXES,
    TREE,
    Contents,
    import_parquet,
    score_columns,
)
from calovision.scoring.scores import SCORING_BATCH

logger = logging.getLogger(__name__)

THREADS = 8  # that open files, most of whose time goes by with waiting
LONG = 8_000  # entries of a file for which it pays to start a process


@dataclass(frozen=True)
class NtupleOptions:
    """Reading of the ROOT files, and what is written of their scores.

    Attributes
    ----------
    schema, tree
        Of the files; None for those of the recipe, and where it has none, what fits.
    retries
        How often an address that does not answer is tried again.
    format
        ``root``, ``hdf5`` or ``parquet``.
    output_tree
        Name of the tree with the scores in a ROOT file.
    force
        Write over outputs that exist.
    processes
        Processes that share the files; with more of them than files, the images of a long file are
        made in one of their own, beside its network.
    """

    schema: str | Path | Schema | None = None
    tree: str | None = None
    retries: int = 0
    format: str = "root"
    output_tree: str = TREE
    force: bool = False
    processes: int = 1


def score_ntuples(
    model: ImageModel | Sequence[ImageModel],
    files: Sequence[Path | str],
    output: Path,
    options: NtupleOptions = NtupleOptions(),
    *,
    attributes: Mapping[str, str | int] | None = None,
    progress: Callable[[int], None] | None = None,
    **scoring: Any,
) -> list[ScoredFile]:
    """Write the scores of every entry of ROOT files, a file for each.

    Parameters
    ----------
    model
        As `load_model` gives it, with the recipe of its training; several for their ensemble
        (`calovision.metrics.ensemble_scores`).
    files
        Paths or addresses, with ``:tree`` behind one to name its tree.
    output
        Folder, created if needed; `output_names` gives the paths below it.
    options
        How files are read and written.
    attributes
        Where the scores are from, stored with them.
    progress
        Called with the number of entries that are done.
    **scoring
        ``device``, ``batch_size``, ``n_rotations`` and ``precision`` as in `score_images`.

    Returns
    -------
    What was written of each file, in their order.

    Raises
    ------
    InputError
        If the model has no recipe, an output exists, or a file lacks what the recipe needs: before
        anything is written; if a file is damaged further on, whose scores are then not there.
    """
    keep_freed_memory()  # before the first thread
    models = (model,) if isinstance(model, ImageModel) else tuple(model)
    paths = [Path(output) / name for name in output_names(files, _suffix(options.format))]
    _check_outputs(files, paths, force=options.force)
    streams = ntuple_streams(models[0], files, options)
    scoring = {"batch_size": SCORING_BATCH} | scoring
    choose_device(scoring.get("device", "auto"))
    contents = _contents(models[0], streams[0], options, attributes)
    with ThreadPoolExecutor(THREADS) as threads:
        infos = list(threads.map(ImageStream.info, streams))
    _warn_of_seen(models, infos)
    n_processes = min(options.processes, len(files))
    jobs = [
        FileScoring(stream, models, path, options.format, contents, scoring, n_processes, apart)
        for stream, path, apart in zip(
            streams, paths, (_is_apart(options, len(files), one) for one in infos), strict=True
        )
    ]
    return run_in_processes(jobs, processes=n_processes, progress=progress)


def score_ntuple(
    models: Sequence[ImageModel],
    file: Path | str,
    output: Path,
    options: NtupleOptions,
    *,
    attributes: Mapping[str, str | int] | None = None,
    progress: Callable[[int], None] | None = None,
    **scoring: Any,
) -> ScoredFile:
    """Write the scores of every entry of one ROOT file in place of an older ``output``; all else as
    in `score_ntuples`.

    Parameters
    ----------
    models
        Models of one recipe, whose mean is taken.
    file, output
        ROOT file, and the file of its scores.
    options, attributes, progress, **scoring
        As in `score_ntuples`.
    """
    keep_freed_memory()  # before the first thread
    (stream,) = ntuple_streams(models[0], [file], options)
    contents = _contents(models[0], stream, options, attributes)
    scoring = {"batch_size": SCORING_BATCH} | scoring
    info = stream.info()
    _warn_of_seen(models, [info])
    apart = _is_apart(options, 1, info)
    score = FileScoring(
        stream, tuple(models), Path(output), options.format, contents, scoring, 1, apart
    )
    return score(progress=progress)


def _is_apart(options: NtupleOptions, n_files: int, info: NtupleInfo) -> bool:
    """Tell whether the images of a file are made in a process of their own."""
    return options.processes > n_files and info.n_entries >= LONG


def _warn_of_seen(models: Sequence[ImageModel], infos: Sequence[NtupleInfo]) -> None:
    """Warn of files of the training, which the models of before do not know."""
    seen = {uuid for model in models for uuid in model.training_run.get("sources") or ()}
    for info in infos:
        if info.uuid in seen:
            logger.warning(
                "%s trained this model, which saw its events and tells them apart better than "
                "others: score its image files (--split test, of a mean of folds --out-of-fold)",
                info.path,
            )


def _contents(
    model: ImageModel,
    stream: ImageStream,
    options: NtupleOptions,
    attributes: Mapping[str, str | int] | None,
) -> Contents:
    recipe = stream.recipe
    n_jets = None if recipe.jets is None else recipe.jets_per_event
    columns = score_columns(model.specification.classes, of_target=bool(model.specification.target))
    return Contents(options.output_tree, n_jets, dict(attributes or {}), columns)


def ntuple_streams(
    model: ImageModel, files: Sequence[Path | str], options: NtupleOptions
) -> list[ImageStream]:
    """Images of ROOT files by the recipe of a model.

    Raises
    ------
    InputError
        If it has none, or one that cannot be used.
    """
    if model.recipe is None:
        raise InputError(
            "the model does not say how its images are made of ROOT files, as an older calovision "
            "wrote it or the image files of its training: build these again and train again, or "
            "build image files of the ntuples and score these"
        )
    try:
        recipe = StoredRecipe.from_dict(model.recipe)
        schema = options.schema if options.schema is not None else recipe.find_schema()
        tree = _tree_of(recipe, files, options)
    except InputError as error:
        raise InputError(f"the recipe of the model: {error}; score image files instead") from error
    check_kind(model.specification, _of_recipe(recipe.images), "the recipe of the model")
    images = narrowed(
        recipe.images, {name.partition("[")[0] for name in model.specification.variables}
    )
    return [ImageStream(file, images, schema, tree, options.retries) for file in files]


def _tree_of(
    recipe: StoredRecipe, files: Sequence[Path | str], options: NtupleOptions
) -> str | None:
    """Tree of the files that name none of their own; None for that of the schema."""
    if options.tree is not None or options.schema is not None:
        return options.tree
    return None if all(split_tree(file)[1] for file in files) else recipe.find_tree()


def _of_recipe(recipe: ImageRecipe) -> Images:
    """Description of the images of a recipe."""
    return SimpleNamespace(
        kind=recipe.kind,
        grid=recipe.image_grid,
        channels=recipe.image_channels,
        units=recipe.image_units,
        image_shape=recipe.image_shape,
    )


def _suffix(file_format: str) -> str:
    """Suffix of a format; InputError if it is unknown, or its package missing."""
    if file_format not in SUFFIXES:
        raise InputError(f"format '{file_format}' is unknown: choose from {', '.join(SUFFIXES)}")
    if file_format == "parquet":
        import_parquet()
    return SUFFIXES[file_format]


def _check_outputs(files: Sequence[Path | str], outputs: Sequence[Path], *, force: bool) -> None:
    """Raise InputError if an output exists and must not be overwritten, or is one of the files."""
    inputs = {Path(split_tree(file)[0]).resolve() for file in files if "://" not in str(file)}
    for output in outputs:
        if output.resolve() in inputs:
            raise InputError(f"{output} is one of the files to score: give another folder")
        if output.exists() and not (force and output.is_file()):
            raise InputError(
                f"{output} exists already: give another folder or --force to overwrite it"
            )
