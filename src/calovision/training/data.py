"""Data of a run: the training and validation splits with their weights, and its statistics."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import lightning
import numpy as np
import torch

from calovision.core.classes import class_names
from calovision.core.depth import expanded
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS, Folds
from calovision.datasets import (
    ImageBatch,
    ImageLoader,
    Process,
    Reading,
    channel_maxima,
    event_weights,
    variable_names,
    variable_statistics,
)
from calovision.models import ModelSpecification, ScalingStatistics
from calovision.storage import ImageCollection
from calovision.storage.targets import Target, target_values
from calovision.training.accounts import NO_TARGET, SHARE, training_accounts
from calovision.training.options import TrainingOptions, check_classes
from calovision.training.targets import rows_with_target, target_statistics
from calovision.training.weights import ROWS, fit_flat, loss_weights

VALIDATION_BATCH = 256  # images at a time where no gradient is needed
SMALLEST_STD = 1e-5  # added to the standard deviation of a pixel, as arXiv:1612.01551 does


class ImageData(lightning.LightningDataModule):
    """Training and validation split of a collection; each process reads its share.

    Parameters
    ----------
    collection
        Image files of all samples.
    options
        Batch size, weights, augmentation, variables, seed.
    luminosity_fb
        For the weights that depend on the cross-sections, 1/fb.
    folds, fold
        Folds, and that of the network; None takes the split of the files.

    Raises
    ------
    InputError
        If a split lacks a class, there are more folds than events of a class, or the weights are no
        weights.

    Attributes
    ----------
    indices, weights
        Split -> positions in the collection, and weights of the loss, ``(n,)`` each.
    target
        True value of every row of the collection; None where classes are learned.
    accounts
        Rows of both splits that are learned from and left out, by sample.
    flat
        What makes the spectra of the classes the same (``options.flat_in``); None where nothing
        does.
    """

    def __init__(
        self,
        collection: ImageCollection,
        options: TrainingOptions,
        luminosity_fb: float,
        *,
        folds: Folds | None = None,
        fold: int | None = None,
    ) -> None:
        super().__init__()
        self.collection, self.options = collection, options
        self.folds, self.fold = folds, fold
        self._training: LoaderThatResumes | None = None
        self._state = {"next_batch": 0}
        name = options.target
        self.target = None if name is None else target_values(collection, name)
        labels, classes = collection.column("label"), collection.classes
        if self.target is not None:
            labels, classes = np.zeros(len(collection), dtype=np.uint8), (ROWS,)
        check_fold(folds, fold, labels, classes)
        split = collection.splits(folds, fold)
        of_events = event_weights(collection, options.weights, luminosity_fb)
        self.indices, self.weights = {}, {}
        left: dict[str, list[tuple[str, np.ndarray]]] = {}
        for name in ("train", "validation"):
            chosen = np.flatnonzero(split == SPLITS.index(name))
            steps = left[name] = [("", chosen)]
            share = options.training_share if name == "train" else options.validation_share
            # the same random numbers for every share, so that a smaller part is in a larger one
            chosen = chosen[np.random.default_rng(len(chosen)).random(len(chosen)) < share]
            steps.append((SHARE, chosen))
            _check_split(self._title(name), labels[chosen], classes)
            if self.target is not None:
                chosen = rows_with_target(self.target, chosen, self._title(name), options)
                steps.append((NO_TARGET, chosen))
            self.indices[name] = chosen
        check_classes("train", class_names(classes), options.class_weights, options.flat_like)
        self.flat = fit_flat(collection, self.indices["train"], of_events, options)
        for name, chosen in self.indices.items():
            self.weights[name] = loss_weights(collection, chosen, of_events, options, self.flat)
        self.accounts = training_accounts(collection, left, self.weights)

    def _title(self, split: str) -> str:
        """A split in messages."""
        return f"the {split} split" + ("" if self.fold is None else f" of fold {self.fold}")

    def fold_record(self) -> dict[str, Any]:
        """Folds and fold, for the record of the training; nothing without folds."""
        return {} if self.folds is None else {"folds": asdict(self.folds), "fold": self.fold}

    def train_dataloader(self) -> "LoaderThatResumes":
        """Shuffled, turned and mirrored if the options say so."""
        batch_size = self.options.batch_size // self.options.n_processes
        loader = self._loader(
            "train", batch_size, shuffle=True, augmentation=self.options.augmentation
        )
        self._training = LoaderThatResumes(loader, self.trainer)
        self._training.load_state_dict(self._state)
        return self._training

    def val_dataloader(self) -> ImageLoader:
        """In order, as they are."""
        return self._loader("validation", VALIDATION_BATCH)

    def _loader(self, name: str, batch_size: int, **choices: bool) -> ImageLoader:
        on_gpu = self.trainer.strategy.root_device.type == "cuda"
        return ImageLoader(
            self.collection,
            self.indices[name],
            weights=self.weights[name],
            labels=None if self.target is None else self.target[self.indices[name]],
            variables=self.options.variables,
            batch_size=batch_size,
            seed=self.options.seed,
            process=Process(self.trainer.global_rank, self.trainer.world_size),
            # on the CPU a batch is read in a thousandth of a step, and a thread would take a core
            # from it
            reading=Reading(prefetch=2 if on_gpu else 0, pin_memory=on_gpu),
            **choices,
        )

    def transfer_batch_to_device(
        self, batch: ImageBatch, device: torch.device, dataloader_idx: int
    ) -> ImageBatch:
        """Send the sparse rows; they become images on the device."""
        return batch.to(device, non_blocking=True)

    def state_dict(self) -> dict[str, int]:
        """Place in the epoch, for a checkpoint."""
        return self._training.state_dict()

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin there. (Lightning gives loaders their state only if it made them after it read the
        checkpoint.)
        """
        self._state = state
        if self._training is not None:
            self._training.load_state_dict(state)

    def name_events(self, indices: np.ndarray) -> str:
        """Sample and event number of the first few events."""
        numbers = self.collection.column("event_number")
        samples = self.collection.sample_names()
        names = [f"{samples[index]} {numbers[index]}" for index in indices[:5]]
        return ", ".join(names) + (f" and {len(indices) - 5} others" if len(indices) > 5 else "")

    def fingerprint(self) -> str:
        """Hash of everything that decides the weights: options, events, their labels and
        weights.
        """
        options = asdict(self.options)
        del options["checkpoint_minutes"]
        digest = hashlib.sha256(
            json.dumps([options, list(self.collection.samples)], sort_keys=True).encode()
        )
        for name in ("train", "validation"):
            digest.update(self.collection.column("event_number")[self.indices[name]].tobytes())
            digest.update(self.indices[name].tobytes() + self.weights[name].tobytes())
            if self.target is not None:
                digest.update(self.target[self.indices[name]].tobytes())
        digest.update(
            json.dumps(
                [file.metadata.configuration_hash for file in self.collection.files]
            ).encode()
        )
        return digest.hexdigest()


