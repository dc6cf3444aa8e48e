"""Checkpoints of a run: the best epoch, and what a killed run goes on from.

A checkpoint falls between two steps, so that a resumed run on a CPU has the same weights as one that was never killed.
"""

import json
import logging
import os
import shutil
import signal
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import FrameType

import lightning
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.plugins.environments import SLURMEnvironment

from calovision.atomic import replaced

logger = logging.getLogger(__name__)

BEST = "best.ckpt"


class ResumeFolder:
    """The folder of a run's checkpoints, which is there until the run is complete."""

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder)

    def prepare(self, fingerprint: str) -> None:
        """Make the folder; remove the checkpoints of a run with other options or events."""
        key = self.path / "run.json"
        if self.path.exists() and not _holds(key, fingerprint):
            logger.info("%s holds another run, which is removed", self.path)
            self.remove()
        with replaced(key) as temporary:
            temporary.write_text(json.dumps({"fingerprint": fingerprint}))

    @property
    def best(self) -> Path:
        """Weights of the epoch with the lowest validation loss."""
        return self.path / BEST

    def latest(self) -> Path | None:
        """The checkpoint to go on from: the one written last."""
        found = [path for path in self.path.glob("*.ckpt") if path.name != BEST]
        return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)

    def remove(self) -> None:
        """Remove it with all checkpoints."""
        shutil.rmtree(self.path, ignore_errors=True)

    def callbacks(self, *, patience: int, minutes: float, requeue_signal: signal.Signals | None) -> list[Callback]:
        """Callbacks that stop early and write all checkpoints."""
        place = {"dirpath": self.path, "enable_version_counter": False}
        return [
            EarlyStoppingThatResumes("validation_loss", patience=patience, mode="min"),
            CheckpointOfEpoch(**place, filename="best", monitor="validation_loss", mode="min", save_weights_only=True),
            CheckpointOfEpoch(**place, filename="epoch", save_on_train_epoch_end=True),
            CheckpointInsideEpoch(**place, filename="step", train_time_interval=timedelta(minutes=minutes)),
            SaveWhenAskedToStop(self.path / "stopped.ckpt", requeue_signal),
        ]


def _holds(key: Path, fingerprint: str) -> bool:
    try:
        return json.loads(key.read_text())["fingerprint"] == fingerprint
    except (OSError, ValueError, KeyError):
        return False


class KeyMadeOnce:
    """For callbacks of Lightning: the key of their state, which it asks for at every hook, is put together once."""

    @cached_property
    def state_key(self) -> str:
        """Name of the state in a checkpoint."""
        return super().state_key


class CheckpointOfEpoch(KeyMadeOnce, ModelCheckpoint):
    """A checkpoint at the end of an epoch."""


class EarlyStoppingThatResumes(KeyMadeOnce, EarlyStopping):
    """Early stopping that stops at once if the run was killed after its last epoch."""

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Take up the decision of the killed run."""
        trainer.should_stop = self.wait_count >= self.patience


class CheckpointInsideEpoch(KeyMadeOnce, ModelCheckpoint):
    """A checkpoint every few minutes, but not after the last step of an epoch.

    Lightning takes an epoch whose last step is done for complete and would leave its validation out; the next
    checkpoint follows after that.
    """

    def on_train_batch_end(self, trainer: lightning.Trainer, *arguments: object) -> None:
        """Save if it is time."""
        if not trainer.is_last_batch:
            super().on_train_batch_end(trainer, *arguments)


class SaveWhenAskedToStop(Callback):
    """Write a checkpoint after the step in which SIGTERM arrived, and requeue a SLURM job between two steps.

    Lightning's handler of the requeue signal saves wherever the program is, even half way through a step of the
    optimizer; it is kept back until the step is complete.
    """

    def __init__(self, path: Path, requeue_signal: signal.Signals | None) -> None:
        self.path = path
        self._signal = requeue_signal
        self._held_back: list[tuple[int, FrameType | None]] = []

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Take the place of Lightning's handler, which Lightning itself removes at the end."""
        if self._signal is not None:
            self._requeue = signal.getsignal(self._signal)
            signal.signal(self._signal, lambda *arguments: self._held_back.append(arguments))

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        """Do now what was asked for during the step; after the last of an epoch see `CheckpointInsideEpoch`."""
        if trainer.is_last_batch:
            return
        if self._held_back:
            self._requeue(*self._held_back.pop())
        if trainer.received_sigterm and trainer.world_size == 1:
            trainer.save_checkpoint(self.path)


def slurm_environment(n_processes: int) -> SLURMEnvironment | None:
    """SLURM's environment in a batch job that SLURM can put back into its queue, if srun started all processes.

    A job of the workflow is one task, which starts the processes of a training with several GPUs itself.
    """
    if "SLURM_JOB_ID" not in os.environ or not SLURMEnvironment.detect():
        return None
    slurm = SLURMEnvironment(auto_requeue=True, requeue_signal=signal.SIGUSR1)
    return slurm if slurm.world_size() == n_processes else None
