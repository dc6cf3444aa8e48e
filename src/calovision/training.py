"""One training run, with Lightning, and the scores of a trained network."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader

from calovision.datasets import WEIGHT_SCHEMES, ImageDataset, make_loader, random_symmetry, training_weights
from calovision.errors import InputError
from calovision.metrics import auc, roc
from calovision.models import make_network
from calovision.splits import SPLITS
from calovision.storage import ImageCollection

logger = logging.getLogger(__name__)

SCORING_BATCH = 256  # events at a time where no gradient is needed


@dataclass(frozen=True)
class TrainingOptions:
    """Choices of one training run.

    ``patience`` is the number of epochs without a lower validation loss after which it stops;
    ``weights`` one of ``datasets.WEIGHT_SCHEMES``; ``device`` one of auto, cpu, gpu.
    """

    network: str = "small"
    epochs: int = 20
    patience: int = 5
    batch_size: int = 64
    learning_rate: float = 1e-3
    weights: str = "balanced"
    augmentation: bool = True
    device: str = "auto"
    seed: int = 1


class ImageClassifier(lightning.LightningModule):
    """A network with its loss (weighted binary cross-entropy), augmentation and optimizer.

    Parameters
    ----------
    network, image_shape
        Name in ``models.NETWORKS`` and shape ``(n_channels, n_eta, n_phi)`` of the images.
    channels
        Names of the channels, kept so that a checkpoint tells which images it reads.
    learning_rate
        Highest rate of the one-cycle schedule of Adam (Smith, Topin, arXiv:1708.07120).
    augmentation
        Turn and mirror training images at random.
    """

    def __init__(
        self,
        network: str,
        image_shape: tuple[int, int, int],
        channels: tuple[str, ...],
        learning_rate: float,
        augmentation: bool,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        # channels last in memory: faster on a CPU, and what tensor cores want
        self.network = make_network(network, image_shape).to(memory_format=torch.channels_last)
        self._validation: list[tuple[torch.Tensor, ...]] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images ``(n, c, eta, phi)`` to logits ``(n,)``."""
        return self.network(images.contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: tuple[torch.Tensor, ...], _: int) -> torch.Tensor:
        """Weighted loss of a batch, images turned and mirrored."""
        images, labels, weights = batch
        images = random_symmetry(images) if self.hparams.augmentation else images
        loss = nn.functional.binary_cross_entropy_with_logits(self(images), labels, weight=weights)
        if not torch.isfinite(loss):
            raise InputError("the training loss is not finite: lower train.learning_rate or look for NaN in the images")
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, ...], _: int) -> None:
        """Keep the logits; loss and AUC need the whole split."""
        images, labels, weights = batch
        self._validation.append((self(images), labels, weights))

    def on_validation_epoch_end(self) -> None:
        """Log loss and AUC of the validation split with the training's weights."""
        logits, labels, weights = (torch.cat(parts) for parts in zip(*self._validation, strict=True))
        self._validation.clear()
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels, weight=weights)
        area = auc(roc(*(values.float().cpu().numpy() for values in (logits, labels, weights))))
        self.log_dict({"validation_loss": loss, "validation_auc": area}, prog_bar=True)

    def configure_optimizers(self) -> dict:
        """Adam with a one-cycle learning rate over all steps of the run."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams.learning_rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.hparams.learning_rate, total_steps=int(self.trainer.estimated_stepping_batches)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def train_network(
    collection: ImageCollection,
    folder: Path,
    options: TrainingOptions,
    *,
    luminosity_fb: float,
    progress_bar: bool = True,
) -> Path:
    """Train on the training split, stop early on the validation split, keep the best epoch.

    Parameters
    ----------
    collection
        Image files of all samples.
    folder
        Gets ``best.ckpt``, ``history.csv`` (one row per epoch) and TensorBoard's ``tensorboard/``, in place of those
        of an older run.
    options
        Network, optimizer and augmentation.
    luminosity_fb
        For the weights that depend on the cross-sections, 1/fb.
    progress_bar
        Show one on standard error.

    Returns
    -------
    Path of the best checkpoint.

    Raises
    ------
    InputError
        If a split lacks a class, an option is unknown, or a GPU is asked for where there is none.
    """
    _check_options(options)
    collection.require_events()
    lightning.seed_everything(options.seed, workers=True, verbose=False)
    loaders = _make_loaders(collection, options, luminosity_fb)
    classifier = ImageClassifier(
        options.network,
        collection.metadata.image_shape,
        collection.metadata.channels,
        options.learning_rate,
        options.augmentation,
    )
    folder = Path(folder)
    _remove_older_run(folder)
    with tempfile.TemporaryDirectory() as logs, _quiet_lightning():
        trainer, checkpoint = _make_trainer(folder, Path(logs), options, progress_bar=progress_bar)
        n_events, device = len(loaders["train"].dataset), trainer.strategy.root_device
        logger.info("training %s on %d events, device %s", options.network, n_events, device)
        trainer.fit(classifier, loaders["train"], loaders["validation"])
        _write_history(Path(logs) / "csv" / "metrics.csv", folder / "history.csv")
    logger.info("best epoch: %s, validation loss %s", checkpoint.best_model_path, checkpoint.best_model_score)
    return folder / "best.ckpt"


def predict_scores(
    collection: ImageCollection,
    checkpoint: Path,
    indices: np.ndarray,
    *,
    device: str = "auto",
    batch_size: int = SCORING_BATCH,
) -> np.ndarray:
    """CNN output in (0, 1) of the given events of a collection, float64 ``(len(indices),)``.

    Raises
    ------
    InputError
        If the checkpoint was trained on images of another shape or other channels.
    """
    classifier = ImageClassifier.load_from_checkpoint(checkpoint, map_location="cpu")
    expected = tuple(classifier.hparams.image_shape), tuple(classifier.hparams.channels)
    found = collection.metadata.image_shape, collection.metadata.channels
    if expected != found:
        raise InputError(
            f"{checkpoint}: trained on images {expected}, but these are {found}: train again or rebuild the images"
        )
    target = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    classifier.eval().to(target)
    loader = make_loader(ImageDataset(collection, indices), batch_size=batch_size)
    with torch.inference_mode():
        logits = [classifier(images.to(target)).double().cpu() for images, _, _ in loader]
    # float64 keeps outputs close to 1 apart: float32 has ties from a logit of 17 on
    return torch.sigmoid(torch.cat([*logits, torch.zeros(0, dtype=torch.float64)])).numpy()


def _check_options(options: TrainingOptions) -> None:
    if options.weights not in WEIGHT_SCHEMES:
        raise InputError(f"train.weights '{options.weights}' is unknown: choose from {', '.join(WEIGHT_SCHEMES)}")
    if options.device == "gpu" and not torch.cuda.is_available():
        raise InputError("train.device is 'gpu' but there is none on this machine: choose auto or cpu")


def _make_loaders(collection: ImageCollection, options: TrainingOptions, luminosity_fb: float) -> dict[str, DataLoader]:
    """Loaders of the training and validation splits, with the weights of the loss."""
    split, labels = collection.column("split"), collection.column("label")
    event_weights = collection.event_weights(luminosity_fb)
    loaders = {}
    for name, batch_size in (("train", options.batch_size), ("validation", SCORING_BATCH)):
        indices = np.flatnonzero(split == SPLITS.index(name))
        _check_split(name, labels[indices])
        weights = training_weights(labels[indices], event_weights[indices], options.weights)
        dataset = ImageDataset(collection, indices, weights)
        loaders[name] = make_loader(dataset, batch_size=batch_size, shuffle=name == "train", seed=options.seed)
    return loaders


def _check_split(name: str, labels: np.ndarray) -> None:
    for label, title in ((1, "signal"), (0, "background")):
        if not np.any(labels == label):
            raise InputError(
                f"the {name} split has no {title} event (label {label}): give more events or a larger share in "
                "split.fractions"
            )


def _remove_older_run(folder: Path) -> None:
    """Remove what a run writes, so that no curve or checkpoint of an older one is taken for the new one's."""
    for name in ("best.ckpt", "history.csv"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "tensorboard", ignore_errors=True)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Hide Lightning's announcements, and three of its warnings that ask nothing of the user."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Lightning's own use of torch
            warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
            # the folder holds TensorBoard's files; an older checkpoint was removed
            warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
            # make_loader reads in the main process on purpose
            warnings.filterwarnings("ignore", message=".*does not have many workers")
            yield
    finally:
        log.setLevel(level)


