"""One process trains, whatever a batch system or a launcher left in the variables; srun and
torchrun are recognized."""

import os
import signal

import pytest
from fakes import write_two_samples
from fakes_training import train
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.plugins.environments import TorchElasticEnvironment

from calovision.core.errors import InputError
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions
from calovision.training.launch import SrunEnvironment, find_launcher, own_processes, requeue_signal

OPTIONS = TrainingOptions(
    network="fakes_training:NetworkWithoutState",
    epochs=1,
    batch_size=8,
    device="cpu",
    precision="fp32",
)
PLACE = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
JOB = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train"}
STEP = JOB | PLACE | {"SLURM_STEP_ID": "0"}
SITUATIONS = {
    "sbatch -n 4": JOB | PLACE | {"SLURM_NTASKS": "4", "SLURM_NPROCS": "4"},
    "sbatch -n 4, srun -n 1": STEP | {"SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1"},
    "salloc -n 4": JOB | {"SLURM_NTASKS": "4"},
    "salloc -n 1 -J train": JOB | {"SLURM_NTASKS": "1"},
    "srun -n 4 --pty zsh": STEP
    | {"SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "4", "SLURM_PROCID": "1"},
    "torchrun": {
        "RANK": "1",
        "LOCAL_RANK": "1",
        "WORLD_SIZE": "2",
        "TORCHELASTIC_RUN_ID": "x",
        "MASTER_PORT": "1",
    },
    "MPI": {
        "OMPI_COMM_WORLD_SIZE": "4",
        "OMPI_COMM_WORLD_RANK": "2",
        "PMI_SIZE": "4",
        "PMI_RANK": "2",
    },
    "LSF": {
        "LSB_JOBID": "3",
        "LSB_DJOB_RANKFILE": "none",
        "JSM_NAMESPACE_SIZE": "4",
        "JSM_NAMESPACE_RANK": "2",
    },
    "Kubeflow": {
        "KUBERNETES_PORT": "tcp://1",
        "MASTER_ADDR": "10.255.255.1",
        "WORLD_SIZE": "4",
        "RANK": "3",
    },
}


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    return ImageCollection(write_two_samples(tmp_path_factory.mktemp("images")))


def set_variables(monkeypatch, variables):
    for name in set(os.environ):
        if name.startswith(("SLURM_", "MASTER_")):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("variables", SITUATIONS.values(), ids=SITUATIONS)
def test_one_process_trains_alone_and_is_the_first(collection, tmp_path, monkeypatch, variables):
    set_variables(monkeypatch, variables)
    monkeypatch.setattr(
        rank_zero_only, "rank", 3
    )  # as Lightning takes it from some of the variables
    assert find_launcher(1) is None
    train(collection, tmp_path, OPTIONS)
    assert list(tmp_path.glob("tensorboard/events*"))  # which the first process alone writes
    assert (tmp_path / "model.json").exists()
    assert {name: os.environ.get(name) for name in variables} == variables
    assert rank_zero_only.rank == 3


@pytest.mark.parametrize(
    ("situation", "n", "signal_of_slurm"),
    [
        ("sbatch -n 4", 1, signal.SIGUSR1),
        ("sbatch -n 4", 4, None),
        ("sbatch -n 4, srun -n 1", 1, signal.SIGUSR1),
        ("sbatch -n 4, srun -n 1", 4, None),
        ("salloc -n 4", 4, None),
        ("salloc -n 4", 1, None),
        ("srun -n 4 --pty zsh", 2, None),
        ("torchrun", 4, None),
    ],
)
def test_processes_that_were_started_for_something_else_are_not_waited_for(
    monkeypatch, situation, n, signal_of_slurm
):
    set_variables(monkeypatch, SITUATIONS[situation])
    assert find_launcher(n) is None
    assert requeue_signal(n) == signal_of_slurm


def test_interactive_jobs_are_not_put_back_into_the_queue(monkeypatch):
    set_variables(monkeypatch, SITUATIONS["sbatch -n 4"] | {"SLURM_JOB_NAME": "interactive"})
    assert requeue_signal(1) is None


def test_processes_of_srun_are_recognized(monkeypatch):
    set_variables(
        monkeypatch, STEP | {"SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"}
    )
    found = find_launcher(4)
    assert isinstance(found, SrunEnvironment)
    assert (found.world_size(), found.global_rank(), found.creates_processes_externally) == (
        4,
        3,
        True,
    )
    assert requeue_signal(4) == signal.SIGUSR1


def test_processes_of_torchrun_are_recognized(monkeypatch):
    set_variables(monkeypatch, SITUATIONS["torchrun"])
    found = find_launcher(2)
    assert isinstance(found, TorchElasticEnvironment)
    assert found.global_rank() == 1


def test_several_nodes_need_somebody_who_starts_the_processes(monkeypatch):
    set_variables(monkeypatch, {})
    with (
        pytest.raises(
            InputError,
            match=r"train\.n_nodes is 2, but .* start them by srun or torchrun, or set n_nodes",
        ),
        own_processes(2),
    ):
        pass
    set_variables(monkeypatch, {"NODE_RANK": "1", "MASTER_ADDR": "first", "MASTER_PORT": "12345"})
    with own_processes(2) as environment:
        assert (environment.node_rank(), environment.main_address, environment.main_port) == (
            1,
            "first",
            12345,
        )
