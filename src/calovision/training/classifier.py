"""A network with its loss, metrics and optimizer, as Lightning takes it."""

import time
from dataclasses import replace
from typing import Any

import lightning
import numpy as np
import torch

from calovision.core.errors import InputError
from calovision.datasets import ImageBatch
from calovision.models import ImageModel
from calovision.training.objective import objective_of
from calovision.training.options import TrainingOptions

STEPS_BETWEEN_CHECKS = 20  # on a GPU: looking at the loss makes it wait


class ImageClassifier(lightning.LightningModule):
    """Weighted cross-entropy of a network, or the loss of its target; Adam, and the numbers of each
    epoch.

    Parameters
    ----------
    model
        Scaling and network, images to logits.
    options
        Optimizer, seed and memory order.

    Attributes
    ----------
    history
        One dictionary an epoch; it survives in the checkpoints.
    validation_outputs
        Scores (logits, log-probabilities ``(n, n_classes)``, or predictions of a target), labels
        (or true values) and weights of the validation split after the last epoch, ``(n,)``.
    """

    def __init__(self, model: ImageModel, options: TrainingOptions) -> None:
        super().__init__()
        self.options = options
        order = model.memory_format
        self.memory_format = order if options.channels_last else torch.contiguous_format
        self.model = model.to(memory_format=self.memory_format)
        self.objective = objective_of(model, options.target_loss)
        if options.compile:
            self.model.compile()
        self.history: list[dict[str, float]] = []
        self._best: dict[
            str, Any
        ] = {}  # row of the history and weights of the epoch with the lowest validation loss
        self._sums = torch.zeros(
            3, dtype=torch.float64
        )  # of the epoch: loss, right answers, images
        self._clock, self._first_of_clock, self._seconds = 0.0, 0.0, 0.0
        self._learning_rate = options.learning_rate
        self.validation_outputs: tuple[np.ndarray, ...] | None = None
        self._unchecked: list[tuple[torch.Tensor, ImageBatch]] = []
        self._validation: list[tuple[torch.Tensor, ...]] = []

    def forward(self, batch: ImageBatch) -> torch.Tensor:
        """Logits ``(n,)``, or of more than two classes ``(n, n_classes)``, float32."""
        is_scaled = (
            self.model.scaling.of_cells
        )  # nine of ten cells are empty: the others are scaled before
        if is_scaled:
            batch = replace(batch, values=self.model.scaling(batch.values))
        images = batch.dense(memory_format=self.memory_format)
        return self.model(
            images, batch.variables if batch.variables.shape[1] else None, is_scaled=is_scaled
        ).float()

    def on_train_epoch_start(self) -> None:
        """Forget the sums of the epoch before."""
        self._sums = torch.zeros(3, dtype=torch.float64, device=self.device)

    def on_train_batch_start(self, batch: ImageBatch, batch_idx: int) -> None:
        """Dropout of a step depends on the seed and the step only, so that a resumed run draws the
        same.
        """
        if not self._clock:
            self._clock, self._first_of_clock = time.perf_counter(), float(self._sums[2])
            self._sums = self._sums.to(self.device)
        self._learning_rate = self.trainer.optimizers[0].param_groups[0]["lr"]
        step = self.trainer.global_step * self.trainer.world_size + self.trainer.global_rank
        # on the CPU without torch.manual_seed, which looks for other devices each time
        manual_seed = (
            torch.default_generator.manual_seed if self.device.type == "cpu" else torch.manual_seed
        )
        manual_seed((self.options.seed << 32) + step)

    def training_step(self, batch: ImageBatch, _: int) -> torch.Tensor:
        """Weighted loss of a batch."""
        logits = self._logits_of_a_step(batch)
        n = len(batch)
        loss = self.objective.loss(logits, batch.labels, batch.weights)
        right = self.objective.count(logits.detach(), batch.labels)
        self._sums += torch.stack(
            [loss.detach().double() * n, right.double(), right.new_tensor(n).double()]
        )
        self._unchecked.append((loss.detach(), batch))
        if self.device.type != "cuda" or len(self._unchecked) >= STEPS_BETWEEN_CHECKS:
            self._check_losses()
        return loss

    def _logits_of_a_step(self, batch: ImageBatch) -> torch.Tensor:
        """Logits; InputError where batch normalization has one number a channel, of which there is
        no variance.
        """
        try:
            return self(batch)
        except ValueError as error:
            if not str(error).startswith("Expected more than 1 value per channel"):
                raise
            raise InputError(
                f"network '{self.options.network}' has a batch normalization of single numbers, "
                "which cannot be "
                f"trained with {len(batch)} image in a step: set train.batch_size to "
                f"{2 * self.options.n_processes} or "
                "more, and give as many training events"
            ) from error

    def _check_losses(self) -> None:
        """Raise InputError with the events of the first batch whose loss is not a number."""
        losses = torch.stack([loss for loss, _ in self._unchecked])
        batches = [batch for _, batch in self._unchecked]
        self._unchecked.clear()
        bad = torch.nonzero(~torch.isfinite(losses)).flatten().tolist()
        if bad:
            raise InputError(self._explain(batches[bad[0]]))

    def _explain(self, batch: ImageBatch) -> str:
        name_events = self.trainer.datamodule.name_events
        owners = torch.repeat_interleave(
            torch.arange(len(batch), device=batch.offsets.device), batch.offsets.diff()
        )
        strange = torch.unique(owners[~torch.isfinite(batch.values)])
        if len(strange):
            events = name_events(batch.indices[strange].cpu().numpy())
            return (
                "the training loss is not finite: NaN or infinite cells in the images of "
                f"{events}; build them again"
            )
        events = name_events(batch.indices.cpu().numpy())
        return (
            f"the training loss is not finite in step {self.trainer.global_step} (events "
            f"{events}), though the images "
            "are: lower train.learning_rate or set train.gradient_clip"
        )

    def on_validation_epoch_start(self) -> None:
        """Stop the clock of the training."""
        if self._unchecked:
            self._check_losses()
        self._seconds = time.perf_counter() - self._clock
        self._clock = 0.0

    def validation_step(self, batch: ImageBatch, _: int) -> None:
        """Keep the logits; the numbers of an epoch need the whole split."""
        self._validation.append((self(batch), batch.labels, batch.weights, batch.indices))

    def on_validation_epoch_end(self) -> None:
        """Numbers of the epoch: to Lightning, which logs them and watches the loss, and to the
        history.
        """
        numbers = self._training_numbers() | self._validation_numbers()
        self.history.append({"epoch": self.current_epoch} | numbers)
        self._keep_best()
        self.log_dict(numbers, batch_size=1)
        for name in ("loss", "auc", "macro_auc", "resolution"):
            if f"validation_{name}" in numbers:
                value = numbers[f"validation_{name}"]
                self.log(name, value, prog_bar=True, logger=False, batch_size=1)

    def _keep_best(self) -> None:
        """Copy the weights if no epoch before had as low a validation loss."""
        loss = self.history[-1]["validation_loss"]
        row = len(self.history) - 1
        if not self._best or loss < self.history[self._best["row"]]["validation_loss"]:
            weights = {
                name: tensor.detach().to("cpu", copy=True)
                for name, tensor in self.state_dict().items()
            }
            self._best = {"row": row, "weights": weights}

    def _training_numbers(self) -> dict[str, float]:
        rank_sums = self.all_gather(self._sums).reshape(-1, 3)
        loss, right, n = rank_sums.sum(dim=0).tolist()
        rate = (n - self._first_of_clock * len(rank_sums)) / self._seconds
        return {
            "train_loss": loss / n,
            **self.objective.training_numbers(right, n),
            "learning_rate": self._learning_rate,
            "images_per_s": rate,
        }

    def _validation_numbers(self) -> dict[str, float]:
        """Loss of the validation split with the training's weights, and numbers of the answers."""
        parts = [torch.cat(part) for part in zip(*self._validation, strict=True)]
        self._validation.clear()
        # (n, ...), or of several processes (process, n, ...)
        gathered = [self.all_gather(part).reshape(-1, *part.shape[1:]) for part in parts]
        # several processes may have read one event, so that each has as many as the others
        first = np.unique(gathered[3].cpu().numpy(), return_index=True)[1]
        logits, labels, weights = (part.double().cpu()[first] for part in gathered[:3])
        loss = self.objective.loss(logits, labels, weights)
        if not torch.isfinite(loss):
            raise InputError(
                "the loss of the validation split is not finite: lower train.learning_rate"
            )
        scores = self.objective.scores(logits)
        self.validation_outputs = tuple(part.numpy() for part in (scores, labels, weights))
        return {
            "validation_loss": float(loss),
            **self.objective.validation_numbers(*self.validation_outputs),
        }

    def configure_optimizers(self) -> torch.optim.Optimizer | dict:
        """Adam, with the learning rate of the schedule in every step."""
        rate = self.options.learning_rate
        # fused: all parameters in one pass; in mixed precision Lightning does not clip gradients
        # before such a step
        optimizer = torch.optim.Adam(
            self.parameters(), lr=rate, fused=self.options.gradient_clip is None
        )
        if self.options.schedule == "constant":
            return optimizer
        n_steps = int(self.trainer.estimated_stepping_batches)
        if self.options.schedule == "cosine":
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
        else:
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=n_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Keep the numbers of the epochs and of the running one, and the weights of the best."""
        checkpoint["calovision"] = {
            "history": self.history,
            "sums": self._sums.cpu(),
            "best": self._best,
        }

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Go on counting where the run was killed."""
        state = checkpoint["calovision"]
        self.history = list(state["history"])
        self._sums = state["sums"]
        self._best = state["best"]