class _ProgressBar(TQDMProgressBar):
    """Progress bar without Lightning's number of the run, which has none here."""

    def get_metrics(self, *args: object) -> dict:
        return {name: value for name, value in super().get_metrics(*args).items() if name != "v_num"}


def _make_trainer(
    folder: Path, logs: Path, options: TrainingOptions, *, progress_bar: bool
) -> tuple[lightning.Trainer, ModelCheckpoint]:
    """Trainer that stops early and keeps the epoch of the lowest validation loss; metrics go to ``logs``."""
    checkpoint = ModelCheckpoint(
        dirpath=folder, filename="best", monitor="validation_loss", mode="min", enable_version_counter=False
    )
    callbacks = [checkpoint, EarlyStopping("validation_loss", patience=options.patience, mode="min")]
    trainer = lightning.Trainer(
        max_epochs=options.epochs,
        accelerator="auto" if options.device == "auto" else options.device,
        devices=1,
        callbacks=[*callbacks, _ProgressBar(leave=True)] if progress_bar else callbacks,
        logger=[
            CSVLogger(logs, name="", version="csv"),
            TensorBoardLogger(folder, name="", version="tensorboard"),
        ],
        enable_progress_bar=progress_bar,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic="warn",
        log_every_n_steps=1,  # all is logged per epoch; a larger one would warn of splits with few batches
    )
    return trainer, checkpoint


def _write_history(logged: Path, history: Path) -> None:
    """One row per epoch from Lightning's metrics: epoch, train_loss, validation_loss, validation_auc."""
    metrics = np.genfromtxt(logged, delimiter=",", names=True, ndmin=1)
    columns = ("train_loss", "validation_loss", "validation_auc")
    with history.open("w") as file:
        file.write("epoch," + ",".join(columns) + "\n")
        for epoch in np.unique(metrics["epoch"]):
            rows = metrics[metrics["epoch"] == epoch]
            values = [rows[name][np.isfinite(rows[name])] for name in columns]
            file.write(
                f"{int(epoch)}," + ",".join(f"{value[-1]:.6g}" if len(value) else "nan" for value in values) + "\n"
            )
