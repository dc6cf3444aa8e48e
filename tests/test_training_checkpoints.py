"""Checkpoints that were moved, copied or damaged."""

import errno
import json
import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import write_two_samples
from fakes_training import train
from safetensors.torch import load_file

from calovision.core.errors import InputError
from calovision.models import load_model
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions
from calovision.training.checkpoints import ResumeFolder, WholeCheckpoints, read_checkpoint
from calovision.training.monitoring import FollowRun

# nine steps an epoch; so quick a rate that the second epoch is the best
OPTIONS = TrainingOptions(
    network="fakes_training:MortalNetwork",
    epochs=4,
    batch_size=8,
    learning_rate=0.3,
    schedule="constant",
    augmentation=False,
    device="cpu",
    precision="fp32",
    seed=3,
    checkpoint_minutes=1e-9,
)


class KilledError(Exception):
    """In place of a signal."""


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    return ImageCollection(write_two_samples(tmp_path_factory.mktemp("images")))


@pytest.fixture(scope="module")
def uninterrupted(collection, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(collection, folder, OPTIONS)
    return folder


@pytest.fixture(scope="module")
def killed(collection, tmp_path_factory):
    """Makes a folder that of a run that was killed after a step; each is trained once."""
    made = {}

    def copy(step, folder, options=OPTIONS):
        key = step, options.network
        if key not in made:
            made[key] = tmp_path_factory.mktemp("killed")
            train_until(step, collection, made[key], options)
        shutil.copytree(made[key], folder, dirs_exist_ok=True)

    return copy


def train_until(step, collection, folder, options):
    """Train, and be killed after a step."""

    def kill(self, trainer, *_):
        if trainer.global_step == step:
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FollowRun, "on_train_batch_end", kill)
        with pytest.raises(KilledError):
            train(collection, folder, options)


def run_numbers(folder):
    training = json.loads((folder / "model.json").read_text())["training"]
    return {
        name: training[name]
        for name in ("epochs", "best_epoch", "validation_loss", "validation_auc")
    }


def require_equal_runs(first, second):
    assert run_numbers(first) == run_numbers(second)
    one, other = (load_file(folder / "model.safetensors") for folder in (first, second))
    for name, values in one.items():
        torch.testing.assert_close(other[name], values, rtol=1e-5, atol=1e-7)


def loss_of_stored_model(folder, collection):
    """Cross-entropy of the validation split, classes of equal weight, by numpy."""
    chosen = np.flatnonzero(collection.column("split") == 1)
    with torch.no_grad():
        logits = (
            load_model(folder, allow_imports=True)(torch.from_numpy(collection.dense(chosen)))
            .double()
            .numpy()
        )
    labels = collection.column("label")[chosen]
    losses = np.logaddexp(0, np.where(labels == 1, -logits, logits))
    return np.mean([losses[labels == label].mean() for label in (0, 1)])


