"""Figures of what the network sees: mean attributions of the classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from calovision.core.splits import SPLITS, Folds
from calovision.images import CHANNELS
from calovision.models import load_model
from calovision.scoring.attribution import mean_attribution
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.collections import Definitions, open_list
from calovision.stages.figures.drawing import draw_figures
from calovision.storage import ImageCollection


@dataclass(frozen=True)
class AttributionsFiles(Files):
    """Files that `plot_attributions` reads: list of the image files, ``model.json`` of networks, of
    which the first is looked at; list of the tables of variables that it takes, none without.
    """

    images: Path
    models: tuple[Path, ...]
    variables: tuple[Path, ...] = ()


@dataclass(frozen=True)
class AttributionsOptions(Options):
    """Choices of `plot_attributions`.

    Attributes
    ----------
    class_names
        Label -> title of each class.
    n_events
        Test events of each class in the mean.
    luminosity_fb
        Of the weights of the means, 1/fb.
    seed
        Of the choice of the events.
    folds
        Arguments of `calovision.core.splits.Folds`; the first network is that of the first fold,
        whose test events are looked at. None without folds.
    variables
        Definitions of variables of the user's own that the network takes.
    """

    class_names: Mapping[int, str]
    n_events: int
    luminosity_fb: float
    seed: int
    folds: Mapping[str, Any] | None = None
    variables: Definitions = field(default_factory=dict)


@dataclass(frozen=True)
class AttributionsInputs:
    """Inputs of the figures of ``plot_attributions``.

    Attributes
    ----------
    attributions
        Title of a class -> mean attribution ``(n_channels, n_eta, n_phi)``, in units of the logit.
    eta_edges
        Edges of the cells in eta, ``(n_eta + 1,)``.
    channels
        Title of each channel.
    """

    attributions: Mapping[str, np.ndarray]
    eta_edges: np.ndarray
    channels: Sequence[str]


def plot_attributions(
    files: AttributionsFiles,
    output: Mapping[str, Any],
    options: AttributionsOptions,
    *,
    threads: int,
    count: Count = not_counted,
) -> None:
    """Draw the mean integrated gradients of test events of each class.

    ``output`` names the files, as of `draw_figures`; torch computes with ``threads`` cores.
    """
    torch.set_num_threads(threads)
    collection = open_list(files.images, options.variables, files.variables)
    model = load_model(files.models[0], allow_imports=True)
    chosen = choose_events(collection, options)
    count(sum(map(len, chosen.values())))
    weights = collection.event_weights(options.luminosity_fb)
    attributions = mean_attribution(
        model, collection, chosen, weights=weights, n_steps=None, precision="auto"
    )
    inputs = AttributionsInputs(
        attributions=attributions,
        eta_edges=collection.metadata.grid.edges_in_eta,
        channels=[CHANNELS[name].title for name in collection.metadata.channels],
    )
    draw_figures("plot_attributions", output, inputs)


def choose_events(
    collection: ImageCollection, options: AttributionsOptions
) -> dict[str, np.ndarray]:
    """Title of a class -> indices of random test events, at most ``options.n_events``."""
    labels = collection.column("label")
    folds = None if options.folds is None else Folds(**options.folds)
    is_test = collection.splits(folds, 0) == SPLITS.index("test")
    rng = np.random.default_rng(options.seed)
    chosen = {}
    for label, title in options.class_names.items():
        members = np.flatnonzero(is_test & (labels == label))
        chosen[title] = rng.permutation(members)[: options.n_events]
    return chosen
