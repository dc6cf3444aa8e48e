"""Training of the two networks of monitoring on good runs: plain loops of seconds to minutes.

Every epoch sees each run with another number of events and turned another way; for the classifier
faults are injected, and the planes made anew. A seed gives the same network on the same machine.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from calovision.core.errors import InputError
from calovision.core.options import check_options, option, with_options_in_docstring
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.networks.autoencoder import AutoencoderWatcher, cell_losses, targets
from calovision.monitoring.networks.examples import (
    possible_kinds,
    random_events,
    thinned,
    turned,
    with_faults,
)
from calovision.monitoring.networks.faults_classifier import FaultClassifier
from calovision.monitoring.networks.modules import Autoencoder, FaultNetwork
from calovision.monitoring.networks.planes import PLANES, planes_of, relative_widths
from calovision.monitoring.networks.watcher import device_of
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import RunMaps

LEAST_RUNS = 10
"""Good runs below which nothing is trained."""
MOST_WEIGHT = 300.0
"""Largest weight of a faulty cell in the loss, over that of a good one."""
CELLS_A_STEP = 32_768
"""Cells of all channels in a step at most, or one run, so that large maps get as many steps."""
LARGEST_GRADIENT = 1.0
"""Norm to which larger gradients are cut."""


@with_options_in_docstring
@dataclass(frozen=True)
class WatcherOptions:
    """Options of the training that both networks have."""

    epochs: int = option(24, "Largest number of passes over the good runs", ge=1)
    patience: int = option(12, "Epochs without a lower validation loss before it stops", ge=0)
    batch_size: int = option(16, "Runs in a step at most; fewer of large maps", ge=1)
    learning_rate: float = option(0.004, "Highest learning rate of the one-cycle schedule", gt=0)
    validation_share: float = option(
        0.2, "Part of the good runs that is not trained on", gt=0, le=0.5
    )
    fewest_events: int = option(100, "Events to which runs are thinned at most", ge=1)
    cells_an_epoch: int = option(
        1_600_000,
        "Cells of all channels that an epoch sees",
        details="Runs are drawn, all as often as each other, so that the training takes the same "
        "time for any number of runs.",
        ge=1,
    )
    width: int = option(12, "Channels of the convolutions", ge=1)
    seed: int = 1


@with_options_in_docstring
@dataclass(frozen=True)
class AutoencoderOptions(WatcherOptions):
    """Options of the training of the autoencoder."""

    latent: int = option(8, "Channels of the narrow place, for 8x8 cells", ge=1)


@with_options_in_docstring
@dataclass(frozen=True)
class FaultClassifierOptions(WatcherOptions):
    """Options of the training of the classifier of faults."""

    faults_a_run: int = option(
        2, "Faults that are injected into a run, in the mean a sixth less", ge=1
    )


def train_autoencoder(
    maps: RunMaps, reference: Reference, options: AutoencoderOptions | None = None
) -> AutoencoderWatcher:
    """Autoencoder trained on good runs.

    Parameters
    ----------
    maps
        Good runs, at least `LEAST_RUNS`.
    reference
        Of the same cells and channels.
    options
        None for those that it comes with.

    Raises
    ------
    InputError
        If an option is impossible, there are too few runs, or the reference is of other cells.
    """
    options = AutoencoderOptions() if options is None else options
    training, validation, rng = _start(maps, reference, options, "autoencoder")
    widths = relative_widths(training, reference)
    n_channels, shape = len(maps.channels), (maps.grid.n_eta, maps.grid.n_phi)
    fixed = planes_of(_thinned(validation, widths, options, rng), reference, widths)

    def examples() -> tuple[np.ndarray]:
        runs = _thinned(_drawn(training, options, rng), widths, options, rng)
        planes = planes_of(runs, reference, widths)
        return tuple(turned([planes], rng))

    def loss(module: nn.Module, planes: torch.Tensor) -> torch.Tensor:
        return nn.functional.mse_loss(module(planes), targets(planes, n_channels))

    def build() -> nn.Module:
        return Autoencoder(n_channels, shape, width=options.width, latent=options.latent)

    module, history = _fit(build, examples, (fixed,), loss, options)
    ring_loss = _ring_loss(module, fixed, n_channels)
    found = {"widths": widths, "options": asdict(options), "history": history}
    return AutoencoderWatcher(module, MapLayout.of(maps), **found, ring_loss=ring_loss)


def train_fault_classifier(
    maps: RunMaps, reference: Reference, options: FaultClassifierOptions | None = None
) -> FaultClassifier:
    """Classifier trained on good runs into which faults are injected at random.

    Each kind of fault has the same weight in the loss, and good cells that of all kinds together.

    Parameters
    ----------
    maps, reference, options
        As of `train_autoencoder`.

    Raises
    ------
    InputError
        As `train_autoencoder`.
    """
    options = FaultClassifierOptions() if options is None else options
    training, validation, rng = _start(maps, reference, options, "fault classifier")
    widths = relative_widths(training, reference)
    kinds = possible_kinds(maps)
    n_channels, shape = len(maps.channels), (maps.grid.n_eta, maps.grid.n_phi)

    def with_labels(runs: RunMaps) -> tuple[np.ndarray, ...]:
        few = _thinned(runs, widths, options, rng)
        faulty, labels = with_faults(few, reference, kinds, options.faults_a_run, rng)
        return tuple(turned([planes_of(faulty, reference, widths), labels], rng))

    def examples() -> tuple[np.ndarray, ...]:
        return with_labels(_drawn(training, options, rng))

    fixed = with_labels(validation[np.tile(rng.permutation(len(validation)), 2)])
    weights = torch.from_numpy(class_weights(fixed[1], len(kinds))).to(device_of())

    def loss(module: nn.Module, planes: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(module(planes), labels.long(), weights)

    def build() -> nn.Module:
        return FaultNetwork(n_channels, shape, len(kinds), width=options.width)

    module, history = _fit(build, examples, fixed, loss, options)
    found = {"widths": widths, "options": asdict(options), "history": history}
    return FaultClassifier(module, MapLayout.of(maps), **found, kind_names=kinds)


def class_weights(labels: np.ndarray, n_kinds: int) -> np.ndarray:
    """Weight of a cell in the loss by its class, float32 ``(1 + n_kinds,)``.

    All kinds together weigh as much as the good cells, and each kind as much as any other, within a
    factor of `MOST_WEIGHT` between cells, so that a few cells of a rare kind decide nothing alone.
    """
    counts = np.bincount(labels.ravel(), minlength=1 + n_kinds).astype(np.float64)
    share = np.array([0.5, *[0.5 / n_kinds] * n_kinds])
    weights = share / np.maximum(counts, 1) * counts.sum()
    return np.minimum(weights, MOST_WEIGHT * weights[0]).astype(np.float32)


def _start(
    maps: RunMaps, reference: Reference, options: WatcherOptions, what: str
) -> tuple[RunMaps, RunMaps, np.random.Generator]:
    """Training and validation runs, and random numbers."""
    check_options(options, what)
    reference.require(maps, f"the runs to train the {what} on")
    maps = maps[np.flatnonzero(maps.n_events > 0)]
    if len(maps) < LEAST_RUNS:
        raise InputError(
            f"{what}: {len(maps)} good runs with events are too few to train on; give at least "
            f"{LEAST_RUNS}"
        )
    rng = np.random.default_rng(options.seed)
    order = rng.permutation(len(maps))
    n_validation = max(round(options.validation_share * len(maps)), 2)
    return maps[np.sort(order[n_validation:])], maps[np.sort(order[:n_validation])], rng


def _drawn(maps: RunMaps, options: WatcherOptions, rng: np.random.Generator) -> RunMaps:
    """Runs of an epoch, at random: none comes twice more often than another."""
    cells = np.prod(maps.occupancy.shape[1:])
    n = max(int(options.cells_an_epoch / cells), options.batch_size)
    order = [rng.permutation(len(maps)) for _ in range(-(-n // len(maps)))]
    return maps[np.concatenate(order)[:n]]


def _thinned(
    maps: RunMaps, widths: np.ndarray, options: WatcherOptions, rng: np.random.Generator
) -> RunMaps:
    return thinned(maps, random_events(maps, options.fewest_events, rng), widths, rng)


def _fit(
    build: Callable[[], nn.Module],
    examples: Callable[[], tuple[np.ndarray, ...]],
    validation: tuple[np.ndarray, ...],
    loss: Callable[..., torch.Tensor],
    options: WatcherOptions,
) -> tuple[nn.Module, list[dict[str, float]]]:
    """The network of the epoch with the lowest validation loss, on the CPU, and the losses."""
    device = device_of()
    cuda = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(options.seed)
        module = build().to(device)
        first = examples()
        size = _runs_a_step(validation[0], options)
        steps = options.epochs * -(-len(first[0]) // size)
        optimizer = torch.optim.Adam(module.parameters(), lr=options.learning_rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, options.learning_rate, total_steps=steps
        )
        history: list[dict[str, float]] = []
        best: dict[str, torch.Tensor] = {}
        for epoch in range(options.epochs):
            arrays = first if epoch == 0 else examples()
            trained = _pass(module, arrays, loss, size, optimizer, schedule)
            seen = _pass(module, validation, loss, size)
            lowest = min((one["validation_loss"] for one in history), default=np.inf)
            history.append({"epoch": epoch, "training_loss": trained, "validation_loss": seen})
            if seen < lowest:
                best = {name: one.detach().clone() for name, one in module.state_dict().items()}
            if _waited(history) > options.patience:
                break
    if not best:
        raise InputError("the training gave no finite loss: choose a lower learning_rate")
    module.load_state_dict(best)
    return module.cpu().eval(), history


def _runs_a_step(planes: np.ndarray, options: WatcherOptions) -> int:
    cells = planes[0].size // PLANES
    return min(options.batch_size, max(CELLS_A_STEP // cells, 1))


def _waited(history: list[dict[str, float]]) -> int:
    """Epochs since the lowest validation loss."""
    losses = [one["validation_loss"] for one in history]
    return len(losses) - 1 - int(np.nanargmin(losses)) if np.isfinite(losses).any() else len(losses)


def _pass(
    module: nn.Module,
    arrays: tuple[np.ndarray, ...],
    loss: Callable[..., torch.Tensor],
    batch_size: int,
    optimizer: torch.optim.Optimizer | None = None,
    schedule: Any = None,
) -> float:
    """Mean loss of one pass over the rows, with steps of the optimizer if there is one."""
    device = device_of()
    total = 0.0
    module.train(optimizer is not None)
    for first in range(0, len(arrays[0]), batch_size):
        batch = [torch.from_numpy(one[first : first + batch_size]).to(device) for one in arrays]
        with torch.set_grad_enabled(optimizer is not None):
            value = loss(module, *batch)
        if optimizer is not None:
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(module.parameters(), LARGEST_GRADIENT)
            optimizer.step()
            schedule.step()
        total += float(value.detach()) * len(batch[0])
    return total / len(arrays[0])


def _ring_loss(module: nn.Module, planes: np.ndarray, n_channels: int) -> np.ndarray:
    """Mean loss of good runs by ring, ``(2, n_channels, n_eta)``; 1 where all is 0."""
    module = module.eval()
    with torch.inference_mode():
        parts = [
            module(torch.from_numpy(planes[i : i + 16])).numpy() for i in range(0, len(planes), 16)
        ]
    mean = cell_losses(planes, np.concatenate(parts), n_channels).mean(axis=(0, 4))
    return np.where(mean > 0, mean, 1.0)
