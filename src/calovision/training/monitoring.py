"""Monitoring of a run while it trains: history.csv, TensorBoard, a progress bar."""

import csv
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger

from calovision.jobs.atomic import replaced
from calovision.metrics import roc

STEPS_BETWEEN_LOSSES = 50
STEPS_BETWEEN_REFRESHES = 10


class FollowRun(Callback):
    """Write history.csv after every epoch, and to TensorBoard the loss between epochs and pictures
    every few epochs.

    Parameters
    ----------
    history
        Path of history.csv.
    epochs_between_figures
        The ROC curve and the outputs of both classes are drawn after the first epoch, every so
        many, and at the end.
    """

    def __init__(self, history: Path, *, epochs_between_figures: int = 5) -> None:
        self.path = Path(history)
        self.epochs_between_figures = epochs_between_figures
        self._drawn = -1

    def on_train_start(
        self, trainer: lightning.Trainer, classifier: lightning.LightningModule
    ) -> None:
        """Give TensorBoard, whose folder is new, the epochs before a run was killed."""
        steps = trainer.num_training_batches
        for row in classifier.history:
            numbers = {name: value for name, value in row.items() if name != "epoch"}
            trainer.logger.log_metrics(
                numbers | {"epoch": row["epoch"]}, (row["epoch"] + 1) * steps - 1
            )

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        _: lightning.LightningModule,
        outputs: Mapping,
        *__: object,
    ) -> None:
        """Loss and learning rate every few steps."""
        if trainer.global_step % STEPS_BETWEEN_LOSSES == 0 and trainer.is_global_zero:
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            numbers = {
                "train_loss_of_a_batch": float(outputs["loss"]),
                "learning_rate_of_a_batch": rate,
            }
            trainer.logger.log_metrics(numbers, trainer.global_step)

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, classifier: lightning.LightningModule
    ) -> None:
        """Write the history and, in their turn, the pictures."""
        if not trainer.is_global_zero:
            return
        write_history(self.path, classifier.history, classifier.objective.columns)
        if trainer.current_epoch % self.epochs_between_figures == 0:
            self._draw(trainer, classifier)

    def on_train_end(
        self, trainer: lightning.Trainer, classifier: lightning.LightningModule
    ) -> None:
        """Draw the last epoch."""
        if trainer.is_global_zero and classifier.validation_outputs is not None:
            self._draw(trainer, classifier)

    def _draw(self, trainer: lightning.Trainer, classifier: lightning.LightningModule) -> None:
        if self._drawn == trainer.global_step:
            return
        self._drawn = trainer.global_step
        from calovision.plotting import plot_roc, plot_scores  # matplotlib takes a second to load

        scores, labels, weights = classifier.validation_outputs
        board = trainer.logger.experiment
        if target := classifier.model.specification.target:
            from calovision.plotting.regression import plot_prediction_against_truth

            figure = plot_prediction_against_truth(
                {"cnn": scores}, labels, weights, title=target["name"], unit=target["unit"]
            )
            board.add_figure("prediction_against_truth", figure, trainer.global_step)
            return
        if scores.ndim == 1:
            curves, shown = {"cnn": roc(scores, labels, weights)}, "output_of_both_classes"
            figure = plot_scores(scores, labels, weights)
            board.add_figure(shown, figure, trainer.global_step)
        else:  # each class versus all others
            names = classifier.model.specification.classes
            curves = {
                name: roc(scores[:, label], labels == label, weights)
                for label, name in enumerate(names)
            }
        figure = plot_roc(curves, reference=next(iter(curves)))
        board.add_figure("roc", figure, trainer.global_step)


def write_history(path: Path, history: Sequence[Mapping[str, float]], names: Sequence[str]) -> None:
    """One row per epoch, the columns of these names (`Objective.columns`)."""
    rows = [[f"{row[name]:.6g}" for name in names] for row in history]
    with replaced(path) as temporary, temporary.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([names, *rows])


class ProgressBar(TQDMProgressBar):
    """Progress bar without Lightning's number of the run, which has none here."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=STEPS_BETWEEN_REFRESHES, leave=True)

    def get_metrics(self, *args: object) -> dict:
        """Numbers at the end of the bar."""
        return {
            name: value for name, value in super().get_metrics(*args).items() if name != "v_num"
        }


def tensorboard(folder: Path) -> TensorBoardLogger:
    """TensorBoard's files in ``folder/tensorboard``."""
    return TensorBoardLogger(folder, name="", version="tensorboard")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's announcements, and those of its warnings that ask nothing of the user."""
    logs = {"lightning.pytorch": logging.WARNING, "matplotlib.font_manager": logging.ERROR}
    levels = {name: logging.getLogger(name).level for name in logs}
    for name, level in logs.items():
        logging.getLogger(name).setLevel(level)
    try:
        with warnings.catch_warnings():
            # Lightning's own use of torch
            warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
            # one process needs no srun, and Snakemake starts the jobs of a farm
            warnings.filterwarnings("ignore", message="The `srun` command is available")
            # it holds the key of the run, or what the run goes on from
            warnings.filterwarnings(
                "ignore", message="Checkpoint directory .* exists and is not empty"
            )
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
