"""One training run, from image files to the stored model."""

import logging
import shutil
import signal
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.plugins.environments import ClusterEnvironment
from lightning.pytorch.utilities.exceptions import SIGTERMException

from calovision.core.errors import InputError
from calovision.core.splits import Folds
from calovision.jobs.atomic import refused_by_disk
from calovision.jobs.durable import make_folder
from calovision.jobs.locks import held_alone
from calovision.models import keep_freed_memory, make_model, save_model
from calovision.scoring import is_out_of_memory
from calovision.storage import ImageCollection
from calovision.training.callbacks import EarlyStoppingThatResumes, SaveCheckpoints
from calovision.training.checkpoints import ResumeFolder, WholeCheckpoints, read_checkpoint
from calovision.training.classifier import ImageClassifier
from calovision.training.data import ImageData, measure_statistics, specify_model
from calovision.training.epoch_numbers import BIAS, RESOLUTION
from calovision.training.launch import find_launcher, own_processes, requeue_signal
from calovision.training.memory import largest_batch_size
from calovision.training.monitoring import (
    FollowRun,
    ProgressBar,
    quiet_lightning,
    tensorboard,
    write_history,
)
from calovision.training.options import TrainingOptions

logger = logging.getLogger(__name__)

BEST_NUMBERS = ("validation_auc", "validation_macro_auc", BIAS, RESOLUTION)
"""Numbers of the best epoch that stand in the record of the training."""
LOCK = ".training"
OUTPUTS = ("model.safetensors", "model.json", "history.csv")


def train_network(
    collection: ImageCollection,
    folder: Path,
    options: TrainingOptions,
    *,
    luminosity_fb: float,
    folds: Folds | None = None,
    fold: int | None = None,
    progress_bar: bool = True,
) -> Path:
    """Train on the training split, stop early on the validation split, keep the best epoch.

    A run that was killed goes on from its last checkpoint when it is called again with the same
    options and events; on a CPU it ends with the same weights as one that was not.

    Parameters
    ----------
    collection
        Image files of all samples.
    folder
        Gets ``model.safetensors`` and ``model.json`` (`models.load_model`), ``history.csv`` (one
        row per epoch) and TensorBoard's ``tensorboard/``, in place of those of an older run;
        ``resume/`` until the run is complete.
    options
        Network, optimizer, augmentation, device.
    luminosity_fb
        For the weights that depend on the cross-sections, 1/fb.
    folds, fold
        Folds of a cross-validation, and the one that the network is to test: the others train and
        validate it (`calovision.storage.ImageCollection.splits`). None takes the split of the
        files.
    progress_bar
        Show one on standard error.

    Returns
    -------
    Path of ``model.json``.

    Raises
    ------
    InputError
        If a split lacks a class, there are more folds than events of a class, an option is
        unknown, a GPU is asked for where there is none, the loss is not finite, the memory does not
        suffice, the folder cannot be written to, or another process trains in it.
    """
    options.check()
    collection.require_events(of_classes=options.target is None)
    lightning.seed_everything(options.seed, workers=True, verbose=False)
    data = ImageData(collection, options, luminosity_fb, folds=folds, fold=fold)
    specification = specify_model(collection, options)
    classifier = ImageClassifier(make_model(specification, measure_statistics(data)), options)
    folder = Path(folder)
    resume = ResumeFolder(folder / "resume", data.fingerprint())
    launcher = find_launcher(options.n_processes)
    is_first = launcher is None or launcher.global_rank() == 0
    with refused_by_disk(folder), _alone(folder) if is_first else nullcontext():
        if is_first:
            _remove_older_run(folder)
        latest = resume.prepare() if is_first else resume.latest()
        with (
            own_processes(options.n_nodes)
            if launcher is None
            else nullcontext(launcher) as environment
        ):
            trainer = _make_trainer(folder, resume, options, environment, progress_bar=progress_bar)
            _fit(trainer, classifier, data, latest)
        if is_first:
            _store(classifier, data, folder, resume)
    return folder / "model.json"


def _alone(folder: Path) -> AbstractContextManager[None]:
    """Let no other training into the folder: each would remove what the other writes."""
    make_folder(folder)
    return held_alone(folder / LOCK, "trains")


def _remove_older_run(folder: Path) -> None:
    """Remove what a run writes, so that no curve or model of an older one is taken for the new
    one's.
    """
    for name in OUTPUTS:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "tensorboard", ignore_errors=True)


