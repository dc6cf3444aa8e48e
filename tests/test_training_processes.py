"""Two processes train as one does."""

import numpy as np
import pytest
import torch
from fakes import write_two_samples
from fakes_training import train
from safetensors.torch import load_file

from calovision.storage import ImageCollection
from calovision.training import HISTORY, TrainingOptions

OPTIONS = TrainingOptions(
    network="fakes_training:NetworkWithoutState",
    epochs=2,
    batch_size=16,
    learning_rate=0.01,
    device="cpu",
    precision="fp32",
    seed=3,
)
JOB = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "train",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "1",
}
"""Srun has started one process, as in each job of the workflow: the other one is started by the
training."""
LEFT = {
    "RANK": "3",
    "LOCAL_RANK": "3",
    "WORLD_SIZE": "4",
    "MASTER_ADDR": "10.255.255.1",
    "MASTER_PORT": "1",
}
"""What a launcher left behind."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Number of processes -> folder of the run; 73 and 25 events, so that neither split can be
    shared evenly. The two run in a job of one task, where variables of other launchers are left."""
    collection = ImageCollection(write_two_samples(tmp_path_factory.mktemp("images"), n_events=61))
    made = {}
    for n in (1, 2):
        made[n] = tmp_path_factory.mktemp(f"processes{n}")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (JOB | LEFT if n == 2 else {}).items():
                patch.setenv(name, value)
            train(collection, made[n], OPTIONS, n_devices=n)
    return made


def test_two_processes_give_the_loss_of_one(folders):
    rows = [
        np.genfromtxt(folder / "history.csv", delimiter=",", names=True)
        for folder in folders.values()
    ]
    for name in rows[0].dtype.names[: len(HISTORY) - 1]:
        np.testing.assert_allclose(rows[0][name], rows[1][name], rtol=1e-5, err_msg=name)


def test_two_processes_give_the_weights_of_one(folders):
    one, two = (load_file(folder / "model.safetensors") for folder in folders.values())
    for name, values in one.items():
        torch.testing.assert_close(two[name], values, rtol=1e-4, atol=1e-6)


def test_two_processes_leave_what_one_leaves(folders):
    names = [sorted(path.name for path in folder.iterdir()) for folder in folders.values()]
    assert names[0] == names[1] == ["history.csv", "model.json", "model.safetensors", "tensorboard"]
