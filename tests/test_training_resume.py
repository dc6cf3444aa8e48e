"""A run that is killed goes on, and ends with the weights of one that was not."""

import json
import shutil
import stat

import numpy as np
import pytest
import torch
from fakes import write_two_samples
from fakes_training import train, train_apart
from safetensors.torch import load_file

from calovision.storage import ImageCollection
from calovision.training import TrainingOptions
from calovision.training.callbacks import EarlyStoppingThatResumes

# 72 training images: nine steps an epoch; a checkpoint after every one
OPTIONS = TrainingOptions(
    network="fakes_training:MortalNetwork",
    epochs=3,
    batch_size=8,
    learning_rate=0.01,
    device="cpu",
    precision="fp32",
    seed=3,
    checkpoint_minutes=1e-9,
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_two_samples(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def uninterrupted(paths, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(ImageCollection(paths), folder, OPTIONS)
    return folder


@pytest.fixture(scope="module")
def killed_in_the_second_epoch(paths, tmp_path_factory):
    """Folder of a run that got SIGKILL after its step 14; copy it."""
    folder = tmp_path_factory.mktemp("killed")
    assert train_apart(paths, folder, OPTIONS, SIGNAL="SIGKILL", AT="14").returncode != 0
    return folder


def history(folder):
    lines = (folder / "history.csv").read_text().splitlines()
    return [line.split(",")[:-1] for line in lines]  # the last column is a speed


def checkpoints(folder):
    return sorted(path.name for path in (folder / "resume").iterdir())


def require_equal_runs(first, second):
    weights = [load_file(folder / "model.safetensors") for folder in (first, second)]
    assert all(torch.equal(weights[1][name], values) for name, values in weights[0].items())
    assert history(first) == history(second)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("SIGKILL", -2),  # in its validation
        ("SIGTERM", 14),
        ("SIGTERM", 18),
    ],
)
def test_killed_run_goes_on(paths, uninterrupted, tmp_path, name, at):
    killed = train_apart(paths, tmp_path, OPTIONS, SIGNAL=name, AT=str(at))
    assert killed.returncode != 0
    assert not (tmp_path / "model.json").exists()
    train(ImageCollection(paths), tmp_path, OPTIONS)
    require_equal_runs(tmp_path, uninterrupted)
    assert not (tmp_path / "resume").exists()


def test_run_killed_in_the_middle_of_an_epoch_goes_on(
    paths, uninterrupted, killed_in_the_second_epoch, tmp_path
):
    shutil.copytree(killed_in_the_second_epoch, tmp_path, dirs_exist_ok=True)
    assert not (tmp_path / "model.json").exists()
    train(ImageCollection(paths), tmp_path, OPTIONS)
    require_equal_runs(tmp_path, uninterrupted)
    assert not (tmp_path / "resume").exists()


def test_run_that_only_saves_epochs_goes_on_from_the_last(paths, uninterrupted, tmp_path):
    options = TrainingOptions(**(vars(OPTIONS) | {"checkpoint_minutes": 60}))
    train_apart(paths, tmp_path, options, SIGNAL="SIGKILL", AT="14")
    assert [path.name for path in (tmp_path / "resume").iterdir()] == ["step0000000009.ckpt"]
    train(ImageCollection(paths), tmp_path, options)
    require_equal_runs(tmp_path, uninterrupted)


def test_run_killed_twice(paths, uninterrupted, tmp_path):
    for at in ("5", "9"):
        train_apart(paths, tmp_path, OPTIONS, SIGNAL="SIGKILL", AT=at)
    train(ImageCollection(paths), tmp_path, OPTIONS)
    require_equal_runs(tmp_path, uninterrupted)


def test_tensorboard_of_a_resumed_run_is_whole(
    paths, uninterrupted, killed_in_the_second_epoch, tmp_path
):
    """Snakemake removes the outputs of a failed job, of which TensorBoard's folder is one."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shutil.copytree(killed_in_the_second_epoch, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "tensorboard")
    train(ImageCollection(paths), tmp_path, OPTIONS)
    curves = []
    for folder in (tmp_path, uninterrupted):
        board = EventAccumulator(str(folder / "tensorboard"))
        board.Reload()
        curves.append([(event.step, event.value) for event in board.Scalars("validation_loss")])
    assert len(curves[0]) == 3
    np.testing.assert_allclose(*curves, rtol=1e-6)


def train_but_do_not_store(paths, folder, **changes):
    """Everything is trained, and the checkpoints stay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("calovision.training.run.save_model", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(ImageCollection(paths), folder, OPTIONS, **changes)


@pytest.fixture(scope="module")
def not_stored(paths, tmp_path_factory):
    """Folder of a run of which only the storing of the model is missing; copy it."""
    folder = tmp_path_factory.mktemp("not_stored")
    train_but_do_not_store(paths, folder)
    return folder


@pytest.mark.parametrize("changes", [{"learning_rate": 0.02}, {"seed": 4}, {"epochs": 2}])
def test_checkpoints_of_other_options_are_removed(paths, not_stored, tmp_path, changes):
    shutil.copytree(not_stored, tmp_path / "killed")
    for name in ("killed", "fresh"):
        train(ImageCollection(paths), tmp_path / name, OPTIONS, **changes)
    require_equal_runs(tmp_path / "killed", tmp_path / "fresh")


def test_checkpoints_of_other_events_are_removed(not_stored, tmp_path):
    shutil.copytree(not_stored, tmp_path / "killed")
    (tmp_path / "more").mkdir()
    more = ImageCollection(write_two_samples(tmp_path / "more", n_events=80))
    for name in ("killed", "fresh"):
        train(more, tmp_path / name, OPTIONS)
    require_equal_runs(tmp_path / "killed", tmp_path / "fresh")


def test_run_that_was_killed_after_its_last_epoch(paths, uninterrupted, not_stored, tmp_path):
    shutil.copytree(not_stored, tmp_path, dirs_exist_ok=True)
    train(ImageCollection(paths), tmp_path, OPTIONS)
    require_equal_runs(tmp_path, uninterrupted)


def test_early_stop_of_a_killed_run_holds(paths, tmp_path):
    choices = {"epochs": 30, "patience": 2, "learning_rate": 1e-12, "augmentation": False}
    train(ImageCollection(paths), tmp_path / "a", OPTIONS, **choices)
    train_but_do_not_store(paths, tmp_path / "b", **choices)
    train(ImageCollection(paths), tmp_path / "b", OPTIONS, **choices)
    require_equal_runs(tmp_path / "a", tmp_path / "b")
    assert len(history(tmp_path / "a")) < 31


def test_state_of_early_stopping_has_the_key_of_lightning():
    callback = EarlyStoppingThatResumes("validation_loss", patience=2, mode="min")
    assert callback.state_key == super(EarlyStoppingThatResumes, callback).state_key
    assert callback.state_key is callback.state_key


def test_requeue_signal_of_slurm(paths, uninterrupted, tmp_path):
    """A job that SLURM tells to make way saves, goes back to the queue, and ends as if nothing had
    been."""
    commands = tmp_path / "commands"
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(
        f'#!/bin/sh\necho "$@" >> {commands}\nkill -9 $PPID\n'
    )  # SLURM ends the job
    scontrol.chmod(scontrol.stat().st_mode | stat.S_IXUSR)
    job = {
        "SLURM_JOB_ID": "4711",
        "SLURM_JOB_NAME": "train",
        "SLURM_NTASKS": "1",
        "SLURM_PROCID": "0",
    }
    job |= {"SLURM_LOCALID": "0", "SLURM_NODEID": "0", "PATH": f"{scontrol.parent}:/usr/bin:/bin"}
    options = TrainingOptions(**(vars(OPTIONS) | {"checkpoint_minutes": 60}))
    folder = tmp_path / "model"
    killed = train_apart(paths, folder, options, SIGNAL="SIGUSR1", AT="14", **job)
    assert commands.read_text() == "requeue 4711\n", killed.stderr
    # nine steps an epoch: after the first, and after the step in which the signal came
    assert checkpoints(folder) == ["step0000000009.ckpt", "step0000000014.ckpt"]
    again = train_apart(paths, folder, options, **job)
    assert again.returncode == 0, again.stderr
    require_equal_runs(folder, uninterrupted)
    assert json.loads((folder / "model.json").read_text())
