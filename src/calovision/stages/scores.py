"""Scores of trained networks: of the events that they have not seen, and of further image files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from calovision.core.splits import TRAIN, Folds
from calovision.evaluation import split_indices
from calovision.jobs.compilation import skip_numba_extensions
from calovision.models import ImageModel, load_model
from calovision.scoring import NtupleOptions, score_collection, score_ntuple, score_out_of_fold
from calovision.scoring.evaluation import ensemble
from calovision.stages.arguments import Count, fold_of_path, not_counted
from calovision.stages.collections import Definitions, open_files, open_list
from calovision.storage import ImageCollection, write_scores
from calovision.storage.predictions import write_predictions


@dataclass(frozen=True)
class ScoringOptions:
    """Choices of the scoring, as `calovision.scoring.score_collection` takes them.

    Attributes
    ----------
    device
        ``auto``, ``cpu`` or ``gpu``.
    n_rotations
        Rotations in phi over which a score is averaged.
    precision
        ``fp32``, ``bf16`` or ``auto``.
    """

    device: str = "auto"
    n_rotations: int = 0
    precision: str = "fp32"


def score_events(
    images: Path,
    model: Path,
    output: Path,
    options: ScoringOptions,
    *,
    folds: Mapping[str, Any] | None = None,
    fold: str = "",
    variables: Definitions | None = None,
    tables: Sequence[Path] = (),
    threads: int = 1,
    count: Count = not_counted,
) -> None:
    """Write the scores of one network for the validation and test splits.

    Parameters
    ----------
    images
        List of the image files.
    model
        ``model.json``. A module that it names is imported, since the configuration names it, too.
    output
        The score file.
    folds, fold
        As of `calovision.stages.training.train`: the splits are those of the network's fold.
    variables, tables
        Variables of the user's own that the network takes, as of `open_list`.
    threads
        Of torch.
    """
    torch.set_num_threads(threads)
    collection = open_list(images, variables, tables)
    split = collection.splits(**fold_of_path(folds, fold))
    indices = np.flatnonzero(split != TRAIN)
    count(len(indices))
    network = load_model(model, allow_imports=True)
    scores = score_collection(network, collection, indices, **asdict(options))
    rotations = {"n_rotations": options.n_rotations}  # for the plan of another run
    of_fold = {}
    if folds is not None:
        number = fold_of_path(folds, fold)["fold"]
        of_fold = {"folds": np.full(len(indices), number), "split": split[indices]}
    _write(output, collection, indices, scores, network, attributes=rotations, **of_fold)


def score_ensemble(
    images: Sequence[Path],
    models: Sequence[Path],
    output: Path,
    options: ScoringOptions,
    *,
    folds: Mapping[str, Any] | None = None,
    variables: Definitions | None = None,
    tables: Sequence[Path] = (),
    threads: int = 1,
    count: Count = not_counted,
) -> None:
    """Write the mean score of the networks of a model for the test events of image files; with
    folds for all events, each by the networks of its fold. Arguments as in `score_events`, but
    ``tables`` are those of the image files; the models are in the order of their seeds, the folds
    of each ascending.
    """
    torch.set_num_threads(threads)
    collection = open_files(images, variables, tables)
    networks = [load_model(path, allow_imports=True) for path in models]
    if folds is None:
        indices = split_indices(collection, "test")
        count(len(indices))
        scores = _mean_scores(networks, collection, indices, options)
    else:
        indices = np.arange(len(collection))
        count(len(indices))
        scores = score_out_of_fold(networks, collection, Folds(**folds), **asdict(options))
    _write(output, collection, indices, scores, networks[0])


def _write(
    output: Path,
    collection: ImageCollection,
    indices: np.ndarray,
    scores: np.ndarray,
    network: ImageModel,
    **more: Any,
) -> None:
    """Write scores, or the predictions of a target."""
    specification = network.specification
    if target := specification.target:
        of_target = {"target": target["name"], "unit": target["unit"]}
        write_predictions(output, collection, indices, scores, **of_target, **more)
        return
    write_scores(output, collection, indices, scores, classes=specification.classes, **more)


def _mean_scores(
    networks: Sequence[ImageModel],
    collection: ImageCollection,
    indices: np.ndarray,
    options: ScoringOptions,
) -> np.ndarray:
    scores = [
        score_collection(network, collection, indices, **asdict(options)) for network in networks
    ]
    return ensemble(np.stack(scores, axis=1), networks[0].specification)


def score_application(
    job: Mapping[str, Any],
    models: Sequence[Path],
    output: Path,
    options: ScoringOptions,
    *,
    threads: int = 1,
    count: Count = not_counted,
) -> None:
    """Write a friend tree of the tree of a ROOT file: the mean score of the networks of a model for
    every entry.

    Parameters
    ----------
    job
        ``file``, ``schema`` and ``tree`` (None for those of the training); ``retries``, how often
        an address that does not answer is tried again.
    models
        ``model.json`` of each network, with the recipe of its images.
    output
        The ROOT file to write.
    threads
        Of torch.
    """
    skip_numba_extensions()
    torch.set_num_threads(threads)
    networks = [load_model(path, allow_imports=True) for path in models]
    score_ntuple(
        networks,
        job["file"],
        Path(output),
        NtupleOptions(schema=job["schema"], tree=job["tree"], retries=job["retries"]),
        attributes={"model": str(Path(models[0]).parent.parent), "networks": len(networks)},
        progress=count,
        **asdict(options),
    )