class LoaderThatResumes:
    """Batches of Lightning's epoch, from the one on that its checkpoint says.

    Lightning asks for the iterator before it knows the epoch; here the epoch counts when the first
    batch is asked for.
    """

    def __init__(self, loader: ImageLoader, trainer: lightning.Trainer) -> None:
        self.loader, self.trainer = loader, trainer
        self._next = 0

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[ImageBatch]:
        self.loader.set_epoch(self.trainer.current_epoch)
        # Lightning counts the batches and does not ask for the end of an epoch
        self._next = self.loader.start_batch = self._next % len(self)
        for batch in self.loader:
            self._next += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Number of the next batch; after the last one the first of the next epoch."""
        return {"next_batch": self._next % len(self)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin with that batch."""
        self._next = state["next_batch"]


def specify_model(collection: ImageCollection, options: TrainingOptions) -> ModelSpecification:
    """The network of the options for the images of a collection."""
    info = collection.metadata
    return ModelSpecification(
        network=options.network,
        image_shape=info.image_shape,
        channels=tuple(info.channels),
        units=tuple(info.units),
        kind=info.kind,
        grid=json.loads(json.dumps(asdict(info.grid))),
        variables=tuple(options.variables),
        n_variables=len(variable_names(collection, options.variables)),
        seen_channels=expanded(tuple(options.channels)),
        classes=() if options.target is not None else collection.classes,
        target=_target(collection, options),
        scaling=options.scaling,
        circular=options.circular
        and info.kind == "event",  # the edges of a jet image are no neighbors
        options=dict(options.options),
    )


