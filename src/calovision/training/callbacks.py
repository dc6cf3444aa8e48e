"""Callbacks that stop a run early and write its checkpoints.

A checkpoint falls between two steps, so that a resumed run on a CPU has the same weights as one
that was never killed.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from functools import cached_property
from typing import Any

import lightning
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping

from calovision.training.checkpoints import FINGERPRINT, ResumeFolder

logger = logging.getLogger(__name__)


class EarlyStoppingThatResumes(EarlyStopping):
    """Early stopping that stops at once if the run was killed after its last epoch."""

    @cached_property
    def state_key(self) -> str:
        """Name of the state in a checkpoint; Lightning asks for it at every hook, so that it is put
        together once.
        """
        return super().state_key

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Take up the decision of the killed run."""
        trainer.should_stop = self.wait_count >= max(self.patience, 1)


class SaveCheckpoints(Checkpoint):
    """A checkpoint after every epoch, every few minutes inside one, and when SIGTERM or SLURM ask
    the run to stop.

    There is none after the last step of an epoch before its validation: Lightning takes an epoch
    whose last step is done for complete and would leave its validation out.

    Parameters
    ----------
    folder
        Gets the checkpoints.
    minutes
        Between two inside an epoch.
    requeue_signal
        Signal upon which a SLURM job is put back into its queue after the running step; None if it
        is no such job.
    """

    def __init__(
        self, folder: ResumeFolder, minutes: float, requeue_signal: signal.Signals | None
    ) -> None:
        self.folder = folder
        self.seconds = 60 * minutes
        self._signal = requeue_signal
        self._is_asked = False

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Begin to count the minutes, and listen to SLURM; Lightning sets all signals back at the
        end.
        """
        self._saved = time.monotonic()
        if self._signal is not None and threading.current_thread() is threading.main_thread():
            signal.signal(self._signal, self._ask)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        """Save if it is time, or asked for during the step."""
        if trainer.is_last_batch:
            return
        is_due = time.monotonic() - self._saved >= self.seconds
        is_asked = self._is_asked
        if trainer.world_size > 1:  # all processes must do the same
            is_due, is_asked = trainer.strategy.broadcast((is_due, is_asked))
        elif trainer.received_sigterm:
            is_due = True
        if is_due or is_asked:
            self._save(trainer)
        if is_asked:
            self._is_asked = False
            if trainer.is_global_zero:
                requeue_job()

    def on_train_epoch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Save what is complete."""
        self._save(trainer)

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, _: lightning.LightningModule, checkpoint: dict
    ) -> None:
        """Say of which run it is."""
        checkpoint[FINGERPRINT] = self.folder.fingerprint

    def _save(self, trainer: lightning.Trainer) -> None:
        trainer.save_checkpoint(self.folder.path_at(trainer.global_step), weights_only=False)
        if trainer.is_global_zero:
            self.folder.prune()
        self._saved = time.monotonic()

    def _ask(self, *_: Any) -> None:
        self._is_asked = True


def requeue_job() -> None:
    """Put the SLURM job that this process is in back into its queue; SLURM then ends the
    process.
    """
    job = os.environ["SLURM_JOB_ID"]
    try:
        code = subprocess.run(["scontrol", "requeue", job], check=False).returncode
    except OSError as error:
        logger.warning(
            "job %s cannot be put back into its queue (scontrol: %s): it goes on",
            job,
            error.strerror,
        )
        return
    if code:
        logger.warning(
            "job %s is not put back into its queue (scontrol: exit status %d): it goes on",
            job,
            code,
        )