def test_best_epoch_is_kept_where_the_folder_is_another(
    collection, uninterrupted, tmp_path, killed
):
    assert run_numbers(uninterrupted)["best_epoch"] == 1
    killed(23, tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    (tmp_path / "link").symlink_to("renamed")
    (tmp_path / "here").rename(tmp_path / "renamed")
    for name in ("copy", "link"):
        train(collection, tmp_path / name, OPTIONS)
        require_equal_runs(tmp_path / name, uninterrupted)
        stored = run_numbers(tmp_path / name)["validation_loss"]
        assert loss_of_stored_model(tmp_path / name, collection) == pytest.approx(stored, rel=1e-5)


def test_newest_checkpoint_is_the_furthest_whatever_its_time(
    collection, uninterrupted, tmp_path, killed, caplog
):
    killed(14, tmp_path)
    newest, before = sorted((tmp_path / "resume").glob("*.ckpt"), reverse=True)
    os.utime(newest, (1, 1))
    with caplog.at_level(logging.INFO, "calovision"):
        train(collection, tmp_path, OPTIONS)
    assert f"going on from {newest}" in caplog.text
    assert str(before) not in caplog.text
    require_equal_runs(tmp_path, uninterrupted)


def test_no_path_is_in_a_checkpoint(collection, tmp_path, killed):
    killed(11, tmp_path / "a_name_that_is_nowhere_else")
    (first, _) = (tmp_path / "a_name_that_is_nowhere_else" / "resume").glob("*.ckpt")
    assert b"a_name_that_is_nowhere_else" not in first.read_bytes()


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_weight(path):
    content = bytearray(path.read_bytes())
    weights = read_checkpoint(path)["state_dict"]["model.network.layers.5.weight"].numpy().tobytes()
    content[content.index(weights) + len(weights) // 2] ^= 1
    path.write_bytes(content)


def put_another_dictionary(path):
    torch.save({"state_dict": {}}, path)


DAMAGES = {
    "truncated": truncate,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("out of memory"),
    "one bit": flip_a_weight,
    "of something else": put_another_dictionary,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_checkpoint_before_a_damaged_one_is_taken(
    collection, uninterrupted, tmp_path, killed, caplog, damage
):
    killed(14, tmp_path)
    newest, before = sorted((tmp_path / "resume").glob("*.ckpt"), reverse=True)
    damage(newest)
    with caplog.at_level(logging.INFO, "calovision"):
        train(collection, tmp_path, OPTIONS)
    assert f"{newest} is not used: it is " in caplog.text
    assert "the one before it is taken, if it is whole" in caplog.text
    assert f"going on from {before}" in caplog.text
    require_equal_runs(tmp_path, uninterrupted)


def test_checkpoints_of_another_network_are_not_used(
    collection, uninterrupted, tmp_path, killed, caplog
):
    other = replace(OPTIONS, network="fakes_training:NetworkWithoutState")
    killed(4, tmp_path / "run")
    killed(14, tmp_path / "other", other)
    for path in (tmp_path / "other/resume").glob("*.ckpt"):
        shutil.copy(path, tmp_path / "run/resume")
    with caplog.at_level(logging.INFO, "calovision"):
        train(collection, tmp_path / "run", OPTIONS)
    assert (
        caplog.text.count("it is of a run with another network, other options or other events") == 2
    )
    assert "step0000000003.ckpt" in caplog.text.split("going on from")[1]
    require_equal_runs(tmp_path / "run", uninterrupted)


def test_run_begins_anew_where_all_checkpoints_are_damaged(
    collection, uninterrupted, tmp_path, killed, caplog
):
    killed(4, tmp_path)
    for path in (tmp_path / "resume").glob("*.ckpt"):
        truncate(path)
    train(collection, tmp_path, OPTIONS)
    assert caplog.text.count("is not used: it is damaged") == 2
    require_equal_runs(tmp_path, uninterrupted)


def test_no_flipped_byte_is_taken_for_a_number(tmp_path):
    folder = ResumeFolder(tmp_path, "this run")
    checkpoint = {
        "calovision_run": "this run",
        "weights": torch.arange(300.0),
        "history": [{"loss": 0.25}],
    }
    WholeCheckpoints().save_checkpoint(checkpoint, folder.path_at(1))
    whole, rng = folder.path_at(1).read_bytes(), np.random.default_rng(1)
    for place in rng.integers(len(whole), size=300):
        content = bytearray(whole)
        content[place] ^= 1 << rng.integers(8)
        folder.path_at(1).write_bytes(content)
        if folder.latest() is not None:  # a byte that says nothing, such as the time of the file
            found = read_checkpoint(folder.path_at(1))
            assert torch.equal(found["weights"], checkpoint["weights"])
            assert found["history"] == checkpoint["history"]


def test_pruning_leaves_what_is_being_written(tmp_path):
    """By another training, where the file system has no locks."""
    folder = ResumeFolder(tmp_path, "this run")
    for step in range(4):
        WholeCheckpoints().save_checkpoint({"calovision_run": "this run"}, folder.path_at(step))
    temporary = tmp_path / ".step0000000001.ckpt.part.ckpt"
    temporary.write_text("half")
    folder.prune()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        temporary.name,
        "step0000000002.ckpt",
        "step0000000003.ckpt",
    ]
    assert folder.latest() == folder.path_at(3)


def test_the_last_checkpoint_must_be_there_at_the_end(collection, tmp_path, monkeypatch):
    def lose(*_, **__):
        shutil.rmtree(tmp_path / "resume")

    monkeypatch.setattr(FollowRun, "teardown", lose)
    with pytest.raises(
        InputError,
        match=r"resume: the checkpoint of the last epoch cannot be read, it is gone: train again",
    ):
        train(collection, tmp_path, OPTIONS, epochs=1)


def test_damaged_last_checkpoint_is_no_end_of_a_run(
    collection, uninterrupted, tmp_path, monkeypatch
):
    """The one before lacks the last epoch: no model is made of it, and the next start goes on from
    there."""

    def damage_the_newest(*_, **__):
        truncate(max((tmp_path / "resume").glob("*.ckpt")))

    with monkeypatch.context() as patch:
        patch.setattr(FollowRun, "teardown", damage_the_newest)
        with pytest.raises(InputError, match=r"step0000000036\.ckpt: .* it is damaged, its hash"):
            train(collection, tmp_path, OPTIONS)
    assert not (tmp_path / "model.json").exists()
    train(collection, tmp_path, OPTIONS)
    require_equal_runs(tmp_path, uninterrupted)


def test_checkpoints_of_before_are_read(collection, uninterrupted, tmp_path, killed, caplog):
    """As torch writes them, without a hash."""
    killed(14, tmp_path)
    for path in (tmp_path / "resume").glob("*.ckpt"):
        content = path.read_bytes()
        path.write_bytes(content[content.index(b"\n") + 1 :])
        assert torch.load(path, weights_only=True)["calovision_run"]
    with caplog.at_level(logging.INFO, "calovision"):
        train(collection, tmp_path, OPTIONS)
    assert f"going on from {tmp_path / 'resume/step0000000013.ckpt'}" in caplog.text
    require_equal_runs(tmp_path, uninterrupted)


def test_two_trainings_in_one_folder(collection, uninterrupted, tmp_path, monkeypatch):
    """The second one is refused and removes nothing; a lock that a killed one left is none."""
    (tmp_path / ".training").write_text("process 1 on a machine that is no more")
    seen, teardown = [], FollowRun.teardown

    def train_in_between(*arguments, **options):
        with pytest.raises(
            InputError, match=rf"{tmp_path}: process {os.getpid()} on .* trains there: wait"
        ):
            train(collection, tmp_path, OPTIONS)
        seen.append(sorted(path.name for path in (tmp_path / "resume").iterdir()))
        return teardown(*arguments, **options)

    monkeypatch.setattr(FollowRun, "teardown", train_in_between)
    train(collection, tmp_path, OPTIONS)
    assert seen == [["step0000000035.ckpt", "step0000000036.ckpt"]]
    assert not (tmp_path / ".training").exists()
    require_equal_runs(tmp_path, uninterrupted)


def test_disk_that_is_full_is_one_sentence_and_the_run_goes_on_later(
    collection, uninterrupted, tmp_path, monkeypatch
):
    write = Path.write_bytes

    def fill(path, content):
        if "step0000000012" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill)
        with pytest.raises(
            InputError, match=r"step0000000012\.ckpt cannot be written, as the disk is full"
        ):
            train(collection, tmp_path, OPTIONS)
    assert sorted(path.name for path in (tmp_path / "resume").iterdir()) == [
        "step0000000010.ckpt",
        "step0000000011.ckpt",
    ]
    train(collection, tmp_path, OPTIONS)
    require_equal_runs(tmp_path, uninterrupted)


def test_folder_of_somebody_else_is_one_sentence(collection, tmp_path, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(InputError, match=f"{tmp_path} cannot be written, as that is not permitted"):
        train(collection, tmp_path, OPTIONS)