def _fit(
    trainer: lightning.Trainer, classifier: ImageClassifier, data: ImageData, latest: Path | None
) -> None:
    options = classifier.options
    device = trainer.strategy.root_device
    keep_freed_memory()
    # deterministic algorithms would fill all new memory with NaN, a tenth of a step; no result
    # depends on it
    torch.utils.deterministic.fill_uninitialized_memory = False
    logger.info(
        "training %s on %d events, device %s", options.network, len(data.indices["train"]), device
    )
    if latest is not None:
        logger.info("going on from %s", latest)
    try:
        with quiet_lightning():
            trainer.fit(classifier, datamodule=data, ckpt_path=latest, weights_only=True)
    except SIGTERMException:
        raise SystemExit(128 + signal.SIGTERM) from None  # Lightning's would say success
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    else:
        return
    raise InputError(_explain_memory(classifier, device))


def _make_trainer(
    folder: Path,
    resume: ResumeFolder,
    options: TrainingOptions,
    environment: ClusterEnvironment,
    *,
    progress_bar: bool,
) -> lightning.Trainer:
    callbacks = [
        FollowRun(folder / "history.csv"),
        EarlyStoppingThatResumes("validation_loss", patience=options.patience, mode="min"),
        SaveCheckpoints(resume, options.checkpoint_minutes, requeue_signal(options.n_processes)),
        *([ProgressBar()] if progress_bar else []),
    ]
    with quiet_lightning():
        return lightning.Trainer(
            default_root_dir=resume.path,
            max_epochs=options.epochs,
            accelerator=options.device,
            devices=options.n_devices,
            num_nodes=options.n_nodes,
            strategy=_strategy(options, environment),
            plugins=[environment, WholeCheckpoints()],
            sync_batchnorm=options.on_gpu and options.n_processes > 1,
            precision=options.lightning_precision(),
            gradient_clip_val=options.gradient_clip,
            callbacks=callbacks,
            logger=tensorboard(folder),
            enable_progress_bar=progress_bar,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            deterministic="warn",
            # all is logged per epoch; a larger one would warn of splits with few batches
            log_every_n_steps=1,
        )


def _strategy(options: TrainingOptions, environment: ClusterEnvironment) -> str:
    """Lightning starts the processes itself unless srun or torchrun did."""
    if options.n_processes == 1:
        return "auto"
    return "ddp" if environment.creates_processes_externally else "ddp_spawn"


def _explain_memory(classifier: ImageClassifier, device: torch.device) -> str:
    options = classifier.options
    fits = (
        largest_batch_size(classifier, device, options.batch_size // options.n_processes)
        * options.n_processes
    )
    advice = f"{fits} would fit" if fits else "not even 1 image would fit: choose a smaller network"
    return f"out of memory on device {device} with train.batch_size {options.batch_size}: {advice}"


def _store(
    classifier: ImageClassifier, data: ImageData, folder: Path, resume: ResumeFolder
) -> None:
    """Store the weights of the best epoch and what became of the run, then remove the
    checkpoints.
    """
    state = read_checkpoint(resume.last())["calovision"]  # it may have been others' run
    history, best = state["history"], state["best"]
    classifier.to("cpu").load_state_dict(best["weights"])
    write_history(folder / "history.csv", history, classifier.objective.columns)
    row = history[best["row"]]
    training = {
        "calovision_version": version("calovision"),
        "options": asdict(classifier.options),
        "samples": data.collection.samples,
        "sources": _sources(data.collection),
        **data.fold_record(),
        **({} if data.flat is None else {"flat": data.flat.to_dict()}),
        "n_training": len(data.indices["train"]),
        "n_validation": len(data.indices["validation"]),
        "accounts": [account.to_json() for account in data.accounts],
        "epochs": len(history),
        "best_epoch": row["epoch"],
        "validation_loss": row["validation_loss"],
        **{name: row[name] for name in BEST_NUMBERS if name in row},
        "images_per_s": float(np.median([numbers["images_per_s"] for numbers in history])),
    }
    save_model(folder, classifier.model, training=training, recipe=data.collection.recipe)
    logger.info(
        "best epoch: %d, validation loss %.6g", training["best_epoch"], training["validation_loss"]
    )
    resume.remove()


def _sources(collection: ImageCollection) -> list[str]:
    """Identifiers of the ROOT files of the images, sorted, by which these are known again."""
    pairs = [pair for file in collection.files for pair in file.metadata.source_files]
    return sorted({uuid for _, uuid in pairs if uuid})
