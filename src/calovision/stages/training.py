"""The training of one network."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from calovision.core.result import read_json
from calovision.stages.arguments import Count, fold_of_path, not_counted
from calovision.stages.collections import Definitions, open_list
from calovision.training import TrainingOptions, train_network


def training_options(
    options: Mapping[str, Any],
    configuration: Mapping[str, Any],
    *,
    model: str,
    seed: int,
    fold: str = "",
) -> TrainingOptions:
    """Options of the training of a network.

    Parameters
    ----------
    options
        Those that decide the result.
    configuration
        For ``checkpoint_minutes``, which decides no result and so is no parameter of the rule.
    model
        Name in the configuration.
    seed
        Of the network.
    fold
        The end of its path; networks of all folds have the same options.
    """
    of_model = {**configuration["train"], **configuration["models"][model]}
    minutes = of_model["checkpoint_minutes"]
    return TrainingOptions(**options, checkpoint_minutes=minutes, seed=int(seed))


def train(
    images: Path,
    model: Path,
    options: TrainingOptions,
    *,
    luminosity_fb: float,
    folds: Mapping[str, Any] | None = None,
    fold: str = "",
    variables: Definitions | None = None,
    tables: Sequence[Path] = (),
    threads: int = 1,
    count: Count = not_counted,
) -> None:
    """Train a network on the listed image files; a run that was killed goes on.

    Parameters
    ----------
    images
        List of the image files.
    model
        ``model.json``; its folder gets all else.
    luminosity_fb
        For the weights that depend on the cross-sections, 1/fb.
    folds, fold
        Arguments of `calovision.core.splits.Folds`, and the end of the network's path ("/fold0");
        None and "" without folds.
    variables, tables
        Variables of the user's own that the network takes, as of `open_list`.
    threads
        Of torch.
    """
    torch.set_num_threads(threads)
    model = Path(model)
    is_resumed = (model.parent / "resume").exists()
    train_network(
        open_list(images, variables, tables),
        model.parent,
        options,
        luminosity_fb=luminosity_fb,
        **fold_of_path(folds, fold),
        progress_bar=sys.stderr.isatty(),
    )
    if not is_resumed:  # of one that went on, the time of the epochs before is not known
        training = read_json(model)["training"]
        count(training["epochs"] * training["n_training"])