def _target(collection: ImageCollection, options: TrainingOptions) -> dict[str, str]:
    """Target of a specification; none without."""
    if options.target is None:
        return {}
    target = Target.of(options.target, collection.variables, options.target_unit)
    return {"name": target.name, "unit": target.unit, "scale": options.target_scale}


def measure_statistics(data: ImageData) -> ScalingStatistics:
    """Statistics of the training split that the scaling and the variables of the options need."""
    statistics = ScalingStatistics()
    options = data.options
    indices = data.indices["train"]
    if options.scaling == "maximum":
        statistics.maxima = channel_maxima(data.collection, indices)
    if options.scaling == "standardize":
        statistics.mean, statistics.std = _pixel_statistics(data)
    if options.variables:
        means = variable_statistics(data.collection, indices, options.variables)
        statistics.variable_mean, statistics.variable_std = means
    if data.target is not None:
        found = target_statistics(data.target[indices], options)
        statistics.target_mean, statistics.target_spread = found
    return statistics


def _pixel_statistics(data: ImageData) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each pixel; a jet recipe says whether to center, and what to
    add to the latter.
    """
    collection = data.collection
    # the files hold those of their own split
    pixels = (
        collection.statistics()
        if data.folds is None
        else collection.statistics_of(data.indices["train"])
    )
    recipe = collection.metadata.jet_recipe or {}
    mean = pixels.mean if recipe.get("zero_center", True) else np.zeros_like(pixels.mean)
    floor = recipe.get("standardize")
    return mean, pixels.std + (SMALLEST_STD if floor is None else floor)


def _check_split(name: str, labels: np.ndarray, classes: Sequence[str]) -> None:
    if len(labels) == 0:
        raise InputError(
            f"no image is of {name}: build images with a share for it (split.fractions, "
            "--split-fractions), or take more of them"
        )
    for label, (one, _) in _titles(classes):
        if not np.any(labels == label):
            raise InputError(
                f"{name} has no {one} (label {label}): give more events or a larger share "
                "in split.fractions"
            )


def _titles(classes: Sequence[str]) -> list[tuple[int, tuple[str, str]]]:
    """Labels, the last first, and what a row and several rows of each are called in messages."""
    words = (
        ("row of the class '{}'", "rows of the class '{}'")
        if classes
        else ("{} event", "{} events")
    )
    names = enumerate(class_names(classes))
    return [(label, tuple(word.format(name) for word in words)) for label, name in names][::-1]


def check_fold(
    folds: Folds | None, fold: int | None, labels: np.ndarray, classes: Sequence[str] = ()
) -> None:
    """Raise InputError for a fold that there is not, or fewer events of a class than folds."""
    if (folds is None) != (fold is None):
        raise InputError("give both folds and fold, or none of them")
    if folds is None:
        return
    if folds.number < 2 or fold not in range(folds.number):
        raise InputError(f"fold {fold} of {folds.number}: choose one from 0, of at least 2 folds")
    for label, (_, several) in _titles(classes):
        n_events = int(np.sum(labels == label))
        if n_events < folds.number:
            raise InputError(
                f"split.folds is {folds.number}, but there are only {n_events} {several} "
                f"(label {label}): give more events or fewer folds"
            )
